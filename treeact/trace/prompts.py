"""The whole prompts of calls, of which a log holds what earlier calls did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from treeact.trace.events import ModelCalled, PromptMessage

M = TypeVar("M")


class Prompts(Generic[M]):
    """Puts prompts together while the calls of a log go by, in their order.

    Args:
        read: what a message of a prompt is kept as; each is read once.
    """

    def __init__(self, read: Callable[[PromptMessage], M]) -> None:
        self._read = read
        self._known: dict[int, tuple[M, ...]] = {}

    def take(self, call: ModelCalled) -> tuple[M, ...]:
        """Take the next call in, and return all its messages that are known.

        What goes on from a call that did not go by, as in a damaged log, has its own alone.
        """
        prompt = call.prompt
        before = self._known.get(-1 if prompt.base is None else prompt.base, ())
        whole = (*before[: max(0, prompt.keep)], *map(self._read, prompt.added))
        self._known[call.seq] = whole
        return whole
