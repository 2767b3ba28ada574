"""The tasks: a home, what to do there, what shows that it was done, and a program that does it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from treeact.benchmarks.environments.household.actions import ACTIONS, find_thing
from treeact.benchmarks.environments.household.graph import read_home
from treeact.benchmarks.environments.household.home import Condition, Home, Relation
from treeact.benchmarks.environments.household.household import Household
from treeact.benchmarks.environments.household.metrics import Fact, facts
from treeact.benchmarks.environments.household.programs import parse_line
from treeact.benchmarks.environments.household.views import overview
from treeact.benchmarks.suite import first_fault
from treeact.errors import ConfigError
from treeact.planners.protocols import Call

DATA = Path(__file__).parent / "data"
"""The folder with `tasks.json` and a graph for each scene."""


@dataclass(frozen=True, kw_only=True)
class HouseholdTask:
    """One task."""

    id: str
    scene: str
    """Name of the home's graph."""
    text: str
    """What to do, as it is told."""
    home: Home
    """The state at the start."""
    goal: frozenset[Fact]
    """The facts to bring about. For `measure`; neither planners nor proposers see it."""
    program: tuple[Call, ...]
    """One way to do it, without the answer at the end."""

    @property
    def prompt(self) -> str:
        """The task as a proposer is told: actions, the home, and what to do."""
        return f"{action_list()}\n{overview(self.home)}\nTask: {self.text}"

    def environment(self) -> Household:
        """Return the home, at the start, for actions to act on."""
        return Household(self.home)


def action_list() -> str:
    """Return the names of the actions by the number of objects they take."""
    kinds = {0: "Actions", 1: "Actions on an object", 2: "Actions on an object and a target"}
    return "\n".join(
        f"{words}: {', '.join(name for name, rule in ACTIONS.items() if rule.arity == arity)}."
        for arity, words in kinds.items()
    )


@cache
def household_tasks(folder: Path = DATA) -> tuple[HouseholdTask, ...]:
    """Return the tasks of a folder, by default our own: 36 in 4 homes.

    Raises:
        ConfigError: a file is missing or damaged, or a task names what is not there, has no goal,
            or one that holds from the start; the message names the task.
    """
    path = folder / "tasks.json"
    try:
        rows = _ROWS.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); reinstall it") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}; correct it") from error
    homes = {scene: read_home(folder / f"{scene}.json") for scene in {row.scene for row in rows}}
    tasks = {row.id: _task(row, homes[row.scene], f"{path}, task {row.id}") for row in rows}
    if len(tasks) < len(rows):
        raise ConfigError(f"{path}: two tasks have the same id; rename one")
    return tuple(tasks.values())


class _Goal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    states: list[tuple[str, Condition]] = []
    edges: list[tuple[str, Relation, str]] = []


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    scene: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$")]
    text: Annotated[str, StringConstraints(pattern=r"\S")]
    goal: _Goal
    program: Annotated[list[str], Field(min_length=1)]


_ROWS = TypeAdapter(list[_Row])


def _task(row: _Row, home: Home, where: str) -> HouseholdTask:
    goal = _goal(row.goal, home, where)
    program = tuple(parse_line(line, where=f"{where}: the program's line") for line in row.program)
    return HouseholdTask(
        id=row.id, scene=row.scene, text=row.text, home=home, goal=goal, program=program
    )


def _goal(goal: _Goal, home: Home, where: str) -> frozenset[Fact]:
    found: set[Fact] = {(_id(home, name, where), state) for name, state in goal.states}
    for at, relation, to in goal.edges:
        if relation == Relation.CLOSE:
            raise ConfigError(f"{where}: being close counts for no goal; drop that edge")
        found.add((_id(home, at, where), relation, _id(home, to, where)))
    if not found:
        raise ConfigError(f"{where}: its goal is empty; give it a state or an edge")
    if found & facts(home):
        raise ConfigError(f"{where}: part of its goal holds at the start; drop that part")
    return frozenset(found)


def _id(home: Home, name: str, where: str) -> int:
    thing = find_thing(home, name)
    if isinstance(thing, str):
        raise ConfigError(f"{where}: {thing} Correct its goal")
    return thing.id
