"""Proposers that ask a model: the path becomes a conversation, the reply becomes proposals."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from treeact.agents import prompts
from treeact.agents.calls import ModelCaller
from treeact.agents.compaction import Compacted, Compaction, Room
from treeact.agents.control import Control, Interrupted
from treeact.agents.environment import answer_text
from treeact.agents.observations import INTERRUPTED
from treeact.agents.replies import parse_reply
from treeact.models.base import Image, Message
from treeact.planners.protocols import Action, Answer, Call, NoAction, Path, Proposal, Step
from treeact.tools import FINAL_ANSWER
from treeact.trace.events import Proposed
from treeact.trace.log import EventLog


class Reading:
    """What was read from one reply: the thought, the action, and how the reading went."""

    __slots__ = ("action", "later", "problem", "repairs", "thought")

    def __init__(
        self,
        action: Action,
        *,
        thought: str = "",
        problem: str | None = None,
        repairs: tuple[str, ...] = (),
        later: tuple[Action, ...] = (),
    ) -> None:
        self.action = action
        self.later = later
        self.thought = thought
        self.problem = problem
        self.repairs = repairs

    @property
    def key(self) -> tuple[str, ...]:
        """What readings are equal by: the keys of all their actions."""
        return tuple(action.key for action in (self.action, *self.later))


class ModelProposer:
    """Proposes what a model replies.

    Args:
        caller: how the model is called.
        control: where interrupts come from.
        log: where proposals are written.
        opening: the messages before the first step: system prompt and task.
        read: how a reply becomes an action.
        stop: texts at which replies end.
        vision: whether pictures of observations are shown to the model.
        words: what the model is shown as its own reply of a step.
        listens: whether it takes what the user says, for all paths from then on; where a planner
            does not fork, the environment does, and it belongs to the one path.
        context_tokens: tokens of a prompt above which older steps are shown shortened; None goes by
            the model's context window.
    """

    def __init__(
        self,
        caller: ModelCaller,
        *,
        control: Control,
        log: EventLog,
        opening: Sequence[Message],
        read: Callable[[str], Reading],
        stop: tuple[str, ...] = (),
        vision: bool = False,
        words: Callable[[Proposal], str] = lambda proposal: proposal.reply,
        listens: bool = False,
        context_tokens: int | None = None,
    ) -> None:
        self._caller = caller
        self._control = control
        self._log = log
        self._read = read
        self._words = words
        self._stop = stop
        self._listens = listens
        self._said: list[str] = []
        self._compacted: set[str] = set()
        room = Room.of(context_tokens, caller.model.context_window, opening)
        make = partial(Compaction, room, opening, self._note_compaction) if room else None
        self._conversation = _Conversation(tuple(opening), words, vision=vision, compaction=make)

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        """Return the distinct actions of `n` samples, most voted first; see `Proposer.propose`.

        Raises:
            ContextFull: the conversation has grown too long, and cannot be shortened any more.
        """
        await asyncio.sleep(0)  # a model that never waits would keep everybody else from running
        if self._listens:
            self._said += await self._control.catch_up()
        messages = self.prompt(path, notes)
        self.check_context()
        call = self._caller.call(messages, id=f"{id}/propose", phase="act", n=n, stop=self._stop)
        try:
            completion = await self._control.interruptible(call)
        except Interrupted:
            if self._listens:
                return await self.propose(path, n, id=id, notes=notes)
            return [Proposal(actions=(NoAction(INTERRUPTED),))]
        return self._proposals(completion.texts, id)

    def messages(self, path: Path) -> tuple[Message, ...]:
        """Return the conversation that `path` is."""
        return self._conversation.messages(path)

    def prompt(self, path: Path, notes: Sequence[str] = ()) -> tuple[Message, ...]:
        """Return the conversation that `path` is, with what else there is to know at its end."""
        messages = self.messages(path)
        if not notes and not self._said:
            return messages
        *before, last = messages
        aside = prompts.render("aside", said=self._said, notes=notes)
        return (*before, replace(last, content=f"{last.content}\n\n{aside}"))

    def check_context(self) -> None:
        """Check that the path that was asked for last can be gone on from.

        Raises:
            ContextFull: the conversation has grown too long, and cannot be shortened any more.
        """
        self._conversation.check()

    def read_answer(self, reply: str) -> str | None:
        """Return the answer that a reply to the last call gives, or None."""
        if tagged := parse_reply(reply).answer:
            return tagged
        action = self._read(reply).action
        if isinstance(action, Answer):
            return action.text.strip()
        if isinstance(action, Call) and action.tool == FINAL_ANSWER:
            return answer_text(next(iter(action.arguments.values()), "")) or None
        bare = reply.strip()
        return bare if isinstance(action, NoAction) and bare and "\n" not in bare else None

    def recall(self, proposal: Proposal, replies: Sequence[str]) -> Proposal | None:
        """Return a proposal of an earlier run as if it was made now, or None where it cannot be.

        Args:
            proposal: what the trace tells of it.
            replies: what was said where it was made; one of them may be its own.
        """
        recorded = proposal.actions[0]
        for reply in (*replies, proposal.reply, self._words(proposal)):
            reading = self._read(reply)
            action = reading.action
            same = action.kind == recorded.kind and action.text == recorded.text
            if same or action.kind == recorded.kind == "none":
                return Proposal(
                    actions=(action, *reading.later), thought=reading.thought, reply=reply
                )
        return None

    def _note_compaction(self, made: Compacted) -> None:
        """Write a compaction down, once, however often a search comes back to it."""
        if made.step not in self._compacted:
            self._compacted.add(made.step)
            self._log.emit(made.event())

    def _proposals(self, texts: Sequence[str], id: str) -> list[Proposal]:
        readings = [self._read(text) for text in texts]
        if len(readings) == 1:  # a key is not free: it parses the code
            return [self._proposal(readings[0], texts[0], id)]
        votes = Counter(reading.key for reading in readings)
        first = {reading.key: n for n, reading in reversed([*enumerate(readings)])}
        return [
            self._proposal(readings[first[key]], texts[first[key]], id, votes=count)
            for key, count in votes.most_common()
        ]

    def _proposal(self, reading: Reading, text: str, id: str, *, votes: int = 1) -> Proposal:
        """Write down what was read, and return it as a proposal."""
        action = reading.action
        self._log.emit(
            Proposed(
                id=id,
                thought=self._log.text(reading.thought),
                action=action.kind,
                text="" if action.kind == "none" else self._log.text(action.text),
                problem=reading.problem,
                repairs=reading.repairs,
            )
        )
        return Proposal(
            actions=(action, *reading.later), thought=reading.thought, votes=votes, reply=text
        )


class _Conversation:
    """Turns a path into messages, remembering those of the path it was last asked for."""

    def __init__(
        self,
        opening: tuple[Message, ...],
        words: Callable[[Proposal], str],
        *,
        vision: bool,
        compaction: Callable[[], Compaction] | None,
    ) -> None:
        self._opening = opening
        self._words = words
        self._vision = vision
        self._new_compaction = compaction
        self._start()

    def _start(self) -> None:
        self._path: Path = ()
        self._messages: list[Message] = list(self._opening)
        self._compaction = self._new_compaction() if self._new_compaction else None

    def messages(self, path: Path) -> tuple[Message, ...]:
        known = len(self._path)
        if not (known <= len(path) and (known == 0 or path[known - 1] is self._path[-1])):
            known = 0
            self._start()
        for step in path[known:]:
            self._add(step)
        self._path = path
        return tuple(self._messages)

    def check(self) -> None:
        """Raise ContextFull when the path that was asked for last is too long to go on."""
        if self._compaction is not None and self._compaction.full is not None:
            raise self._compaction.full

    def _add(self, step: Step) -> None:
        turn, compaction = self._turn(step), self._compaction
        if not step.dropped:
            self._messages.extend(turn)
        if compaction is not None and compaction.add(
            step.id, turn, said=step.proposal is None, dropped=bool(step.dropped)
        ):
            self._messages = [*self._opening, *compaction.messages]

    def _turn(self, step: Step) -> list[Message]:
        observation = step.observation
        images = tuple(Image(data=data) for data in observation.images) if self._vision else ()
        words = self._words(step.proposal) if step.proposal else ""
        turn = [Message("assistant", words), Message("user", observation.text, images)]
        return [message for message in turn if message.content or message.images]
