"""One event in full, a part at a time."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from treeact.tui.views.details import Part
from treeact.tui.widgets.long_text import LongText


class DetailsPanel(Vertical):
    """The parts of an event by name, and the one that is chosen."""

    def __init__(self) -> None:
        super().__init__(id="trace-details")
        self._parts: Sequence[Part] = ()
        self._at = 0

    def compose(self) -> ComposeResult:
        """Lay out the names and the text."""
        yield Static("", id="trace-parts", markup=False)
        with VerticalScroll(id="trace-scroll"):
            yield LongText("no event is chosen", id="trace-text")

    def show(self, parts: Sequence[Part]) -> None:
        """Show an event by its parts, and of them the one at the same place as before."""
        self._parts = parts
        self._at = max(0, min(self._at, len(parts) - 1))
        self._draw()

    def next_part(self, by: int) -> None:
        """Show the next part of the event."""
        if self._parts:
            self._at = (self._at + by) % len(self._parts)
            self._draw()

    def toggle_raw(self) -> None:
        """Show the event as it is written, or its first part again."""
        if self._parts:
            last = len(self._parts) - 1
            self._at = 0 if self._at == last else last
            self._draw()

    @property
    def text(self) -> str:
        """The text of the part that is shown."""
        return self._parts[self._at].text if self._parts else ""

    def _draw(self) -> None:
        if not self._parts:
            return
        names = (
            f"[{part.title}]" if number == self._at else part.title
            for number, part in enumerate(self._parts)
        )
        self.query_one("#trace-parts", Static).update("  ".join(names))
        part = self._parts[self._at]
        self.query_one("#trace-text", LongText).show(part.text, part.language)
        self.query_one("#trace-scroll").scroll_home(animate=False)
