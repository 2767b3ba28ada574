"""A library of 10,000 stored actions: searching it, and loading a closure of 50.

Each action has a name, a signature, a docstring and a body of words drawn from a vocabulary of 2000
with Zipf's frequencies, so that common words are in thousands of actions and rare ones in a few. A
query is six words drawn alike. The chain of the closure is 50 actions of which each uses the one
before it and the one at half its place.

- `search`: `ActionLibrary.search`, BM25 through SQLite's FTS5, 5 results with all that they hold.
- `search, linear scan`: BM25 in Python over the same words, the actions already in memory and cut
  into words; it does not read them from a file, nor fetch what it finds.
- `search, prompt-like`: a query of 300 words, as made from a task and an observation.
- `closure of 50`: from an action to its 50 records in loading order, and the code that loads them.
- `closure of 50, one by one`: the same by a query for each action and each of its uses.
- `load 50 in the jail`: that code run in a fresh interpreter, which is the sandbox's time.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.bench import Bench, Measure, Open, Subject, plain
from support.report import Target

from treeact.agents.library import ActionLibrary, Definition
from treeact.agents.library.library import BEST
from treeact.agents.library.loading import PRELUDE, load_code
from treeact.agents.library.records import SHOWN
from treeact.agents.library.words import words
from treeact.sandbox import JailSandbox

ACTIONS = 10_000
CHAIN = 50
ROUNDS = 50
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
RNG = random.Random(7)
VOCABULARY = ["".join(RNG.choices(SYLLABLES, k=3)) for _ in range(2000)]
FREQUENCIES = [1 / rank for rank in range(1, 2001)]


def draw(count: int) -> list[str]:
    return RNG.choices(VOCABULARY, FREQUENCIES, k=count)


def action(number: int) -> Definition:
    name = "_".join([*draw(2), str(number)])
    one = draw(1)[0]
    header = f"def {name}({one}: int, other: str = '') -> str"
    docstring = " ".join(draw(10))
    body = "\n".join(f"    {word} = {one} + {n}" for n, word in enumerate(draw(12)))
    source = f'{header}:\n    """{docstring}."""\n{body}\n    return str({one})'
    return Definition(name=name, source=source, header=header, docstring=docstring)


def chain() -> list[Definition]:
    made: list[Definition] = []
    for n in range(CHAIN):
        used = {made[k].name: made[k].digest for k in {n - 1, n // 2} if n and k < n}
        calls = " + ".join([f"{name}(x)" for name in used] or ["x"])
        header = f"def link_{n}(x: int) -> int"
        source = f'{header}:\n    """Follow the chain."""\n    return min({calls}, 99)'
        made.append(Definition(name=f"link_{n}", source=source, header=header, uses=used))
    return made


def fill(path: Path) -> float:
    """Make the library; return the seconds it took."""
    definitions = [*(action(n) for n in range(ACTIONS - CHAIN)), *chain()]
    began = time.perf_counter()
    with ActionLibrary(path) as library:
        library.save(definitions)
    with sqlite3.connect(path) as db:  # as if a call of each had returned
        db.execute("UPDATE actions SET status = 'exercised', successes = 1")
    db.close()
    return time.perf_counter() - began


def searching(library: ActionLibrary, length: int) -> Open:
    async def measure() -> float:
        query = " ".join(draw(length))
        began = time.perf_counter()
        await library.search(query)
        return time.perf_counter() - began

    return plain(measure)


def scanning(library: ActionLibrary) -> Open:
    """BM25 (k1 = 1.2, b = 0.75, as FTS5 has it) over texts that are cut into words ahead."""
    texts = [
        Counter(words(f"{a.name} {a.header} {a.docstring} {a.source}")) for a in library.actions()
    ]
    lengths = [sum(text.values()) for text in texts]
    mean = sum(lengths) / len(lengths)
    documents = Counter(word for text in texts for word in text)

    def score(text: Counter[str], length: int, query: list[str]) -> float:
        total = 0.0
        for word in query:
            if count := text[word]:
                rarity = math.log((len(texts) - documents[word] + 0.5) / (documents[word] + 0.5))
                total += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / mean))
        return total

    def measure() -> float:
        query = words(" ".join(draw(6)))
        began = time.perf_counter()
        scores = [score(text, length, query) for text, length in zip(texts, lengths, strict=True)]
        sorted(range(len(texts)), key=lambda n: -scores[n])[:5]
        return time.perf_counter() - began

    return plain(measure)


def closing(library: ActionLibrary) -> Measure:
    def measure() -> float:
        began = time.perf_counter()
        closure = library.closure(library.offered([f"link_{CHAIN - 1}"]))
        load_code(closure)
        assert len(closure) == CHAIN
        return time.perf_counter() - began

    return measure


def closing_one_by_one(library: ActionLibrary) -> Measure:
    def visit(id: int, found: dict[int, object]) -> None:
        with library._db.reading() as db:
            uses = db.execute("SELECT used FROM uses WHERE action = ?", [id]).fetchall()
        for row in uses:
            if row["used"] not in found:
                visit(row["used"], found)
        [found[id]] = library.by_id([id])

    def measure() -> float:
        began = time.perf_counter()
        with library._db.reading() as db:
            start = db.execute(BEST, [f"link_{CHAIN - 1}", json.dumps(SHOWN)]).fetchone()["id"]
        found: dict[int, object] = {}
        visit(start, found)
        assert len(found) == CHAIN
        return time.perf_counter() - began

    return measure


def loading(library: ActionLibrary) -> Open:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Measure]:
        code = load_code(library.closure(library.offered([f"link_{CHAIN - 1}"])), {"link": 1})
        async with JailSandbox() as sandbox:

            async def measure() -> float:
                branch = await sandbox.branch()
                await branch.run(PRELUDE)
                began = time.perf_counter()
                execution = await branch.run(code)
                seconds = time.perf_counter() - began
                assert execution.value == "{}", execution
                await branch.close()
                return seconds

            yield measure

    return opened


def subjects(library: ActionLibrary) -> list[Subject]:
    bound = Target(at_most=20, unit="ms")
    scan, single = "search, linear scan", "closure of 50, one by one"
    return [
        Subject(name=scan, open=scanning(library)),
        Subject(name="search", open=searching(library, 6), baseline=scan, target=bound),
        Subject(
            name="search, prompt-like", open=searching(library, 300), baseline=scan, target=bound
        ),
        Subject(name=single, open=plain(closing_one_by_one(library))),
        Subject(name="closure of 50", open=plain(closing(library)), baseline=single, target=bound),
        Subject(name="load 50 in the jail", open=loading(library), target=bound),
    ]


async def main() -> None:
    bench = Bench.from_command_line("library", __doc__)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "actions.sqlite"
        bench.report.progress(f"{ACTIONS} actions")
        bench.report.progress(f"saved in {fill(path):.1f} s")
        with ActionLibrary(path) as library:
            await bench.group(subjects(library), rounds=ROUNDS)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
