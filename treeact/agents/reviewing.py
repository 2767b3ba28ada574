"""Calls whose result a reviewer sees first, with the files that they bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from treeact.agents.control import CallResult, Control
from treeact.calling import Folder, lend, working_folder
from treeact.errors import ToolError
from treeact.tools.results import to_json


class StagedFolder:
    """A working folder whose new files are held back until they are let through.

    Args:
        folder: where they go then.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.files: dict[str, bytes] = {}
        """What was written."""

    async def names(self) -> list[str]:
        """Return the names of all files, those held back among them."""
        return sorted({*await self._folder.names(), *self.files})

    async def get(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return self.files[name] if name in self.files else await self._folder.get(name)

    async def put(self, name: str, data: bytes) -> None:
        """Hold a file back."""
        self.files[name] = data

    async def release(self) -> None:
        """Write what was held back."""
        for name, data in self.files.items():
            await self._folder.put(name, data)


async def call_reviewed(
    make: Callable[[], Awaitable[Any]],
    *,
    tool: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    control: Control,
    id: str,
) -> Any:
    """Make a call and return what the agent gets of it; a withheld result brings no files.

    Args:
        make: makes the call.
        tool: the tool's name.
        args: its positional arguments.
        kwargs: the others.
        control: has the reviewer.
        id: logical id of the call.

    Raises:
        ToolError: the call failed, or its result is withheld.
    """
    if not control.reviews:
        return await make()
    staged = _stage()
    with lend(folder=staged):
        result = await make()
    files = staged.files if staged is not None else {}
    call = CallResult(tool=tool, args=tuple(args), kwargs=kwargs, result=result, files=files)
    seen = await control.review(call, id=id)
    if seen is not result:
        seen = to_json(seen, tool)
    if staged is not None:
        await staged.release()
    return seen


def _stage() -> StagedFolder | None:
    try:
        return StagedFolder(working_folder())
    except ToolError:  # this call has no folder
        return None
