"""The attach call against engines that refuse, break off, or send what they should not."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.errors import SandboxError, SandboxUnavailable
from treeact.sandbox.docker import attach as module
from treeact.sandbox.docker.attach import AttachedStream, attach
from treeact.sandbox.docker.engine import Endpoint

ACCEPTED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

Engine = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def chunk(kind: int, data: bytes) -> bytes:
    return struct.pack("!BxxxI", kind, len(data)) + data


@asynccontextmanager
async def engine(folder: Path, serve: Engine) -> AsyncIterator[Endpoint]:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(accept, folder / "engine.sock")
    async with server:
        yield Endpoint(host=f"unix://{folder / 'engine.sock'}")


async def read_all(stream: AttachedStream) -> bytes:
    parts = []
    while data := await stream.read():
        parts.append(data)
    return b"".join(parts)


async def attached(folder: Path, *sent: bytes) -> tuple[bytes, str]:
    """Return stdout and the tail of stderr of an engine that sends this after its answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ACCEPTED)
        for part in sent:
            writer.write(part)
            await writer.drain()

    async with engine(folder, serve) as endpoint:
        stream = await attach(endpoint, "name", api_version="1.41")
        try:
            return await read_all(stream), stream.stderr
        finally:
            stream.close()


async def test_stdout_and_stderr_are_told_apart(tmp_path: Path) -> None:
    parts = [
        chunk(1, b"a" * 300_000),
        chunk(2, b"oh"),
        chunk(1, b""),
        chunk(1, b"b"),
        chunk(2, b"!"),
    ]
    assert await attached(tmp_path, *parts) == (b"a" * 300_000 + b"b", "oh!")


async def test_bytes_that_come_with_the_answer_are_kept(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ACCEPTED + chunk(1, b"early"))

    async with engine(tmp_path, serve) as endpoint:
        stream = await attach(endpoint, "name", api_version="1.41")
        assert await read_all(stream) == b"early"
        stream.close()


@given(cut=st.integers(0, 40), data=st.binary(max_size=20))
def test_a_cut_at_any_byte_is_the_end(cut: int, data: bytes) -> None:
    whole = chunk(1, data) + chunk(1, b"second")

    async def read_cut() -> bytes:
        reader = asyncio.StreamReader()
        reader.feed_data(whole[:cut])
        reader.feed_eof()
        return await read_all(AttachedStream(reader, None))  # type: ignore[arg-type]

    assert (data + b"second").startswith(asyncio.run(read_cut()))


async def test_only_the_end_of_stderr_is_kept(tmp_path: Path) -> None:
    _, stderr = await attached(tmp_path, *[chunk(2, b"x" * 65536)] * 20, chunk(2, b"the end"))
    assert len(stderr) == module.STDERR_TAIL
    assert stderr.endswith("the end")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        (b"", "broke off"),
        (b"HTTP/1.1 101 UPGR", "broke off"),
        (b"\x00\xff\r\n\r\n", "refused"),
        (b"x" * 2 * module.BUFFER, "broke off"),
    ],
)
async def test_a_wrong_answer_is_a_clear_error(
    tmp_path: Path, answer: bytes, expected: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with engine(tmp_path, serve) as endpoint:
        with pytest.raises(SandboxError, match=expected):
            await attach(endpoint, "name", api_version="1.41")


async def test_an_engine_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 0.05)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with engine(tmp_path, serve) as endpoint:
        with pytest.raises(SandboxError, match="broke off"):
            await attach(endpoint, "name", api_version="1.41")


async def test_writing_after_the_engine_has_gone_is_no_error(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ACCEPTED)

    async with engine(tmp_path, serve) as endpoint:
        stream = await attach(endpoint, "name", api_version="1.41")
        assert await stream.read() == b""
        for _ in range(10):
            stream.write(b"x" * 100_000)
            await stream.drain()
        stream.close()
        stream.write(b"x")
        await stream.drain()
        assert await stream.read() == b""


async def test_a_slow_reader_holds_the_engine_back(tmp_path: Path) -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(ACCEPTED)
        for _ in range(1000):
            writer.write(chunk(1, b"x" * 65536))
            await writer.drain()
            sent += 1

    async with engine(tmp_path, serve) as endpoint:
        stream = await attach(endpoint, "name", api_version="1.41")
        await asyncio.sleep(0.2)
        assert sent < 100
        assert len(await read_all(stream)) == 1000 * 65536
        stream.close()


@pytest.mark.parametrize("host", ["npipe:////./pipe/docker_engine", "nonsense", "ssh://host"])
async def test_an_engine_of_an_unknown_kind_names_the_remedy(host: str) -> None:
    with pytest.raises(SandboxUnavailable, match="DOCKER_HOST"):
        await attach(Endpoint(host=host), "name", api_version="1.41")


@pytest.mark.parametrize("host", ["unix:///no/such.sock", "tcp://127.0.0.1:1"])
async def test_no_engine_there_names_the_remedy(host: str) -> None:
    with pytest.raises(SandboxUnavailable, match="start Docker"):
        await attach(Endpoint(host=host), "name", api_version="1.41")
