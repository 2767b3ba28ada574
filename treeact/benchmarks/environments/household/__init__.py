"""A household simulator: VirtualHome's graphs, actions and metrics, and tasks of our own."""

from treeact.benchmarks.environments.household.graph import graph_of, home_from, read_home
from treeact.benchmarks.environments.household.home import Home
from treeact.benchmarks.environments.household.household import Household, homes_along
from treeact.benchmarks.environments.household.metrics import Metrics, measure
from treeact.benchmarks.environments.household.tasks import HouseholdTask, household_tasks

__all__ = [
    "Home",
    "Household",
    "HouseholdTask",
    "Metrics",
    "graph_of",
    "home_from",
    "homes_along",
    "household_tasks",
    "measure",
    "read_home",
]
