"""Long texts, a page at a time, and passages found in them."""

from __future__ import annotations

import re

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
    pages = split(text)
    if find:
        return _passages(pages, name, find)
    if not 1 <= page <= len(pages):
        raise ToolError(f"{name} has no page {page}: its pages are 1 to {len(pages)}")
    heading = f"[{name}, page {page} of {len(pages)}]"
    return f"{heading}\n{pages[page - 1] or '(no text)'}"


def split(text: str) -> list[str]:
    """Return the pages of a text, cut between paragraphs, or at least lines, where possible."""
    pages = []
    start = 0
    while len(text) - start > PAGE:
        end = start + PAGE
        cut = max(text.rfind("\n\n", start + PAGE // 2, end), 0) or text.rfind(
            "\n", start + PAGE // 2, end
        )
        end = cut + 1 if cut > 0 else end
        pages.append(text[start:end].strip("\n"))
        start = end
    return [*pages, text[start:].strip("\n")]


def _passages(pages: list[str], name: str, find: str) -> str:
    words = r"\s+".join(map(re.escape, find.split()))
    if not words:
        raise ToolError("`find` holds no word to find")
    pattern = re.compile(words, re.IGNORECASE)
    found = [
        (number, match.start(), match.end())
        for number, page in enumerate(pages, start=1)
        for match in pattern.finditer(page)
    ]
    if not found:
        raise ToolError(f"{name} does not hold {find!r}: find fewer or other words, or read it")
    apart: list[tuple[int, int, int]] = []
    for number, start, end in found:
        if apart and apart[-1][0] == number and start < apart[-1][2] + AROUND:
            continue
        apart.append((number, start, end))
    lines = [f"[{name}: {find!r} is there {len(found)} times]"]
    for number, start, end in apart[:PASSAGES]:
        passage = " ".join(pages[number - 1][max(0, start - AROUND) : end + AROUND].split())
        lines.append(f"page {number} of {len(pages)}: ... {passage} ...")
    if len(apart) > PASSAGES:
        lines.append(f"and {len(apart) - PASSAGES} passages more")
    return "\n".join(lines)
