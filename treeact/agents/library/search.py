"""Finding actions by need: BM25 over words, or the cosine of embeddings; success counts in both."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Sequence
from itertools import accumulate
from math import hypot
from operator import itemgetter, mul
from typing import Any

from treeact.agents.library.database import Database
from treeact.agents.library.records import Status
from treeact.agents.library.words import query_terms
from treeact.errors import LibraryError

WEIGHTS = "4.0, 2.0, 3.0, 1.0"
"""What a word counts for in name, signature, docstring and body."""
SUCCESS = "(successes + 1.0) / (successes + failures + 2.0)"
RANKED = f"""
SELECT actions.name, -bm25(words, {WEIGHTS}) * {SUCCESS} AS score
FROM words JOIN actions ON actions.id = words.rowid
WHERE words MATCH ? AND status IN (SELECT value FROM json_each(?))
ORDER BY score DESC, actions.name LIMIT ?
"""
COUNT = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
MOST_HITS = 2000
"""Places in the index that one search scores: a word in thousands of actions says little, and costs
2 microseconds for each."""
VERSIONS = 4
"""Rows looked at for each name that is wanted: several versions may come before other names."""
BATCH = 100
"""Texts of one request to the embedding model."""
MAX_QUERY = 8000
"""Characters of a query that the embedding model gets."""
TIMEOUT = 30.0


class Searcher:
    """Ranks names of actions.

    Args:
        database: the library's file.
        embeddings: LiteLLM's name of an embedding model, or None for words.
        base_url: where it is, if not at its provider's own address.
    """

    def __init__(
        self, database: Database, embeddings: str | None = None, base_url: str | None = None
    ) -> None:
        self._db = database
        self._model = embeddings
        self._base_url = base_url
        self._vectors: dict[int, array[float]] = {}

    async def names(self, query: str, k: int, statuses: Sequence[Status]) -> list[str]:
        """Return at most `k` names, best first.

        Raises:
            LibraryError: the embedding model cannot be asked.
        """
        if k == 0 or not query.strip():
            return []
        if self._model is None:
            return self._by_words(query, k, statuses)
        return await self._by_meaning(query, k, statuses)

    def _by_words(self, query: str, k: int, statuses: Sequence[Status]) -> list[str]:
        terms = query_terms(query)
        if not terms:
            return []
        with self._db.reading() as db:
            asked = [" OR ".join(_rarest(db, terms)), json.dumps(statuses), VERSIONS * k]
            found = [row["name"] for row in db.execute(RANKED, asked)]
        return list(dict.fromkeys(found))[:k]

    # Embeddings -----------------------------------------------------------------------------

    async def _by_meaning(self, query: str, k: int, statuses: Sequence[Status]) -> list[str]:
        with self._db.reading() as db:
            rows = db.execute(
                f"SELECT id, name, header, docstring, {SUCCESS} AS success FROM actions "
                "WHERE status IN (SELECT value FROM json_each(?)) ORDER BY name, version",
                [json.dumps(statuses)],
            ).fetchall()
        if not rows:
            return []
        await self._embed_missing(rows)
        [wanted] = await self._embed([query[:MAX_QUERY]])
        scored = [(_dot(wanted, self._vectors[row["id"]]) * row["success"], row) for row in rows]
        scored.sort(key=itemgetter(0), reverse=True)  # stable: equal ones stay by name
        return list(dict.fromkeys(row["name"] for _, row in scored))[:k]

    async def _embed_missing(self, rows: Sequence[Any]) -> None:
        """Have a vector of each action at hand: from memory, from the file, or from the model."""
        missing = [row for row in rows if row["id"] not in self._vectors]
        if missing:
            with self._db.reading() as db:
                for id, vector in db.execute(
                    "SELECT action, vector FROM vectors WHERE model = ?", [self._model]
                ):
                    self._vectors[id] = array("f", vector)
        missing = [row for row in missing if row["id"] not in self._vectors]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            texts = [f"{row['header']}\n{row['docstring']}"[:MAX_QUERY] for row in batch]
            made = zip(batch, await self._embed(texts), strict=True)
            self._keep({row["id"]: vector for row, vector in made})

    def _keep(self, vectors: dict[int, array[float]]) -> None:
        self._vectors.update(vectors)
        if not self._db.frozen:
            with self._db.writing() as db:
                db.executemany(
                    "INSERT OR REPLACE INTO vectors SELECT id, ?, ? FROM actions WHERE id = ?",
                    [(self._model, vector.tobytes(), id) for id, vector in vectors.items()],
                )

    async def _embed(self, texts: Sequence[str]) -> list[array[float]]:
        from treeact.models.litellm_model import load_litellm

        try:
            answer = await load_litellm().aembedding(
                model=self._model,
                input=list(texts),
                api_base=self._base_url,
                timeout=TIMEOUT,
                num_retries=0,
                encoding_format="float",
            )
            vectors = [_unit(item["embedding"]) for item in answer.data]
        except Exception as error:  # whatever LiteLLM and its providers raise
            reason = f"{type(error).__name__}: {error}"[:300]
            raise LibraryError(
                f"the embedding model {self._model} cannot be asked ({reason}): check its name, "
                "key and network, or search by words"
            ) from error
        if len(vectors) != len(texts):
            raise LibraryError(f"{self._model} gave {len(vectors)} vectors for {len(texts)} texts")
        return vectors


def _rarest(db: sqlite3.Connection, terms: Sequence[str]) -> list[str]:
    """Return the rarest terms, at least one, as many as may be scored."""
    counts = {term: db.execute(COUNT, [term, MOST_HITS]).fetchone()[0] for term in terms}
    ordered = sorted(terms, key=counts.__getitem__)
    places = accumulate(counts[term] for term in ordered)
    return [t for t, hits in zip(ordered, places, strict=True) if hits <= MOST_HITS] or ordered[:1]


def _unit(vector: Sequence[float]) -> array[float]:
    """Return a vector of length one."""
    length = hypot(*vector) or 1.0
    return array("f", (value / length for value in vector))


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        raise LibraryError("the embedding model changed the size of its vectors: name it anew")
    return float(sum(map(mul, one, other)))
