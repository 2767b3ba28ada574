"""The tool that searches the web, by whatever engine it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from treeact.errors import ToolError
from treeact.tools.documents.converting import INSTALL
from treeact.tools.function import Tool, make_tool
from treeact.tools.threads import run_in_thread

RESULTS = 10
"""Most results of one search."""
LONGEST = 500
"""Characters of one result's text."""
TIMEOUT = 30.0


@dataclass(frozen=True)
class Found:
    """One result of a search."""

    title: str
    url: str
    text: str


class SearchEngine(Protocol):
    """What searches the web: give one of your own, such as a service you have a key for."""

    async def search(self, query: str, count: int) -> list[Found]:
        """Return at most `count` results, best first, an empty list when nothing fits.

        Raises:
            ToolError: the engine cannot be asked; the text names the remedy.
        """
        ...


class Ddgs:
    """Several public search engines, asked without a key through the `ddgs` library."""

    async def search(self, query: str, count: int) -> list[Found]:
        """Return at most `count` results; see `SearchEngine.search`."""
        try:
            from ddgs import DDGS
            from ddgs.exceptions import DDGSException
        except ImportError as error:
            raise ToolError(f"missing package: {error.name}: {INSTALL}") from error
        try:
            rows = await run_in_thread(
                lambda: DDGS().text(query, max_results=count), name="web_search"
            )
        except DDGSException as error:
            if str(error) == "No results found.":
                return []
            raise ToolError(
                f"the search engines cannot be reached or refuse ({error}): wait and try again, "
                "or visit an address that you know; without a network there is no search"
            ) from error
        return [
            Found(str(row.get("title", "")), str(row.get("href", "")), str(row.get("body", "")))
            for row in rows
        ]


def make_web_search(engine: SearchEngine) -> Tool:
    """Return the tool that searches with `engine`."""

    async def web_search(query: str, count: int = 5) -> list[Found]:
        """Search the web and return the results, best first. Visit a page to read it.

        Args:
            query: words to search for, as one would type them into a search engine.
            count: how many results, at most 10.
        """
        if not query.strip():
            raise ToolError("the query is empty: say what to search for")
        results = await engine.search(query, max(1, min(count, RESULTS)))
        return [
            Found(found.title[:LONGEST], found.url, found.text[:LONGEST])
            for found in results[:RESULTS]
        ]

    return make_tool(web_search, effects="read", timeout=TIMEOUT)
