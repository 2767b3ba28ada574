"""Turns files into text, in a child process with limits (`conversion.py` says why)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
from collections import OrderedDict
from pathlib import Path

from treeact.errors import ToolError

CHILD = Path(__file__).with_name("conversion.py")
SECONDS = 30
"""Processor seconds of one conversion; twice as many by the clock."""
CHARACTERS = 2_000_000
"""Characters kept of one file's text."""
REMEMBERED = 16
"""Files whose text is kept, since the pages of one are asked for one after the other."""
INSTALL = 'install what reads documents and pages: pip install "treeact[web]"'

_texts: OrderedDict[str, str] = OrderedDict()


async def convert(data: bytes, kind: str, *, charset: str = "", url: str = "") -> str:
    """Return the text of a file.

    Args:
        data: the file.
        kind: its kind as `kind_of` names it, or `page` for the main text of a web page, which has
            the title in its first line.
        charset: what its sender says that it is written in.
        url: where it came from.

    Raises:
        ToolError: it cannot be read, or takes too much time or memory.
    """
    config = {
        "kind": kind,
        "charset": charset,
        "url": url,
        "seconds": SECONDS,
        "characters": CHARACTERS,
    }
    arguments = json.dumps(config)
    key = hashlib.sha256(arguments.encode() + b"\n" + data).hexdigest()
    if key not in _texts:
        _texts[key] = await _run(arguments, data)
        while len(_texts) > REMEMBERED:
            _texts.popitem(last=False)
    _texts.move_to_end(key)
    return _texts[key]


async def _run(arguments: str, data: bytes) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-W", "ignore", str(CHILD), arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(2 * SECONDS):
            text, words = await _exchange(process, data)
    except TimeoutError:
        raise ToolError(f"reading it took more than {2 * SECONDS} seconds: read another") from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    if process.returncode:
        raise ToolError(_reason(words, process.returncode))
    return text.decode("utf-8", "replace")


async def _exchange(process: asyncio.subprocess.Process, data: bytes) -> tuple[bytes, bytes]:
    """Feed the child and return the output, bounded even where the child's own bound is not."""
    assert process.stdin and process.stdout and process.stderr

    async def feed(stdin: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # it may end before it has read all
            stdin.write(data)
            await stdin.drain()
            stdin.close()

    text, words, _ = await asyncio.gather(
        _read_most(process.stdout, 4 * CHARACTERS),
        _read_most(process.stderr, 65536),
        feed(process.stdin),
    )
    await process.wait()
    return text, words


async def _read_most(stream: asyncio.StreamReader, limit: int) -> bytes:
    data = bytearray()
    while piece := await stream.read(65536):
        data += piece[: limit - len(data)]
    return bytes(data)


def _reason(words: bytes, code: int) -> str:
    last = words.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
    if last[0].startswith("missing package"):
        return f"{last[0]}: {INSTALL}"
    if code < 0:
        return "it cannot be read: its reader took too much time or memory, or crashed"
    return f"it cannot be read: {last[0] or 'its reader gave no reason'}"
