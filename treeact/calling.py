"""What the code that calls a tool lends it for the call: its working folder, its model's eyes.

Tools, sandboxes and agents meet here, since none of them imports another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from treeact.errors import ToolError

Look = Callable[[str, bytes, str], Awaitable[str]]
"""Answers a question about a picture: the question, the picture's bytes, their media type."""


class Folder(Protocol):
    """The working folder of the code that calls. Each method raises ToolError where it fails."""

    async def names(self) -> list[str]:
        """Return the names of its regular files, relative to it."""
        ...

    async def get(self, name: str) -> bytes:
        """Return the bytes of a file."""
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Write a file."""


_folder: ContextVar[Folder | None] = ContextVar("folder", default=None)
_look: ContextVar[Look | None] = ContextVar("look", default=None)


def working_folder() -> Folder:
    """Return the working folder of the code that called the running tool.

    Raises:
        ToolError: there is none.
    """
    folder = _folder.get()
    if folder is None:
        raise ToolError("there is no working folder here: this tool works only in an agent's run")
    return folder


def eyes() -> Look:
    """Return what looks at pictures for the running tool.

    Raises:
        ToolError: there is nothing that could.
    """
    look = _look.get()
    if look is None:
        raise ToolError("there is no model to look with: this tool works only in an agent's run")
    return look


@contextmanager
def lend(*, folder: Folder | None = None, look: Look | None = None) -> Iterator[None]:
    """Lend the tools that are called in the block what is given; the rest stays as it is."""
    tokens = [
        (variable, variable.set(value))  # type: ignore[arg-type]  # each with its own value
        for variable, value in ((_folder, folder), (_look, look))
        if value is not None
    ]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)  # type: ignore[arg-type]
