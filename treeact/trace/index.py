"""Finding one's way in a log without loading it: where each event is, what it is, whose it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from treeact.errors import TraceError
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event
from treeact.trace.log import BLOBS_FOLDER, EVENTS_FILE, LIVE_FILE, parse_line

_HEAD = re.compile(
    rb'\{"v":\d+,"seq":-?\d+,"time":(?P<time>[-+.\de]+),"id":"(?P<id>(?:[^"\\]|\\.)*)",'
    rb'"parent":(?:null|"(?P<parent>(?:[^"\\]|\\.)*)"),"type":"(?P<type>\w+)"'
)
"""How the log writes the beginning of a line; one that is written otherwise is read whole."""


class Entry(NamedTuple):
    """Where an event is, and its envelope."""

    number: int
    """Counted from 0, in the order of writing."""
    line: int
    """Line of the file, from 1."""
    offset: int
    """Of its first byte."""
    size: int
    """Bytes, with the end of the line."""
    type: str
    id: str
    parent: str | None
    time: float
    failed: bool
    """Whether it tells of a failure."""


class Damage(NamedTuple):
    """A line that is no event."""

    line: int
    reason: str


class TraceIndex:
    """The events of a run directory by number; only those that are asked for are read whole.

    Args:
        directory: the run directory; its log may still grow, or not be there yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entries: list[Entry] = []
        """Every event so far."""
        self.damaged: list[Damage] = []
        """Lines that are no events; they are left out."""
        self.torn = False
        """Whether the last line has no end: it is being written, or was cut off."""
        self.blobs = BlobStore(directory / BLOBS_FOLDER)
        self.read = 0
        """How many events were read whole."""
        self._path = directory / EVENTS_FILE
        self._size = 0
        self._end = 0
        self._lines = 0

    def refresh(self, *, most: int | None = None) -> Sequence[Entry]:
        """Look for lines that were added, and return their entries.

        Args:
            most: bytes after which the rest is left to the next call; None reads to the end.

        Raises:
            TraceError: the log cannot be read, or has become shorter.
        """
        first = len(self.entries)
        try:
            self._size = self._path.stat().st_size
            if self._size < self._end:
                raise TraceError(f"{self._path} has become shorter: another run is written there")
            with self._path.open("rb") as file:
                file.seek(self._end)
                self._read(file, math.inf if most is None else self._end + most)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TraceError(f"cannot read {self._path}: {error.strerror}") from error
        return self.entries[first:]

    @property
    def unread(self) -> int:
        """Bytes that were there at the last look, and are in no entry yet."""
        return self._size - self._end

    def _read(self, file: IO[bytes], enough: float) -> None:
        """Take lines in until one ends at or behind byte `enough`."""
        for line in file:
            self.torn = not line.endswith(b"\n")
            if self.torn:
                self._size = self._end
                break
            self._take(line)
            if self._end >= enough:
                break

    def _take(self, line: bytes) -> None:
        self._lines += 1
        try:
            kind, id, parent, time = _envelope(line)
        except ValueError as error:
            self.damaged.append(Damage(self._lines, str(error)))
        else:
            number, size, failed = len(self.entries), len(line), _tells_of_failure(kind, line)
            self.entries.append(
                Entry(number, self._lines, self._end, size, kind, id, parent, time, failed)
            )
        self._end += len(line)

    def event(self, entry: Entry) -> Event:
        """Read one event whole.

        Raises:
            TraceError: it is damaged, or cannot be read.
        """
        self.read += 1
        return parse_line(self.raw(entry), f"{self._path}, line {entry.line}")

    def events(self, entries: Sequence[Entry]) -> Iterator[Event]:
        """Read events whole, leaving out those that are damaged."""
        for entry in entries:
            try:
                yield self.event(entry)
            except TraceError as error:
                self.damaged.append(Damage(entry.line, str(error)))

    def find(self, words: str, *, after: int = -1, forward: bool = True) -> Entry | None:
        """Return the next event whose line holds some words, going round at the end.

        Args:
            words: in any case; quotes and line ends are written as JSON writes them.
            after: number of the event to begin behind.
            forward: False looks backwards.
        """
        low, count = words.lower().encode(), len(self.entries)
        for distance in range(1, count + 1):
            entry = self.entries[(after + distance * (1 if forward else -1)) % count]
            if low in self.raw(entry).lower():
                return entry
        return None

    def raw(self, entry: Entry) -> bytes:
        """Return the bytes of one event.

        Raises:
            TraceError: they cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(entry.offset)
                return file.read(entry.size)
        except OSError as error:
            raise TraceError(f"cannot read {self._path}: {error.strerror}") from error


def _envelope(line: bytes) -> tuple[str, str, str | None, float]:
    """Return type, id, parent and time of an event.

    Raises:
        ValueError: it is none.
    """
    if head := _HEAD.match(line):
        parent = head["parent"]
        return (
            head["type"].decode(),
            _unquoted(head["id"]),
            None if parent is None else _unquoted(parent),
            float(head["time"]),
        )
    try:
        data = json.loads(line)
        time = data.get("time", 0.0)
        return str(data["type"]), str(data["id"]), data.get("parent"), float(time)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"damaged event ({type(error).__name__})") from error


def _tells_of_failure(kind: str, line: bytes) -> bool:
    """Return whether an event is a failure. In its texts quotes are escaped: they do not match."""
    return kind == "model_retried" or b'"ok":false' in line or b'"error":"' in line


def _unquoted(text: bytes) -> str:
    if b"\\" not in text:
        return text.decode(errors="replace")
    return str(json.loads(b'"' + text + b'"'))


class LiveText:
    """Text that is being streamed, read from the side file of a run as it grows.

    Args:
        directory: the run directory.
        keep: characters that are kept of each text: its end.
    """

    def __init__(self, directory: Path, *, keep: int = 4000) -> None:
        self._path = directory / LIVE_FILE
        self._keep = keep
        self._end = 0
        self.texts: dict[str, str] = {}
        """The end of each text so far, by the logical id of what streams it."""

    def refresh(self) -> bool:
        """Read what was added; return whether there was anything."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._end)
                added = file.read()
        except OSError:
            return False
        whole = added.rpartition(b"\n")[0]
        if not whole:
            return False
        self._end += len(whole) + 1
        for line in whole.split(b"\n"):
            self._take(line)
        return True

    def forget(self, id: str) -> None:
        """Drop a text that is in the log now."""
        self.texts.pop(id, None)

    def _take(self, line: bytes) -> None:
        try:
            piece = json.loads(line)
            id, text = str(piece["id"]), str(piece["text"])
        except (ValueError, KeyError, TypeError):
            return  # lossy on purpose
        self.texts[id] = (self.texts.get(id, "") + text)[-self._keep :]
