"""The search tree: nodes with their figures, the clock of expansions, and the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, OptionList, Static
from textual.widgets.option_list import Option

from treeact.planners.export.drawing import Line
from treeact.planners.export.rows import Row
from treeact.printable import printable
from treeact.tui.keys import key
from treeact.tui.rounds import after, next_hit
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.views.search import Moment, Order, StepBack, columns, describe, heading

if TYPE_CHECKING:
    from textual.timer import Timer

    from treeact.tui.session import Session

PLAYING = 0.4
"""Seconds between two ticks while the search is played."""
FRONTIER = 50
"""Nodes of the frontier that are listed."""


class SearchScreen(RunBoundScreen):
    """A drawing of the tree at a tick of the clock, with the node at the cursor in full."""

    HELP = (
        "The tree of the search. ○ may be expanded, ● was expanded, ✓ holds an answer, ✗ was given "
        "up, · is only planned, ★ is on the chosen path. Where plans are followed, @ is where the "
        "search is and ✓ where it was. The clock goes from one expansion, pruning or step back to "
        "the next."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("search", "comma", "tick(-1)", "Back in time", show=True),
        key("search", "full_stop", "tick(1)", "On in time", show=True),
        key("search", "space", "play", "Play", show=True),
        key("search", "0", "beginning", "Beginning"),
        key("search", "dollar_sign", "now", "Now"),
        key("search", "j", "line(1)", "Down"),
        key("search", "k", "line(-1)", "Up"),
        key("search", "s", "sort", "Sort"),
        key("search", "z", "fold", "Fold pruned"),
        key("search", "b", "step_back", "Step back before", show=True),
        key("search", "g", "go_on", "Go on from here", show=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tick: int | None = None
        self._fold = True
        self._order: Order = "tree"
        self._shown: tuple[object, ...] = ()
        self._moment = Moment(())
        self._lines: list[Line] = []
        self._playing: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the drawing, the frontier, the steps back and the node."""
        yield Static("", id="search-clock", markup=False)
        with Horizontal(id="search-body"):
            with Vertical(id="search-left"):
                yield Static("", id="search-columns", markup=False)
                yield OptionList(id="search-tree")
            with Vertical(id="search-right"):
                yield DataTable(id="frontier", cursor_type="row", zebra_stripes=True)
                yield Static("", id="search-backs", markup=False)
                with VerticalScroll(id="search-scroll"):
                    yield Static("", id="search-node")

    def on_mount(self) -> None:
        """Begin at the tree."""
        super().on_mount()
        self.query_one("#search-tree").focus()

    async def update_view(self) -> None:
        """Draw the tree where it has changed, or another moment of it is wanted."""
        view = self.session.search
        width = max(30, self.query_one("#search-tree").size.width - 4)
        state = view.size if self._tick is None else self._tick
        key = (self._tick is None, state, self._fold, self._order, width)
        if key == self._shown:
            return
        self._shown = key
        self._moment = view.at(self._tick)
        self._draw_clock()
        self._draw_tree(width)
        self._draw_frontier()
        self._draw_backs()

    def _draw_tree(self, width: int) -> None:
        wide = width >= 50
        figures = heading(self._moment.nodes) if wide else ""
        room = width - len(figures) - 2 if figures else width
        self._lines = self._moment.lines(width=room, fold=self._fold, order=self._order)
        self.query_one("#search-columns", Static).update(figures)
        tree = self.query_one("#search-tree", OptionList)
        here = tree.highlighted
        tree.clear_options()
        tree.add_options(
            [Option(_drawn(line, len(figures))) for line in self._lines]
            or [Option(Rich("no search in this run", style="dim"), disabled=True)]
        )
        if self._lines:
            tree.highlighted = min(here or 0, len(self._lines) - 1)

    def _draw_frontier(self) -> None:
        table = self.query_one(DataTable)
        table.clear(columns=True)  # columns stay as narrow as they were at first otherwise
        table.add_columns("frontier", "g", "h", "f", "score")
        for row in self._moment.frontier[:FRONTIER]:
            score = "" if row.score is None else f"{row.score:.2f}"
            table.add_row(row.id, f"{row.g:.2f}", f"{row.h:.2f}", f"{row.f:.2f}", score)

    def _draw_backs(self) -> None:
        now = self.session.search.ticks if self._tick is None else self._tick
        known = {row.id: row for row in self._moment.nodes}
        lines = [
            _told(back, known.get(back.undone))
            for back in self.session.search.backs
            if back.tick <= now
        ]
        backs = self.query_one("#search-backs", Static)
        backs.update("\n".join(map(printable, lines[-8:])))
        backs.display = bool(lines)

    def _draw_clock(self) -> None:
        view, moment = self.session.search, self._moment
        now = view.ticks if self._tick is None else self._tick
        parts = [f"clock {now} of {view.ticks}", moment.summary]
        if view.backs:
            parts.append(f"stepped back {len(view.backs)} times")
        if hidden := moment.shown[1]:
            parts.append(f"{hidden} nodes deeper down are not drawn")
        if self._order != "tree":
            parts.append(f"by {self._order}")
        words = " · ".join(parts)
        self.query_one("#search-clock", Static).update(printable(moment.problem or words))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the node at the cursor in full."""
        row = self._row()
        if row is not None:
            self.query_one("#search-node", Static).update(Rich(printable(describe(row))))

    def _row(self) -> Row | None:
        at = self.query_one("#search-tree", OptionList).highlighted
        return self._lines[at].place.row if at is not None and at < len(self._lines) else None

    async def action_tick(self, by: int) -> None:
        """Go on or back by one tick of the clock."""
        ticks = self.session.search.ticks
        now = ticks if self._tick is None else self._tick
        self._tick = max(0, min(ticks, now + by))
        await self.update_view()

    async def action_beginning(self) -> None:
        """Show the tree before the first expansion."""
        self._tick = 0
        await self.update_view()

    async def action_now(self) -> None:
        """Show the tree as it is."""
        self._tick = None
        await self.update_view()

    def action_play(self) -> None:
        """Play the search, or stop playing."""
        if self._playing is not None:
            self._playing.stop()
            self._playing = None
            return
        if self._tick is None or self._tick >= self.session.search.ticks:
            self._tick = 0
        self._playing = self.set_interval(PLAYING, self._play_on)

    async def _play_on(self) -> None:
        await self.action_tick(1)
        if self._tick is not None and self._tick >= self.session.search.ticks:
            self.action_play()

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        tree = self.query_one("#search-tree", OptionList)
        if by > 0:
            tree.action_cursor_down()
        else:
            tree.action_cursor_up()

    async def action_sort(self) -> None:
        """Show the nodes as a tree, by their costs, or in the order of expansion, in turn."""
        self._order = after(self._order, get_args(Order))
        await self.update_view()

    async def action_fold(self) -> None:
        """Fold pruned siblings into one line, or show them all."""
        self._fold = not self._fold
        await self.update_view()

    async def action_step_back(self) -> None:
        """Go to the last time that the search stepped back; from there to the one before."""
        back = self.session.search.back_before(self._tick)
        if back is None:
            self.notify("the search did not step back before this")
            return
        self._tick = back.tick
        await self.update_view()
        self._go_to(back.to)
        self.notify(f"step back {back.number}: {back.undone} was undone", markup=False)

    def _go_to(self, id: str) -> None:
        for number, line in enumerate(self._lines):
            if id in (row.id for row in line.place.rows):
                self.query_one("#search-tree", OptionList).highlighted = number

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next line of the drawing with some words."""
        tree = self.query_one("#search-tree", OptionList)

        def holds(at: int) -> bool:
            return words.lower() in describe(self._lines[at].place.row).lower()

        at = next_hit(tree.highlighted or 0, len(self._lines), holds, forward=forward)
        if at is not None:
            tree.highlighted = at
        return at is not None

    def copied(self) -> str:
        """Return the node at the cursor in full."""
        row = self._row()
        return "" if row is None else describe(row)

    def action_go_on(self) -> None:
        """Go on from the node at the cursor."""
        row = self._row()
        if row is None or row.observation is None:
            self.notify("nothing was carried out here: go on from a node that was")
        else:
            self.app.post_message(self.GoOn(row.id))


def _drawn(line: Line, width: int) -> Rich:
    """Return a line with the figures of its node before it, where there is room."""
    figures = columns(line.place.row) if len(line.place.rows) == 1 else ""
    before = f"{figures:<{width}}  " if width else ""
    style = line.style.replace("green", "bold")  # the sign tells; not all eyes see the green
    return Rich(before + printable(line.text), style=style)


def _told(back: StepBack, undone: Row | None) -> str:
    reason = next(iter(undone.reason.splitlines()), "") if undone else ""
    return f"{back.number}. {back.undone} -> {back.to}{f': {reason}' if reason else ''}"
