"""Byte streams over descriptors: whole, in order, held back when nobody reads, and closed."""

import asyncio
import os
import socket

import pytest

from treeact.sandbox.link.wire import BACKLOG, Wire


async def test_bytes_arrive_whole_and_in_order() -> None:
    ours, theirs = (end.detach() for end in socket.socketpair())
    one, other = Wire(ours, ours), Wire(theirs, theirs)
    sent = os.urandom(5 * 10**6)
    received, complete = bytearray(), asyncio.Event()

    def receive(data: bytes) -> None:
        received.extend(data)
        if len(received) >= len(sent):
            complete.set()

    pumping = asyncio.create_task(other.pump(receive))
    for start in range(0, len(sent), 70_000):
        one.write(sent[start : start + 70_000])
        await one.drain()
    await complete.wait()
    one.close()
    await pumping
    other.close()
    assert received == sent


async def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    source, sink = os.pipe()
    quiet, silent = os.pipe()
    wire = Wire(quiet, sink)
    wire.write(b"x" * (BACKLOG + 10**6))
    draining = asyncio.create_task(wire.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()
    os.close(source)  # who has gone takes nothing and keeps nobody waiting
    await draining
    wire.write(b"x")
    wire.close()
    wire.close()
    wire.write(b"x")
    os.close(silent)


async def test_what_the_receiver_raises_ends_the_pump() -> None:
    source, sink = os.pipe()
    wire = Wire(source, sink)

    def refuse(data: bytes) -> None:
        raise ValueError(data)

    wire.write(b"bad")
    with pytest.raises(ValueError, match="bad"):
        await wire.pump(refuse)
    wire.close()


async def test_closing_ends_the_pump() -> None:
    source, sink = os.pipe()
    wire = Wire(source, sink)
    pumping = asyncio.create_task(wire.pump(print))
    await asyncio.sleep(0)
    wire.close()
    await pumping
    await wire.pump(print)
