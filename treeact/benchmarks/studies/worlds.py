"""Abstract tasks: small worlds that are their own truth, and an environment to act in them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from treeact.benchmarks.simulation import Truth
from treeact.planners.protocols import Action, Answer, Call, Observation

State = TypeVar("State")


class AbstractTask(Truth[State], Protocol):
    """A task whose truth is known, and which says what comes of an action."""

    def observe(self, state: State, action: Action) -> Observation:
        """Return what comes of taking `action` in `state`; `after` says where it leads."""


class AbstractEnvironment:
    """A world to act in. Its states are never changed, so that a fork is the state itself."""

    def __init__(self, world: AbstractTask[Any]) -> None:
        self.world = world
        self.state = world.start()

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take `action`; see `Environment.step`."""
        observation = self.world.observe(self.state, action)
        self.state = self.world.after(self.state, action)
        return observation

    async def fork(self, *, id: str) -> AbstractEnvironment:
        """Return another environment in the same state."""
        twin = AbstractEnvironment(self.world)
        twin.state = self.state
        return twin

    async def choose(self, fork: AbstractEnvironment, *, commit: bool = True) -> str:
        """Go on from the state of `fork`."""
        self.state = fork.state
        return ""

    async def close(self) -> None:
        """Do nothing: nothing is held."""


RIGHT, WRONG = "right", "wrong"
"""The answers of `Decisions`."""

Place = tuple[int, int]
"""Decisions taken, and how many of them were wrong."""


class Decisions:
    """`depth` decisions among `breadth` options each, of which one is right, then the answer.

    A wrong option is taken like the right one, and is only seen to be wrong by its outcome: the
    answer of a path with a wrong decision is `wrong`.

    Args:
        depth: decisions before the answer.
        breadth: options of each.
        seed: where the right options come from.
        margin: log-odds that each wrong decision takes from the value of a state; without any, they
            are half of it above even.
        checked: whether a wrong answer is refused, so that a search goes on.
        tagged: whether the tools of each decision have names of their own; else all decisions have
            the same tools.
    """

    def __init__(
        self,
        *,
        depth: int,
        breadth: int,
        seed: int | str,
        margin: float = 2.0,
        checked: bool = False,
        tagged: bool = False,
    ) -> None:
        self._margin = margin
        self._checked = checked
        self._right: list[Call] = []
        self._wrong: list[list[Call]] = []
        for decision in range(depth):
            prefix = f"step{decision}" if tagged else "tool"
            names = [f"{prefix}_{option}" for option in range(breadth)]
            random.Random(f"{seed}/decision {decision}").shuffle(names)
            right, *wrong = map(Call, names)
            self._right.append(right)
            self._wrong.append(wrong)

    @property
    def solution(self) -> tuple[str, ...]:
        """The tools that are right, in order."""
        return tuple(call.tool for call in self._right)

    def tools(self, decision: int) -> tuple[str, ...]:
        """Return the tools of a decision, the right one first."""
        return tuple(call.tool for call in (self._right[decision], *self._wrong[decision]))

    def start(self) -> Place:
        """Return the state before the first decision."""
        return 0, 0

    def after(self, state: Place, action: Action) -> Place:
        """Return the state after a decision; nothing else changes it."""
        decisions, wrong = state
        if not isinstance(action, Call) or decisions == len(self._right):
            return state
        return decisions + 1, wrong + (action != self._right[decisions])

    def right(self, state: Place) -> Sequence[Action]:
        """Return the right option, or that the outcome is the answer."""
        decisions, _ = state
        if decisions == len(self._right):
            return [Answer("the outcome")]
        return [self._right[decisions]]

    def wrong(self, state: Place) -> Sequence[Action]:
        """Return the other options."""
        decisions, _ = state
        return self._wrong[decisions] if decisions < len(self._wrong) else ()

    def left(self, state: Place) -> int:
        """Return the decisions that are left, and the answer."""
        return len(self._right) - state[0] + 1

    def value(self, state: Place) -> float:
        """Return the logistic of the log-odds that `margin` sets."""
        return 1 / (1 + math.exp(self._margin * (state[1] - 0.5)))

    def observe(self, state: Place, action: Action) -> Observation:
        """Return what an option or an answer brings about."""
        decisions, wrong = state
        if isinstance(action, Answer):
            is_right = not wrong and decisions == len(self._right)
            if self._checked and not is_right:
                return Observation(text="The goal is not reached.", ok=False)
            return Observation(text="Done.", answer=RIGHT if is_right else WRONG)
        is_decision = isinstance(action, Call) and decisions < len(self._right)
        return Observation(text="Taken." if is_decision else "Nothing to do.", ok=is_decision)
