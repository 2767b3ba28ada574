"""What stands at the right of a run: its figures, and a plan, variables, files or the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from treeact.printable import printable
from treeact.tui.rounds import after
from treeact.tui.views.sides import Side
from treeact.tui.widgets.gauges import gauge_line

if TYPE_CHECKING:
    from treeact.tui.session import Session

SIDES: tuple[Side, ...] = get_args(Side)
MOST_LINES = 200
"""Lines of one side that are shown; the other screens have them all."""


class SidePanel(Vertical):
    """The gauges, and one of several sides below them."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="side")
        self._session = session
        self.side: Side = "plan"

    def compose(self) -> ComposeResult:
        """Lay out the gauges and the side."""
        yield Static("", id="gauges", markup=False)
        yield Static("", id="side-names", markup=False)
        with VerticalScroll(id="side-scroll", can_focus=False):
            yield Static("", id="side-text", markup=False)

    def draw(self) -> None:
        """Draw the figures and the side that is chosen."""
        view = self._session.view
        gauges = [gauge_line(gauge) for gauge in view.gauges(self._session.now())]
        self.query_one("#gauges", Static).update("\n".join([*gauges, "", *self._facts()]))
        names = (f"[{side}]" if side == self.side else side for side in SIDES)
        self.query_one("#side-names", Static).update(" ".join(names))
        self.query_one("#side-text", Static).update("\n".join(map(printable, self._lines())))

    def next_side(self) -> None:
        """Show the next side."""
        self.side = after(self.side, SIDES)
        self.draw()

    def _lines(self) -> list[str]:
        if self.side != "tree":
            return self._session.sides.lines(self.side)[:MOST_LINES]
        if not self._session.search.ticks:
            return ["no search in this run"]
        lines = self._session.search.at().lines(width=max(20, self.size.width - 3))
        return [line.text for line in lines[:MOST_LINES]]

    def _facts(self) -> list[str]:
        view = self._session.view
        facts = [view.agent, view.model, f"planner {view.planner}" if view.planner else ""]
        behind = self._session.behind
        return [*filter(None, facts), *([f"reading: {behind} events to go"] if behind else [])]
