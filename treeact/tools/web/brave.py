"""The search service of Brave, for those who have a key (api-dashboard.search.brave.com)."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from treeact.errors import ToolError
from treeact.tools.documents.converting import INSTALL
from treeact.tools.web.search import Found

if TYPE_CHECKING:
    import httpx2

KEY_VARIABLE = "BRAVE_API_KEY"
URL = "https://api.search.brave.com/res/v1/web/search"
CHARACTERS, WORDS = 400, 50
"""What the service takes of a query."""
TIMEOUT = 20.0


class Brave:
    """Brave's index of the web, asked through its HTTP API.

    Args:
        key: the subscription's key; it is sent to `url` alone.
        url: where the service is.
    """

    def __init__(self, key: str, *, url: str = URL) -> None:
        self._key = key
        self._url = url

    async def search(self, query: str, count: int) -> list[Found]:
        """Return at most `count` results; see `SearchEngine.search`."""
        try:
            import httpx2
        except ImportError as error:
            raise ToolError(f"missing package: {error.name}: {INSTALL}") from error
        words = " ".join(query.split()[:WORDS])[:CHARACTERS]
        asked = {"q": words, "count": str(count), "text_decorations": "false"}
        headers = {"Accept": "application/json", "X-Subscription-Token": self._key}
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
                response = await client.get(self._url, params=asked, headers=headers)
        except httpx2.HTTPError as error:
            raise ToolError(
                f"the search service cannot be reached ({error or type(error).__name__}): "
                "try again, or visit an address that you know"
            ) from error
        return _results(response)[:count]


def _results(response: httpx2.Response) -> list[Found]:
    if response.status_code == 429:
        raise ToolError("the search service is asked too often: wait a second and try again")
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.status_code != 200 or not isinstance(body, dict):
        raise ToolError(
            f"the search service refuses ({response.status_code}{_detail(body)}): whoever runs "
            f"this has to look at {KEY_VARIABLE}; visit addresses that you know"
        )
    try:
        rows = (body.get("web") or {}).get("results") or []
        return [
            Found(_plain(row["title"]), str(row["url"]), _plain(row.get("description") or ""))
            for row in rows
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ToolError("the search service has answered in a form that is not known") from error


def _detail(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return (
        f": {str(error['detail'])[:300]}" if isinstance(error, dict) and "detail" in error else ""
    )


def _plain(text: Any) -> str:
    return html.unescape(str(text))
