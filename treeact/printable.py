"""Text for a terminal: that of strangers made safe, and times as clocks show them."""

from __future__ import annotations

_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}


def printable(text: str) -> str:
    """Return `text` with its control characters spelt out.

    Code and its output are a stranger's: an escape sequence in them would steer the terminal.
    """
    return text.translate(_CONTROLS)


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, such as 2:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
