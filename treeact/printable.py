"""Text of strangers, made safe for a terminal."""

from __future__ import annotations

_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}


def printable(text: str) -> str:
    """Return `text` with its control characters spelt out.

    Code and its output are a stranger's: an escape sequence in them would steer the terminal.
    """
    return text.translate(_CONTROLS)
