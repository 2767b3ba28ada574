"""Branches: live interpreters that are forked, rolled back, put aside and rebuilt."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from treeact.errors import BranchLost, SandboxError
from treeact.sandbox.base import (
    Execution,
    FileInfo,
    HostTool,
    OutputCallback,
    ToolCall,
    ToolCallback,
)
from treeact.sandbox.effects import Recorded, Resumed, Tools
from treeact.sandbox.folder import call_with_folder
from treeact.sandbox.history import File, History, Step
from treeact.sandbox.link.protocol import Call, Died, State, is_inside
from treeact.sandbox.live import LiveBranch
from treeact.sandbox.run import CallTool, Run

if TYPE_CHECKING:
    from treeact.sandbox.session import DriverSandbox


class DriverBranch:
    """A branch of a `DriverSandbox`; `treeact.sandbox.base.Branch` describes its methods.

    Its processes may be gone without its state being lost: it is rebuilt by running its code again
    with the recorded results of tool calls. Names or types that differ afterwards raise
    `BranchLost`; values that differ, as those of clocks do, are named in a note of the next
    execution.
    """

    def __init__(self, sandbox: DriverSandbox, id: str, root: str, tools: Tools) -> None:
        self._sandbox, self._id, self._root, self._tools = sandbox, id, root, tools
        self._history = History()
        self._lock = asyncio.Lock()
        self._live: LiveBranch | None = None
        self._run: Run | None = None
        self._state: State | None = None
        self._forks = 0
        self._closed = False
        self._notes: list[str] = []

    @property
    def id(self) -> str:
        """The logical id: `1` for the first root branch, `1.2` for its second fork."""
        return self._id

    # Running --------------------------------------------------------------------------------

    async def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_call: ToolCallback | None = None,
        recorded: Sequence[ToolCall] = (),
        whole: bool = False,
    ) -> Execution:
        """Run `code` and keep its state for the next run; see `Branch.run`."""
        seconds = self._sandbox.limits.timeout if timeout is None else timeout
        if not 0 < seconds < math.inf:
            raise SandboxError(f"a timeout of {seconds} s: give a positive number of seconds")
        async with self._lock:
            live, rebuilt = await self._wake()
            live.begin(code, self._history.steps + 1)  # what follows happens while it works

            tools: Tools | Resumed = self._tools
            if recorded or whole:
                tools = Resumed(recorded, self._tools, whole=whole)

            async def call_tool(call: Call) -> ToolCall:
                result = await call_with_folder(tools.call, call, live, self._sandbox.limits)
                if on_call:
                    on_call(result)
                return result

            run = self._run = self._new_run(live, call_tool, on_output)
            deferred = len(self._tools.deferred)
            try:
                end = await live.follow(run, seconds)
            finally:
                self._run = None
            if run.failure:
                self._tools.forget_deferred(deferred)
                raise run.failure
            execution = run.execution(end, rebuilt=rebuilt, notes=self._take_notes())
            if execution.rolled_back:
                self._tools.forget_deferred(deferred)
            else:
                step = Step(code, execution.calls, execution.outcome)
                self._history = self._history.add(step)
            return execution

    def _new_run(
        self, live: LiveBranch, call_tool: CallTool, on_output: OutputCallback | None = None
    ) -> Run:
        return Run(self._sandbox.limits, live.send, call_tool, on_output)

    def _take_notes(self) -> tuple[str, ...]:
        notes, self._notes = tuple(self._notes), []
        return notes

    async def interrupt(self) -> None:
        """Stop the run in progress, keeping the state if the code allows it."""
        if self._run:
            self._run.interrupt("interrupted")

    # Forking --------------------------------------------------------------------------------

    async def fork(self) -> DriverBranch:
        """Return an independent, tentative copy; see `Branch.fork`."""
        async with self._lock:
            self._check_open()
            self._forks += 1
            twin = DriverBranch(
                self._sandbox, f"{self._id}.{self._forks}", self._root, self._tools.fork()
            )
            twin._history = self._history
            if self._live and self._live.lost is None:
                twin._live = await self._sandbox.fork_live(self, self._live)
                try:
                    await self._live.settle()
                except asyncio.CancelledError:
                    if twin._live:
                        twin._live.drop("the fork was cancelled")
                    raise
                twin._state = self._state = self._live.state or self._state
            else:
                twin._state = self._state
            self._sandbox.adopt(twin)
            return twin

    async def commit(self, *, recorded: Sequence[ToolCall] = ()) -> tuple[ToolCall, ...]:
        """Choose this branch: make its deferred `write` calls, let later ones through."""
        async with self._lock:
            self._check_open()
            return await self._tools.commit(recorded)

    # Files ----------------------------------------------------------------------------------

    async def put(self, name: str, data: bytes) -> None:
        """Write a file into the working folder; see `Branch.put`."""
        self._check_name(name)
        if len(data) > self._sandbox.limits.file:
            raise SandboxError(f"{name!r} has {len(data)} bytes, more than Limits.file allows")
        async with self._lock:
            live, _ = await self._wake()
            await live.put(name, data)
            self._history = self._history.add(File(name, data))

    async def get(self, name: str) -> bytes:
        """Read a regular file of the working folder; see `Branch.get`."""
        self._check_name(name)
        async with self._lock:
            live, _ = await self._wake()
            return await live.get(name, self._sandbox.limits.file)

    async def list(self) -> list[FileInfo]:
        """List the regular files of the working folder, sorted by name."""
        async with self._lock:
            live, _ = await self._wake()
            return await live.list()

    @staticmethod
    def _check_name(name: str) -> None:
        if not is_inside(name):
            raise SandboxError(
                f"{name!r} is no file name inside the working folder: "
                "use a relative path without `..`"
            )

    # Life and rebuilding --------------------------------------------------------------------

    async def close(self) -> None:
        """Kill the branch's processes and remove its files."""
        self._closed = True
        if self._run:
            self._run.kill()
        async with self._lock:
            if self._live:
                await self._live.close()
                self._live = None
        self._sandbox.forget(self)

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxError(f"branch {self._id} was closed")

    @property
    def is_live(self) -> bool:
        """True while processes hold the branch's state."""
        return self._live is not None and self._live.lost is None

    @property
    def is_idle(self) -> bool:
        """True when nobody uses the branch."""
        return not self._lock.locked()

    async def evict(self) -> bool:
        """Give the processes up if the state can be rebuilt; return whether they are gone."""
        if not self.is_idle or not self._history.replayable:
            return False
        async with self._lock:
            if self._live and self._live.lost is None:
                await self._live.settle()
                self._state = self._live.state or self._state
                await self._live.close()
            self._live = None
            return True

    async def memory(self) -> int:
        """Return the bytes that the idle branch holds; 0 when it holds none or is in use."""
        if not self.is_live or not self.is_idle:
            return 0
        async with self._lock:
            return await self._live.memory() if self._live and self._live.lost is None else 0

    async def start(self) -> None:
        """Bring the branch to life, so that the first run need not wait for it."""
        async with self._lock:
            await self._wake()

    async def _wake(self) -> tuple[LiveBranch, bool]:
        self._check_open()
        self._sandbox.touch(self)
        if self._live and not self._live.at_rest:
            await self._live.recover()
        if self._live and self._live.lost is None:
            return self._live, False
        if self._live:
            self._state = self._live.state or self._state
        began_anew = self._live is None and self._history.entry is None
        self._drop_interrupted()
        if not self._history.replayable:
            raise BranchLost(
                f"branch {self._id} lost its processes, and a run that was interrupted half-way "
                "and followed by others cannot be run again the same: go back to an earlier fork"
            )
        self._live = await self._sandbox.open_live(
            self, zlib.crc32(self._root.encode()), self._tools
        )
        await self._replay(self._live)
        return self._live, not began_anew

    def _drop_interrupted(self) -> None:
        """Give up what the latest runs did that were interrupted, as a rollback would."""
        history = self._history
        while history.before and isinstance(history.entry, Step) and not history.entry.repeatable:
            history = history.before
        if history is not self._history:
            self._history, self._state = history, None
            self._notes.append("rebuilt as it was before the run that was interrupted")

    async def _replay(self, live: LiveBranch) -> None:
        steps = 0
        for entry in self._history:
            if isinstance(entry, File):
                await live.put(entry.name, entry.data)
                continue
            steps += 1
            await self._replay_step(live, entry, steps)
        await live.settle()
        if self._state and live.state:
            self._compare(self._state, live.state)

    async def _replay_step(self, live: LiveBranch, step: Step, number: int) -> None:
        recorded = Recorded(step.calls)
        live.begin(step.code, number)
        limits = self._sandbox.limits
        run = self._new_run(live, lambda call: call_with_folder(recorded.call, call, live, limits))
        end = await live.follow(run, limits.timeout)
        outcome = run.execution(end).outcome
        if isinstance(end, Died) or outcome != step.outcome or not recorded.used_up:
            await live.close()
            raise BranchLost(
                f"branch {self._id} could not be rebuilt: run again, step {number} "
                f"ended as {outcome!r} instead of {step.outcome!r} or made other tool calls"
            )

    def _compare(self, before: State, after: State) -> None:
        kinds_before = {name: mark.split(":")[0] for name, mark in before.names.items()}
        kinds_after = {name: mark.split(":")[0] for name, mark in after.names.items()}
        if kinds_before != kinds_after:
            names = {name for name, _ in kinds_before.items() ^ kinds_after.items()}
            raise BranchLost(
                f"branch {self._id} could not be rebuilt: after running its code again, "
                f"these names are missing, new or of another type: {_some(names)}"
            )
        names = {name for name, mark in before.names.items() if after.names[name] != mark}
        if names:
            self._notes.append(f"rebuilt by running the code again; now different: {_some(names)}")
        if before.files != after.files:
            self._notes.append("rebuilt by running the code again; files are now different")


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def make_root(sandbox: DriverSandbox, number: int, tools: Sequence[HostTool]) -> DriverBranch:
    """Return a new root branch, which is chosen from the start."""
    return DriverBranch(sandbox, str(number), str(number), Tools(tools, chosen=True))
