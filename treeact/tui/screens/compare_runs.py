"""Two runs of the same task beside each other."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from treeact.planners.export import Row
from treeact.planners.export.outline import label
from treeact.printable import printable
from treeact.tui.keys import key
from treeact.tui.rounds import next_hit
from treeact.tui.views.compare import Comparison, Pair


class CompareRunsScreen(Screen[None]):
    """The steps of both runs in one list, and the step at the cursor as each took it.

    Args:
        comparison: what is compared.
        names: what the runs are called.
    """

    HELP = "= is alike, ≠ differs, < and > are steps of the first or the second run alone."
    BINDINGS: ClassVar[list[BindingType]] = [
        key("compare", "j", "line(1)", "Down"),
        key("compare", "k", "line(-1)", "Up"),
        key("compare", "exclamation_mark", "difference", "Next difference", show=True),
        key("compare", "escape", "leave", "Back", show=True),
    ]

    def __init__(self, comparison: Comparison, names: tuple[str, str]) -> None:
        super().__init__()
        self._comparison = comparison
        self._names = names

    def compose(self) -> ComposeResult:
        """Lay out the steps, and the two sides of one."""
        yield Static(printable(self._comparison.summary), id="compare-summary", markup=False)
        with Vertical(id="compare-body"):
            yield OptionList(*map(_option, self._comparison.pairs), id="compare-steps")
            with Horizontal(id="compare-sides"):
                for side in ("one", "other"):
                    with VerticalScroll(classes="compare-side"):
                        yield Static("", id=f"compare-{side}")
        yield Footer()

    def on_mount(self) -> None:
        """Begin where the runs part."""
        steps = self.query_one(OptionList)
        steps.focus()
        if self._comparison.pairs:
            steps.highlighted = self._comparison.first or 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the step at the cursor as each run took it."""
        pair = self._comparison.pairs[event.option_index]
        for side, name, row in zip(
            ("one", "other"), self._names, (pair.one, pair.other), strict=True
        ):
            self.query_one(f"#compare-{side}", Static).update(Rich(_told(name, row)))

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        steps = self.query_one(OptionList)
        if by > 0:
            steps.action_cursor_down()
        else:
            steps.action_cursor_up()

    def action_difference(self) -> None:
        """Go to the next step that differs, going round at the end."""
        pairs, steps = self._comparison.pairs, self.query_one(OptionList)
        here = steps.highlighted or 0
        found = next_hit(here, len(pairs), lambda at: bool(pairs[at].differs), forward=True)
        if found is None:
            self.notify("no step differs")
        else:
            steps.highlighted = found

    def action_leave(self) -> None:
        """Go back to the trace."""
        self.dismiss()


def _option(pair: Pair) -> Option:
    row = pair.one or pair.other
    differs = f"  ({', '.join(pair.differs)})" if pair.differs else ""
    line = f"{pair.sign} {pair.id}{differs}  {label(row) if row else ''}"
    return Option(Rich(printable(line), style="bold" if differs else "dim"))


def _told(name: str, row: Row | None) -> str:
    if row is None:
        return f"{name}\n\n(no such step)"
    came_to = f"--- came to\n{row.observation}" if row.observation else ""
    answer = f"--- answer\n{row.answer}" if row.answer is not None else ""
    failed = "failed" if row.ok is False else ""
    return printable("\n\n".join(filter(None, [name, failed, row.text, came_to, answer])))
