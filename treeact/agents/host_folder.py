"""The working folder of an agent without a sandbox: the task's files, and what tools bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from treeact.agents.workspace import read_file
from treeact.errors import ConfigError, ToolError

MOST_BYTES = 256 * 1024**2
"""Bytes that tools may bring."""


class HostFolder:
    """Files in memory; nothing is written to the host. See `treeact.calling.Folder`.

    Args:
        files: the task's files on the host.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._given = {file.name: file for file in files}
        self._brought: dict[str, bytes] = {}
        self._new: dict[str, bytes] = {}

    async def names(self) -> list[str]:
        """Return the names of all files."""
        return sorted({*self._given, *self._brought})

    async def get(self, name: str) -> bytes:
        """Return the bytes of a file."""
        if name in self._brought:
            return self._brought[name]
        if name not in self._given:
            known = ", ".join(await self.names()) or "none"
            raise ToolError(f"there is no file {name[:200]!r}; there are: {known}")
        try:
            return read_file(self._given[name])
        except ConfigError as error:
            raise ToolError(str(error)) from error

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file."""
        if sum(map(len, self._brought.values())) + len(data) > MOST_BYTES:
            raise ToolError(f"file {name!r} cannot be written: the working folder is full")
        self._brought[name] = self._new[name] = data

    def restore(self, files: Mapping[str, bytes]) -> None:
        """Keep the files that a call brought before the run was resumed."""
        self._brought.update(files)
        self._new.update(files)

    def take_new(self) -> dict[str, bytes]:
        """Return what was kept since the last time."""
        new, self._new = self._new, {}
        return new
