"""Keeping long conversations small: older steps are shown shortened, and stay whole in the trace.

What a step is shown as depends on the path alone, and a step that was once shortened stays so: a
search that comes back to a node, and a run that is resumed, show what was shown before, and caches
of prompts lose as little as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from treeact.agents.calls import IMAGE_SIZE
from treeact.errors import ContextFull
from treeact.models.base import Message
from treeact.models.tokens import text_bytes
from treeact.trace.events import ContextCompacted

SHARE = 0.6
"""Of what the context window leaves beside the opening, how much the steps may fill before older
ones are shortened; the rest is for the reply, and for estimates that are too low."""
GOAL = 0.75
"""Of the limit, how much a compaction aims at, so that the next one is not due at once."""
PROGRESS = 0.1
"""Of the limit, what a compaction has to save to count, when it ends above the limit."""
FUSE = 3
"""Compactions in a row that do not count, after which the run ends."""
BYTES = 4
"""Bytes of text that a token is taken for."""

RUNGS = ((4, 1, GOAL), (4, 2, GOAL), (1, 2, 1.0))
"""What is done in turn while the prompt is above a share of the limit: how many of the newest steps
stay whole, how far those before them are shortened, and the share."""
OUTPUTS = ((0, 0), (400, 400), (100, 100))
"""Characters of the head and the tail of an output that is shortened, by level."""
REPLIES = (600, 200)
"""Characters of the head and the tail of a reply that is shortened, which level 2 does."""
MOST_SAID = 4000
"""Characters at the end of an output that stay when they are the user's words."""

LEFT_OUT = "[... {count} characters of this older text are left out here ...]"
SAME = "[The same as what came of your reply {reply}.]"
UNSEEN = "[What was drawn is not shown any more.]"

_USER = "\n\nThe user says: "


@dataclass(frozen=True, kw_only=True)
class Room:
    """How big a prompt may be, in bytes of text."""

    limit: int
    """What it may be before older steps are shortened."""
    full: int
    """What it may be when nothing can be shortened any more."""

    @classmethod
    def of(cls, tokens: int | None, window: int | None, opening: Sequence[Message]) -> Room | None:
        """Return the room for a conversation, or None when nothing is known to limit it.

        Args:
            tokens: the limit that was asked for; None takes a share of the window.
            window: the model's context window in tokens, where it is known.
            opening: the messages before the first step, which are never shortened.
        """
        if tokens is not None:
            return cls(limit=tokens * BYTES, full=tokens * BYTES)
        if window is None:
            return None
        first, whole = size_of(opening), window * BYTES
        return cls(limit=first + int(SHARE * max(0, whole - first)), full=whole)


@dataclass(frozen=True, kw_only=True)
class Compacted:
    """One compaction: how many steps are shown shortened after it, and the tokens it saved."""

    step: str
    """Logical id of the step after which it was due."""
    steps: int
    before: int
    """Estimated tokens of the prompt."""
    after: int

    def event(self) -> ContextCompacted:
        """Return it as the trace holds it."""
        return ContextCompacted(
            id=self.step, steps=self.steps, before=self.before, after=self.after
        )


class Turn:
    """A step as it is shown: what was replied, and what came of it."""

    __slots__ = ("level", "messages", "reply", "said", "size", "whole")

    def __init__(self, messages: Sequence[Message], *, said: bool) -> None:
        self.whole = self.messages = tuple(messages)
        self.size = size_of(messages)
        self.level = 0
        self.reply = 0
        """Which reply of the conversation it holds, counted from 1."""
        self.said = said
        """Whether a user spoke; that is never shortened."""

    @property
    def output(self) -> str:
        """What came of it, whole."""
        return self.whole[-1].content

    @property
    def replied(self) -> bool:
        """Whether it begins with a reply; one that was interrupted does not."""
        return len(self.whole) > 1

    def shorten(self, level: int, shown_by: Turn | None) -> None:
        """Show the step shorter, if that makes it so.

        Args:
            level: how far.
            shown_by: an earlier step with the same output, if there is one.
        """
        if self.said or self.level >= level:
            return
        self.level = level
        *reply, output = self.whole
        text = shorten_output(output.content, level)
        if shown_by is not None:
            text = min(text, SAME.format(reply=shown_by.reply), key=len)
        if output.images:
            text = f"{text}\n{UNSEEN}"
        if level > 1:
            reply = [Message(m.role, cut(m.content, *REPLIES), part=m.part) for m in reply]
        messages = (*reply, Message(output.role, text, part=output.part))
        if (size := size_of(messages)) < self.size:
            self.messages, self.size = messages, size


class Compaction:
    """The steps of one path as they are shown, in the order in which they were taken.

    Args:
        room: how big the prompt may be.
        opening: the messages before the first step.
        tell: told of each compaction.
    """

    def __init__(
        self, room: Room, opening: Sequence[Message], tell: Callable[[Compacted], None]
    ) -> None:
        self._room = room
        self._tell = tell
        self._size = size_of(opening)
        self._turns: list[Turn] = []
        self._first: dict[str, Turn] = {}
        self._replies = 0
        self._vain = 0
        self.full: ContextFull | None = None
        """The error that the conversation ends with, once it cannot be made smaller."""

    @property
    def messages(self) -> Iterable[Message]:
        """All messages of the steps."""
        return (message for turn in self._turns for message in turn.messages)

    def add(self, step: str, messages: Sequence[Message], *, said: bool, dropped: bool) -> bool:
        """Add a step; return whether what was shown before has changed.

        Args:
            step: its logical id.
            messages: it as it is shown at first.
            said: whether a user spoke.
            dropped: whether it was dropped afterwards; until then it took room.
        """
        turn = Turn(messages, said=said)
        if turn.replied:
            self._replies += 1
            turn.reply = self._replies
        self._turns.append(turn)
        self._size += turn.size
        changed = self._size > self._room.limit and self._compact(step)
        if dropped:
            self._turns.pop()
            self._size -= turn.size
            self._replies -= turn.replied
            return True
        if turn.replied:
            self._first.setdefault(turn.output, turn)
        return changed

    def _compact(self, step: str) -> bool:
        before = self._size
        for whole, level, share in RUNGS:
            if self._size > share * self._room.limit:
                self._shorten(self._turns[:-whole], level)
        self._check(before)
        if self._size == before:
            return False
        steps = sum(turn.messages is not turn.whole for turn in self._turns)
        self._tell(
            Compacted(step=step, steps=steps, before=before // BYTES, after=self._size // BYTES)
        )
        return True

    def _shorten(self, turns: Sequence[Turn], level: int) -> None:
        for turn in turns:
            self._size -= turn.size
            first = self._first.get(turn.output)
            turn.shorten(level, first if first is not turn else None)
            self._size += turn.size

    def _check(self, before: int) -> None:
        """Note when the conversation cannot go on."""
        limit = self._room.limit
        counts = self._size <= limit or before - self._size >= PROGRESS * limit
        self._vain = 0 if counts else self._vain + (self._size < before)
        if self._vain >= FUSE:
            why = f"{FUSE} compactions in a row saved next to nothing"
        elif self._size > self._room.full and self._size == before:
            why = "no step can be shown any shorter"
        else:
            return
        self.full = ContextFull(
            f"the conversation takes about {self._size // BYTES} tokens, more than the "
            f"{limit // BYTES} it may take, and {why}: raise context_tokens, use a model with a "
            "longer context, or have less printed"
        )


def size_of(messages: Iterable[Message]) -> int:
    """Return the bytes that messages count for."""
    return sum(
        text_bytes(message.content) + IMAGE_SIZE * len(message.images) for message in messages
    )


def shorten_output(text: str, level: int) -> str:
    """Return an output by its head and tail; what the user said at its end stays."""
    at = text.rfind(_USER)
    if at < 0 or len(text) - at > MOST_SAID:
        at = len(text)
    return cut(text[:at], *OUTPUTS[level]) + text[at:]


def cut(text: str, head: int, tail: int) -> str:
    """Return the head and the tail of a text, with the number of characters between; or `text`."""
    note = LEFT_OUT.format(count=len(text) - head - tail)
    if len(text) <= head + tail + len(note) + 2:
        return text
    return f"{text[:head]}\n{note}\n{text[-tail:]}"
