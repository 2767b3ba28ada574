"""For terminals that cannot show more than ASCII: every sign by one that they have."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    "✓": "v", "✗": "x", "★": "*", "○": "o", "●": "#", "·": ".", "…": ".", "≠": "!", "▼": "v",
    "▶": ">", "▸": ">", "▾": "v", "▓": "#", "░": ".", "■": "#", "•": "*", "—": "-", "–": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ",
}  # fmt: skip
_STEPS = {chr(0x2580 + height): str(height) for height in range(1, 9)}
"""Bars of eight heights, by their height."""


def needs_ascii(environment: Mapping[str, str]) -> bool:
    """Return whether the locale names a character set that is not UTF-8.

    A locale that is not set at all says nothing: most terminals show UTF-8.
    """
    named = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, named), "UTF-8")
    return "utf8" not in locale.lower().replace("-", "")


class AsciiOnly(LineFilter):
    """Shows ASCII in the place of everything else, as wide as it was."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [
            segment if segment.text.isascii() else segment._replace(text=as_ascii(segment.text))
            for segment in segments
        ]


def as_ascii(text: str) -> str:
    """Return a text of the same width in ASCII: lines and signs as what comes near them."""
    return "".join(character if character.isascii() else _nearest(character) for character in text)


def _nearest(character: str) -> str:
    if known := _SIGNS.get(character) or _STEPS.get(character):
        return known
    if 0x2500 <= ord(character) <= 0x257F:  # box drawing
        return {"─": "-", "━": "-", "═": "-", "│": "|", "┃": "|", "║": "|"}.get(character, "+")
    if 0x2580 <= ord(character) <= 0x259F:  # blocks, of which borders and scroll bars are made
        return "|"
    return "?" * cell_len(character)
