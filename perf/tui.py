"""The screens under load: a long reply that streams in, and a long trace that is opened.

The reply has 200 kB and comes in pieces of 20 characters; the log has 100 MB. A stall is the
processor time that the event loop took between two beats of 10 ms: so long no key is heard. Screens
are drawn headlessly at 120 by 40; a whole process draws into a pseudo-terminal. The naive ways are
Textual's own Markdown stream and a text that is set anew with each piece (both of a tenth of the
reply, as a piece takes longer the more there is), and a tree with a line for each event of a log
that is read whole.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

from support.bench import Bench, Subject, plain
from support.heartbeat import heartbeat
from support.long_trace import called, started, write_long_trace
from support.pseudo_terminal import time_to_text
from support.report import Target
from textual.app import App, ComposeResult
from textual.widgets import Markdown, Static, Tree

from treeact.agents.remote import Order
from treeact.trace import events as ev
from treeact.trace.log import EventLog, read_events
from treeact.tui.app import RunApp
from treeact.tui.session import Session
from treeact.tui.widgets.approval import ApprovalPanel

SIZE = (120, 40)
REPLY = 200_000
PIECE = 20
PACE = 0.0005
"""Seconds between two pieces: 40 kB/s, which is quicker than any model."""
LOG = 100_000_000
PROSE = "The **third** sample is above the limit: `total_3` is 87 of 100.\n\n- so is the next\n\n"
CODE = "total_3 = sum(row[3] for row in rows)  # of all samples\n"
ID = "run/step-1"


def pieces(text: str, *, size: int = REPLY) -> list[str]:
    whole = (text * (size // len(text) + 1))[:size]
    return [whole[at : at + PIECE] for at in range(0, size, PIECE)]


@asynccontextmanager
async def run_screen() -> AsyncIterator[tuple[EventLog, RunApp]]:
    """Show the run screen of a run that has just begun."""

    async def steer(order: Order) -> bool:
        return True

    with tempfile.TemporaryDirectory(prefix="treeact-perf-") as folder:
        log = EventLog(Path(folder) / "run")
        log.emit(started())
        app = RunApp(Session(Path(folder) / "run", steer))
        async with app.run_test(size=SIZE):
            await settled(app, lambda: bool(app.session.view.blocks))
            yield log, app
        log.close()


async def settled(app: RunApp, holds: Callable[[], bool]) -> None:
    """Wait until something holds, and was drawn."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    drawn = asyncio.Event()
    app.screen.call_after_refresh(drawn.set)
    await drawn.wait()


async def streamed(text: str, *, kind: str, approve: bool = False) -> float:
    """Stream a reply into the run screen, let it become a block, and return the worst stall."""
    whole = "".join(pieces(text))
    async with run_screen() as (log, app), heartbeat() as heart:
        for piece in pieces(text):
            log.stream(f"{ID}/propose", piece)
            await asyncio.sleep(PACE)
        log.emit(called(ID, log.text(whole)))
        log.emit(ev.Proposed(id=ID, parent="run", action=kind, text=log.text(whole)))
        if approve:
            log.emit(ev.ApprovalRequested(id=ID, what="code", text=log.text(whole)))
        await settled(app, lambda: len(app.session.view.blocks) == 2)
        if approve:
            await settled(app, lambda: bool(app.screen.query_one(ApprovalPanel).display))
        return heart.worst


class Naive(App[None]):
    """One widget, and nothing else."""

    def __init__(self, widget: Callable[[], Markdown | Static | Tree[None]]) -> None:
        super().__init__()
        self._widget = widget

    def compose(self) -> ComposeResult:
        yield self._widget()


async def markdown_streamed() -> float:
    """Stream the beginning of the reply into a Markdown widget as Textual means it to be done."""
    async with Naive(Markdown).run_test(size=SIZE) as pilot, heartbeat() as heart:
        stream = Markdown.get_stream(pilot.app.query_one(Markdown))
        for piece in pieces(PROSE, size=REPLY // 10):
            await stream.write(piece)
            await asyncio.sleep(PACE)
        await stream.stop()
        return heart.worst


async def text_set_anew() -> float:
    """Set a text anew with each piece."""
    async with Naive(Static).run_test(size=SIZE) as pilot, heartbeat() as heart:
        text, static = "", pilot.app.query_one(Static)
        for piece in pieces(PROSE, size=REPLY // 10):
            text += piece
            static.update(text)
            await asyncio.sleep(PACE)
        return heart.worst


async def first_paint(directory: Path) -> float:
    """Open a run in the trace screen; return the seconds until its events are painted."""
    began = perf_counter()
    app = RunApp(Session(directory), first="trace")
    async with app.run_test(size=SIZE):
        await settled(app, lambda: bool(app.screen.query_one(Tree).root.children))
        return perf_counter() - began


async def taken_in(directory: Path, *, first: str) -> float:
    """Open a run in a screen; return the worst stall until all of it was taken in."""
    app = RunApp(Session(directory), first=first)
    async with app.run_test(size=SIZE), heartbeat() as heart:
        session = app.session
        await settled(app, lambda: bool(session.index.entries))
        await settled(app, lambda: not session.behind and not session.index.unread)
        return heart.worst


async def read_whole(directory: Path) -> float:
    """Read all events and give each a line; return the seconds to the first paint."""
    began = perf_counter()
    events = list(read_events(directory))
    async with Naive(partial(Tree, "run")).run_test(size=SIZE) as pilot:
        tree = pilot.app.query_one(Tree)
        for event in events:
            tree.root.add_leaf(f"{event.id}: {event.type}")
        tree.root.expand()
        drawn = asyncio.Event()
        pilot.app.screen.call_after_refresh(drawn.set)
        await drawn.wait()
    return perf_counter() - began


def in_terminal(directory: Path) -> float:
    """Return the seconds from the start of `treeact trace open` to the first paint of a step."""
    program = str(Path(sys.executable).parent / "treeact")
    return time_to_text([program, "trace", "open", str(directory)], b"step-1")


def of_streaming() -> list[Subject]:
    """Return the rows of a reply that streams in."""
    naive = "stall: Textual's Markdown stream, a tenth of the reply"
    bound = Target(at_most=250, unit="ms")

    def ours(what: str, text: str, *, kind: str, approve: bool = False) -> Subject:
        measure = partial(streamed, text, kind=kind, approve=approve)
        name = f"stall: run screen, {what}"
        return Subject(name=name, open=plain(measure), baseline=naive, target=bound)

    return [
        Subject(name=naive, open=plain(markdown_streamed)),
        Subject(
            name="stall: a text set anew with each piece, a tenth of the reply",
            open=plain(text_set_anew),
            baseline=naive,
        ),
        ours("an answer", PROSE, kind="answer"),
        ours("an answer of one line", "word ", kind="answer"),
        ours("code", CODE, kind="code"),
        ours("code that waits for a yes", CODE, kind="code", approve=True),
    ]


def of_opening(run: Path, short: Path) -> list[Subject]:
    """Return the rows of a trace of 100 MB that is opened, beside one of 2 MB."""
    naive = "opened: all read, a line for each event"
    program = "opened: `treeact trace open`, from its start"
    second = Target(at_most=1000, unit="ms")

    def stall(first: str) -> Subject:
        name = f"stall: {first} screen, until all is taken in"
        target = Target(at_most=250, unit="ms")
        return Subject(name=name, open=plain(partial(taken_in, run, first=first)), target=target)

    return [
        Subject(name=naive, open=plain(partial(read_whole, run))),
        Subject(
            name="opened: trace screen",
            open=plain(partial(first_paint, run)),
            baseline=naive,
            target=second,
        ),
        Subject(name=program, open=plain(partial(in_terminal, run)), baseline=naive, target=second),
        Subject(
            name="opened: the same of 2 MB",
            open=plain(partial(in_terminal, short)),
            baseline=program,
        ),
        stall("trace"),
        stall("run"),
    ]


async def main() -> None:
    bench = Bench.from_command_line("tui", __doc__)
    await bench.group(of_streaming(), rounds=3)
    with tempfile.TemporaryDirectory(prefix="treeact-perf-") as folder:
        run, short = Path(folder) / "run", Path(folder) / "short"
        write_long_trace(run, size=LOG)
        write_long_trace(short, size=LOG // 50)
        await bench.group(of_opening(run, short), rounds=5)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
