"""The tasks that planners can be tried on, as worlds for an agent, with what tells how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from treeact.agents.plans.agent import World
from treeact.errors import ConfigError
from treeact.planners.protocols import Action, Answer, Path, Solution
from treeact.planners.tree import ActionTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treeact.benchmarks.environments.apis import ApiTask
    from treeact.benchmarks.environments.household.tasks import HouseholdTask
    from treeact.benchmarks.simulation import Truth

Measures = Mapping[str, float | bool]
"""What is said of a solution, by name."""


@dataclass(frozen=True, kw_only=True)
class PlanTask:
    """One task in a world."""

    id: str
    question: str
    world: World
    gold: tuple[Action, ...]
    """One way to do it, its end included. For simulated policies alone."""
    truth: Callable[[], Truth[Any]]
    """What is true of it. For simulated policies alone."""
    measure: Callable[[Solution, ActionTree], Measures]
    """Says how a solution went. For afterwards: no planner and no model is told."""
    goal: str
    """What is to be brought about, as a text that changes when the goal does."""

    def __str__(self) -> str:
        gold = [action.text for action in self.gold]
        return f"{self.id}: {self.goal}; {gold}; {self.world.situation}; {self.world.calls}"


def plan_tasks(suite: str) -> dict[str, PlanTask]:
    """Return the tasks of a suite by id.

    Raises:
        ConfigError: there is no such suite.
    """
    if suite not in SUITES:
        raise ConfigError(f"no world named {suite!r}: choose one of {', '.join(SUITES)}")
    return {task.id: task for task in SUITES[suite]()}


def find_task(suite: str, id: str) -> PlanTask:
    """Return one task.

    Raises:
        ConfigError: there is none of that id; the message names those that come close.
    """
    tasks = plan_tasks(suite)
    if id not in tasks:
        close = ", ".join(get_close_matches(id, tasks, n=3)) or ", ".join([*tasks][:5]) + ", ..."
        raise ConfigError(f"{suite} has no task {id!r}: there are {close}")
    return tasks[id]


def _household() -> Sequence[PlanTask]:
    from treeact.benchmarks.environments.household.tasks import household_tasks

    return [_household_task(task) for task in household_tasks()]


def _household_task(task: HouseholdTask) -> PlanTask:
    from treeact.benchmarks.environments.household.household import homes_along
    from treeact.benchmarks.environments.household.metrics import measure
    from treeact.benchmarks.environments.household.programs import parse_line
    from treeact.benchmarks.environments.household.tasks import action_list
    from treeact.benchmarks.environments.household.truth import HouseholdTruth
    from treeact.benchmarks.environments.household.views import describe_candidates, overview

    def look(path: Path, actions: Sequence[Action]) -> str:
        return describe_candidates(homes_along(task.home, path)[-1], actions)

    def judge(solution: Solution, tree: ActionTree) -> Measures:
        metrics = measure(task.home, task.goal, solution, tree=tree)
        return {**asdict(metrics), "success": metrics.success}

    return PlanTask(
        id=task.id,
        question=task.text,
        world=World(
            name="household",
            start=task.environment,
            calls=action_list(),
            situation=overview(task.home),
            read=parse_line,
            look=look,
        ),
        gold=(*task.program, Answer("done")),
        truth=lambda: HouseholdTruth(task),
        measure=judge,
        goal=str(sorted(task.goal, key=str)),
    )


def _apis() -> Sequence[PlanTask]:
    from treeact.benchmarks.environments.apis import api_tasks

    return [_api_task(task) for task in api_tasks()]


def _api_task(task: ApiTask) -> PlanTask:
    from treeact.benchmarks.environments.apis import read_call, score
    from treeact.benchmarks.environments.apis.truth import ChainTruth

    return PlanTask(
        id=task.id,
        question=task.question,
        world=World(
            name=task.domain,
            start=task.environment,
            calls=task.environment().stubs,
            situation="",
            read=partial(read_call, domain=task.domain),
        ),
        gold=task.gold,
        truth=lambda: ChainTruth(task),
        measure=lambda solution, tree: asdict(score(task, solution.path)),
        goal=task.goal.model_dump_json(),
    )


SUITES: Mapping[str, Callable[[], Sequence[PlanTask]]] = {"apis": _apis, "household": _household}
"""The tasks by suite."""
