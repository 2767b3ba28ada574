"""A catalogue of tool chains: typed calls in five domains, with tasks and checkable goals."""

from treeact.benchmarks.environments.apis.environment import DOMAINS, ApiEnvironment, read_call
from treeact.benchmarks.environments.apis.tasks import (
    ApiScore,
    ApiTask,
    Condition,
    Goal,
    api_tasks,
    score,
)

__all__ = [
    "DOMAINS",
    "ApiEnvironment",
    "ApiScore",
    "ApiTask",
    "Condition",
    "Goal",
    "api_tasks",
    "read_call",
    "score",
]
