"""Which of many tools an agent is shown: the best few for what it has to do.

The idea of bounding the visible actions by a retriever is that of PoAct's tool selector (Yuan et
al. 2025, arXiv 2501.07054); the ranking is BM25 (Robertson and Zaragoza 2009), as SQLite has it.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from treeact.tools.function import Tool, make_tool
from treeact.tools.naming import SEARCH_TOOLS

MOST_SHOWN = 20
"""Tools that a prompt shows; where there are more, the rest has to be searched for."""
MOST_WORDS = 200
"""Words of a query that count."""
WEIGHTS = "4.0, 1.0"
"""How much a word counts in a tool's name, and in what is said of it."""
WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]*|\d+|[^\W\d_a-zA-Z]+")


class Selector(Protocol):
    """Chooses tools for a purpose."""

    def select(self, query: str, k: int) -> Sequence[Tool]:
        """Return at most `k` tools, the best for `query` first."""
        ...


class BM25Selector:
    """Ranks tools by the words that they share with a query, in memory.

    Args:
        tools: what to choose from.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        import sqlite3  # only agents with many tools need it

        self._tools = list(tools)
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._index.close)
        self._index.execute(
            "CREATE VIRTUAL TABLE tools USING fts5(name, said, tokenize='porter unicode61')"
        )
        self._index.executemany(
            "INSERT INTO tools (rowid, name, said) VALUES (?, ?, ?)",
            (
                (number, _words(tool.name), f"{_words(tool.signature)} {_words(tool.docstring)}")
                for number, tool in enumerate(self._tools)
            ),
        )

    def select(self, query: str, k: int) -> list[Tool]:
        """Return at most `k` tools that share a word with `query`, the best first."""
        words = list(dict.fromkeys(_words(query).lower().split()))[:MOST_WORDS]
        if not words or k < 1:
            return []
        rows = self._index.execute(
            f"SELECT rowid FROM tools WHERE tools MATCH ? ORDER BY bm25(tools, {WEIGHTS}), rowid "
            "LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), k),
        )
        return [self._tools[number] for (number,) in rows]


def _words(text: str) -> str:
    """Return the words of a text; `read_file` and `readFile` are two each."""
    return " ".join(WORD.findall(text))


@dataclass(frozen=True)
class Catalogue:
    """What a prompt shows of an agent's tools."""

    shown: tuple[Tool, ...]
    hidden: int = 0
    """How many more there are, to be searched for."""
    search: Tool | None = None
    """The tool that searches; there where some are hidden."""

    @property
    def added(self) -> tuple[Tool, ...]:
        """What has to be added to the agent's own tools."""
        return () if self.search is None else (self.search,)


def make_catalogue(
    tools: Sequence[Tool],
    task: str,
    *,
    most: int = MOST_SHOWN,
    selector: Selector | None = None,
) -> Catalogue:
    """Return what to show of `tools` for a task: all, or the best and a tool to search the rest.

    All of them can be called, shown or not.

    Args:
        tools: all tools of the agent.
        task: what it has to do.
        most: how many to show.
        selector: what ranks them; by default `BM25Selector`.
    """
    if len(tools) <= most:
        return Catalogue(tuple(tools))
    ranking = selector or BM25Selector(tools)
    best = list(ranking.select(task, most))
    names = {tool.name for tool in best}
    best += [tool for tool in tools if tool.name not in names][: most - len(best)]
    return Catalogue(tuple(best), len(tools) - len(best), _make_search(ranking))


def _make_search(selector: Selector) -> Tool:
    async def search_tools(query: str, k: int = 5) -> str:
        """Return the functions that fit a purpose best, as they are to be called. They are defined.

        Args:
            query: what the function should do, in a few words.
            k: how many to return.
        """
        found = selector.select(query, max(1, min(k, MOST_SHOWN)))
        if not found:
            return "No function fits these words: try others."
        return "\n\n".join(tool.stub() for tool in found)

    return make_tool(search_tools, effects="none", name=SEARCH_TOOLS)
