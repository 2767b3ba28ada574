"""What is true of a task of the API catalogue; an environment that checks answers."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from treeact.benchmarks.environments.apis.domain import calls_of
from treeact.benchmarks.environments.apis.environment import DOMAINS, ApiEnvironment
from treeact.benchmarks.environments.apis.tasks import ApiTask, api_tasks
from treeact.errors import ToolError
from treeact.planners.protocols import Action, Answer, Call, Observation

MISTAKES = 7
"""Wrong calls that a policy may take for the next right one."""


@dataclass(eq=False)
class Moment:
    """A state of a domain, the actions that still meet the goal, and what was seen to follow."""

    state: Any
    plan: tuple[Action, ...] | None
    """None where no plan is known any more: then a policy answers, believing that it is done."""
    next: dict[str, Moment] = field(default_factory=dict)


class ChainTruth:
    """The truth of a task of the catalogue, for simulated policies; see `simulation.Truth`.

    Right is the next action of the task's chain, as long as the rest of it, or the whole of it once
    more, still meets the goal. Wrong are the call after the next, and calls of other tasks of the
    domain, the same ones each time at a place of the chain.

    Args:
        task: the task.
        margin: difference in log-odds between the value of a moment that may end well and one that
            may not.
    """

    def __init__(self, task: ApiTask, *, margin: float = 2.0) -> None:
        self._task = task
        self._margin = margin
        self._start = Moment(task.environment().state, task.gold)
        self._calls = calls_of(DOMAINS[task.domain])
        others = (other for other in api_tasks(task.domain) if other.id != task.id)
        calls = {call.key: call for other in others for call in other.gold[:-1]}
        own = {action.key for action in task.gold}
        self._others = [call for key, call in sorted(calls.items()) if key not in own]

    def start(self) -> Moment:
        """Return the moment before the first call."""
        return self._start

    def after(self, state: Moment, action: Action) -> Moment:
        """Return the moment after an action, with a plan from there; what fails changes nothing."""
        if (known := state.next.get(action.key)) is None:
            known = state.next[action.key] = self._after(state, action)
        return known

    def right(self, state: Moment) -> Sequence[Action]:
        """Return the next action of the plan, or an answer without one."""
        return [state.plan[0] if state.plan else Answer(self._task.answer)]

    def wrong(self, state: Moment) -> Sequence[Action]:
        """Return what a policy may take for the next action."""
        left = len(state.plan or ())
        rng = random.Random(f"{self._task.id}/{left}")
        skipping = [] if state.plan is None else [a for a in state.plan[1:2] if a.kind == "call"]
        return [*skipping, *rng.sample(self._others, MISTAKES - len(skipping))]

    def left(self, state: Moment) -> int:
        """Return the actions of the plan."""
        return len(state.plan or ()) or 1

    def value(self, state: Moment) -> float:
        """Return a value above one half while the task may end well."""
        sign = -1 if state.plan is None else 1
        return 1 / (1 + math.exp(-sign * self._margin / 2))

    def _after(self, state: Moment, action: Action) -> Moment:
        changed = self._changed(state.state, action)
        if changed is None or state.plan is None:
            return state if changed is None else Moment(changed, None)
        if state.plan and action.key == state.plan[0].key:
            return Moment(changed, state.plan[1:])
        for plan in (state.plan, self._task.gold):
            if self._meets_goal(changed, plan):
                return Moment(changed, plan)
        return Moment(changed, None)

    def _meets_goal(self, state: Any, plan: Sequence[Action]) -> bool:
        for action in plan[:-1]:
            state = self._changed(state, action)
            if state is None:
                return False
        return self._task.goal.met(state, plan[-1].text if plan else self._task.answer)

    def _changed(self, state: Any, action: Action) -> Any:
        """Return the state after a call; None where it fails, or is no call."""
        if not isinstance(action, Call):
            return None
        domain = DOMAINS[self._task.domain](state)
        try:
            given = self._calls[action.tool].arguments.bind((), action.arguments)
            getattr(domain, action.tool)(*given.args, **given.kwargs)
        except (ToolError, ArithmeticError):
            return None
        return domain.state


class CheckedApis(ApiEnvironment):
    """The environment of a task, which refuses an answer while the goal is not met.

    That puts the goal into the loop, as no benchmark may: only to ask how long a search takes.
    """

    def __init__(self, task: ApiTask, state: Any = None) -> None:
        super().__init__(task.domain, state)
        self._task = task

    async def step(self, action: Action, *, id: str) -> Observation:
        """Make a call, or have an answer checked."""
        if action.kind == "answer" and not self._task.goal.met(self.state, action.text):
            return Observation(text="The goal is not reached.", ok=False)
        return await super().step(action, id=id)

    async def fork(self, *, id: str) -> CheckedApis:
        """Return an environment in the same state."""
        return CheckedApis(self._task, self.state)
