"""The benchmark dashboard: a row for each job, and what they come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, get_args

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.coordinate import Coordinate
from textual.events import Resize
from textual.message import Message
from textual.widgets import DataTable, Static

from treeact.benchmarks.runner.directory import Job
from treeact.errors import TreeActError
from treeact.trace.log import EVENTS_FILE
from treeact.tui.keys import key
from treeact.tui.rounds import after, next_hit
from treeact.tui.screens.asking import LineScreen
from treeact.tui.screens.base import CommonScreen
from treeact.tui.screens.compare import CompareScreen
from treeact.tui.views import bench_lines
from treeact.tui.views.bench import Order, Shown
from treeact.tui.widgets.gauges import fitting

if TYPE_CHECKING:
    from treeact.tui.bench_session import BenchSession
    from treeact.tui.live_bench import LiveBench
    from treeact.tui.views.bench import BenchView

REFRESH = 0.25
"""Seconds between two drawings: four a second."""

MOVES = 2.0
"""Seconds between two times that rows come, go or move by themselves: an eye has to follow."""
SCROLLBAR = 1
"""Cells that are kept free for it."""


class BenchScreen(CommonScreen):
    """A table that is updated in place, and beside it levels, failures and the job at the cursor.

    Args:
        session: the benchmark.
        live: the hand on it, where it is run in this process.
    """

    HELP = (
        "Each job is a task in an epoch. Shares are over the jobs that have ended. What is "
        "cancelled or failed goes on from its record, here or by the same command."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("bench", "enter", "open", "Trace", show=True),
        key("bench", "f", "filter", "Filter", show=True),
        key("bench", "s", "sort", "Sort", show=True),
        key("bench", "b", "blind", "Blind", show=True),
        key("bench", "equals_sign", "compare", "Compare", show=True),
        key("bench", "w", "write", "Write report", show=True),
        key("bench", "tab", "figures", "Figures"),
        key("bench", "j", "line(1)", "Down"),
        key("bench", "k", "line(-1)", "Up"),
        key("bench", "c", "cancel_job", "Cancel the job"),
        key("bench", "p", "pause", "Begin no more jobs, or go on"),
        key("bench", "plus", "widen(1)", "One more job at once"),
        key("bench", "minus", "widen(-1)", "One fewer at once"),
        key("bench", "R", "requeue", "Try failed jobs again"),
    ]

    class Opened(Message):
        """A person wants to see the trace of a job."""

        def __init__(self, trace: Path) -> None:
            super().__init__()
            self.trace = trace

    def __init__(self, session: BenchSession, live: LiveBench | None = None) -> None:
        super().__init__()
        self.session = session
        self.live = live
        self._shown: Shown = "all"
        self._order: Order = "listed"
        self._jobs: list[Job] = []
        self._columns: dict[str, int] = {}
        self._cells: dict[Job, dict[str, str]] = {}
        self._writer: bench_lines.Cells | None = None
        self._second = -1
        self._moved = 0.0

    def compose_body(self) -> ComposeResult:
        """Lay out the remarks, the table and the figures."""
        yield Static("", id="bench-remarks", markup=False)
        with Horizontal(id="bench-body"):
            table: DataTable[Text] = DataTable(
                id="bench-table", cursor_type="row", zebra_stripes=True
            )
            yield table
            with VerticalScroll(id="bench-figures"):
                yield Static("", id="bench-text", markup=False)

    @property
    def _table(self) -> DataTable[Text]:
        table: DataTable[Text] = self.query_one("#bench-table", DataTable)
        return table

    def on_mount(self) -> None:
        """Look for news from now on."""
        self._table.focus()
        self._watch()

    @work
    async def _watch(self) -> None:
        """Take news in and draw them, beside the keys; a screen that is covered waits."""
        while True:
            if self.is_current and self.query("#status"):  # not while it is being taken down
                changed = await self.session.refresh()
                if changed or int(time.time()) != self._second:
                    self.draw()
            await asyncio.sleep(REFRESH)

    def on_resize(self, event: Resize) -> None:
        """Show the columns that fit now."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Draw how it stands."""
        now = time.time()
        self._second = int(now)
        view, problem = self.session.view, self.session.problem
        if view is None:
            words = f"! {problem}" if problem else "looking for the benchmark"
            self.query_one("#status", Static).update(Text(words))
            return
        width = max(20, self.size.width - 2)
        parts = bench_lines.headline(view, now)
        self.query_one("#status", Static).update(Text(fitting(parts, width)))
        lines = [f"! {problem}" if problem else "", fitting(self._remarks(view, now), width)]
        self.query_one("#bench-remarks", Static).update("\n".join(filter(None, lines)))
        self._draw_table(view, now)
        self._draw_figures(view, now)

    def _remarks(self, view: BenchView, now: float) -> list[str]:
        intake = self.live.intake if self.live is not None and self.live.running else None
        parts = [
            "paused" if intake is not None and intake.paused else "",
            f"{intake.concurrency} at once" if intake is not None else "",
            f"only {self._shown}" if self._shown != "all" else "",
            f"by {self._order}" if self._order != "listed" else "",
            "blind" if view.blind else "",
        ]
        return [*filter(None, parts), *bench_lines.remarks(view, now)]

    def _draw_table(self, view: BenchView, now: float) -> None:
        """Update the cells that changed; where rows come, go or move, write all of them."""
        table = self._table
        jobs = self._jobs
        if now - self._moved > MOVES:
            self._moved = now
            jobs = view.jobs(now, shown=self._shown, order=self._order)
        columns = bench_lines.columns((table.size.width or self.size.width) - SCROLLBAR)
        if self._writer is None or self._writer.view is not view:
            self._writer = bench_lines.Cells(view)
        written = {job: self._writer.of(job, now) for job in jobs}
        if columns != self._columns or jobs != self._jobs:
            self._write_table(jobs, columns, written)
            return
        for number, job in enumerate(jobs):
            before = self._cells[job]
            for place, name in enumerate(columns):
                if written[job][name] != before[name]:
                    table.update_cell_at(Coordinate(number, place), _cell(written[job][name]))
        self._cells = written

    def _write_table(
        self, jobs: list[Job], columns: dict[str, int], written: dict[Job, dict[str, str]]
    ) -> None:
        table, here = self._table, self.job
        table.clear(columns=True)
        for name, width in columns.items():
            table.add_column(name, width=width)
        for job in jobs:
            table.add_row(*(_cell(written[job][name]) for name in columns))
        self._jobs, self._columns, self._cells = jobs, columns, written
        if here in written:
            table.move_cursor(row=jobs.index(here), animate=False)

    def _draw_figures(self, view: BenchView, now: float) -> None:
        job = self.job
        parts = {
            "Right, by level": bench_lines.bars(view, now),
            "Failures": bench_lines.failed_alike(view, now),
            "At the cursor": bench_lines.about(view, job, now) if job is not None else [],
        }
        text = "\n\n".join("\n".join([name, *lines]) for name, lines in parts.items() if lines)
        self.query_one("#bench-text", Static).update(text)

    @property
    def job(self) -> Job | None:
        """The job at the cursor."""
        row = self._table.cursor_row
        return self._jobs[row] if 0 <= row < len(self._jobs) else None

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell of the job at the cursor."""
        if self.session.view is not None:
            self._draw_figures(self.session.view, time.time())

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the trace of the job at the cursor."""
        self.action_open()

    def action_open(self) -> None:
        """Show the trace of the job at the cursor."""
        if (job := self.job) is None:
            return
        trace = self.session.trace(job)
        if (trace / EVENTS_FILE).exists():
            self.post_message(self.Opened(trace))
        else:
            self.notify(f"{job.task} has no trace: it was not begun", markup=False)

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        self._table.move_cursor(row=self._table.cursor_row + by)

    def action_filter(self) -> None:
        """Show all rows, or some of them, in turn."""
        self._shown = after(self._shown, get_args(Shown))
        self._arrange()

    def action_sort(self) -> None:
        """Sort by another column."""
        self._order = after(self._order, get_args(Order))
        self._arrange()

    def _arrange(self) -> None:
        """Draw with other rows, or in another order."""
        self._moved = 0.0
        self.draw()

    def action_blind(self) -> None:
        """Hide truths and verdicts, or show them again."""
        if self.session.view is not None:
            self.session.view.blind = not self.session.view.blind
            self._arrange()

    def action_figures(self) -> None:
        """On a narrow screen, show the figures in the place of the table, or the table again."""
        self.query_one("#bench-body").toggle_class("-figures")
        shows_table = self._table.display and self._table.size.width > 0
        (self._table if shows_table else self.query_one("#bench-figures")).focus()

    def action_write(self) -> None:
        """Ask where a report is to be written, and write it."""
        question = "Write a report to (.html, .md, .csv or .json)"
        self._ask(question, str(self.session.directory / "report.html"), self._write)

    async def _write(self, path: Path) -> None:
        self.notify(await asyncio.to_thread(self.session.write, path), markup=False)

    def action_compare(self) -> None:
        """Ask for another benchmark, and set this one beside it."""
        if self.session.view is not None and self.session.view.blind:
            self.notify("b first: a comparison tells what is hidden")
            return
        here = f"{self.session.directory.parent}/"
        self._ask("Compare with the benchmark in", here, self._compare)

    async def _compare(self, path: Path) -> None:
        found = await asyncio.to_thread(self.session.compare, path)
        self.app.push_screen(CompareScreen(found))

    def _ask(self, question: str, value: str, then: Callable[[Path], Awaitable[None]]) -> None:
        """Ask for a path, and do something with it beside the keys, as it may take seconds."""

        async def attempt(path: str) -> None:
            try:
                await then(Path(path))
            except TreeActError as error:
                self.notify(str(error), severity="error", markup=False)

        def begin(path: str | None) -> None:
            if path:
                self.run_worker(attempt(path), exclusive=True, group="asked for")

        self.app.push_screen(LineScreen(question, value), begin)

    def _hand(self) -> LiveBench | None:
        """Return the hand on the benchmark, or say that there is none."""
        if self.live is None:
            self.notify("this benchmark is not run here: it can only be looked at")
        elif not self.live.running:
            self.notify("the benchmark is over")
        else:
            return self.live
        return None

    def action_cancel_job(self) -> None:
        """Cancel the job at the cursor."""
        hand, job = self._hand(), self.job
        if hand is not None and job is not None and not hand.intake.cancel(job):
            self.notify(f"{job.task} is not in progress", markup=False)

    def action_pause(self) -> None:
        """Begin no more jobs, or go on."""
        if (hand := self._hand()) is not None:
            hand.intake.pause(not hand.intake.paused)

    def action_widen(self, by: int) -> None:
        """Have one more job at once, or one fewer."""
        if (hand := self._hand()) is not None:
            hand.intake.widen(by)

    def action_requeue(self) -> None:
        """Try jobs again that failed or were cancelled; after the end, begin once more."""
        if self.live is not None and not self.live.running:
            self.live.begin()
        elif (hand := self._hand()) is not None and not hand.intake.requeue():
            self.notify("no job has failed or was cancelled")

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next row that holds some words."""

        def holds(row: int) -> bool:
            cells = self._cells[self._jobs[row]].values()
            return any(words.lower() in cell.lower() for cell in cells)

        row = next_hit(self._table.cursor_row, len(self._jobs), holds, forward=forward)
        if row is not None:
            self._table.move_cursor(row=row)
        return row is not None

    def copied(self) -> str:
        """Return what is told of the job at the cursor."""
        view, job = self.session.view, self.job
        if view is None or job is None:
            return ""
        return "\n".join(bench_lines.about(view, job, time.time()))


def _cell(text: str) -> Text:
    return Text(text, overflow="ellipsis", no_wrap=True)
