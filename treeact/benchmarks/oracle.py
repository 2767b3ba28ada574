"""Simulated policies by name: `oracle:act=0.8,seed=3` in a model's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from treeact.agents.registry import read_settings

if TYPE_CHECKING:
    from treeact.benchmarks.environments.worlds import PlanTask
    from treeact.planners.protocols import Planner, Proposer
    from treeact.trace.budget import Budget
    from treeact.trace.usage import Ledger

ORACLE = "oracle"
"""The model's name that stands for a simulated policy."""

Policy = Callable[["Budget", "Ledger"], "Proposer"]


def is_oracle(model: str) -> bool:
    """Return whether a model's name stands for a simulated policy."""
    return model.partition(":")[0] == ORACLE


def make_oracle(model: str, task: PlanTask, planner: Planner, *, epoch: int = 1) -> Policy:
    """Return a simulated policy for a task.

    Args:
        model: such as `oracle:act=0.7,choose=0.9,seed=3`.
        task: what it knows the truth of.
        planner: whom it proposes to.
        epoch: which time the task is tried: each has errors of its own.

    Raises:
        ConfigError: there is no such setting, or its value is none.
    """
    from treeact.benchmarks.simulation import Oracle, Rates

    settings = model.partition(":")[2]
    given = read_settings(
        ORACLE, {"act": 0.8, "choose": 0.8, "votes": 1, "value": 0.0, "seed": 0}, settings
    )
    seed = given.pop("seed", 0)
    rates = Rates(**given)

    def make(budget: Budget, ledger: Ledger) -> Proposer:
        return Oracle(
            task.truth(),
            rates=rates,
            seed=seed if epoch == 1 else f"{seed}/{epoch}",
            budget=budget,
            ledger=ledger,
            ahead="plan" if planner.imagines else "nothing",
        )

    return make
