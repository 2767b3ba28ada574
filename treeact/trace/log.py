"""The event log of one run: append-only, flushed line by line, readable while it grows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from treeact.errors import TraceError
from treeact.trace.blobs import BlobStore, is_short
from treeact.trace.events import Event, RunEnded, Text, parse_event
from treeact.trace.redact import Redactor

EVENTS_FILE = "events.jsonl"
LIVE_FILE = "live.jsonl"
BLOBS_FOLDER = "blobs"
LIVE_INTERVAL = 0.1  # seconds between lines of streamed text: ten a second is what an eye follows

E = TypeVar("E", bound=Event)


class EventLog:
    """Writes a run's events and hands each to whoever listens.

    Args:
        directory: the run directory, made if it is missing; None keeps everything in memory.
        redactor: what keeps secrets out.
        append: go on with a log that is there, in which a last line that was cut off is removed.

    Raises:
        TraceError: the directory cannot be made or already holds a run.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        redactor: Redactor | None = None,
        append: bool = False,
    ) -> None:
        self.directory = directory
        self._redactor = redactor or Redactor()
        self._seq = 0
        self._memory: list[Event] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._followers: list[asyncio.Queue[Event | None]] = []
        self._closed = False
        self._file: FileIO | None = None
        self._end = 0
        self._live: _LiveText | None = None
        if directory is not None:
            self._file = _create(directory, append=append)
            self._seq, self._end = _mend(self._file, directory) if append else (0, 0)
            self._live = _LiveText(directory / LIVE_FILE, self._redactor)
        self.blobs = BlobStore(directory / BLOBS_FOLDER if directory is not None else None)

    def emit(self, event: E) -> E:
        """Number, date, write and hand out `event`; return it as it was written.

        Raises:
            TraceError: it cannot be written, for example because the disk is full.
        """
        # in place, as a copy would cost as much as the writing; nobody else has the event yet
        vars(event).update(seq=self._seq, time=time.time())
        raw = _as_json(event) if self._file is not None or self._redactor.active else ""
        line = self._redactor.clean(raw)
        if line != raw:  # whoever listens must not see what the log does not hold
            event = cast(E, parse_event(json.loads(line)))
        if self._file is None:
            self._memory.append(event)
        else:
            try:
                self._end += _append(self._file, line.encode() + b"\n", self._end)
            except OSError as error:
                raise _trace_error(self.directory, error) from error
        self._seq += 1
        for listener in self._listeners:
            listener(event)
        return event

    def text(self, value: str) -> Text:
        """Return `value` fit for an event: itself, or the reference of its blob.

        Raises:
            TraceError: the blob cannot be written.
        """
        value = self._redactor.clean(value)
        if is_short(value):
            return value
        with _as_trace_error(self.directory):
            return self.blobs.text(value)

    def stream(self, id: str, piece: str) -> None:
        """Note a piece of a reply that is still being written, outside of the durable log."""
        if self._live is not None:
            self._live.add(id, piece)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event from now on, right after it was written."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` no more."""
        self._listeners.remove(listener)

    def events(self) -> Iterator[Event]:
        """Yield what was written so far."""
        if self.directory is None:
            yield from list(self._memory)
        else:
            yield from read_events(self.directory)

    async def follow(self) -> AsyncIterator[Event]:
        """Yield what was written so far and then each event as it comes, to the run's end."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.subscribe(queue.put_nowait)
        self._followers.append(queue)
        past = list(self.events())
        ended = self._closed or (bool(past) and isinstance(past[-1], RunEnded))
        try:
            for event in past:
                yield event
            while not ended and (coming := await queue.get()) is not None:
                ended = isinstance(coming, RunEnded)
                yield coming
        finally:
            self.unsubscribe(queue.put_nowait)
            self._followers.remove(queue)

    def discard(self) -> None:
        """Close a log to which nothing was written, and remove what it made."""
        self.close()
        if self.directory is not None and not self._seq:
            (self.directory / EVENTS_FILE).unlink(missing_ok=True)
            with suppress(OSError):
                self.directory.rmdir()

    def close(self) -> None:
        """Close the files and let followers end; the log takes no more events."""
        self._closed = True
        for queue in self._followers:
            queue.put_nowait(None)
        if self._live is not None:
            self._live.close()
        if self._file is not None:
            self._file.close()


class _LiveText:
    """Streamed text for whoever watches: lossy on purpose, a few lines a second."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._path = path
        self._redactor = redactor
        self._file: IO[str] | None = None
        self._pending: dict[str, str] = {}
        self._written = 0.0

    def add(self, id: str, piece: str) -> None:
        self._pending[id] = self._pending.get(id, "") + piece
        if time.monotonic() - self._written >= LIVE_INTERVAL:
            self._flush()

    def _flush(self, *, last: bool = False) -> None:
        """Write what is pending, but for an end that may be the beginning of a secret."""
        kept_back = 0 if last else max(0, self._redactor.longest - 1)
        lines = []
        for id, text in self._pending.items():
            text = self._redactor.clean(text)
            ready = len(text) - kept_back
            self._pending[id] = text[max(0, ready) :]
            if ready > 0:
                lines.append(json.dumps({"id": id, "text": text[:ready]}) + "\n")
        self._written = time.monotonic()
        if not lines:
            return
        try:
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8")
            self._file.writelines(lines)
            self._file.flush()
        except OSError:
            pass  # nobody's record depends on it; the log itself will say that the disk is full

    def close(self) -> None:
        self._flush(last=True)
        self._pending.clear()
        if self._file is not None:
            self._file.close()


def read_events(directory: Path) -> Iterator[Event]:
    """Yield the events of a run directory, also of one that is still being written.

    A last line that was cut off is left out, since a kill or a full disk may cut one.

    Raises:
        TraceError: there is no log, or a line other than the last is damaged; it names the line.
    """
    path = directory / EVENTS_FILE
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                yield parse_line(line, f"{path}, line {number}")
    except OSError as error:
        raise TraceError(f"cannot read {path}: {error.strerror}") from error


def parse_line(line: bytes, where: str) -> Event:
    """Return the event that a line of a log is.

    Args:
        line: the bytes.
        where: how messages call it.

    Raises:
        TraceError: it is damaged.
    """
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError("not an object")
        return parse_event(data)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise TraceError(f"{where}: damaged event ({reason})") from error


def _as_json(event: Event) -> str:
    try:
        # what `model_dump_json` does, without its dozen options
        return event.__pydantic_serializer__.to_json(event).decode()
    except ValueError:  # half of a surrogate pair, which UTF-8 cannot hold
        return json.dumps(_without_surrogates(event.model_dump()))


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
        case _:
            return value


def _append(file: FileIO, line: bytes, end: int) -> int:
    """Write a whole line past all buffers and return its length, or leave the file as it was."""
    try:
        written = file.write(line)
        while written < len(line):
            written += file.write(line[written:])
    except OSError:
        with suppress(OSError):
            file.truncate(end)
            file.seek(end)
        raise
    return written


def _create(directory: Path, *, append: bool) -> FileIO:
    with _as_trace_error(directory):
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / EVENTS_FILE).open("ab" if append else "xb", buffering=0)


def _mend(file: FileIO, directory: Path) -> tuple[int, int]:
    """Remove a last line that was cut off; return how many lines are left, and their bytes."""
    with _as_trace_error(directory):
        whole = (directory / EVENTS_FILE).read_bytes()
        end = whole.rfind(b"\n") + 1
        file.truncate(end)
        return whole.count(b"\n"), end


@contextmanager
def _as_trace_error(directory: Path | None) -> Iterator[None]:
    """Turn an OSError in the block into a TraceError that names the directory."""
    try:
        yield
    except FileExistsError as error:
        raise TraceError(f"{directory} already holds a run: name another folder") from error
    except OSError as error:
        raise _trace_error(directory, error) from error


def _trace_error(directory: Path | None, error: OSError) -> TraceError:
    return TraceError(f"cannot write the trace in {directory}: {error.strerror}")
