"""Finding actions by need: by words, by meaning, and with whatever a query may hold."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agents.library.support import exercised, library_at
from tests.support.openai_server import Exchange, OpenAIServer, Refuse
from treeact.agents.library import ActionLibrary, Verdict
from treeact.agents.library.words import query_terms, words
from treeact.errors import LibraryError

CODE = '''
def parse_date(text: str) -> str:
    """Read a date in any common form and return it as YYYY-MM-DD."""
    return text

def readCsvTable(path: str) -> list:
    """Load a table with typed columns."""
    return []

def haversine(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the distance of two places on the globe in kilometres."""
    return 0.0
'''


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ActionLibrary]:
    with library_at(tmp_path) as opened:
        exercised(opened, CODE)
        yield opened


async def found(library: ActionLibrary, query: str, k: int = 5) -> list[str]:
    return [action.name for action in await library.search(query, k)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("parse dates", "parse_date"),
        ("csv", "readCsvTable"),
        ("tables with columns", "readCsvTable"),
        ("How far apart are these two places, in kilometres?", "haversine"),
        ("lon2", "haversine"),
    ],
)
async def test_words_of_name_signature_docstring_and_body_find(
    library: ActionLibrary, query: str, name: str
) -> None:
    assert (await found(library, query))[0] == name


async def test_k_is_bounded_by_the_library_and_an_empty_one_is_fine(
    library: ActionLibrary, tmp_path: Path
) -> None:
    everything = "date table distance"
    assert len(await found(library, everything, 1)) == 1
    assert len(await found(library, everything, 1000)) == 3
    assert await found(library, everything, 0) == await found(library, everything, -3) == []
    with ActionLibrary(tmp_path / "empty.sqlite") as empty:
        assert await found(empty, everything) == []


async def test_order_is_the_same_each_time_and_success_counts(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        twins = [f"def twin_{c}(x):\n    '''Fold a map.'''\n    return x" for c in "cab"]
        exercised(library, "\n".join(twins))
        assert await found(library, "fold a map") == ["twin_a", "twin_b", "twin_c"]
        library.note_verdict(Verdict(action=library.get("twin_c"), ok=True))
        library.note_verdict(Verdict(action=library.get("twin_a"), ok=False))
        assert await found(library, "fold a map") == ["twin_c", "twin_b", "twin_a"]


NASTY = [
    '"', "'", '" OR 1', "a AND (b", "NEAR(a b, 3)", "name : x", "*", "^a", "-a", "a\0b", "{x}: y",
    "x" * 100_000, "date " * 20_000, " ".join(map(str, range(50_000))), "\ud800", "ﬁ ª ² İ", "",
    "the of and", "'; DROP TABLE actions; --", "日付 を 読む", "a_b__c___", "\u0301",
]  # fmt: skip


@pytest.mark.parametrize("query", NASTY, ids=range(len(NASTY)))
async def test_no_query_is_an_operator_or_an_error(library: ActionLibrary, query: str) -> None:
    await library.search(query)
    assert len(query_terms(query)) <= 32
    assert await found(library, "date") == ["parse_date"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=60))
def test_any_text_is_a_query(library: ActionLibrary, query: str) -> None:
    library._searcher._by_words(query, 3, ("exercised",))


def test_identifiers_are_split_at_their_seams() -> None:
    assert words("readCSV_rows") == ["read", "csv", "rows", "readcsv_rows"]
    assert words("HTTPServer2 x") == ["http", "server", "2", "httpserver2", "x"]


# Embeddings -----------------------------------------------------------------------------------

MEANINGS = {"date": (1.0, 0.0, 0.1), "table": (0.0, 1.0, 0.1), "kilometres": (0.1, 0.1, 1.0)}


@dataclass
class Embed:
    """Answer a request for embeddings: what means the same has the same direction."""

    asked: int = 0

    def __call__(self, exchange: Exchange) -> None:
        assert exchange.call.path == "/v1/embeddings"
        texts = exchange.call.body["input"]
        self.asked += len(texts)
        data = [
            {"object": "embedding", "index": n, "embedding": self._vector(text)}
            for n, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        exchange.json({"object": "list", "model": "m", "data": data, "usage": usage})

    def _vector(self, text: str) -> list[float]:
        for word, vector in MEANINGS.items():
            if word in text or {"calendar": "date", "grid": "table"}.get(text) == word:
                return list(vector)
        return [0.3, 0.3, 0.3]


async def test_embeddings_find_by_meaning_are_kept_and_never_written_frozen(
    library: ActionLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    embed = Embed()
    with OpenAIServer(otherwise=embed) as server:
        options = {"embeddings": "openai/m", "base_url": server.base_url}
        with ActionLibrary(library.path, frozen=True, **options) as frozen:  # type: ignore[arg-type]
            assert await found(frozen, "calendar", 1) == ["parse_date"]
            assert embed.asked == 4
        with ActionLibrary(library.path, **options) as opened:  # type: ignore[arg-type]
            assert await found(opened, "calendar", 1) == ["parse_date"]
            assert embed.asked == 8  # nothing was left behind by the frozen one
            assert await found(opened, "grid") == ["readCsvTable", "haversine", "parse_date"]
        with ActionLibrary(library.path, **options) as again:  # type: ignore[arg-type]
            assert await found(again, "calendar", 1) == ["parse_date"]
            assert embed.asked == 10
            server.will(Refuse(401))
            with pytest.raises(LibraryError, match="check its name, key and network"):
                await again.search("grid")
            assert await found(again, "  ") == []
        assert json.dumps([call.path for call in server.calls])
