"""Words for the full-text index: what code and questions have in common."""

from __future__ import annotations

import re
from keyword import kwlist

MAX_TEXT = 20_000
"""Characters of one text that are looked at."""
MAX_TERMS = 32
"""Different words of one query."""
WORD = re.compile(r"\w+")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
STOP_WORDS = frozenset(kwlist) | frozenset(
    WORD.findall(
        "a about all an any are at be been but by can could did do does each get give given had "
        "has have how i it its itself let me more most my no of on one only our out over self "
        "should so some such than that the their them then there these they this those to two "
        "under up us use used using was we were what when where which who why will would you "
        "your answer question file files str int float list dict none true false code note output "
        "value last expression error raised"
    )
)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; identifiers whole and split at their seams.

    `readCSV_rows` gives `readcsv_rows`, `read`, `csv` and `rows`.
    """
    found = []
    for word in WORD.findall(text[:MAX_TEXT]):
        parts = [part.lower() for part in PART.findall(word)]
        found += parts
        if len(parts) > 1:
            found.append(word.lower())
    return found


def index_text(text: str) -> str:
    """Return what the index holds of a text."""
    return " ".join(words(text))


def _tells(word: str) -> bool:
    """Return whether a word says what a query is about."""
    return word not in STOP_WORDS and not word.isdigit() and (len(word) > 1 or not word.isascii())


def query_terms(query: str) -> list[str]:
    """Return the words of a query that are worth searching for, as FTS5 terms.

    Only words get through, each quoted, so that no query can be an operator; those that say
    nothing count if there are no others.
    """
    found = dict.fromkeys(words(query))
    telling = [word for word in found if _tells(word)] or list(found)
    return [f'"{word}"' for word in telling[:MAX_TERMS]]
