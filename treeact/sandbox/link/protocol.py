"""The frames between host and driver. Every byte from the sandbox is hostile and checked here.

A frame is branch (u32), payload length (u32), kind (u8), payload: JSON for control, raw bytes for
output and files. Parsing is pure: a message that is not exactly what it should be is a
`ProtocolError`, whatever is wrong with it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, NoReturn

from treeact.errors import SandboxError
from treeact.sandbox.base import ExecutionError, FileInfo, Stream

VERSION = 1
HEADER = struct.Struct("!IIB")
MAX_DEPTH = 64
MAX_FILES = 20_000


class ProtocolError(SandboxError):
    """A sandbox sent what no driver sends."""


class Kind(IntEnum):
    """What a frame says; numbers as in the driver."""

    OPEN = 1
    EXEC = 2
    RESULT = 3
    INTERRUPT = 4
    KILL = 5
    CLOSE = 6
    PUT = 7
    GET = 8
    LIST = 9
    STAT = 10
    LINE = 11
    WATCH = 12
    KEEP = 13

    HELLO = 32
    READY = 33
    FAILED = 34
    STDOUT = 35
    STDERR = 36
    GAP = 37
    IMAGE = 38
    CALL = 39
    DONE = 40
    DIED = 41
    STATE = 42
    REPLY = 43
    WAITING = 44
    KEPT = 45


FROM_SANDBOX = {int(kind): kind for kind in Kind if kind >= Kind.HELLO}


class Frame(NamedTuple):
    """One message."""

    branch: int
    kind: Kind
    payload: bytes


def encode(branch: int, kind: Kind, payload: bytes | dict[str, Any] = b"") -> bytes:
    """Return the bytes of one frame; a dictionary is sent as JSON."""
    if not isinstance(payload, bytes):
        payload = _ENCODER.encode(payload).encode()
    return HEADER.pack(branch, len(payload), kind) + payload


def encode_code(code: str, step: int, put: Sequence[str]) -> bytes:
    """Return the payload of an EXEC: the step's number, names of files put since the last, code."""
    names = b" " + json.dumps(put).encode() if put else b""
    return b"%d%b\n%b" % (step, names, code.encode("utf-8", "surrogatepass"))


class Decoder:
    """Cuts a byte stream into frames, holding no more than one unfinished frame."""

    def __init__(self, max_frame: int) -> None:
        self._buffer = bytearray()
        self._max = max_frame

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes and return the frames that are whole now.

        Raises:
            ProtocolError: a frame is too long, or of no kind that a sandbox sends.
        """
        self._buffer += data
        frames, start = [], 0
        while len(self._buffer) - start >= HEADER.size:
            branch, length, number = HEADER.unpack_from(self._buffer, start)
            kind = FROM_SANDBOX.get(number)
            if kind is None or length > self._max:
                raise ProtocolError(f"the sandbox sent a frame of kind {number}, {length} bytes")
            end = start + HEADER.size + length
            if end > len(self._buffer):
                break
            frames.append(Frame(branch, kind, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames


def load(payload: bytes) -> dict[str, Any]:
    """Parse a JSON object: plain, of bounded depth, its text without lone surrogates.

    Raises:
        ProtocolError: it is anything else.
    """
    try:
        value = _DECODER.decode(payload.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the sandbox sent malformed JSON") from error
    if not isinstance(value, dict):
        raise ProtocolError("the sandbox sent JSON that is not an object")
    _check_depth(value)
    if b"\\ud" in payload or b"\\uD" in payload:
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


# Made once: `json` would make new ones in every call.
_ENCODER = json.JSONEncoder(allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise ProtocolError(f"the sandbox sent JSON nested deeper than {MAX_DEPTH}")


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    return value


class Fields:
    """Typed access to a message; an entry that is missing or of another type is an error."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message

    def _get(self, name: str, *types: type) -> Any:
        value = self._message.get(name)
        if type(value) not in types:
            raise ProtocolError(f"the sandbox sent a message with a bad {name!r}")
        return value

    def text(self, name: str) -> str:
        """Return a string."""
        value: str = self._get(name, str)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a string, or None when it is null or missing."""
        value: str | None = self._get(name, str, type(None))
        return value

    def optional(self, name: str, kind: type) -> Any:
        """Return a value of type `kind`, or None when it is null or missing."""
        return self._get(name, kind, type(None))

    def count(self, name: str) -> int:
        """Return an integer that is not negative."""
        value: int = self._get(name, int)
        if not 0 <= value < 1 << 63:
            raise ProtocolError(f"the sandbox sent a message with a bad {name!r}")
        return value

    def seconds(self, name: str) -> float:
        """Return a finite number that is not negative."""
        value: float = self._get(name, int, float)
        if not 0 <= value < 1e12:
            raise ProtocolError(f"the sandbox sent a message with a bad {name!r}")
        return float(value)

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        value: bool = self._get(name, bool)
        return value

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        value: list[Any] = self._get(name, list)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a dictionary."""
        value: dict[str, Any] = self._get(name, dict)
        return value


@dataclass(frozen=True)
class Call:
    """Sandboxed code calls a tool."""

    id: int
    tool: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Done(NamedTuple):
    """A run ended by itself or by an interrupt, and its state is kept."""

    status: str
    value: str | None
    error: ExecutionError | None
    files: tuple[FileInfo, ...]
    notes: tuple[str, ...]
    cpu: float
    memory: int
    output: bool
    """There is output of the run that the supervisor has not read."""


@dataclass(frozen=True)
class Died:
    """A run's process is gone."""

    restored: bool
    """The branch is as it was before the run; otherwise nothing of it is left."""
    files: bool = True
    """The working folder, too, is as it was before."""
    status: int | None = None
    """Exit code, or minus the number of the signal."""
    reason: str | None = None


@dataclass(frozen=True)
class State:
    """Fingerprint of a branch's state after a run."""

    step: int
    """Number of the last run in it."""
    names: dict[str, str]
    files: str
    forkable: bool


def parse_call(payload: bytes) -> Call:
    """Parse the message of a tool call."""
    fields = Fields(load(payload))
    args, kwargs = fields.items("args"), fields.mapping("kwargs")
    return Call(fields.count("id"), fields.text("tool"), tuple(args), kwargs)


def parse_gap(payload: bytes) -> tuple[Stream, int]:
    """Parse how many bytes of which stream were left out."""
    fields = Fields(load(payload))
    stream = fields.text("stream")
    if stream == "stdout":
        return "stdout", fields.count("bytes")
    if stream == "stderr":
        return "stderr", fields.count("bytes")
    raise ProtocolError("the sandbox sent a gap of no stream")


# How most runs end: seconds of processor time, bytes of memory, and whether there is output. As
# JSON, with all its checks, it takes longer than such a run itself.
_PLAIN_DONE = struct.Struct("!dQB")
PLAIN_DONE = _PLAIN_DONE.pack(0.0, 0, 0)
"""The report of a run that has nothing to report."""


def parse_done(payload: bytes) -> Done:
    """Parse the report of a run."""
    if len(payload) == _PLAIN_DONE.size:
        cpu, memory, output = _PLAIN_DONE.unpack(payload)
        if 0 <= cpu < 1e12 and memory < 1 << 63 and output < 2:
            return Done("ok", None, None, (), (), cpu, memory, output == 1)
    fields = Fields(load(payload))
    status = fields.text("status")
    if status not in ("ok", "error", "interrupted", "stopped"):
        raise ProtocolError("the sandbox sent a run's end of no known status")
    notes = fields.items("notes")
    if not all(isinstance(note, str) for note in notes):
        raise ProtocolError("the sandbox sent a note that is not text")
    return Done(
        status=status,
        value=fields.text_or_none("value"),
        error=_parse_error(fields),
        files=parse_files(fields),
        notes=tuple(note[:1000] for note in notes[:20]),
        cpu=fields.seconds("cpu"),
        memory=fields.count("memory"),
        output=fields.flag("output"),
    )


def _parse_error(fields: Fields) -> ExecutionError | None:
    if fields.optional("error", dict) is None:
        return None
    error = Fields(fields.mapping("error"))
    return ExecutionError(
        type=error.text("type")[:200],
        message=error.text("message"),
        traceback=error.text("traceback"),
    )


def parse_files(fields: Fields) -> tuple[FileInfo, ...]:
    """Parse a list of file names and sizes; names that leave the folder are an error."""
    items = fields.items("files")
    if len(items) > MAX_FILES:
        raise ProtocolError("the sandbox sent too many file names")
    return tuple(_parse_file(item) for item in items)


def _parse_file(item: Any) -> FileInfo:
    match item:
        case [str(name), int(size)] if type(size) is int and 0 <= size < 1 << 63:
            if is_inside(name):
                return FileInfo(name=name, size=size)
    raise ProtocolError("the sandbox sent a bad file name")


def is_inside(name: str) -> bool:
    """Return True for a relative file name that stays below its folder."""
    parts = name.split("/")
    plain = name.isprintable() and len(name) <= 1024
    return plain and not any(part in ("", ".", "..") for part in parts)


def parse_died(payload: bytes) -> Died:
    """Parse the report of a killed run."""
    fields = Fields(load(payload))
    status = fields.optional("status", int)
    reason = fields.text_or_none("reason")
    restored, files = fields.flag("restored"), fields.flag("files")
    return Died(restored, files, status, reason and reason[:1000])


def parse_state(payload: bytes) -> State:
    """Parse a state's fingerprint."""
    fields = Fields(load(payload))
    digest = Fields(fields.mapping("digest"))
    names = digest.mapping("names")
    if len(names) > 1000 or not all(isinstance(mark, str) for mark in names.values()):
        raise ProtocolError("the sandbox sent a bad fingerprint")
    return State(fields.count("step"), names, digest.text("files"), fields.flag("forkable"))


def parse_reply(payload: bytes) -> tuple[Fields, bytes]:
    """Parse the answer to a request: a line of JSON, then raw bytes."""
    head, _, data = payload.partition(b"\n")
    return Fields(load(head)), data
