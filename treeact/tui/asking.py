"""Prompts that wait for a person who answers in a model's place."""

from __future__ import annotations

import asyncio
from collections import deque

from treeact.models.base import Request


class Question:
    """A prompt that waits for its reply."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def answer(self, text: str) -> None:
        """Give the reply."""
        if not self.reply.done():
            self.reply.set_result(text)


class Asking:
    """The prompts that wait, the oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Question] = deque()

    @property
    def next(self) -> Question | None:
        """The prompt that is to be shown, if there is one."""
        return self._waiting[0] if self._waiting else None

    async def ask(self, request: Request) -> str:
        """Wait for the reply to a prompt."""
        question = Question(request)
        self._waiting.append(question)
        try:
            return await question.reply
        finally:
            self._waiting.remove(question)
