"""A world of named places, and scripted proposers and deciders, for tests of planners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Observation,
    Path,
    Proposal,
)


def call(name: str) -> Call:
    return Call(name)


def plan(text: str, votes: int = 1) -> Proposal:
    """Return a plan such as `a b c`; an action in quotes, as in `a 'x'`, is an answer."""
    actions: list[Action] = [
        Answer(word.strip("'")) if word.startswith("'") else call(word) for word in text.split()
    ]
    return Proposal(actions=tuple(actions), votes=votes)


class World:
    """An environment whose state is the actions that were taken, in order.

    Args:
        fails: sequences such as `a b` whose last action fails in the state that the others lead to;
            `* b` fails in every state, and says so.
    """

    def __init__(self, *fails: str, log: list[tuple[str, str]] | None = None) -> None:
        self.fails = {tuple(sequence.split()) for sequence in fails}
        self.taken: tuple[str, ...] = ()
        self.log: list[tuple[str, str]] = [] if log is None else log
        """Node ids with the actions that were taken there, failed ones too, in order."""

    async def step(self, action: Action, *, id: str) -> Observation:
        self.log.append((id, action.text))
        if isinstance(action, Answer):
            return Observation(text=action.text, answer=action.text)
        assert isinstance(action, Call)
        if ("*", action.tool) in self.fails:
            return Observation(text=f"no {action.tool} anywhere", ok=False, invalid=True)
        if (*self.taken, action.tool) in self.fails:
            return Observation(text=f"no {action.tool} here", ok=False)
        self.taken = (*self.taken, action.tool)
        return Observation(text=" ".join(self.taken))

    async def fork(self, *, id: str) -> World:
        twin = World(log=self.log)
        twin.fails, twin.taken = self.fails, self.taken
        return twin

    async def choose(self, fork: World, *, commit: bool = True) -> str:
        self.taken = fork.taken
        return ""

    async def close(self) -> None:
        pass


@dataclass
class Plans:
    """Proposes whole plans, one list for each time it is asked."""

    samplings: Sequence[Sequence[Proposal]]
    asked: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    """Id, n and notes of each call."""

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        self.asked.append((id, n, tuple(notes)))
        return self.samplings[len(self.asked) - 1]


@dataclass
class Choices:
    """Chooses by the texts of actions, one for each time it is asked; None makes no choice."""

    choices: Sequence[str | int | None]
    asked: list[tuple[str, tuple[str, ...], tuple[str, ...], str]] = field(default_factory=list)
    """Id, history, options and note of each call."""

    async def choose(
        self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
    ) -> int | None:
        texts = tuple(option.actions[0].text.removesuffix("()") for option in options)
        history = tuple(
            step.proposal.actions[0].text.removesuffix("()") for step in path if step.proposal
        )
        self.asked.append((id, history, texts, note))
        choice = self.choices[len(self.asked) - 1]
        return texts.index(choice) if isinstance(choice, str) else choice
