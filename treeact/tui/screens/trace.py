"""The trace browser: what belongs to what on the left, one event in full on the right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static, Tree

from treeact.errors import ConfigError, TraceError
from treeact.printable import printable
from treeact.trace.index import Entry
from treeact.trace.repair import write_repaired
from treeact.tui.keys import key, shown_key
from treeact.tui.screens.asking import LineScreen
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.screens.compare_runs import CompareRunsScreen
from treeact.tui.views.compare import compare, find_other, other_runs, read_rows
from treeact.tui.views.details import Part, details
from treeact.tui.views.filter import Filter, read_filter
from treeact.tui.views.timeline import By, step_of
from treeact.tui.views.trace import Item
from treeact.tui.widgets.details import DetailsPanel
from treeact.tui.widgets.event_tree import PAGE, EventTree

if TYPE_CHECKING:
    from treeact.tui.session import Session


class TraceScreen(RunBoundScreen):
    """A lazy tree over the index of the log; only what is opened is loaded."""

    HELP = (
        "Every event of the run, under the step that it belongs to. Only what is opened is read. "
        "The line on top has a cell for each step, as high as it was long or dear; ! failed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("trace", "j", "line(1)", "Down"),
        key("trace", "k", "line(-1)", "Up"),
        key("trace", "l", "open", "Open"),
        key("trace", "h", "close", "Close"),
        key("trace", "right_square_bracket", "beside(1)", "Next beside"),
        key("trace", "left_square_bracket", "beside(-1)", "Beside, before"),
        key("trace", "right_curly_bracket", "step(1)", "Next step"),
        key("trace", "left_curly_bracket", "step(-1)", "Step before"),
        key("trace", "0", "edge(True)", "First"),
        key("trace", "dollar_sign", "edge(False)", "Last"),
        key("trace", "exclamation_mark", "failure", "Next failure", show=True),
        key("trace", "tab", "part(1)", "Next part", show=True),
        key("trace", "r", "raw", "As written"),
        key("trace", "f", "filter", "Filter", show=True),
        key("trace", "F", "follow", "Follow"),
        key("trace", "t", "height", "Time or tokens"),
        key("trace", "d", "compare", "Compare", show=True),
        key("trace", "w", "repair", "Write a repaired copy"),
        key("trace", "g", "go_on", "Go on from here", show=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tree = EventTree(session.timeline.tokens)
        self._details = DetailsPanel()
        self._following = False
        self._known = 0
        self._filter: Filter | None = None
        self._filter_text = ""
        self._chosen_entries: list[Entry] = []
        self._by: By = "time"
        self.wanted: int | None = None
        """Number of an event that is to be shown next."""

    def compose_body(self) -> ComposeResult:
        """Lay out the line of steps, the tree and the details."""
        yield Static("", id="banner", markup=False)
        yield Static("", id="timeline")
        with Horizontal(id="trace-body"):
            yield self._tree
            yield self._details

    async def update_view(self) -> None:
        """Load what is new below the groups that are open."""
        entries = self.session.index.entries
        self._draw_banner()
        self._draw_timeline()
        if len(entries) != self._known:
            new = entries[self._known :]
            self._known = len(entries)
            self._tree.take(entries)
            if self._filter is not None:
                await self._choose(new)
            if self._following:
                self._show_entry(entries[-1])
        if self.wanted is not None and self.wanted < self._known:
            number, self.wanted = self.wanted, None
            self._show_entry(entries[number])

    def _draw_banner(self) -> None:
        session, banner = self.session, self.query_one("#banner", Static)
        problem = session.problem or session.damage
        offer = f" · {shown_key(self.app, 'trace.write_a_repaired_copy')} writes a repaired copy"
        banner.update(printable(f"! {problem}{offer if session.damage else ''}"))
        banner.display = bool(problem)

    def _draw_timeline(self) -> None:
        width = max(10, self.size.width - 20)
        line = Rich(f"{self._by:<7}")
        here = self._step_here()
        for cell in self.session.timeline.cells(self._by, width=width):
            line.append(cell.sign, style="reverse bold" if here in cell.steps else "")
        self.query_one("#timeline", Static).update(line.append(f"  {here or ''}"))

    def _step_here(self) -> str | None:
        node = self._tree.cursor_node
        return step_of(node.data.id) if node is not None and node.data is not None else None

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        """Show what the cursor is on."""
        item = event.node.data
        if item is not None:
            self._show(item)
            self._draw_timeline()

    def _show(self, item: Item) -> None:
        if item.entry is None:
            words = f"{item.id}\n\n{item.events} events, {item.seconds:.2f} s"
            self._details.show([Part(title="group", text=words)])
        else:
            self._details.show(details(self.session.index, item.entry))

    def _show_entry(self, entry: Entry) -> None:
        self._tree.show_entry(entry)
        self._show(Item(entry.id, entry, 1, entry.failed, 0.0, entry.number))

    def action_part(self, by: int) -> None:
        """Show the next part of the event."""
        self._details.next_part(by)

    def action_raw(self) -> None:
        """Show the event as it is written, or its first part again."""
        self._details.toggle_raw()

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        if by > 0:
            self._tree.action_cursor_down()
        else:
            self._tree.action_cursor_up()

    def action_open(self) -> None:
        """Open the group at the cursor."""
        self._tree.open_here()

    def action_close(self) -> None:
        """Close the group at the cursor, or go to the one above."""
        self._tree.close_here()

    def action_beside(self, by: int) -> None:
        """Go to the next line at the same depth."""
        self._tree.go_beside(by)

    def action_step(self, by: int) -> None:
        """Go to the next step of the run."""
        self._tree.go_to_step(by)

    def action_edge(self, first: bool) -> None:
        """Go to the first or the last line."""
        self._tree.move_cursor_to_line(0 if first else self._tree.last_line)

    def action_failure(self) -> None:
        """Go to the next event that tells of a failure."""
        entry = self._tree.failure_after(self._tree.here)
        if entry is None:
            self.notify("no event tells of a failure")
        else:
            self._show_entry(entry)

    def action_follow(self) -> None:
        """Stay at the newest event, or not any more."""
        self._following = not self._following
        if self._following and self.session.index.entries:
            self._show_entry(self.session.index.entries[-1])
        self.notify("following" if self._following else "not following")

    def action_height(self) -> None:
        """Have time or tokens make the cells of the line high."""
        self._by = "tokens" if self._by == "time" else "time"
        self._draw_timeline()

    def action_filter(self) -> None:
        """Ask which events are wanted."""
        title = "Which events? Types, failed, words, as in: tool_called failed csv. Nothing: all"
        self.app.push_screen(LineScreen(title, self._filter_text), self._set_filter)

    async def _set_filter(self, text: str | None) -> None:
        if text is None:
            return
        entries = self.session.index.entries
        self._filter_text = text
        self._filter = read_filter(text, {entry.type for entry in entries})
        self._chosen_entries = []
        if self._filter is None:
            self._tree.choose(None)
        else:
            await self._choose(entries)
            found = len(self._chosen_entries)
            more = f", the first {PAGE} are shown" if found > PAGE else ""
            self.notify(f"{found} of {len(entries)} events{more}")

    async def _choose(self, entries: list[Entry]) -> None:
        """Add those events to the list that are wanted; lines are read beside the screen."""
        if self._filter is not None:
            found = await asyncio.to_thread(self._filter.chooses, self.session.index, entries)
            if found or not self._chosen_entries:
                self._chosen_entries += found
                self._tree.choose(self._chosen_entries)

    def action_compare(self) -> None:
        """Ask for another run of the same task, and set this one beside it."""
        directory = self.session.directory

        def fault(name: str) -> str:
            try:
                find_other(name, directory)
            except ConfigError as error:
                return str(error)
            return ""

        same = other_runs(directory)
        title = f"Compare with which run? {len(same)} beside this one were asked the same"
        self.app.push_screen(LineScreen(title, choices=same[:50], fault=fault), self._compare_with)

    def _compare_with(self, name: str | None) -> None:
        if name is None:
            return
        directory = self.session.directory
        try:
            other = find_other(name, directory)
            comparison = compare(read_rows(directory), read_rows(other))
        except (ConfigError, TraceError) as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(CompareRunsScreen(comparison, (directory.name, other.name)))

    def action_repair(self) -> None:
        """Write a copy of a damaged run that is whole."""
        if not self.session.damage:
            self.notify("no line of this trace is damaged")
            return
        try:
            copy = write_repaired(self.session.directory)
        except TraceError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(f"written: {copy}", markup=False)

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next event whose line holds some words."""
        index = self.session.index
        entry = index.find(words, after=self._tree.here, forward=forward)
        if entry is not None:
            self._show_entry(entry)
        return entry is not None

    def copied(self) -> str:
        """Return the part that is shown."""
        return self._details.text

    def action_go_on(self) -> None:
        """Go on from the step that the cursor is in."""
        step = self._step_here()
        if step is None:
            self.notify("this is no step: go on from a line below one")
        else:
            self.app.post_message(self.GoOn(step))
