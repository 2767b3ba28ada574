"""Two benchmarks beside each other: who has which task right, and how sure the difference is."""

from __future__ import annotations

import io
from typing import ClassVar

from rich.console import Console, Group
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from treeact.benchmarks import tables
from treeact.benchmarks.comparison import Comparison
from treeact.benchmarks.reports.compared import comparison_tables, flip_square
from treeact.tui.keys import key
from treeact.tui.screens.base import CommonScreen


class CompareScreen(CommonScreen):
    """Shows a comparison; it was made, and does not change."""

    HELP = "Each difference is this run minus the other. p is McNemar's exact test."
    BINDINGS: ClassVar[list[BindingType]] = [key("bench", "escape", "leave", "Back", show=True)]

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self._comparison = comparison
        scores, _, *others = comparison_tables([comparison])
        shown = [scores, flip_square(comparison), *others]
        self._shown = Group(*map(tables.terminal_table, shown))

    def compose_body(self) -> ComposeResult:
        """Lay out the tables."""
        with VerticalScroll(id="compare-scroll"):
            yield Static("\n".join(self._comparison.notes), markup=False, id="compare-notes")
            yield Static(self._shown, id="compare-tables")

    def on_mount(self) -> None:
        """Name the two."""
        one, two = self._comparison.first.directory, self._comparison.second.directory
        self.query_one("#status", Static).update(Text(f"{two} beside {one}"))
        self.query_one("#compare-scroll").focus()

    def copied(self) -> str:
        """Return the tables as text."""
        console = Console(file=io.StringIO(), width=120, color_system=None)
        with console.capture() as captured:
            console.print(self._shown)
        return captured.get()

    def action_leave(self) -> None:
        """Go back to the benchmark."""
        self.app.pop_screen()
