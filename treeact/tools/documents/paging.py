"""Long texts, a page at a time, and passages found in them."""

from __future__ import annotations

import re
from bisect import bisect
from itertools import pairwise

from treeact.errors import ToolError

PAGE = 10_000
"""Characters of a page: one that is printed whole is not cut by the limit of a step's output."""
AROUND = 200
"""Characters shown on either side of what was found."""
PASSAGES = 10


def show(text: str, *, name: str, page: int = 1, find: str = "") -> str:
    """Return one page of a text under a line that says which, or the passages that hold `find`.

    Raises:
        ToolError: there is no such page, or no such passage.
    """
    if find:
        return _passages(text, name, find)
    pages = split(text)
    if not 1 <= page <= len(pages):
        raise ToolError(f"{name} has no page {page}: its pages are 1 to {len(pages)}")
    heading = f"[{name}, page {page} of {len(pages)}]"
    return f"{heading}\n{pages[page - 1] or '(no text)'}"


def split(text: str) -> list[str]:
    """Return the pages of a text, cut between paragraphs, or at least lines, where possible."""
    edges = [*_starts(text), len(text)]
    return [text[start:end].strip("\n") for start, end in pairwise(edges)]


def _starts(text: str) -> list[int]:
    """Return where each page begins."""
    starts = [0]
    while len(text) - starts[-1] > PAGE:
        middle, end = starts[-1] + PAGE // 2, starts[-1] + PAGE
        cut = max(text.rfind("\n\n", middle, end), 0) or text.rfind("\n", middle, end)
        starts.append(cut + 1 if cut > 0 else end)
    return starts


def _passages(text: str, name: str, find: str) -> str:
    words = r"\s+".join(map(re.escape, find.split()))
    if not words:
        raise ToolError("`find` holds no word to find")
    found = [match.span() for match in re.finditer(words, text, re.IGNORECASE)]
    if not found:
        raise ToolError(f"{name} does not hold {find!r}: find fewer or other words, or read it")
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if not apart or start >= apart[-1][1] + AROUND:
            apart.append((start, end))
    lines = [f"[{name}: {find!r} is there {len(found)} times]"]
    starts = _starts(text)
    for start, end in apart[:PASSAGES]:
        passage = " ".join(text[max(0, start - AROUND) : end + AROUND].split())
        lines.append(f"page {bisect(starts, start)} of {len(starts)}: ... {passage} ...")
    if len(apart) > PASSAGES:
        lines.append(f"and {len(apart) - PASSAGES} passages more")
    return "\n".join(lines)
