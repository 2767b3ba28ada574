"""Asking the person at the terminal, without blocking the run that goes on meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


class Terminal:
    """Standard input and error as a place for questions."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._given_up = False

    @property
    def interactive(self) -> bool:
        """Whether a person is there to be asked."""
        return sys.stdin is not None and sys.stdin.isatty()

    async def ask(self, prompt: str) -> str | None:
        """Return the line that is typed, or None at the end of the input."""
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = await self._line()
        return line.strip() if line else None

    async def ask_lines(self, prompt: str) -> str:
        """Return the lines that are typed before a line with a single dot."""
        sys.stderr.write(prompt + "\n")
        lines: list[str] = []
        while (line := await self._line()) and line.rstrip("\n") != ".":
            lines.append(line)
        return "".join(lines)

    def give_up(self) -> None:
        """Answer the question that is open, and all to come, as if the input had ended."""
        self._given_up = True
        self._ready.set()

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _line(self) -> str:
        """Return one line with its end, or nothing at the end of the input.

        The loop watches the descriptor instead of a thread, because a thread that waits for a line
        could not be stopped by Ctrl-C.
        """
        loop = asyncio.get_running_loop()
        self._ready.clear()
        if not self._given_up:
            loop.add_reader(sys.stdin, self._ready.set)
            try:
                await self._ready.wait()
            finally:
                loop.remove_reader(sys.stdin)
        return "" if self._given_up else sys.stdin.readline()
