"""The recording format: JSON Lines, a header and then one line for each call.

A call's messages are stored as a reference to the first messages of an earlier call and those
added since, and each picture once, so that a recording grows with the run and not with its square.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from treeact.errors import ReplayError
from treeact.models.base import Author, Completion, Image, Message, Prices, Request, Role

FORMAT = 1
SUFFIX = ".jsonl"
Line = TypeVar("Line")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line: what was recorded, who answered, and what replay needs of the model."""

    treeact_recording: int
    """Version of the format."""
    author: Author
    model: str
    created: str
    """Time of the first call, ISO 8601."""
    prices: Prices | None = None
    context_window: int | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a request holds beside its messages and its path."""

    n: int
    temperature: float | None
    max_output_tokens: int
    stop: tuple[str, ...]
    schema: dict[str, Any] | None

    @classmethod
    def of(cls, request: Request) -> Options:
        """Return the options of `request`."""
        return cls(
            n=request.n,
            temperature=request.temperature,
            max_output_tokens=request.max_output_tokens,
            stop=request.stop,
            schema=request.schema,
        )


@dataclass(frozen=True, kw_only=True)
class AddedMessage:
    """A message that no earlier call had at its place; pictures by their digest."""

    role: Role
    content: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """A picture at its first appearance."""

    media_type: str
    base64: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """One recorded call."""

    path: str
    digest: str
    options: Options
    base: tuple[int, int] | None = None
    """Number of an earlier call, and how many of its first messages this one repeats."""
    added: tuple[AddedMessage, ...] = ()
    images: dict[str, StoredImage] = field(default_factory=dict)
    completion: Completion


def image_digest(image: Image) -> str:
    """Return the address of a picture."""
    return hashlib.sha256(image.media_type.encode() + b"\0" + image.data).hexdigest()


class Digester:
    """Digests of messages, prompts and requests; those of messages are remembered."""

    def __init__(self) -> None:
        self._message: Callable[[Message], bytes] = lru_cache(maxsize=4096)(_message_digest)

    def prefixes(self, messages: tuple[Message, ...]) -> list[str]:
        """Return the digest of each prefix of `messages`, the shortest first."""
        chain, digests = b"", []
        for message in messages:
            chain = hashlib.sha256(chain + self._message(message)).digest()
            digests.append(chain.hex())
        return digests

    def request(self, request: Request) -> str:
        """Return the digest of everything the reply depends on, the model apart."""
        options = vars(Options.of(request))
        text = json.dumps([self.prefixes(request.messages)[-1], options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _message_digest(message: Message) -> bytes:
    images = [image_digest(image) for image in message.images]
    text = json.dumps([message.role, message.content, images])
    return hashlib.sha256(text.encode()).digest()


class Cassette:
    """A recording that was read and checked."""

    def __init__(self, path: Path, header: Header, calls: list[Call], *, torn: bool) -> None:
        self.path = path
        self.header = header
        self.calls = calls
        self.torn = torn
        """Whether the last line was cut off in writing; it was left out."""
        self._by_path: defaultdict[str, list[Call]] = defaultdict(list)
        for call in calls:
            self._by_path[call.path].append(call)

    @classmethod
    def load(cls, path: Path) -> Cassette:
        """Read the recording at `path`.

        Raises:
            ReplayError: it is missing, unreadable, no recording, of another version, or damaged;
                the message names the line.
        """
        lines = _lines(path)
        header = _header(path, lines)
        calls, torn = _calls(path, lines)
        return cls(path, header, calls, torn=torn)

    def at(self, path: str) -> list[Call]:
        """Return the calls with this logical path, in the order of their recording."""
        return self._by_path.get(path, [])

    @property
    def paths(self) -> list[str]:
        """The logical paths of all calls, in order, each once."""
        return list(self._by_path)

    def messages(self, call: Call) -> tuple[Message, ...]:
        """Rebuild the messages of a recorded call, without their pictures' bytes."""
        parts: list[tuple[AddedMessage, ...]] = []
        keep: int | None = None
        while True:
            added = call.added
            held = call.base[1] if call.base else 0
            parts.append(added if keep is None else added[: max(0, keep - held)])
            if call.base is None:
                break
            keep = held if keep is None else min(keep, held)
            call = self.calls[call.base[0]]
        return tuple(_message(added) for part in reversed(parts) for added in part)


def _message(added: AddedMessage) -> Message:
    pictures = "".join(f"\n[picture {digest[:12]}]" for digest in added.images)
    return Message(added.role, added.content + pictures)


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        fault = "is not a regular file" if path.exists() else "does not exist"
        raise ReplayError(f"the recording {path} {fault}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReplayError(f"cannot read the recording {path}: {error.strerror}") from None
    if not content.strip():
        raise ReplayError(f"the recording {path} is empty")
    return content.split(b"\n")


def _header(path: Path, lines: list[bytes]) -> Header:
    try:
        raw = _parsed(lines[0])
    except ValueError:
        raw = {}
    version = raw.get("treeact_recording")
    if version is None:
        raise ReplayError(f"{path} is not a TreeAct recording: line 1 is not its header")
    if version != FORMAT:
        raise ReplayError(
            f"the recording {path} has format {version!r}, and this version of TreeAct reads "
            f"{FORMAT}: update TreeAct, or record again"
        )
    return _checked(path, 1, raw, Header)


def _calls(path: Path, lines: list[bytes]) -> tuple[list[Call], bool]:
    """Read every line but the header; a last line without its end may be torn."""
    calls: list[Call] = []
    lengths: list[int] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            call = _call(path, number, line, lengths)
        except ReplayError:
            if number == len(lines):
                return calls, True
            raise
        calls.append(call)
        lengths.append((call.base[1] if call.base else 0) + len(call.added))
    return calls, False


def _call(path: Path, number: int, line: bytes, lengths: list[int]) -> Call:
    try:
        raw = _parsed(line)
    except ValueError as error:
        raise _damaged(path, number, str(error)) from None
    call = _checked(path, number, raw, Call)
    if call.base is not None:
        index, count = call.base
        if not 0 <= index < len(lengths) or not 0 <= count <= lengths[index]:
            raise _damaged(path, number, f"it refers to messages that are not there: {call.base}")
    texts = call.completion.texts
    if not texts or len(texts) != len(call.completion.finish_reasons):
        raise _damaged(path, number, "its completion lacks a text or a finish reason")
    return call


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(line)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    return raw


def _checked(path: Path, number: int, raw: Mapping[str, Any], kind: type[Line]) -> Line:
    from pydantic import ValidationError

    try:
        line: Line = _adapters()[kind].validate_python(raw)
        return line
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _damaged(path, number, f"{place}: {first['msg']}") from None


@cache
def _adapters() -> dict[type[Any], Any]:
    from pydantic import TypeAdapter

    return {kind: TypeAdapter(kind) for kind in (Header, Call)}


def _damaged(path: Path, number: int, fault: str) -> ReplayError:
    return ReplayError(f"the recording {path} is damaged at line {number}: {fault}")


def tape_name(path: str) -> str:
    """Return the file in a folder of recordings for calls whose logical path is `path`."""
    from urllib.parse import quote

    return quote(path.split("/", 1)[0] or "run", safe=" ") + SUFFIX


def tapes_in(folder: Path) -> Iterator[Path]:
    """Return the recordings in a folder, in the order of their names."""
    return iter(sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file()))
