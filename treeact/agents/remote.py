"""Steering a run from another process: a socket in its run directory, open to its owner alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from treeact.errors import TreeActError
from treeact.trace.budget import LimitName
from treeact.trace.events import Command

if TYPE_CHECKING:
    from treeact.agents.run import Run

SOCKET_FILE = "control.sock"
MAX_MESSAGE = 1_000_000
"""Bytes of one command: code that a person has edited fits many times."""


class Order(BaseModel):
    """A command as it is sent: one line of JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    command: Command
    text: str = ""
    """The edited code; the instructions of a rejection; what is said; after an interrupt, too."""
    limit: LimitName | None = None
    value: float | None = None
    """Of the limit; None lifts it."""


class Reply(BaseModel):
    """What came of it: one line of JSON."""

    model_config = ConfigDict(frozen=True)

    done: bool
    """False where nothing waited for the command."""
    error: str = ""
    """Why it could not be taken; empty where it could."""


@asynccontextmanager
async def steerable(run: Run) -> AsyncIterator[None]:
    """Take commands for a run from other processes while the block runs.

    A run without a directory, or whose directory takes no socket, is not steerable, which nobody
    but who tries to steer it needs to know.
    """
    server = await _serve(run) if run.log.directory is not None else None
    try:
        yield
    finally:
        if server is not None and run.log.directory is not None:
            server.close()
            (run.log.directory / SOCKET_FILE).unlink(missing_ok=True)


async def _serve(run: Run) -> asyncio.Server | None:
    assert run.log.directory is not None

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                writer.write(_obey(run, line).model_dump_json().encode() + b"\n")
                await writer.drain()
        writer.close()

    listener = socket.socket(socket.AF_UNIX)
    try:
        _bind(listener, run.log.directory)
        return await asyncio.start_unix_server(answer, sock=listener, limit=MAX_MESSAGE)
    except OSError:
        listener.close()
        return None


def _bind(listener: socket.socket, directory: Path) -> None:
    with _short_path(directory) as path:
        listener.bind(path)
        Path(path).chmod(0o600)  # in time: nobody can connect before it listens


def _obey(run: Run, line: bytes) -> Reply:
    try:
        order = Order.model_validate_json(line)
        return Reply(done=carry_out(run, order))
    except ValidationError as error:
        return Reply(done=False, error=f"no command: {error.errors()[0]['msg']}")
    except TreeActError as error:
        return Reply(done=False, error=str(error))


def carry_out(run: Run, order: Order) -> bool:
    """Tell a run what an order says; return whether anything waited for it.

    Raises:
        TreeActError: the run does not take it.
    """
    match order.command:
        case "approve":
            return run.approve()
        case "edit":
            return run.edit(order.text)
        case "reject":
            return run.reject(order.text)
        case "interrupt":
            return run.interrupt(order.text)
        case "send":
            run.send(order.text)
        case "cancel":
            run.cancel()
        case "limit" if order.limit is None:
            raise TreeActError("no limit is named: give usd, tokens, steps, expansions or seconds")
        case "limit":
            run.limit(order.limit, order.value)
    return True


async def give_order(directory: Path, order: Order) -> bool:
    """Send a command to the run in a directory; return whether anything waited for it.

    Raises:
        TreeActError: the run takes no commands: it has ended, or its process is gone; or it does
            not take this one.
    """
    try:
        with _short_path(directory) as path:
            reader, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise TreeActError(
            f"the run in {directory} takes no commands ({error.strerror}): it has ended, or its "
            "process is gone"
        ) from error
    try:
        writer.write(order.model_dump_json().encode() + b"\n")
        line = await reader.readline()
    except OSError:
        line = b""
    finally:
        writer.close()
    try:
        reply = Reply.model_validate(json.loads(line))
    except ValueError as error:
        raise TreeActError(f"the run in {directory} ended before it answered") from error
    if reply.error:
        raise TreeActError(reply.error)
    return reply.done


@contextmanager
def _short_path(directory: Path) -> Iterator[str]:
    """Yield a path of the socket that is short enough, as the system takes about 100 bytes."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = Path(f"/proc/self/fd/{descriptor}")
        yield str((short if short.exists() else directory) / SOCKET_FILE)
    finally:
        os.close(descriptor)
