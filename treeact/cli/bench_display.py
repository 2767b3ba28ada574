"""How a benchmark is shown while it runs: a table that lives in a terminal, else a line a task."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from treeact.benchmarks.runner.tally import Tally
from treeact.printable import printable
from treeact.trace import events as ev

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 12
"""Jobs in progress, and as many that have ended, in the live table."""


class BenchDisplay(Protocol):
    """Shows the events of a benchmark one after the other."""

    def show(self, event: ev.Event) -> None:
        """Show one event."""


class JsonLines:
    """Each event as a line of JSON."""

    def show(self, event: ev.Event) -> None:
        """Print one event."""
        sys.stdout.write(event.model_dump_json() + "\n")
        sys.stdout.flush()


class Quiet:
    """Nothing."""

    def show(self, event: ev.Event) -> None:
        """Print nothing."""


class Lines:
    """A line for each job that has ended."""

    def __init__(self) -> None:
        self._tally = Tally()

    def show(self, event: ev.Event) -> None:
        """Print a line where a job has ended, or the benchmark."""
        self._tally.take(event)
        if isinstance(event, ev.BenchStarted):
            sys.stdout.write(f"{event.suite}: {event.left} of {event.jobs} jobs to do\n")
        elif isinstance(event, ev.TaskEnded):
            answer = printable(_text(event.answer)).replace("\n", " ")[:60]
            told = answer or event.message.partition("\n")[0]
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            sys.stdout.write(
                f"{self._tally.ended}/{self._tally.left}  {event.task}.{event.epoch}  "
                f"{event.state}{again}  {event.steps} steps  {event.tokens} tokens  "
                f"{event.duration:.1f} s  {told}\n"
            )
        elif isinstance(event, ev.BenchEnded) and event.message:
            sys.stdout.write(f"{event.message}: {event.left} jobs are left\n")
        sys.stdout.flush()


class Live:
    """A table in the terminal, drawn four times a second."""

    def __init__(self) -> None:
        self._tally = Tally()

    def show(self, event: ev.Event) -> None:
        """Take an event in; the table shows it with its next drawing."""
        self._tally.take(event)

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for column in ("task", "state", "steps", "tokens", "time", "answer"):
            table.add_column(column, no_wrap=True, overflow="ellipsis")
        for ended in self._tally.last[-SHOWN:]:
            table.add_row(
                f"{ended.task}.{ended.epoch}",
                ended.state,
                str(ended.steps),
                str(ended.tokens),
                f"{ended.duration:.1f} s",
                printable(_text(ended.answer) or ended.message).replace("\n", " ")[:60],
            )
        now = time.time()
        for job, began in list(self._tally.running.items())[:SHOWN]:
            name, seconds = f"{job.task}.{job.epoch}", f"{now - began:.0f} s"
            table.add_row(name, "running", "", "", seconds, "", style="dim")
        return Group(table, self._tally.headline(now))


def _text(text: ev.Text | None) -> str:
    if isinstance(text, ev.Blob):
        return text.head
    return text or ""


@contextmanager
def bench_display(name: str) -> Iterator[BenchDisplay]:
    """Give the display called `name`: auto, plain, jsonl or quiet."""
    if name == "auto":
        name = "live" if sys.stdout.isatty() else "plain"
    match name:
        case "jsonl":
            yield JsonLines()
        case "quiet":
            yield Quiet()
        case "plain":
            yield Lines()
        case _:
            from rich.live import Live as RichLive

            live = Live()
            with RichLive(live, refresh_per_second=4, transient=True):
                yield live
