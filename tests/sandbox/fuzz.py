"""A driver that lies: it does what a real one does, and between that sends whatever hurts most."""

import asyncio
import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

from treeact.sandbox.base import Limits
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.protocol import HEADER, VERSION, Kind
from treeact.sandbox.session import DriverSandbox

FROM_SANDBOX = [kind for kind in Kind if kind >= Kind.HELLO]
PNG = b"\x89PNG\r\n\x1a\n"

HONEST: dict[Kind, dict[str, Any]] = {
    Kind.HELLO: {"version": VERSION, "python": "3.12.0"},
    Kind.READY: {},
    Kind.FAILED: {"error": "no"},
    Kind.GAP: {"stream": "stdout", "bytes": 7},
    Kind.CALL: {"id": 1, "tool": "note", "args": [1], "kwargs": {}},
    Kind.DONE: {
        "status": "ok",
        "value": "1",
        "error": None,
        "files": [["a", 1]],
        "notes": [],
        "cpu": 0.1,
        "memory": 5,
        "output": False,
    },
    Kind.WAITING: {"line": 1},
    Kind.KEPT: {},
    Kind.DIED: {"restored": True, "files": True, "status": -9, "reason": None},
    Kind.STATE: {
        "step": 1,
        "digest": {"names": {"x": "int:1"}, "files": "0"},
        "forkable": True,
        "background": [],
    },
}
"""What a driver sends, by kind."""

HOSTILE_VALUES: list[Any] = [
    None,
    True,
    -1,
    1 << 63,
    10**400,
    1e308,
    "",
    "\ud800",
    "x" * 5000,
    "../../etc/passwd",
    "\0",
    [],
    [[]],
    [["../x", 1]],
    [["a", -1]],
    [["a", 1]] * 20_001,
    [1] * 1000,
    {},
    {"": {}},
    {"names": []},
    {"type": 1},
    {"stream": "stdin"},
]
HOSTILE_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b'{"id": NaN}',
    b'{"cpu": 1e999, "memory": -Infinity}',
    b'{"id": 1, "id": "two", "tool": "note", "args": [], "kwargs": {}}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"args": [1e999], "id": 1, "tool": "note", "kwargs": {}}',
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"args": ' + b"[" * 500 + b"]" * 500 + b', "id": 1, "tool": "note", "kwargs": {}}',
    b'{"error": "\\ud800\\udfff\\ud800"}\n',
    b'{"size": 1e3}\n' + b"x" * 100,
    b'{"size": -1}\n',
    b'{"files": {}}\n',
    b'{"files": [["\\u0000", 1], ["a/../b", 1]]}\n',
    b'{"size": 99999999999999}\nx',
    b'{"size": 5}\n',
]


def frame(branch: int, kind: int, payload: bytes | dict[str, Any] = b"") -> bytes:
    """Return one frame, whatever its kind."""
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    return HEADER.pack(branch, len(payload), kind) + payload


class Liar:
    """Makes hostile frames."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made = 0
        self.last_branch = 1

    def frames(self, branch: int) -> bytes:
        """Return one or more frames, most of which keep the stream in step."""
        self.made += 1
        ways = (self.garbage_json, self.wrong_field, self.out_of_order, self.raw, self.elsewhere)
        return self.random.choice(ways)(branch)

    def garbage_json(self, branch: int) -> bytes:
        """A message that is no message."""
        return frame(branch, self.random.choice(FROM_SANDBOX), self.random.choice(HOSTILE_JSON))

    def wrong_field(self, branch: int) -> bytes:
        """An honest message with one entry changed or missing."""
        kind = self.random.choice([*HONEST])
        message = dict(HONEST[kind])
        if message and self.random.random() < 0.2:
            del message[self.random.choice([*message])]
        elif message:
            message[self.random.choice([*message])] = self.random.choice(HOSTILE_VALUES)
        return frame(branch, kind, message)

    def out_of_order(self, branch: int) -> bytes:
        """An honest message at the wrong time, once or several times."""
        kind = self.random.choice([*HONEST])
        times = self.random.choice((1, 1, 2, 30))
        self.made += times - 1
        return frame(branch, kind, HONEST[kind]) * times

    def raw(self, branch: int) -> bytes:
        """Bytes where bytes belong, of all lengths, and where they do not."""
        kinds = (Kind.STDOUT, Kind.STDERR, Kind.IMAGE, Kind.REPLY, Kind.GAP)
        data = self.random.randbytes(self.random.choice((0, 1, 100, 5000)))
        start = PNG if self.random.random() < 0.3 else b""
        return frame(branch, self.random.choice(kinds), start + data)

    def elsewhere(self, branch: int) -> bytes:
        """An honest message for a branch that never was, or for another one."""
        kind = self.random.choice([*HONEST])
        number = self.random.choice((0, branch + 1, max(branch - 1, 0), 10**6, 2**32 - 1))
        return frame(number, kind, HONEST[kind])

    def fatal(self) -> bytes:
        """Bytes after which the stream makes no sense any more."""
        self.made += 1
        ways: tuple[Callable[[], bytes], ...] = (
            lambda: self.random.randbytes(self.random.randrange(1, 3000)),
            lambda: HEADER.pack(1, 2**32 - 1, Kind.STDOUT) + b"bomb",
            lambda: HEADER.pack(1, 1 << 20, Kind.STDOUT) + b"too large",
            lambda: frame(1, self.random.choice((0, 1, 10, 31, 46, 255)), b"kind"),
            lambda: frame(0, Kind.HELLO, {"version": 2, "python": "3"}),
            lambda: HEADER.pack(1, 1000, Kind.DONE) + b"and then nothing",
        )
        return self.random.choice(ways)()


class LyingChannel(Channel):
    """Answers each request as a driver would, with lies before, after or instead of the answer."""

    def __init__(self, liar: Liar, *, lies: float, silence: float, death: float) -> None:
        self._liar, self._lies, self._silence, self._death = liar, lies, silence, death
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._inbox = bytearray()
        self._branches = {0}
        self._dead = False
        self._loop = asyncio.get_running_loop()
        self._lines: list[socket.socket] = []
        self._say(frame(0, Kind.HELLO, HONEST[Kind.HELLO]))

    def _say(self, data: bytes) -> None:
        if self._dead:
            return
        if len(data) > 2 and self._liar.random.random() < 0.2:  # in two pieces
            cut = self._liar.random.randrange(1, len(data))
            self._pieces.put_nowait(data[:cut])
            data = data[cut:]
        if data:
            self._pieces.put_nowait(data)

    def write(self, data: bytes) -> None:
        self._inbox += data
        while len(self._inbox) >= HEADER.size:
            branch, length, kind = HEADER.unpack_from(self._inbox)
            end = HEADER.size + length
            if end > len(self._inbox):
                return
            payload = bytes(self._inbox[HEADER.size : end])
            del self._inbox[:end]
            self._branches.add(branch)
            self._answer(branch, Kind(kind), payload)

    def _answer(self, branch: int, kind: Kind, payload: bytes) -> None:
        chance = self._liar.random.random
        while chance() < self._lies:
            self._say(self._liar.frames(branch))
        if chance() < self._death:
            self._say(self._liar.fatal())
            self._end()
        if chance() >= self._silence:
            for piece in honest_answer(branch, kind, payload):
                self._say(piece)
        while chance() < self._lies / 2:
            self._say(self._liar.frames(branch))

    @property
    def carries_descriptors(self) -> bool:
        return True

    def pass_descriptor(self, data: bytes, descriptor: int) -> bool:
        """Take a line, and have a child wait on it that lies as well."""
        if self._dead or self._liar.random.random() < 0.1:
            return False
        line = socket.socket(fileno=os.dup(descriptor))
        line.setblocking(False)
        self._lines.append(line)
        branch, length, _ = HEADER.unpack_from(data)
        self._loop.add_reader(line, self._serve_line, line, branch)
        if self._liar.random.random() < 0.9:
            self._say(frame(branch, Kind.WAITING, data[HEADER.size : HEADER.size + length]))
        return True

    def _serve_line(self, line: socket.socket, branch: int) -> None:
        """Answer code on a line with lies, then perhaps with what a child would say."""
        try:
            said = line.recv(65536)
            liar, chance = self._liar, self._liar.random.random
            if said and chance() < 0.4:
                line.send(liar.frames(branch))
            if said and chance() < 0.05:
                line.send(liar.fatal())
            if said and chance() < 0.8:
                line.send(frame(branch, Kind.CALL, HONEST[Kind.CALL]))
                done = {**HONEST[Kind.DONE], "output": chance() < 0.3}
                line.send(frame(branch, Kind.DONE, done))
        except OSError:
            said = b""
        if not said or self._liar.random.random() < 0.1:
            self._hang_up(line)

    def _hang_up(self, line: socket.socket) -> None:
        self._loop.remove_reader(line)
        line.close()
        self._lines.remove(line)

    def _end(self) -> None:
        if not self._dead:
            self._pieces.put_nowait(b"")
        self._dead = True
        for line in [*self._lines]:
            self._hang_up(line)

    async def read(self) -> bytes:
        return await self._pieces.get()

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def kill(self) -> None:
        self._end()

    async def diagnose(self) -> str:
        return "it lied"


def honest_answer(branch: int, kind: Kind, payload: bytes) -> Iterator[bytes]:
    """Yield what a real driver would answer."""
    match kind:
        case Kind.OPEN:
            yield frame(branch, Kind.READY, {})
            yield frame(branch, Kind.STATE, {**HONEST[Kind.STATE], "step": 0})
        case Kind.EXEC:
            step = int(payload.split(b"\n")[0].split()[0])
            yield frame(branch, Kind.STDOUT, b"hello\n")
            yield frame(branch, Kind.CALL, HONEST[Kind.CALL])
            yield frame(branch, Kind.DONE, HONEST[Kind.DONE])
            yield frame(branch, Kind.STATE, {**HONEST[Kind.STATE], "step": step})
        case Kind.KEEP if b"true" in payload:
            yield frame(branch, Kind.STDOUT, b"hello\n")
            yield frame(branch, Kind.KEPT, {})
        case Kind.INTERRUPT | Kind.KILL:
            yield frame(branch, Kind.DIED, HONEST[Kind.DIED])
        case Kind.PUT | Kind.CLOSE:
            yield frame(branch, Kind.REPLY, b"{}\n")
        case Kind.GET:
            yield frame(branch, Kind.REPLY, b'{"size": 5}\nhello')
        case Kind.LIST:
            yield frame(branch, Kind.REPLY, b'{"files": [["a", 1]]}\n')
        case Kind.STAT:
            yield frame(branch, Kind.REPLY, b'{"memory": 100}\n')


class LyingSandbox(DriverSandbox):
    """The real host side over drivers that lie."""

    kind = "lying"

    def __init__(self, make_channel: Callable[[], Channel], *, limits: Limits) -> None:
        super().__init__(limits=limits)
        self._make_channel = make_channel

    @classmethod
    async def available(cls) -> str | None:
        return None

    async def _launch(self) -> Channel:
        return self._make_channel()


class Flood(Channel):
    """Sends one thing without end, as fast as it is read, once code runs."""

    def __init__(self, piece: bytes, total: int) -> None:
        self._piece, self._left = piece, total
        self._begun = asyncio.Event()
        self._first: asyncio.Queue[bytes] = asyncio.Queue()
        self._first.put_nowait(frame(0, Kind.HELLO, HONEST[Kind.HELLO]))

    def write(self, data: bytes) -> None:
        branch, _, kind = HEADER.unpack_from(data)
        if kind == Kind.OPEN:
            self._first.put_nowait(b"".join(honest_answer(branch, Kind.OPEN, data)))
        if kind == Kind.EXEC:
            self._begun.set()
            self._first.put_nowait(b"")

    async def read(self) -> bytes:
        if not self._begun.is_set() and (first := await self._first.get()):
            return first
        await asyncio.sleep(0)
        if self._left <= 0:
            return b""
        self._left -= len(self._piece)
        return self._piece

    async def drain(self) -> None:
        pass

    async def kill(self) -> None:
        self._left = 0
        self._begun.set()
        self._first.put_nowait(b"")

    async def diagnose(self) -> str:
        return "it had no more to say"


class Cut(Channel):
    """Says a fixed text, listening to nothing, and ends."""

    def __init__(self, text: bytes) -> None:
        self._pieces = [text] if text else []

    def write(self, data: bytes) -> None:
        pass

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    async def drain(self) -> None:
        pass

    async def kill(self) -> None:
        pass

    async def diagnose(self) -> str:
        return "it was cut off"
