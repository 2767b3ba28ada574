"""Searching the web: engines of one's own, a service with a key, and the public engines."""

import json
import sys
from typing import Any, ClassVar

import pytest

from tests.support.web_server import WebServer, response
from treeact.errors import ToolError
from treeact.tools.gaia import gaia_tools
from treeact.tools.web.brave import Brave
from treeact.tools.web.search import Ddgs, Found, make_web_search


class Shelf:
    """A search engine of one's own."""

    async def search(self, query: str, count: int) -> list[Found]:
        return [Found(f"{query} {n}", f"https://x/{n}", "t" * 5000) for n in range(count + 5)]


async def test_an_engine_of_ones_own_is_asked_within_bounds() -> None:
    search = make_web_search(Shelf())
    found = await search.call(["tides"], {"count": 1000})
    assert len(found) == 10
    assert found[0] == {"title": "tides 0", "url": "https://x/0", "text": "t" * 500}
    with pytest.raises(ToolError, match="the query is empty"):
        await search.call(["  "], {})


async def test_without_the_package_the_search_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ddgs", None)
    with pytest.raises(ToolError, match=r'missing package: ddgs: .*"treeact\[web\]"'):
        await make_web_search(Ddgs()).call(["tides"], {})


async def test_without_a_network_the_search_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:9")  # nothing can be reached through it
    with pytest.raises(ToolError, match="cannot be reached or refuse"):
        await make_web_search(Ddgs()).call(["tides"], {})


# Brave ------------------------------------------------------------------------------------------

ROWS = [
    {"title": "Tides &amp; times", "url": "https://x/1", "description": "High water at &quot;noon"},
    {"title": "No description", "url": "https://x/2", "type": "search_result"},
    {"title": "One too many", "url": "https://x/3", "description": ""},
]
FOUND = {"type": "search", "query": {"original": "q"}, "web": {"type": "search", "results": ROWS}}
INVALID = {
    "type": "ErrorResponse",
    "error": {
        "code": "SUBSCRIPTION_TOKEN_INVALID",
        "detail": "The token is invalid.",
        "status": 422,
    },
}


def said(value: Any, status: str = "200 OK") -> bytes:
    return response(json.dumps(value).encode(), status=status, content_type="application/json")


async def test_a_service_with_a_key_is_asked_in_its_own_form() -> None:
    with WebServer({"/search": said(FOUND)}) as server:
        search = make_web_search(Brave("the-key", url=f"{server.url}/search"))
        found = await search.call(["tides in Bergen & Oslo " + "x " * 100], {"count": 2})
    assert found == [
        {"title": "Tides & times", "url": "https://x/1", "text": 'High water at "noon'},
        {"title": "No description", "url": "https://x/2", "text": ""},
    ]
    [head] = server.requests
    assert head.startswith("GET /search?q=tides+in+Bergen+%26+Oslo+x+")
    assert head.count("x+") == 44
    assert "&count=2&text_decorations=false HTTP/1.1" in head
    assert "\r\nx-subscription-token: the-key\r\n" in head.lower()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            said(INVALID, "422 Unprocessable Entity"),
            r"422: The token is invalid\.\): .*BRAVE_API_KEY",
        ),
        (said({}, "429 Too Many Requests"), "wait a second"),
        (response(b"<html>", status="502 Bad Gateway"), r"refuses \(502\)"),
        (response(b"<html>"), r"refuses \(200\)"),
        (said({"web": {"results": [{"url": "x"}]}}), "a form that is not known"),
        (said({"web": [1]}), "a form that is not known"),
        (said({"error": "none"}, "500 Internal Server Error"), r"refuses \(500\)"),
        (response(b"", "Location: http://127.0.0.1:9/", status="302 Found"), r"refuses \(302\)"),
        (b"no http\r\n\r\n", "cannot be reached"),
    ],
)
async def test_what_the_service_does_wrong_is_an_observation(answer: bytes, says: str) -> None:
    with (
        WebServer({"/search": answer}) as server,
        pytest.raises(ToolError, match=says),
    ):
        await make_web_search(Brave("the-key", url=f"{server.url}/search")).call(["tides"], {})


async def test_no_results_are_an_empty_list() -> None:
    with WebServer({"/search": said({"type": "search"})}) as server:
        search = make_web_search(Brave("the-key", url=f"{server.url}/search"))
        assert await search.call(["tides"], {}) == []


async def test_the_service_is_asked_where_the_environment_has_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with WebServer({"/search": said(FOUND)}) as server:
        monkeypatch.setattr(Brave.__init__, "__kwdefaults__", {"url": f"{server.url}/search"})
        monkeypatch.setenv("BRAVE_API_KEY", "from-outside")
        [search] = [tool for tool in gaia_tools() if tool.name == "web_search"]
        assert len(await search.call(["tides"], {})) == 3
    assert "from-outside" in server.requests[0]


# Public engines ---------------------------------------------------------------------------------

PAGE = b"""<html><body>
<div class="hit"><a href="https://tides.example/bergen">Tides of <b>Bergen</b></a>
<p>High water at noon.</p></div>
<div class="hit"><a href="https://tides.example/oslo">Tides of Oslo</a>
<p>Low water at six.</p></div>
</body></html>"""


async def test_what_the_library_finds_becomes_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of `ddgs` is real, its own client and parser included, but for the engine's address."""
    import ddgs.ddgs
    from ddgs.base import BaseSearchEngine

    with WebServer({"/find": response(PAGE)}) as server:

        class Local(BaseSearchEngine):  # type: ignore[type-arg,misc,unused-ignore]
            name = "local"
            category = "text"
            provider = "local"
            search_url = f"{server.url}/find"
            search_method = "GET"
            items_xpath = "//div[@class='hit']"
            elements_xpath: ClassVar = {
                "title": ".//a//text()",
                "href": ".//a/@href",
                "body": ".//p//text()",
            }

            def build_payload(self, query: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
                return {"q": query}

        monkeypatch.setitem(ddgs.ddgs.ENGINES, "text", {"local": Local})
        found = await make_web_search(Ddgs()).call(["tides in Bergen"], {"count": 2})
    assert found == [
        {
            "title": "Tides of Bergen",
            "url": "https://tides.example/bergen",
            "text": "High water at noon.",
        },
        {
            "title": "Tides of Oslo",
            "url": "https://tides.example/oslo",
            "text": "Low water at six.",
        },
    ]
    assert server.paths == ["/find?q=tides+in+Bergen"]
