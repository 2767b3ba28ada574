"""A person as the model: the prompt is shown, and the reply is typed."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from treeact.errors import ModelError
from treeact.models.base import Author, Completion, Message, Request, shared_length
from treeact.models.language_model import LanguageModel

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop, Lock

END = "."
"""The line that ends a reply, as in mail and ed; the end of the input ends one too."""


class HumanModel(LanguageModel):
    """Shows each prompt and reads the reply line by line, up to a line with a single dot.

    The same protocol holds when the input is no terminal, so that a reply can be piped in. Of a
    prompt that continues the last one, only what is new is shown. Prompts that come at the same
    time are shown one after the other.

    Args:
        read_line: gives the next line with its end, or an empty string at the end of the input;
            by default lines come from standard input.
        write: takes the text to show; by default it goes to standard error.
        ask: shows a whole request in another way, and returns the reply; then nothing is read or
            written here.
    """

    author: Author = "hand"

    def __init__(
        self,
        *,
        read_line: Callable[[], Awaitable[str]] | None = None,
        write: Callable[[str], None] | None = None,
        ask: Callable[[Request], Awaitable[str]] | None = None,
    ) -> None:
        super().__init__("human")
        self._ask = ask
        self._read_line = read_line or StandardInput().read_line
        self._write = write or _write_to_stderr
        self._shown: tuple[Message, ...] = ()
        self._turns: WeakKeyDictionary[AbstractEventLoop, Lock] = WeakKeyDictionary()

    async def _attempt(self, request: Request, on_text: Callable[[str], None] | None) -> Completion:
        import asyncio

        async with self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            text = await (self._ask or self._ask_in_lines)(request)
        if on_text is not None and text:
            on_text(text)
        return Completion(
            texts=(text,),
            finish_reasons=("stop",),
            usage=self._estimated_usage(request, (text,)),
            cost=None,
            latency=0.0,
            model=self.name,
            author=self.author,
        )

    async def _ask_in_lines(self, request: Request) -> str:
        self._show(request)
        return await self._read_reply(request)

    def _show(self, request: Request) -> None:
        messages = request.messages
        new = messages[shared_length(messages, self._shown) :]
        for message in new or messages[-1:]:
            pictures = f" [{len(message.images)} pictures]" if message.images else ""
            self._write(f"--- {message.role}{pictures}\n{message.content}\n")
        if request.schema is not None:
            import json

            self._write(
                f"--- the reply must be JSON of this schema\n{json.dumps(request.schema)}\n"
            )
        samples = f", one of {request.n} samples" if request.n > 1 else ""
        self._write(
            f"--- {request.path or 'reply'}: your reply{samples}, "
            "ended by a line with a single dot\n"
        )
        self._shown = messages

    async def _read_reply(self, request: Request) -> str:
        lines: list[str] = []
        while True:
            line = await self._read_line()
            if not line and not lines:
                raise ModelError(f"the input ended before a reply to {request.path!r} was typed")
            if not line or line.rstrip("\r\n") == END:
                return "".join(lines).removesuffix("\n")
            lines.append(line)


class StandardInput:
    """Lines of a file descriptor, read when it is ready, so that waiting can be cancelled."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    async def read_line(self) -> str:
        """Return the next line with its end; the last one may lack it, and then come empty ones."""
        while b"\n" not in self._buffer:
            await self._readable()
            piece = os.read(self._fileno(), 65536)
            if not piece:
                line, self._buffer = self._buffer, b""
                return line.decode(errors="replace")
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace") + "\n"

    def _fileno(self) -> int:
        if self._descriptor is None:
            try:
                self._descriptor = sys.stdin.fileno()
            except (AttributeError, OSError, ValueError):
                raise ModelError("there is no standard input to read a reply from") from None
        return self._descriptor

    async def _readable(self) -> None:
        import asyncio

        descriptor = self._fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return  # a file is always ready, and cannot be watched
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        try:
            loop.add_reader(descriptor, _set, ready)
        except PermissionError:  # such as /dev/null
            return
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _write_to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
