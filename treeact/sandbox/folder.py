"""The working folder of a branch, as a tool that its running code has called may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from treeact.calling import lend
from treeact.errors import SandboxError, ToolError
from treeact.sandbox.base import Limits, ToolCall
from treeact.sandbox.link.protocol import Call, is_inside
from treeact.sandbox.live import LiveBranch


class CallFolder:
    """Reads and writes files of a branch while its code waits for a call; see `Folder`."""

    def __init__(self, live: LiveBranch, limits: Limits) -> None:
        self._live, self._limits = live, limits
        self.files: dict[str, bytes] = {}
        """What was written."""

    async def names(self) -> list[str]:
        """Return the names of the regular files."""
        try:
            return [file.name for file in await self._live.list()]
        except SandboxError as error:
            raise ToolError(f"the working folder cannot be listed: {error}") from error

    async def get(self, name: str) -> bytes:
        """Return the bytes of a file."""
        self._check(name)
        try:
            return await self._live.get(name, self._limits.file)
        except SandboxError as error:
            raise ToolError(f"file {name!r} cannot be read: {error}") from error

    async def put(self, name: str, data: bytes) -> None:
        """Write a file."""
        self._check(name)
        try:
            await self._live.put(name, data)
        except SandboxError as error:
            raise ToolError(f"file {name!r} cannot be written: {error}") from error
        self.files[name] = data

    @staticmethod
    def _check(name: str) -> None:
        if not is_inside(name):
            raise ToolError(
                f"{name[:200]!r} is no file of the working folder: give a relative path without .."
            )


async def call_with_folder(
    make: Callable[[Call], Awaitable[ToolCall]], call: Call, live: LiveBranch, limits: Limits
) -> ToolCall:
    """Make a call that can use the working folder.

    A call that is answered from the record has the files that it brought put there again.
    """
    folder = CallFolder(live, limits)
    with lend(folder=folder):
        result = await make(call)
    for name, data in result.files.items():
        await live.put(name, data)
    return replace(result, files=folder.files) if folder.files else result
