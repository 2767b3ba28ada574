"""One piece of code while it runs: its output, its tool calls, its deadline."""

from __future__ import annotations

import asyncio
import codecs
import contextvars
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from treeact.sandbox.base import (
    Execution,
    Limits,
    Outcome,
    OutputCallback,
    Picture,
    ResourceUsage,
    Stream,
    ToolCall,
)
from treeact.sandbox.link.protocol import (
    Call,
    Died,
    Done,
    Kind,
    ProtocolError,
    parse_call,
    parse_died,
    parse_done,
    parse_gap,
)

CALL_FRAMES = 4
"""Frames' worth of bytes that the tool calls of one run may carry together, either way."""
KILL_PATIENCE = 30.0
"""Seconds for a driver to kill a run and restore the branch, before the branch is given up."""

CallTool = Callable[[Call], Awaitable[ToolCall]]
Send = Callable[[Kind, bytes | dict[str, Any]], None]


class Output:
    """The text of one stream, as it comes; the cap holds whatever the driver sends."""

    def __init__(self, stream: Stream, limit: int, callback: OutputCallback | None) -> None:
        self._stream, self._callback = stream, callback
        self._room = limit + 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._skipped = False
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self.dropped += max(0, len(data) - self._room)
        data = data[: self._room]
        self._room -= len(data)
        self._add(self._decoder.decode(data))

    def skip(self, count: int) -> None:
        """Note that `count` bytes were left out here, which happens once."""
        if self._skipped:
            raise ProtocolError("the sandbox left output out twice")
        self._skipped = True
        self.dropped += count
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._add(f"{text}\n... {count} bytes left out ...\n")

    def _add(self, text: str) -> None:
        if text:
            self._parts.append(text)
            if self._callback:
                self._callback(self._stream, text)

    def text(self) -> str:
        """Return all of it."""
        return "".join(self._parts)


_IN_PROGRESS: set[Run] = set()


class Run:
    """Takes the frames of one run until it is done or dead, and keeps its deadline."""

    def __init__(
        self,
        limits: Limits,
        send: Send,
        call_tool: CallTool,
        on_output: OutputCallback | None = None,
    ) -> None:
        self._limits, self._send, self._call_tool = limits, send, call_tool
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._outputs: dict[Stream, Output] = {}
        self._images: list[Picture] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cause: Outcome | None = None
        self._fault: str | None = None
        self._began = time.perf_counter()
        self._end: Done | Died | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._call_bytes = 0
        self._context = contextvars.copy_context()  # that of who runs the code, for its tools
        self.calls: list[ToolCall] = []
        self.failure: Exception | None = None
        """What a callback raised; the run was killed for it."""

    # The deadline ---------------------------------------------------------------------------

    def start(self, timeout: float) -> None:
        """Start the clock: `timeout` seconds until the code is interrupted."""
        self._timer = self._loop.call_later(timeout, self.interrupt, "timeout")

    def interrupt(self, cause: Outcome) -> None:
        """Interrupt the code; kill it when it has not ended `grace` seconds later."""
        if self._cause is None and self._end is None:
            self._cause = cause
            self._send(Kind.INTERRUPT, b"")
            self._rearm(self._limits.grace, self.kill)

    def kill(self, fault: str | None = None) -> None:
        """Kill the code, for what it did; give the branch up when even that gets no answer."""
        if self._end is None:
            self._fault = self._fault or fault
            self._send(Kind.KILL, b"")
            self._rearm(KILL_PATIENCE, lambda: self.on_lost("the driver does not answer"))

    def _rearm(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, action)

    # Frames ---------------------------------------------------------------------------------

    def on_frame(self, kind: Kind, payload: bytes) -> None:
        """Take one frame of the branch."""
        if self._end is not None:
            return
        match kind:
            case Kind.DONE:
                self.finish(parse_done(payload))
            case Kind.STDOUT:
                self._output("stdout").feed(payload)
            case Kind.STDERR:
                self._output("stderr").feed(payload)
            case Kind.GAP:
                stream, count = parse_gap(payload)
                self._output(stream).skip(count)
            case Kind.IMAGE:
                self._add_image(payload)
            case Kind.CALL:
                self._call_bytes += len(payload)
                self._start_call(parse_call(payload))
            case Kind.DIED:
                self.finish(parse_died(payload))
            case _:
                raise ProtocolError(f"the sandbox sent {kind.name} during a run")

    def _output(self, stream: Stream) -> Output:
        if stream not in self._outputs:
            self._outputs[stream] = Output(stream, self._limits.output, self._on_output)
        return self._outputs[stream]

    def on_lost(self, reason: str) -> None:
        """End a run whose branch is gone."""
        if self._end is None:
            self.finish(Died(restored=False, files=False, reason=reason))

    def finish(self, end: Done | Died) -> None:
        """End so."""
        if self._timer:
            self._timer.cancel()
        if self._task:
            self._task.cancel()
        self._end = end
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _add_image(self, payload: bytes) -> None:
        if len(self._images) >= self._limits.images or len(payload) > self._limits.image_bytes:
            raise ProtocolError("the sandbox sent more pictures than allowed")
        if not payload.startswith(b"\x89PNG\r\n\x1a\n"):
            raise ProtocolError("the sandbox sent a picture that is no PNG")
        self._images.append(Picture(data=payload))

    # Tool calls -----------------------------------------------------------------------------

    def _start_call(self, call: Call) -> None:
        if self._task and not self._task.done():
            raise ProtocolError("the sandbox called a tool while a call was under way")
        self._task = self._loop.create_task(self._answer(call), context=self._context)

    async def _answer(self, call: Call) -> None:
        if refusal := self._refuse_call():
            self._reply(call.id, {"error": refusal})
            return
        try:
            result = await self._call_tool(call)
        except Exception as error:  # a callback's: the caller of the run is to have it
            self.failure = error
            self.kill()
            return
        self.calls.append(result)
        if result.status == "stopped":
            self._reply(call.id, {"stop": True})
        elif result.error is not None:
            self._reply(call.id, {"error": result.error})
        else:
            self._reply(call.id, {"value": result.result})

    def _refuse_call(self) -> str | None:
        if len(self.calls) >= self._limits.tool_calls:
            return f"no more than {self._limits.tool_calls} tool calls are allowed in one run"
        if self._call_bytes > CALL_FRAMES * self._limits.frame:
            return "the tool calls of this run have passed too much data: use files for large data"
        return None

    def _reply(self, number: int, answer: dict[str, Any]) -> None:
        payload = json.dumps({"id": number, **answer}, allow_nan=False).encode()
        if len(payload) > self._limits.frame:
            size = f"{len(payload)} bytes, more than Limits.frame allows"
            payload = json.dumps({"id": number, "error": f"the tool's result has {size}"}).encode()
        self._call_bytes += len(payload)
        if self._end is None:
            self._send(Kind.RESULT, payload)

    # The end --------------------------------------------------------------------------------

    @staticmethod
    def others_wait() -> bool:
        """True while runs are in progress that take their turns in the event loop."""
        return bool(_IN_PROGRESS)

    @property
    def ended(self) -> bool:
        """True when it is done or dead."""
        return self._end is not None

    async def wait(self) -> Done | Died:
        """Wait for the end; a caller that stops waiting has the code killed and rolled back."""
        _IN_PROGRESS.add(self)
        try:
            return await self._ended()
        except asyncio.CancelledError:
            self.kill()
            await self._ended()
            raise
        finally:
            _IN_PROGRESS.discard(self)

    async def _ended(self) -> Done | Died:
        while self._end is None:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._end

    def execution(
        self, end: Done | Died, *, rebuilt: bool = False, notes: tuple[str, ...] = ()
    ) -> Execution:
        """Return the result of a run that ended so."""
        done = end if isinstance(end, Done) else None
        stdout, stderr = self._outputs.get("stdout"), self._outputs.get("stderr")
        return Execution(
            outcome=self._outcome(end),
            stdout=stdout.text() if stdout else "",
            stderr=stderr.text() if stderr else "",
            stdout_dropped=stdout.dropped if stdout else 0,
            stderr_dropped=stderr.dropped if stderr else 0,
            value=done.value[: self._limits.value + 200] if done and done.value else None,
            error=done.error if done else None,
            images=tuple(self._images),
            files=done.files if done else (),
            calls=tuple(self.calls),
            usage=ResourceUsage(cpu_seconds=done.cpu, memory=done.memory)
            if done
            else ResourceUsage(),
            duration=time.perf_counter() - self._began,
            rolled_back=done is None,
            rebuilt=rebuilt,
            notes=notes + (done.notes if done else self._describe_death(end)),
        )

    def _outcome(self, end: Done | Died) -> Outcome:
        if self._cause is not None:
            return self._cause
        if isinstance(end, Died):
            return "killed"
        outcomes: dict[str, Outcome] = {"ok": "ok", "stopped": "ok", "error": "error"}
        return outcomes.get(end.status, "interrupted")

    def _describe_death(self, end: Done | Died) -> tuple[str, ...]:
        assert isinstance(end, Died)
        if reason := self._fault or end.reason:
            why = reason
        elif self._cause is not None:
            why = "it did not react to the interrupt"
        elif end.status is not None and end.status < 0:
            why = f"signal {-end.status} ended the process"
            why += ", most likely for lack of memory" if end.status == -9 else ""
        elif end.status is not None:
            why = f"the process exited with code {end.status}"
        else:
            why = "the process ended"
        notes = [f"killed: {why}; variables are as before this run"]
        if end.restored and not end.files:
            notes.append("files that the killed run changed could not be restored: too many bytes")
        return tuple(notes)
