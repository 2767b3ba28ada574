import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.models.support import Book, ask
from treeact.errors import ModelError
from treeact.models import (
    HumanModel,
    Image,
    Listener,
    Message,
    RecordingModel,
    ReplayModel,
    Request,
)
from treeact.models.human import StandardInput


class Typist:
    """Types lines, and keeps what it was shown."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self.shown = ""

    async def read_line(self) -> str:
        await asyncio.sleep(0)
        return next(self._lines, "")

    def write(self, text: str) -> None:
        self.shown += text

    def model(self) -> HumanModel:
        return HumanModel(read_line=self.read_line, write=self.write)


async def test_a_typed_reply_ends_at_the_dot(book: Book) -> None:
    typist = Typist("first\n", " .\n", "..\n", "\n", ".\n", "next\n", ".\n")
    model = typist.model()
    pieces: list[str] = []
    completion = await model.complete(
        ask("a question"), meter=book, listener=Listener(on_text=pieces.append)
    )
    assert completion.text == "first\n .\n..\n"
    assert (completion.author, completion.model, completion.cost) == ("hand", "human", None)
    assert completion.usage.estimated
    assert book.usage == completion.usage
    assert pieces == [completion.text]
    assert (await model.complete(ask())).text == "next"


@pytest.mark.parametrize(
    ("lines", "text"),
    [(["x"], "x"), (["x\n"], "x"), (["x\r\n", ".\r\n"], "x\r"), ([".\n"], ""), (["\n", ".\n"], "")],
)
async def test_ends_of_replies(lines: list[str], text: str) -> None:
    assert (await Typist(*lines).model().complete(ask())).text == text


async def test_an_input_that_ends_without_a_reply_is_an_error(book: Book) -> None:
    with pytest.raises(ModelError, match="ended before a reply to 'run/step-1' was typed"):
        await Typist().model().complete(ask(), meter=book)
    assert book.outcomes == ["released"]


async def test_only_what_is_new_of_a_conversation_is_shown() -> None:
    typist = Typist("a\n", ".\n", "b\n", ".\n", "c\n", ".\n")
    model = typist.model()
    first = (Message("system", "SYSTEM"), Message("user", "ONE", (Image(data=b"x"),)))
    await model.complete(Request(messages=first, schema={"type": "object"}))
    assert "SYSTEM" in typist.shown
    assert "ONE" in typist.shown
    assert "[1 pictures]" in typist.shown
    assert '{"type": "object"}' in typist.shown
    typist.shown = ""
    await model.complete(Request(messages=(*first, Message("user", "TWO"))))
    assert "ONE" not in typist.shown
    assert "TWO" in typist.shown
    typist.shown = ""
    await model.complete(Request(messages=(Message("user", "OTHER"),)))
    assert "OTHER" in typist.shown


async def test_prompts_at_the_same_time_take_turns() -> None:
    typist = Typist("a\n", ".\n", "b\n", ".\n", "c\n", ".\n")
    completion = await typist.model().complete(ask(n=3))
    assert sorted(completion.texts) == ["a", "b", "c"]


async def test_what_a_person_typed_is_recorded_as_theirs(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await RecordingModel(Typist("mine\n", ".\n").model(), path).complete(ask())
    completion = await ReplayModel(path, strict=True).complete(ask())
    assert (completion.text, completion.author) == ("mine", "hand")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


async def lines(source: StandardInput) -> AsyncIterator[str]:
    while line := await source.read_line():
        yield line


async def test_lines_of_a_pipe_however_they_arrive(pipe: tuple[int, int]) -> None:
    source = StandardInput(pipe[0])
    pending = asyncio.create_task(source.read_line())
    for piece in (b"fir", b"st\nsec", b"ond\n\xff\nlast"):
        await asyncio.sleep(0)
        os.write(pipe[1], piece)
    os.close(pipe[1])
    assert await pending == "first\n"
    assert [line async for line in lines(source)] == ["second\n", "\ufffd\n", "last"]


async def test_waiting_for_a_line_can_be_cancelled_and_loses_nothing(pipe: tuple[int, int]) -> None:
    source = StandardInput(pipe[0])
    os.write(pipe[1], b"half")
    pending = asyncio.create_task(source.read_line())
    await asyncio.sleep(0.01)
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    os.write(pipe[1], b" and half\n")
    assert await source.read_line() == "half and half\n"


SCRIPT = """
import asyncio
from treeact.models import HumanModel, Message, Request
async def main():
    model = HumanModel()
    for path in ("one", "two"):
        request = Request(messages=(Message("user", "q"),), path=path)
        print(repr((await model.complete(request)).text))
asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["pipe", "file", "null"])
def test_standard_input_of_any_kind(tmp_path: Path, kind: str) -> None:
    typed = Path("/dev/null") if kind == "null" else tmp_path / "typed"
    typed.write_text("a\nb\n.\nc\n")
    command = [sys.executable, "-c", SCRIPT]
    with typed.open() as file:
        options = {"input": typed.read_text()} if kind == "pipe" else {"stdin": file}
        done = subprocess.run(command, capture_output=True, text=True, **options)
    if kind == "null":
        assert "the input ended before a reply to 'one' was typed" in done.stderr
    else:
        assert done.stdout.split() == [r"'a\nb'", "'c'"]
        assert "your reply, ended by a line with a single dot" in done.stderr
