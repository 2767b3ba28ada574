"""What is true of a household task: the next action of a plan that works from any state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from treeact.benchmarks.environments.household.actions import act, resolve
from treeact.benchmarks.environments.household.home import Home
from treeact.benchmarks.environments.household.metrics import changes
from treeact.benchmarks.environments.household.tasks import HouseholdTask
from treeact.planners.protocols import Action, Answer, Call

END = Answer("done")
STRAY = 4
"""Wrong actions on things that have nothing to do with the next right one."""


@dataclass(eq=False)
class Situation:
    """A state of the home, the calls that still lead to the goal, and what was seen to follow."""

    home: Home
    plan: tuple[Call, ...] | None
    """None where no plan is known any more: then a policy ends, believing that it is done."""
    next: dict[str, Situation] = field(default_factory=dict)
    mistakes: tuple[Action, ...] = ()
    """What a policy may take for the next call, once that was asked."""


class HouseholdTruth:
    """The truth of a household task, for simulated policies; see `simulation.Truth`.

    Right is the next call of the shortest end of the task's program that reaches the goal from
    here, where needed after a walk or standing up. Wrong are calls that skip a step or two, the
    right call with another thing, a walk elsewhere, and to end too early. They are the same each
    time in a state, so that samples may agree on them.

    Args:
        task: the task.
    """

    def __init__(self, task: HouseholdTask) -> None:
        self._task = task
        self._known: dict[tuple[object, ...], Situation] = {}
        self._start = self._situation(task.home)

    def start(self) -> Situation:
        """Return the home before the first action."""
        return self._start

    def after(self, state: Situation, action: Action) -> Situation:
        """Return the home after an action, with a plan from there; what fails changes nothing."""
        if (known := state.next.get(action.key)) is None:
            known = state.next[action.key] = self._after(state, action)
        return known

    def right(self, state: Situation) -> Sequence[Action]:
        """Return the next call of the plan, or the end of it."""
        return [state.plan[0] if state.plan else END]

    def wrong(self, state: Situation) -> Sequence[Action]:
        """Return what a policy may take for the next call."""
        if not state.mistakes:
            right, *later = state.plan or self._task.program[-1:]
            skipping = [call for call in later[:2] if call.key != right.key]
            ending = [END] if state.plan else []
            state.mistakes = (*skipping, *self._stray(state, right), *ending)
        return state.mistakes

    def left(self, state: Situation) -> int:
        """Return the calls of the plan, and its end."""
        return len(state.plan or ()) + 1

    def value(self, state: Situation) -> float:
        """Return the part of the program that is done; 0 where the task is lost."""
        if state.plan is None:
            return 0.0
        return max(0.0, 1 - len(state.plan) / len(self._task.program))

    def _after(self, state: Situation, action: Action) -> Situation:
        home = _changed(state.home, action)
        return state if home is None else self._situation(home)

    def _situation(self, home: Home) -> Situation:
        key = tuple(home.situations.values())
        if (known := self._known.get(key)) is None:
            works = (plan for plan in self._plans() if self._reaches_goal(home, plan))
            known = self._known[key] = Situation(home, next(works, None))
        return known

    def _plans(self) -> Iterator[tuple[Call, ...]]:
        """Yield what may be left to do: ends of the program, the shortest first, and detours."""
        program = self._task.program
        for done in reversed(range(len(program) + 1)):
            rest = program[done:]
            yield rest
            for name in rest[0].arguments.values() if rest else ():
                yield (Call("walk", {"object": name}), *rest)
            yield (Call("standup"), *rest)

    def _reaches_goal(self, home: Home, plan: tuple[Call, ...]) -> bool:
        for call in plan:
            after = _changed(home, call)
            if after is None:
                return False
            home = after
        return self._task.goal <= changes(self._task.home, home)

    def _stray(self, state: Situation, right: Call) -> list[Call]:
        rng = random.Random(f"{self._task.id}/{len(state.plan or ())}/{right.key}")
        things = sorted(thing.name for thing in self._task.home.things.values())
        own = set(right.arguments.values())
        others = rng.sample([thing for thing in things if thing not in own], STRAY)
        walks = [Call("walk", {"object": thing}) for thing in others[: STRAY // 2]]
        if not right.arguments:
            return walks
        first, *_ = right.arguments
        swapped = [
            Call(right.tool, {**right.arguments, first: thing}) for thing in others[STRAY // 2 :]
        ]
        return [*walks, *swapped]


def _changed(home: Home, action: Action) -> Home | None:
    """Return the home after a call, without a look around; None where it fails, or is no call."""
    if not isinstance(action, Call):
        return None
    resolved = resolve(home, action.tool, action.arguments)
    after = resolved if isinstance(resolved, str) else act(home, *resolved)
    return None if isinstance(after, str) else after
