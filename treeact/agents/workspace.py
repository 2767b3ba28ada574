"""Where a run's code is executed: one sandbox, opened in the background, replaced when it dies."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from treeact.agents.control import Control
from treeact.agents.looking import Looker
from treeact.agents.records.past import Past
from treeact.agents.reviewing import call_reviewed
from treeact.calling import lend
from treeact.errors import BranchLost, ConfigError, SandboxError
from treeact.planners.normalise import python_call
from treeact.sandbox.base import Branch, Effects, Execution, HostTool, Sandbox, ToolCall
from treeact.trace.events import Blob, BranchForked, SandboxStarted, ToolCalled
from treeact.trace.log import EventLog

OpenSandbox = Callable[[], Awaitable[Sandbox]]
"""Returns a started sandbox that the run may close."""

MAX_RESTARTS = 2
"""Sandboxes that one run may lose before it gives up: more is the doing of its own code."""


class Home:
    """The sandbox of a run, in which the first branch has the task's files.

    Args:
        open_sandbox: how to come by a started sandbox.
        tools: what code can call.
        files: host files, put into the working folder under their own names.
        log: where starts are written.
        root: logical id of the run.
        past: tool calls that were made before the run was resumed.
        looker: what looks at pictures for the tools, given the logical id of the step.
    """

    def __init__(
        self,
        open_sandbox: OpenSandbox,
        *,
        tools: Sequence[HostTool],
        files: Sequence[Path],
        log: EventLog,
        root: str,
        past: Past,
        looker: Looker,
    ) -> None:
        self.effects = {tool.name: tool.effects for tool in tools}
        self.looker = looker
        self.log = log
        self.past = past
        self._open_sandbox = open_sandbox
        self._tools = tools
        self._files = files
        self._root = root
        self._sandbox: Sandbox | None = None
        self.restarts = 0
        """How many sandboxes the run has lost."""

    async def open(self, restarted: str | None = None) -> Branch:
        """Open the sandbox and return its first branch; `restarted` says why there is need to."""
        began = time.monotonic()
        self._sandbox = await self._open_sandbox()
        branch = await self._sandbox.branch(tools=self._tools)
        for file in self._files:
            await branch.put(file.name, read_file(file))
        self.log.emit(
            SandboxStarted(
                id=f"{self._root}/sandbox",
                kind=self._sandbox.kind,
                duration=time.monotonic() - began,
                restarted=restarted,
            )
        )
        return branch

    async def reopen(self, why: str) -> Branch:
        """Replace the sandbox by a fresh one with the task's files.

        Raises:
            SandboxError: too many have died, or no other can be had.
        """
        self.restarts += 1
        if self.restarts > MAX_RESTARTS:
            raise SandboxError(f"the sandbox died {self.restarts} times; the last time: {why}")
        await self.close()
        return await self.open(restarted=why)

    async def close(self) -> None:
        """Close the sandbox, where there is one."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            await sandbox.__aexit__(None, None, None)


class Workspace:
    """Where code runs: a branch of the run's sandbox, opened in the background.

    Args:
        home: the sandbox.
        copy: a fork of a branch, for the tentative copy of a workspace; None opens the sandbox.
    """

    def __init__(self, home: Home, copy: Branch | None = None) -> None:
        self.tentative = copy is not None
        """Whether it is a copy that was not chosen yet."""
        self._home = home
        self._restarts = home.restarts
        self._log = home.log
        self._branch = asyncio.ensure_future(home.open() if copy is None else _ready(copy))

    async def run(self, code: str, *, timeout: float, id: str, control: Control) -> Execution:
        """Run `code` in the branch; an interrupt of `control` stops it.

        Raises:
            SandboxError: the sandbox could not be opened, or died.
            Interrupted: it was interrupted while the sandbox was still starting.
        """
        branch = await control.interruptible(asyncio.shield(self._branch))
        look = await self._home.looker(id)
        loop = asyncio.get_running_loop()
        with (
            control.stoppable(lambda: loop.create_task(branch.interrupt())),
            lend(look=look),
        ):
            return await branch.run(
                code,
                timeout=timeout,
                on_output=lambda stream, text: self._log.stream(f"{id}/{stream}", text),
                on_call=lambda call: self._log_call(call, id),
                recorded=self._home.past.calls(id),
                whole=self._home.past.is_whole(id),
            )

    def has_effects(self, call: ToolCall) -> bool:
        """Return whether a call changed the world outside, or may have, also if it failed."""
        return call.is_final and self._home.effects.get(call.tool) == "write"

    async def fork(self, *, id: str) -> Workspace:
        """Return a tentative copy of the live state, for the node `id`.

        Raises:
            SandboxError: the state is lost.
        """
        began = time.monotonic()
        origin = await self._branch
        branch = await origin.fork()
        duration = time.monotonic() - began
        self._log.emit(BranchForked(id=id, branch=branch.id, of=origin.id, duration=duration))
        return Workspace(self._home, branch)

    async def adopt(self, copy: Workspace, *, id: str, commit: bool) -> list[ToolCall]:
        """Go on from a copy, which is used up; return the calls that were put off and made now.

        Raises:
            SandboxError: the state is lost.
        """
        if copy._restarts != self._home.restarts:
            raise BranchLost(f"the sandbox in which the copy {id} was made has died since")
        mine, self._branch = await self._branch, copy._branch
        branch = await self._branch
        made = await self._commit(branch, f"{id}/commit") if commit else []
        await mine.close()
        return made

    async def _commit(self, branch: Branch, id: str) -> list[ToolCall]:
        made = list(await branch.commit(recorded=self._home.past.calls(id)))
        for call in made:
            self._log_call(call, id)
        return made

    async def restart(self, why: str) -> None:
        """Replace the sandbox by a fresh one with the task's files.

        Raises:
            SandboxError: too many have died, or no other can be had.
        """
        self._branch = asyncio.ensure_future(self._home.reopen(why))
        await self._branch

    async def close(self) -> None:
        """Drop the state; but for a copy the sandbox is closed, opened or still opening."""
        if self.tentative:
            await (await self._branch).close()
            return
        self._branch.cancel()
        await asyncio.gather(self._branch, return_exceptions=True)
        await self._home.close()

    def _log_call(self, call: ToolCall, id: str) -> None:
        result = None if call.result is None else self._log.text(json.dumps(call.result))
        self._log.emit(
            ToolCalled(
                id=f"{id}/{call.tool}",
                parent=id,
                tool=call.tool,
                args=call.args,
                kwargs=dict(call.kwargs),
                status=call.status,
                result=result,
                error=call.error,
                duration=call.duration,
                files=file_blobs(self._log, call.files),
            )
        )


def file_blobs(log: EventLog, files: Mapping[str, bytes]) -> dict[str, Blob]:
    """Keep the files that a call brought, for the event of the call."""
    kind = "application/octet-stream"
    return {name: log.blobs.put(data, media_type=kind) for name, data in files.items()}


async def _ready(branch: Branch) -> Branch:
    return branch


class WrappedTool:
    """A tool that is called through something else; subclasses say what that does."""

    def __init__(self, tool: HostTool) -> None:
        self._tool = tool

    @property
    def name(self) -> str:
        """The tool's name."""
        return self._tool.name

    @property
    def effects(self) -> Effects:
        """The tool's effects."""
        return self._tool.effects

    @property
    def returns_nothing(self) -> bool:
        """Whether the tool returns nothing."""
        return self._tool.returns_nothing

    def stub(self) -> str:
        """Return the tool's stub."""
        return self._tool.stub()

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the tool."""
        return await self._tool.call(args, kwargs)


class GuardedTool(WrappedTool):
    """A tool whose calls wait for approval, and whose results are reviewed."""

    def __init__(self, tool: HostTool, control: Control, *, root: str) -> None:
        super().__init__(tool)
        self._control = control
        self._root = root

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Ask where that is needed, call the tool, and return what the reviewer lets through.

        Raises:
            ToolError: the call was not allowed, or failed, or its result is withheld.
        """
        id = f"{self._root}/{self.name}"
        text = python_call(self.name, kwargs, args)
        await self._control.allow(self.name, text, id=id, risky=self.effects == "write")
        return await call_reviewed(
            lambda: self._tool.call(args, kwargs),
            tool=self.name,
            args=args,
            kwargs=kwargs,
            control=self._control,
            id=id,
        )


def guard(tools: Iterable[HostTool], control: Control, *, root: str) -> list[HostTool]:
    """Return the tools, those guarded whose calls need approval, or whose results a review."""
    return [
        GuardedTool(tool, control, root=root)
        if control.reviews or control.asks_in_code(risky=tool.effects == "write", tool=tool.name)
        else tool
        for tool in tools
    ]


def check_files(files: Sequence[Path]) -> None:
    """Check that `files` can be put into one folder.

    Raises:
        ConfigError: one is missing, not a file or unreadable, or two have the same name.
    """
    names: set[str] = set()
    for file in files:
        try:
            if not file.exists():
                raise ConfigError(f"file {file} does not exist")
            if not file.is_file():
                raise ConfigError(f"{file} is not a file: name files one by one, or zip the folder")
            file.open("rb").close()
        except OSError as error:
            raise ConfigError(f"file {file} cannot be read: {error.strerror}") from error
        if file.name in names:
            raise ConfigError(f"two files are named {file.name!r}: rename one of them")
        names.add(file.name)


def read_file(file: Path) -> bytes:
    """Return the bytes of `file`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"file {file} cannot be read: {error.strerror}") from error
