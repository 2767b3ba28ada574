"""Taking the bare answer from what an agent said."""

from __future__ import annotations

import re

MARKER = re.compile(r"([*_`]{0,3})\bfinal\s+answer\b[*_`]*\s*:", re.IGNORECASE)
"""The marker of GAIA's convention, perhaps in bold type."""

_PAIRS = {'"': '"', "'": "'", "“": "”", "‘": "’", "(": ")", "[": "]", "{": "}", "<": ">"}
_MARKUP = "*_`"


def answer_after_marker(text: str) -> str | None:
    """Return what stands behind the last `FINAL ANSWER:`, or None where nothing does.

    It is the rest of that line or, where that is blank, the next line that is not, and is unwrapped
    (see `unwrap`). Case and bold type do not matter.
    """
    found = list(MARKER.finditer(text))
    if not found:
        return None
    behind = (line.strip() for line in text[found[-1].end() :].splitlines())
    line = next((line for line in behind if line.strip(_MARKUP)), "")
    opened = found[-1][1]  # bold type that ends behind the answer, or behind the marker
    return unwrap(line.removesuffix(opened).removeprefix(opened)) or None


def bare_answer(text: str) -> str | None:
    """Return what stands behind the marker, or the text as it is where there is no marker.

    None where there is a marker and nothing behind it: no answer, which is not an empty one.
    """
    return answer_after_marker(text) if MARKER.search(text) else text


def unwrap(text: str) -> str:
    """Return `text` without bold type, quotes and brackets around it, and one full stop at its end.

    What is around a part of it alone stays, as in `(a) or (b)`.
    """
    bare = _peel(text.strip())
    return _peel(bare.removesuffix(".").rstrip())


def _peel(text: str) -> str:
    while (less := _peel_once(text)) != text:
        text = less
    return text


def _peel_once(text: str) -> str:
    first = text[:1]
    if first in _MARKUP and text.endswith(first):
        inside = text.strip(first)
        return text if first in inside else inside.strip()
    close, inside = _PAIRS.get(first), text[1:-1]
    if len(text) > 1 and text[-1] == close and not {first, close} & set(inside):
        return inside.strip()
    return text


def as_number(text: str) -> float | None:
    """Return the number that Python's `float` reads from the whole of a text, or None."""
    try:
        return float(text)
    except ValueError:
        return None
