"""The tasks: a question, a goal that a program can check, and one chain of calls that meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from treeact.benchmarks.environments.apis.domain import DATA
from treeact.benchmarks.environments.apis.environment import DOMAINS, ApiEnvironment, take_action
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suite import first_fault
from treeact.errors import ConfigError
from treeact.planners.protocols import Answer, Call, Path
from treeact.tools.results import to_json


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Data):
    """One thing that must hold in the final state.

    Values are matched in part: an object matches one that has its entries and perhaps more, a list
    one of the same length; texts match whatever their case.
    """

    at: str
    """Where to look: names of fields, and numbers of list entries from 0, joined with dots."""
    op: Literal["is", "has", "lacks", "count"]
    """It matches the value; one of its entries does; none does; it has so many entries."""
    value: Any

    def holds(self, state: Any) -> bool:
        """Return whether it holds in a state as JSON."""
        found = _look_up(state, self.at)
        match self.op:
            case "is":
                return _matches(found, self.value)
            case "count":
                return isinstance(found, list) and len(found) == self.value
            case "has":
                return isinstance(found, list) and _has(found, self.value)
            case "lacks":
                return isinstance(found, list) and not _has(found, self.value)


class Goal(_Data):
    """What makes a task solved: all conditions on the final state, and the answer if one is set."""

    state: tuple[Condition, ...] = ()
    answer: str | None = None

    def met(self, state: Any, answer: str | None) -> bool:
        """Return whether the goal is met.

        Args:
            state: the final state of an `ApiEnvironment`.
            answer: the answer that was given, if any.
        """
        plain = to_json(state, "state")
        return all(condition.holds(plain) for condition in self.state) and (
            self.answer is None or gaia_score(answer, self.answer)
        )


class _GoldCall(_Data):
    call: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ApiTask(_Data):
    """One task."""

    id: str = Field(pattern=r"^[a-z]+-\d{2}$")
    domain: str
    question: str
    goal: Goal
    chain: tuple[_GoldCall, ...] = Field(min_length=1)
    """One chain of calls that meets the goal."""
    answer: str = "done"
    """The answer that ends the chain."""

    @property
    def gold(self) -> tuple[Call | Answer, ...]:
        """The chain as actions."""
        return (*(Call(c.call, c.arguments) for c in self.chain), Answer(self.answer))

    def environment(self) -> ApiEnvironment:
        """Return the environment of the task, at its beginning."""
        return ApiEnvironment(self.domain)


@dataclass(frozen=True, kw_only=True)
class ApiScore:
    """How one run of a task went."""

    success: bool
    """Whether there was an answer, and the goal is met."""
    calls: int
    """Calls on the path, failed ones included."""
    errors: int
    """Failed actions on the path."""


def api_tasks(domain: str | None = None) -> tuple[ApiTask, ...]:
    """Return the tasks of a domain, or of all.

    Raises:
        ConfigError: there is no such domain, or its packaged file is damaged.
    """
    if domain is None:
        return tuple(task for name in DOMAINS for task in api_tasks(name))
    if domain not in DOMAINS:
        raise ConfigError(f"there is no domain {domain!r}: choose one of {', '.join(DOMAINS)}")
    return _read_tasks(domain)


def score(task: ApiTask, path: Path) -> ApiScore:
    """Return how a run of a task went, by the path of its solution."""
    answer = path[-1].observation.answer if path else None
    actions = [step.proposal.actions[0] for step in path if step.proposal]
    state = task.environment().state
    for action in actions:
        state, _ = take_action(task.domain, state, action)
    return ApiScore(
        success=answer is not None and task.goal.met(state, answer),
        calls=sum(action.kind == "call" for action in actions),
        errors=sum(not step.observation.ok for step in path),
    )


@cache
def _read_tasks(domain: str) -> tuple[ApiTask, ...]:
    file = DATA / f"{domain}_tasks.jsonl"
    tasks: list[ApiTask] = []
    try:
        for line in file.read_bytes().splitlines():
            tasks.append(ApiTask.model_validate_json(line))
    except ValidationError as error:
        where = f"{file}, line {len(tasks) + 1}"
        raise ConfigError(f"{where}: {first_fault(error)}; reinstall treeact") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error}); reinstall treeact") from error
    return tuple(tasks)


def _look_up(state: Any, at: str) -> Any:
    for name in at.split("."):
        if isinstance(state, Mapping):
            state = state.get(name)
        elif isinstance(state, list) and name.isdecimal() and int(name) < len(state):
            state = state[int(name)]
        else:
            return None
    return state


def _has(entries: list[Any], value: Any) -> bool:
    return any(_matches(entry, value) for entry in entries)


def _matches(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and _matches(found[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(map(_matches, found, wanted))
        )
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.strip().casefold() == found.strip().casefold()
    return bool(found == wanted)
