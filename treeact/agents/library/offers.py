"""A proposer whose prompt offers the actions that fit the task and what was seen last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from treeact.agents import prompts
from treeact.agents.judging import JudgingProposer
from treeact.agents.library.records import StoredAction
from treeact.agents.library.session import LibrarySession
from treeact.models.base import Message
from treeact.planners.protocols import Path, Proposal, Step

QUERY_END = 1500
"""Characters of the newest observation that the library is searched with."""


class OfferingProposer(JudgingProposer):
    """Adds to the task, and to each observation, the actions that fit and were not shown yet.

    What is shown belongs to its step, so that the prompt of a path only ever grows, and branches of
    a search that share steps share what was shown in them.

    Args:
        session: the library as the run uses it.
        question: the task.
        most: actions offered at a time.
        rest: what `JudgingProposer` takes.
    """

    def __init__(
        self, *args: Any, session: LibrarySession, question: str, most: int, **rest: Any
    ) -> None:
        super().__init__(*args, **rest)
        self._opening_length = len(rest["opening"])
        self._session = session
        self._question = question
        self._most = most
        self._offers: dict[str, tuple[StoredAction, ...]] = {}
        self._annotated: dict[str, Message] = {}

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        """Look for actions that fit, then propose; see `Proposer.propose`."""
        end = path[-1].id if path else ""
        if end not in self._offers:
            self._offers[end] = await self._look(path)
        return await super().propose(path, n, id=id, notes=notes)

    async def _look(self, path: Path) -> tuple[StoredAction, ...]:
        seen = path[-1].observation.text[-QUERY_END:] if path else ""
        found = await self._session.find(f"{self._question}\n{seen}", self._most)
        shown = {a.name for end in ["", *(s.id for s in path)] for a in self._offers.get(end, ())}
        known = shown | self._session.written
        fresh = tuple(action for action in found if action.name not in known)
        if fresh:
            self._session.note_given("offered", fresh)
        return fresh

    def messages(self, path: Path) -> tuple[Message, ...]:
        """Return the conversation that `path` is, with the offers in their places."""
        messages = list(super().messages(path))
        place = self._opening_length - 1
        self._annotate(messages, place, "")
        for step in path:
            place += _turns(step)
            self._annotate(messages, place, step.id)
        return tuple(messages)

    def _annotate(self, messages: list[Message], place: int, end: str) -> None:
        offers = self._offers.get(end)
        if not offers:
            return
        if (
            end not in self._annotated
        ):  # the same object each time: an extended prompt is known by it
            text = f"{messages[place].content}\n\n{prompts.render('actions', actions=offers)}"
            self._annotated[end] = replace(messages[place], content=text)
        messages[place] = self._annotated[end]


def _turns(step: Step) -> int:
    """Return how many messages a step is."""
    return 1 if step.proposal is None or not step.proposal.reply else 2
