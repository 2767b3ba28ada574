"""Lines of a terminal: text of strangers, made safe and short."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.errors import ConfigError
from treeact.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

MOST_LINES = 40
"""Lines of one text that are shown; the trace holds the rest."""


class Lines:
    """Writes to a terminal.

    Args:
        console: where to write; None takes standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self.console = console or Console(highlight=False, soft_wrap=True)

    def code(self, text: str) -> None:
        """Write Python, in colours where the terminal has them."""
        if not self.console.is_terminal:
            self.text(text, mark="    ")
            return
        from rich.padding import Padding
        from rich.syntax import Syntax

        shown = "\n".join(_shorten(printable(text).rstrip().splitlines()))
        code = Syntax(
            shown, "python", theme="ansi_dark", word_wrap=True, background_color="default"
        )
        self.console.print(Padding.indent(code, 4))

    def action(self, kind: str, text: str, *, problem: str | None = None) -> None:
        """Write an action, but for an answer: that is written when it is given."""
        match kind:
            case "code":
                self.code(text)
            case "call":
                self.line(f"→ {text}", style="cyan")
            case "none":
                self.line(f"no action in the reply: {problem}", style="yellow")

    def heading(self, text: str) -> None:
        """Write the first line of a step."""
        self.console.print()
        self.line(f"── {text}", style="bold cyan")

    def line(self, text: str, *, style: str = "") -> None:
        """Write one line."""
        self.console.print(printable(text), style=style, markup=False)

    def text(self, text: str, *, mark: str = "", style: str = "") -> None:
        """Write the lines of a text, each behind `mark`; the middle of a long one is left out."""
        for line in _shorten(text.strip("\n").rstrip().splitlines()):
            self.line(mark + line, style=style)


def _shorten(lines: list[str]) -> list[str]:
    """Return the head and the tail of many lines, saying how many are between."""
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    left_out = len(lines) - 2 * half
    return [*lines[:half], f"[... {left_out} lines, whole in the trace ...]", *lines[-half:]]


def write_out(text: str, out: Path | None) -> None:
    """Write a text to a file, or to standard output where there is none.

    Raises:
        ConfigError: the file cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error
