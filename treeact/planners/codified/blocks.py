"""How far the steps of one block have come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from treeact.planners.codified import nodes
from treeact.planners.codified.feedback import Feedback

Flow = Literal["next", "break", "continue", "answer"]
"""Where it goes after a step."""


class StepFailed(Exception):
    """A step failed, and left no trace in the variables."""

    def __init__(self, feedback: Sequence[Feedback]) -> None:
        super().__init__()
        self.feedback = tuple(feedback)


class Block:
    """The steps of a plan, of a branch, or of one round of a loop, while they are carried out.

    Args:
        steps: they.
        first: how many steps of the same step are numbered before them.
    """

    def __init__(self, steps: Sequence[nodes.Step], first: int = 0) -> None:
        self.steps = steps
        self.first = first
        self.begun: set[int] = set()
        self.done: set[int] = set()
        self.running: dict[asyncio.Task[Flow], int] = {}
        self.failures: dict[int, tuple[Feedback, ...]] = {}
        self.flow: Flow = "next"

    def settle(self, position: int, result: Callable[[], Flow]) -> None:
        """Note how a step ended."""
        try:
            self.succeed(position, result())
        except StepFailed as failure:
            self.fail(position, failure)

    def succeed(self, position: int, flow: Flow) -> None:
        """Note that a step is done, and whether the block ends with it."""
        self.done.add(position)
        if flow != "next":
            self.flow = flow

    def fail(self, position: int, failure: StepFailed) -> None:
        """Note why a step failed."""
        self.failures[position] = failure.feedback

    @property
    def feedback(self) -> tuple[Feedback, ...]:
        """Why steps failed, in the plan's order."""
        return tuple(item for n in sorted(self.failures) for item in self.failures[n])
