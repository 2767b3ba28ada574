"""A text of any length: what is long is drawn line by line, and only where it is looked at."""

from __future__ import annotations

from rich.cells import chop_cells
from rich.segment import Segment
from rich.syntax import Syntax
from rich.text import Text as Rich
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Static

from treeact.printable import printable

COLOURED = 8_000
"""Characters that are laid out at once, and coloured where they are code: twice as many take twice
as long, and a key is not heard meanwhile."""


def coloured(text: str, language: str) -> Rich:
    """Return a text with the colours of its language, on whatever is behind it."""
    if language == "text":
        return Rich(text)
    return Syntax("", language, theme="ansi_dark").highlight(text)


class LongText(Static):
    """Shows a text whole."""

    def __init__(self, text: str = "", *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._text = text
        self._wrapped: tuple[int, list[str]] | None = None

    def show(self, text: str, language: str = "text") -> None:
        """Show another text.

        Args:
            text: anything; control characters are spelt out.
            language: `text`, or what code is written in.
        """
        self._text, self._wrapped = printable(text), None
        self.update("" if self.is_long else coloured(self._text, language))

    @property
    def is_long(self) -> bool:
        """Whether the text is drawn line by line, without colours."""
        return len(self._text) > COLOURED

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines at some width."""
        if self.is_long:
            return len(self._lines(width))
        return super().get_content_height(container, viewport, width)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if not self.is_long:
            return super().render_line(y)
        style, lines = self.visual_style.rich_style, self._lines(self.size.width)
        line = Strip([Segment(lines[y] if y < len(lines) else "", style)])
        return line.adjust_cell_length(self.size.width, style)

    def _lines(self, width: int) -> list[str]:
        """Return the lines, cut where `width` columns are full."""
        if self._wrapped is None or self._wrapped[0] != width:
            lines = self._text.expandtabs(4).split("\n")
            cut = [part for line in lines for part in _chopped(line, max(1, width))]
            self._wrapped = (width, cut)
        return self._wrapped[1]


def _chopped(line: str, width: int) -> list[str]:
    if line.isascii():  # as code mostly is: a character fills a cell
        return [line[at : at + width] for at in range(0, len(line), width)] or [""]
    return chop_cells(line, width)
