"""The search tree: nodes with their figures, the clock of expansions, and the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Footer, OptionList, Static
from textual.widgets.option_list import Option

from treeact.planners.export.rows import Row
from treeact.printable import printable
from treeact.tui.screens.base import RunBoundScreen

if TYPE_CHECKING:
    from textual.timer import Timer

    from treeact.tui.session import Session

PLAYING = 0.4
"""Seconds between two ticks while the search is played."""


class SearchScreen(RunBoundScreen):
    """A drawing of the tree at a tick of the clock, with the node at the cursor in full."""

    HELP = (
        "The tree of the search. ○ may be expanded, ● was expanded, ✓ holds an answer, ✗ was given "
        "up, · is only planned, ★ is on the chosen path. The clock goes from one expansion, "
        "pruning or step back to the next."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma", "tick(-1)", "Back in time"),
        Binding("full_stop", "tick(1)", "On in time"),
        Binding("space", "play", "Play"),
        Binding("0", "beginning", "Beginning", show=False),
        Binding("dollar_sign", "now", "Now", show=False),
        Binding("j", "line(1)", "Down", show=False),
        Binding("k", "line(-1)", "Up", show=False),
        Binding("o", "fold", "Fold pruned", show=False),
        Binding("b", "step_back", "Last step back"),
        Binding("g", "go_on", "Go on from here"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tick: int | None = None
        self._fold = True
        self._shown: tuple[object, ...] = ()
        self._playing: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the drawing, the frontier and the node."""
        yield Static("", id="search-clock")
        with Horizontal(id="search-body"):
            yield OptionList(id="search-tree")
            with Vertical(id="search-right"):
                yield DataTable(id="frontier", cursor_type="row", zebra_stripes=True)
                with VerticalScroll(id="search-scroll"):
                    yield Static("", id="search-node")
        yield Footer()

    def on_mount(self) -> None:
        """Name the columns of the frontier."""
        super().on_mount()
        self.query_one(DataTable).add_columns("frontier", "g", "h", "f", "score")

    async def update_view(self) -> None:
        """Draw the tree where it has changed, or another moment of it is wanted."""
        view = self.session.search
        width = max(30, self.query_one("#search-tree").size.width - 4)
        key = (view.ticks if self._tick is None else -1, self._tick, self._fold, width, view.size)
        if key == self._shown:
            return
        self._shown = key
        self._draw_clock()
        lines = view.lines(self._tick, width=width, fold=self._fold)
        tree = self.query_one("#search-tree", OptionList)
        at = tree.highlighted
        tree.clear_options()
        tree.add_options(
            [Option(Rich(printable(line.text), style=line.style)) for line in lines]
            or [Option(Rich("no search in this run", style="dim"), disabled=True)]
        )
        if lines:
            tree.highlighted = min(at or 0, len(lines) - 1)
        table = self.query_one(DataTable)
        table.clear()
        for row in view.frontier(self._tick):
            score = "" if row.score is None else f"{row.score:.2f}"
            table.add_row(row.id, f"{row.g:.2f}", f"{row.h:.2f}", f"{row.f:.2f}", score)

    def _draw_clock(self) -> None:
        view = self.session.search
        now = view.ticks if self._tick is None else self._tick
        backs = f" · stepped back {len(view.backs)} times" if view.backs else ""
        words = f"clock {now} of {view.ticks} · {view.summary(self._tick)}{backs}"
        self.query_one("#search-clock", Static).update(view.problem or words)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the node at the cursor in full."""
        row = self._row()
        if row is not None:
            self.query_one("#search-node", Static).update(Rich(printable(describe(row))))

    def _row(self) -> Row | None:
        lines = self.session.search.lines(self._tick, width=self._width, fold=self._fold)
        at = self.query_one("#search-tree", OptionList).highlighted
        return lines[at].place.row if at is not None and at < len(lines) else None

    @property
    def _width(self) -> int:
        return max(30, self.query_one("#search-tree").size.width - 4)

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

    async def action_fold(self) -> None:
        """Fold pruned siblings into one line, or show them all."""
        self._fold = not self._fold
        await self.update_view()

    def action_step_back(self) -> None:
        """Go to the node that the search stepped back to the last time."""
        backs = self.session.search.backs
        if not backs:
            self.notify("this search never stepped back")
            return
        lines = self.session.search.lines(self._tick, width=self._width, fold=self._fold)
        for number, line in enumerate(lines):
            if line.place.row.id == backs[-1].to:
                self.query_one("#search-tree", OptionList).highlighted = number
        self.notify(f"step back {backs[-1].number}: {backs[-1].undone} was undone")

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next line of the drawing with some words."""
        tree = self.query_one("#search-tree", OptionList)
        lines = self.session.search.lines(self._tick, width=self._width, fold=self._fold)
        here, count = tree.highlighted or 0, len(lines)
        for distance in range(1, count + 1):
            at = (here + distance * (1 if forward else -1)) % count
            if words.lower() in describe(lines[at].place.row).lower():
                tree.highlighted = at
                return True
        return False

    def copied(self) -> str:
        """Return the node at the cursor in full."""
        row = self._row()
        return "" if row is None else describe(row)

    def action_go_on(self) -> None:
        """Go on from the node at the cursor."""
        row = self._row()
        if row is not None:
            self.app.post_message(self.GoOn(row.id))


def describe(row: Row) -> str:
    """Return everything that is known of a node."""
    figures = [f"g {row.g:.3f}  h {row.h:.3f}  f {row.f:.3f}"] if row.g or row.h else []
    if row.score is not None:
        figures.append(f"score {row.score:.2f}  {row.score_reason}")
    if row.visits:
        figures.append(f"value {row.value:.3f} over {row.visits} visits")
    parts = [
        f"{row.id}  {row.status}{f': {row.reason}' if row.reason else ''}",
        *figures,
        row.thought,
        row.text,
        f"--- came to\n{row.observation}" if row.observation else "",
        f"--- answer\n{row.answer}" if row.answer is not None else "",
    ]
    return "\n\n".join(filter(None, parts))
