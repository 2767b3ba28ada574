"""A branch's processes in a sandbox, as the host sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from treeact.errors import SandboxError
from treeact.sandbox.base import FileInfo
from treeact.sandbox.link.connection import Connection
from treeact.sandbox.link.line import FROM_CHILD, Line
from treeact.sandbox.link.protocol import (
    PLAIN_DONE,
    Died,
    Done,
    Fields,
    Kind,
    ProtocolError,
    State,
    encode_code,
    load,
    parse_died,
    parse_done,
    parse_files,
    parse_reply,
    parse_state,
)
from treeact.sandbox.run import Run

PIECE = 4 * 1024**2
"""Bytes of a file in one frame."""
ATTENTION = 1
"""Milliseconds for which a run over a line is waited for without a turn of the event loop."""
MOMENT = 0.001
"""Seconds after which, then, the supervisor is told of such a run."""
OPEN_PATIENCE = 60.0
REPLY_PATIENCE = 60.0
STATE_PATIENCE = 5.0


class LiveBranch:
    """Speaks for one branch over the connection; one operation at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._reply: asyncio.Future[tuple[Fields, bytes]] | None = None
        self._run: Run | None = None
        self._spare: Line | None = None  # for the next child to be forked
        self._line: Line | None = None  # a child waits on it
        self._direct = False  # the run in progress is that child's
        self._watched = False  # the supervisor knows of it
        self._done: Done | None = None  # its end, for which the supervisor still has output
        self._used: Line | None = None  # of a run that is over
        self._unkept = False  # which the supervisor has to be told
        self._recovered = asyncio.Event()
        self._recovered.set()
        self._unclaimed = 0
        self._put: list[str] = []
        self._settled = asyncio.Event()
        self._step = 0
        self._before: tuple[int, State | None] = (0, None)
        self.state: State | None = None
        """Fingerprint after the last run; None until it has come."""
        self.lost: str | None = None
        """Why the processes are gone; None while they live."""
        self.number = connection.register(self)

    # Frames ---------------------------------------------------------------------------------

    def on_frame(self, kind: Kind, payload: bytes) -> None:
        """Take one frame."""
        match kind:
            case Kind.STATE:
                self._on_state(parse_state(payload))
            case Kind.WAITING:
                self._on_waiting(Fields(load(payload)).count("line"))
            case Kind.DIED if not self.at_rest:
                self._on_recovered(parse_died(payload))
            case Kind.REPLY:
                reply = parse_reply(payload)
                if self._unclaimed:  # its request was given up; answers come in order
                    self._unclaimed -= 1
                elif self._reply and not self._reply.done():
                    self._reply.set_result(reply)
            case _ if self._run:
                self._on_run_frame(self._run, kind, payload)
            case Kind.READY | Kind.FAILED if not self._opened.done():
                self._on_opened(kind, payload)
            case _:
                raise ProtocolError(f"the sandbox sent {kind.name} out of turn")

    def _on_state(self, state: State) -> None:
        if state.step == self._step:
            self.state = state
            self._settled.set()
        elif state.step == self._before[0]:  # come late, and needed after a rollback
            self._before = (state.step, state)

    def _on_run_frame(self, run: Run, kind: Kind, payload: bytes) -> None:
        """Take what the supervisor says of a run; over a line, the child speaks for itself."""
        if kind == Kind.KEPT and self._done:
            self._end_run(run, self._done)
        elif self._direct and kind in FROM_CHILD:
            raise ProtocolError(f"the sandbox sent {kind.name} out of turn")
        else:
            run.on_frame(kind, payload)
        if kind in (Kind.DONE, Kind.DIED):  # at once: the next child's line may follow
            self._direct = False
            self._close_line()
            self._offer_line()

    def _on_opened(self, kind: Kind, payload: bytes) -> None:
        if kind == Kind.READY:
            self._opened.set_result(None)
        else:
            self.lost = Fields(load(payload)).text("error")
            self._opened.set_exception(SandboxError(self.lost))

    def on_lost(self, reason: str) -> None:
        """Take notice that the processes are gone."""
        self.lost = self.lost or reason
        error = SandboxError(reason)
        for future in (self._opened, self._reply):
            if future and not future.done():
                future.set_exception(error)
                future.exception()  # waited for or not, it has been seen
        if self._run:
            self._run.on_lost(reason)
        self._settled.set()
        self._recovered.set()
        self._close_lines()

    # Lines ----------------------------------------------------------------------------------

    def _offer_line(self) -> None:
        """See to it that the supervisor has a line for the next child."""
        if self._spare is None and self.lost is None and self._connection.carries_lines:
            line = Line(self, self._connection.max_frame)
            if self._connection.send_line(self.number, line):
                self._spare = line
            else:
                line.close()

    def _on_waiting(self, number: int) -> None:
        """Take notice that a child waits on the line that was spare."""
        if self._direct:
            raise ProtocolError("the sandbox sent WAITING out of turn")
        if self._spare and self._spare.number == number:
            self._close_line()
            self._line, self._spare = self._spare, None
        elif self._run is None:  # it has gone since
            self._recover()
        self._offer_line()

    def on_line_frame(self, line: Line, kind: Kind, payload: bytes) -> None:
        """Take one frame of a child."""
        if not self._direct or line is not self._line or self._run is None:
            raise ProtocolError(f"the sandbox sent {kind.name} out of turn")
        if kind == Kind.DONE:
            self._on_done(self._run, parse_done(payload))
        else:
            self._run.on_frame(kind, payload)

    def _on_done(self, run: Run, done: Done) -> None:
        self._direct, self._used, self._line = False, self._line, None
        if done.output or self._watched:
            self._done = done
            self._connection.send(self.number, Kind.KEEP, {"flush": True})
        else:
            self._unkept = True
            self._end_run(run, done)

    def _end_run(self, run: Run, done: Done) -> None:
        run.finish(done)
        self._loop.call_soon(self._tidy)  # after whoever waits for the run

    def _tidy(self) -> None:
        """Do what a run over a line leaves to do, before anything else is sent."""
        if self._unkept:
            self._unkept = False
            self._connection.send(self.number, Kind.KEEP, {"flush": False})
        if self._used:
            self._used.close()
            self._used = None
        self._offer_line()

    def on_line_lost(self, line: Line, reason: str | None) -> None:
        """Have a child killed that has ended or broken the protocol; its node forks another."""
        line.close()
        if line is self._spare:
            self._spare = None
        elif line is self._line:
            self._line = None
            if self._direct and self._run:
                self._run.kill(reason)
            elif self._run is None:
                self._recover()

    def _recover(self) -> None:
        self._close_line()
        if self._recovered.is_set() and self.lost is None:
            self._recovered.clear()
            self._connection.send(self.number, Kind.WATCH)
            self._connection.send(self.number, Kind.KILL)

    def _on_recovered(self, end: Died) -> None:
        self._recovered.set()
        if not end.restored:
            self.drop(end.reason or "its processes ended")

    @property
    def at_rest(self) -> bool:
        """False after a child was lost while idle, until there is another."""
        return self._recovered.is_set()

    async def recover(self) -> None:
        """Wait until a child is there again, after the last one was lost while idle."""
        try:
            async with asyncio.timeout(REPLY_PATIENCE):
                await self._recovered.wait()
        except TimeoutError:
            self.drop("the sandbox does not answer")

    def _watch(self, run: Run | None) -> None:
        """Tell the supervisor of a run over a line that is still in progress."""
        if self._direct and self._run is run and not self._watched:
            self._watched = True
            self._connection.send(self.number, Kind.WATCH)

    def _close_line(self) -> None:
        if self._line:
            self._line.close()
            self._line = None

    def _close_lines(self) -> None:
        for line in (self._line, self._spare, self._used):
            if line:
                line.close()
        self._line = self._spare = self._used = None

    # Forks ----------------------------------------------------------------------------------

    async def fork(self) -> LiveBranch:
        """Return a copy of the branch.

        Raises:
            SandboxError: the state cannot be forked, or the sandbox died.
        """
        self._tidy()
        twin = LiveBranch(self._connection)
        await twin.open(self.number, step=self._step)
        return twin

    # Operations -----------------------------------------------------------------------------

    async def open(
        self, parent: int, *, step: int = 0, seed: int = 0, tools: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Fork the branch from a live one after `step`, or from the zygote when `parent` is 0.

        Raises:
            SandboxError: the state cannot be forked, or the sandbox died.
        """
        self._step = step
        request = {"parent": parent, "seed": seed, "tools": list(tools)}
        self._connection.send(self.number, Kind.OPEN, request)
        self._offer_line()
        if self._connection.lost is not None:
            self.on_lost(self._connection.lost)
        try:
            async with asyncio.timeout(OPEN_PATIENCE):
                await asyncio.shield(self._opened)
        except TimeoutError:
            self.drop("the sandbox does not answer")
            raise SandboxError("the sandbox does not answer") from None

    def begin(self, code: str, step: int) -> None:
        """Have code run; `follow` is to come before anything else."""
        if self._line:
            self._line.send(Kind.EXEC, encode_code(code, step, self._put))
        else:
            self._tidy()
            request = encode_code(code, step, self._put)
            self._connection.send(self.number, Kind.EXEC, request)
        self._direct, self._watched, self._done = self._line is not None, False, None
        self._put = []
        self._before, self._step = (self._step, self.state), step
        self.state = None
        self._settled.clear()

    async def follow(self, run: Run, timeout: float) -> Done | Died:
        """Hand what the code says to `run` until its end; see `Run` for the deadline."""
        self._run = run
        if self.lost is not None:
            run.on_lost(self.lost)
        try:
            self._attend(run)
            if not run.ended:
                run.start(timeout)
                if self._direct:
                    self._loop.call_later(MOMENT, self._watch, run)
            end = await run.wait()
        finally:
            self._run = None
        if isinstance(end, Died):
            self._step, self.state = self._before
            if not end.restored:
                self.drop(end.reason or "its processes ended")
        return end

    def _attend(self, run: Run) -> None:
        """Wait for a run over a line as long as most take, unless others are in progress."""
        if self._direct and self._line and not Run.others_wait():
            run.execution(parse_done(PLAIN_DONE))  # what was not gone through lately is slow
            self._line.attend(ATTENTION)

    def send(self, kind: Kind, payload: bytes | dict[str, Any]) -> None:
        """Send one frame of the run in progress."""
        if not self._direct:
            self._connection.send(self.number, kind, payload)
        elif kind == Kind.RESULT and self._line:
            self._line.send(kind, payload)
        else:
            self._watch(self._run)
            self._connection.send(self.number, kind, payload)
            if kind == Kind.KILL:
                self._close_line()  # whatever it still says, it is to be undone

    async def settle(self) -> None:
        """Wait until the state after the last run is known, within reason."""
        if self.state is None and self.lost is None:
            try:
                async with asyncio.timeout(STATE_PATIENCE):
                    await self._settled.wait()
            except TimeoutError:
                return

    async def put(self, name: str, data: bytes) -> None:
        """Write a file, piece by piece."""
        for offset in range(0, max(len(data), 1), PIECE):
            head = json.dumps({"name": name, "offset": offset}).encode() + b"\n"
            await self._request(Kind.PUT, head + data[offset : offset + PIECE])
        self._put.append(name)

    async def get(self, name: str, limit: int) -> bytes:
        """Read a file, piece by piece; it may not grow beyond `limit` bytes."""
        data = bytearray()
        while True:
            request = {"name": name, "offset": len(data), "size": PIECE}
            fields, piece = await self._request(Kind.GET, request)
            data += piece
            if fields.count("size") > limit or len(data) > limit or len(piece) > PIECE:
                raise SandboxError(f"file {name!r} is larger than {limit} bytes")
            if not piece or len(data) >= fields.count("size"):
                return bytes(data)

    async def list(self) -> list[FileInfo]:
        """List the regular files."""
        fields, _ = await self._request(Kind.LIST)
        return sorted(parse_files(fields), key=lambda file: file.name)

    async def memory(self) -> int:
        """Return the bytes that the branch's frozen process holds, its share of common pages."""
        fields, _ = await self._request(Kind.STAT)
        return fields.count("memory")

    async def close(self) -> None:
        """Kill the processes and remove the files."""
        if self.lost is None:
            with suppress(SandboxError):
                await self._request(Kind.CLOSE)
            self.drop("the branch was closed")

    def drop(self, reason: str) -> None:
        """Forget processes that are gone or to go."""
        self._unkept = False
        self._connection.unregister(self.number)
        if self.lost is None:
            self._connection.send(self.number, Kind.CLOSE)
        self.on_lost(reason)

    async def _request(
        self, kind: Kind, payload: bytes | dict[str, Any] = b""
    ) -> tuple[Fields, bytes]:
        if self.lost is not None:
            raise SandboxError(self.lost)
        self._tidy()
        reply = self._reply = self._loop.create_future()
        self._connection.send(self.number, kind, payload)
        await self._connection.drain()
        try:
            async with asyncio.timeout(REPLY_PATIENCE):
                fields, data = await reply
        except TimeoutError:
            raise SandboxError("the sandbox does not answer") from None
        finally:
            self._reply = None
            self._unclaimed += reply.cancelled() or not reply.done()
        if (error := fields.text_or_none("error")) is not None:
            raise SandboxError(error)
        return fields, data
