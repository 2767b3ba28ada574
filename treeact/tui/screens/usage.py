"""The usage screen: tokens and dollars by role, phase and part of the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from treeact.trace.usage import Entry
from treeact.tui.rounds import next_hit
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.widgets.gauges import gauge_line

if TYPE_CHECKING:
    from treeact.tui.session import Session

_COLUMNS = ("role", "phase", "calls", "input", "cached", "output", "reasoning", "cost")


class UsageScreen(RunBoundScreen):
    """The ledger of the run as it stands, and its limits."""

    HELP = "What the run has spent: who asked, what for, and which part of the prompt it went to."
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._table: list[str] = []

    def compose_body(self) -> ComposeResult:
        """Lay out the table, the parts and the limits."""
        yield DataTable(id="ledger", cursor_type="row", zebra_stripes=True)
        yield Static("", id="usage-parts")
        yield Static("", id="usage-limits")

    def on_mount(self) -> None:
        """Name the columns."""
        super().on_mount()
        self.query_one(DataTable).add_columns(*_COLUMNS)

    async def update_view(self) -> None:
        """Write the ledger again."""
        view, table = self.session.view, self.query_one(DataTable)
        here = table.cursor_row
        table.clear()
        for role, phase, entry in view.ledger.rows():
            table.add_row(*_cells(role, phase, entry))
        total = view.ledger.total
        table.add_row(*_cells("total", "", total))
        table.move_cursor(row=here)
        parts = sum(total.parts.values())
        shares = [
            f"{part:<12} {tokens:>10,}  {tokens / parts:.0%}"
            for part, tokens in sorted(total.parts.items(), key=lambda item: -item[1])
        ]
        words = "\n".join(["input tokens by part of the prompt, in proportion to length", *shares])
        self.query_one("#usage-parts", Static).update(words if parts else "no call of a model yet")
        self._table = [" ".join(map(str, table.get_row_at(row))) for row in range(table.row_count)]
        limits = [gauge_line(gauge) for gauge in view.gauges(self.session.now())]
        self.query_one("#usage-limits", Static).update("\n".join(limits))

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next row with some words."""
        table = self.query_one(DataTable)

        def holds(at: int) -> bool:
            return words.lower() in self._table[at].lower()

        at = next_hit(table.cursor_row, len(self._table), holds, forward=forward)
        if at is not None:
            table.move_cursor(row=at)
        return at is not None

    def copied(self) -> str:
        """Return the ledger as text."""
        return "\n".join(self._table)


def _cells(role: str, phase: str, entry: Entry) -> tuple[str, ...]:
    usage = entry.usage
    about = "~" if usage.estimated else ""
    cost = "n/a" if entry.unpriced == entry.calls else f"${entry.cost:.4f}"
    return (
        role,
        phase,
        str(entry.calls),
        f"{about}{usage.input_tokens:,}",
        f"{usage.cached_tokens:,}",
        f"{about}{usage.output_tokens:,}",
        f"{usage.reasoning_tokens:,}",
        f">= {cost}" if entry.unpriced and entry.unpriced < entry.calls else cost,
    )
