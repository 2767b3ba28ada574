"""The host against a driver that sends anything: no crash, no hang, bounded memory."""

import asyncio
import json
import random
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from treeact.errors import SandboxError
from treeact.sandbox.base import Execution, Limits
from treeact.sandbox.link.channel import Channel
from treeact.sandbox.link.protocol import Decoder, Kind, encode
from treeact.sandbox.session import DriverSandbox

LIMITS = Limits(timeout=0.05, grace=0.05, frame=4096, output=2048, images=2, image_bytes=512)
GOOD_DONE = {
    "status": "ok", "value": "1", "error": None, "files": [], "notes": [], "cpu": 0, "memory": 0,
    "output": False,
}  # fmt: skip
FRAMES = 12_000


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treeact.sandbox.run.KILL_PATIENCE", 0.1)
    for name in ("OPEN_PATIENCE", "REPLY_PATIENCE", "STATE_PATIENCE"):
        monkeypatch.setattr(f"treeact.sandbox.live.{name}", 0.1)


class HostileChannel(Channel):
    """Greets and opens branches like a driver; what it says during a run is up to the test."""

    def __init__(self, attack: Callable[[int], bytes]) -> None:
        self._attack = attack
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._out.put_nowait(encode(0, Kind.HELLO, {"version": 1, "python": "3"}))
        self._inbox = bytearray()
        self.killed = False

    async def read(self) -> bytes:
        return await self._out.get()

    def write(self, data: bytes) -> None:
        branch, _, kind = struct.unpack_from("!IIB", data)
        if kind == Kind.OPEN:
            self._out.put_nowait(encode(branch, Kind.READY))
        elif kind == Kind.EXEC:
            self._out.put_nowait(self._attack(branch))
        elif kind == Kind.KILL:
            report = {"restored": True, "files": True, "status": -9, "reason": None}
            self._out.put_nowait(encode(branch, Kind.DIED, report))
        elif kind in (Kind.CLOSE, Kind.LIST):
            self._out.put_nowait(encode(branch, Kind.REPLY, b'{"files": []}\n'))

    async def drain(self) -> None:
        return

    async def kill(self) -> None:
        if not self.killed:
            self.killed = True
            self._out.put_nowait(b"")

    async def diagnose(self) -> str:
        return "hostile"


class HostileSandbox(DriverSandbox):
    kind = "hostile"

    def __init__(self, attack: Callable[[int], bytes]) -> None:
        super().__init__(limits=LIMITS)
        self._attack = attack

    @classmethod
    async def available(cls) -> str | None:
        return None

    async def _launch(self) -> Channel:
        return HostileChannel(self._attack)


async def attacked(attack: Callable[[int], bytes]) -> Execution | None:
    async with HostileSandbox(attack) as sandbox:
        branch = await sandbox.branch()
        try:
            async with asyncio.timeout(10):
                return await branch.run("1")
        except SandboxError:
            return None


def random_payload(dice: random.Random) -> bytes:
    values = [None, True, -1, 2**70, 1e400, "x" * 50, [], {}, [[1]], "\ud800", {"a": 1}]
    names = [
        "id",
        "tool",
        "args",
        "kwargs",
        "status",
        "value",
        "error",
        "files",
        "notes",
        "cpu",
        "memory",
        "stream",
        "bytes",
    ]
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(60))
        case 1:
            return json.dumps({name: dice.choice(values) for name in names}).encode()
        case 2:
            return json.dumps(GOOD_DONE | {dice.choice(names): dice.choice(values)}).encode()
    return b'{"a":' * dice.randrange(200)


async def test_random_frames() -> None:
    dice = random.Random(1)
    sent = 0
    tracemalloc.start()
    try:
        while sent < FRAMES:

            def attack(branch: int) -> bytes:
                nonlocal sent
                data = b""
                for _ in range(300):
                    kind = dice.choice([*Kind, *Kind, 0, 99])
                    payload = random_payload(dice)
                    length = dice.choice([len(payload)] * 30 + [0, 5000, 2**32 - 1])
                    target = dice.choice([branch, branch, branch, 0, 77])
                    data += struct.pack("!IIB", target, length, kind) + payload
                    sent += 1
                return data

            await attacked(attack)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind >= Kind.HELLO])
async def test_valid_kinds_with_random_payloads(kind: Kind) -> None:
    dice = random.Random(int(kind))

    def attack(branch: int) -> bytes:
        return b"".join(encode(branch, kind, random_payload(dice)) for _ in range(10))

    for _ in range(5):
        await attacked(attack)


async def test_an_endless_print_is_capped_on_the_host_too() -> None:
    flood = 500

    def attack(branch: int) -> bytes:
        return encode(branch, Kind.STDOUT, b"x" * 4096) * flood + encode(
            branch, Kind.DONE, GOOD_DONE
        )

    result = await attacked(attack)
    assert result is not None
    assert len(result.stdout) <= LIMITS.output + 100
    assert result.stdout_dropped >= 4096 * flood - LIMITS.output - 100


@pytest.mark.parametrize(
    "frames",
    [
        [(Kind.IMAGE, b"\x89PNG\r\n\x1a\n")] * 3,
        [(Kind.IMAGE, b"GIF89a")],
        [(Kind.IMAGE, b"\x89PNG\r\n\x1a\n" + b"x" * 1000)],
        [(Kind.READY, b"{}")],
        [(Kind.DONE, b"{}")],
        [(Kind.CALL, b'{"id": 1, "tool": "x", "args": [], "kwargs": {}}')] * 2,
        [(Kind.GAP, b'{"stream": "stdin", "bytes": 1}')],
    ],
)
async def test_what_no_driver_sends_ends_the_branch(frames: list[tuple[Kind, bytes]]) -> None:
    result = await attacked(lambda branch: b"".join(encode(branch, *frame) for frame in frames))
    assert result is not None
    assert (result.outcome, result.rolled_back) == ("killed", True)


async def test_frames_of_unknown_branches_are_dropped() -> None:
    done = {"status": "ok", "value": "forged"}
    result = await attacked(
        lambda branch: (
            encode(branch + 1, Kind.DONE, GOOD_DONE | done)
            + encode(0, Kind.DONE, GOOD_DONE)
            + encode(branch, Kind.DONE, GOOD_DONE)
        )
    )
    assert result is not None
    assert result.value == "1"


async def test_silence_and_half_frames_meet_the_hosts_own_deadline() -> None:
    for attack in (b"", struct.pack("!IIB", 1, 4000, Kind.STDOUT) + b"half"):
        result = await attacked(lambda branch, attack=attack: attack or b"\0")  # type: ignore[misc]
        assert result is not None
        assert (result.outcome, result.rolled_back) == ("timeout", True)


def test_decoder_holds_one_frame_at_most() -> None:
    decoder = Decoder(1000)
    for _ in range(1000):
        decoder.feed(encode(1, Kind.STDOUT, b"x" * 999)[:-1])
        decoder.feed(b"x")
        assert len(decoder._buffer) <= 1100
