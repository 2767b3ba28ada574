"""What a run in a home is worth: executability, goal conditions recalled, success, corrections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from treeact.benchmarks.environments.household.home import Condition, Home, Relation
from treeact.benchmarks.environments.household.household import homes_along
from treeact.errors import ConfigError
from treeact.planners.protocols import Solution
from treeact.planners.tree import ActionTree

Fact = tuple[int, Condition] | tuple[int, Relation, int]
"""How a thing is, or how it is to another; things are named by id."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The metrics of VirtualHome planning, as Tree-Planner has them (Hu et al. 2024, section 4)."""

    executable: bool
    """EXEC: the run came to its end, and no action on its path failed."""
    gcr: float
    """Goal conditions recall: the part of the goal that was brought about; 0 unless executable."""
    corrections: int = 0
    """No.EC: failed actions that were stepped back from."""

    @property
    def success(self) -> bool:
        """SR: the whole goal was brought about."""
        return self.gcr == 1.0


def measure(
    home: Home,
    goal: frozenset[Fact],
    solution: Solution,
    *,
    tree: ActionTree | None = None,
    over: Literal["final state", "any state"] = "final state",
) -> Metrics:
    """Return the metrics of a solution. For afterwards: no planner is told of it.

    Args:
        home: the state at the start.
        goal: the facts to bring about; none of them holds at the start.
        solution: what the planner came back with.
        tree: what it searched, to count corrections in; None has none.
        over: `any state` takes the best state on the way, as the authors' released code does;
            such figures are not comparable to those of the state at the end.

    Raises:
        ConfigError: the goal is empty.
    """
    if not goal:
        raise ConfigError("a goal without a fact has no recall: give it at least one")
    failed = any(not step.observation.ok for step in solution.path)
    executable = solution.stopped is None and not failed
    homes = homes_along(home, solution.path)
    judged = homes if over == "any state" else homes[-1:]
    gcr = max(recall(goal, changes(home, after)) for after in judged) if executable else 0.0
    made = count_corrections(tree, solution) if tree else 0
    return Metrics(executable=executable, gcr=gcr, corrections=made)


def changes(before: Home, after: Home) -> frozenset[Fact]:
    """Return the facts that are new in `after`; who is close to what does not count."""
    return facts(after) - facts(before)


def facts(home: Home) -> frozenset[Fact]:
    """Return how things are and how they are to each other, but not what is close to what."""
    conditions = ((id, it) for id, now in home.situations.items() for it in now.conditions)
    edges = (edge for edge in home.edges() if edge[1] != Relation.CLOSE)
    return frozenset[Fact]([*conditions, *edges])


def recall(goal: frozenset[Fact], found: Iterable[Fact]) -> float:
    """Return the part of `goal` that was found, from 0 to 1."""
    return len(goal.intersection(found)) / len(goal)


def count_corrections(tree: ActionTree, solution: Solution) -> int:
    """Return how many failed actions of a tree are not on the path that it ended with."""
    failed = {node.id for node in tree if node.observation and not node.observation.ok}
    return len(failed - {step.id for step in solution.path})
