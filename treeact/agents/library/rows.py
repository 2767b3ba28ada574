"""Actions as rows of the database, there and back."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from treeact.agents.library.records import Definition, Example, Status, StoredAction
from treeact.agents.library.words import index_text
from treeact.errors import LibraryError
from treeact.sandbox.base import ToolCall

MOST_EXAMPLES = 5
"""Examples kept of one action; the oldest go first."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What saving a definition came to."""

    action: StoredAction
    new: bool
    """False when the library had it already, so that the two were merged."""


def fetch(db: sqlite3.Connection, ids: Sequence[int]) -> list[StoredAction]:
    """Return actions by id, in the order of `ids`; ids that are not there are left out."""
    marks = json.dumps(list(ids))
    within = "IN (SELECT value FROM json_each(?))"
    rows = {
        row["id"]: row
        for row in db.execute(
            f"SELECT *, id IN (SELECT action FROM pins) AS pinned FROM actions WHERE id {within}",
            [marks],
        )
    }
    uses: dict[int, dict[str, str]] = {}
    for action, name, digest in db.execute(
        f"SELECT action, uses.name, digest FROM uses JOIN actions ON used = id "
        f"WHERE action {within} ORDER BY uses.name",
        [marks],
    ):
        uses.setdefault(action, {})[name] = digest
    examples: dict[int, list[Example]] = {}
    for row in db.execute(
        f"SELECT * FROM examples WHERE action {within} ORDER BY id DESC", [marks]
    ):
        examples.setdefault(row["action"], []).append(_example(row))
    return [
        _action(rows[id], uses.get(id, {}), tuple(examples.get(id, ()))) for id in ids if id in rows
    ]


def fetch_one(db: sqlite3.Connection, id: int) -> StoredAction:
    """Return the action with an id that is known to be there."""
    return fetch(db, [id])[0]


def _action(row: sqlite3.Row, uses: dict[str, str], examples: tuple[Example, ...]) -> StoredAction:
    fields = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a row iterates over values
    digest = fields.pop("digest")
    action = StoredAction(
        **{
            **fields,
            "tools": tuple(json.loads(fields["tools"])),
            "pinned": bool(fields["pinned"]),
        },
        uses=uses,
        examples=examples,
    )
    action.__dict__["digest"] = digest  # known, so that it need not be worked out
    return action


def _example(row: sqlite3.Row) -> Example:
    calls = tuple(
        ToolCall(**{**call, "args": tuple(call["args"])}) for call in json.loads(row["calls"])
    )
    return Example(arguments=row["arguments"], result=row["result"], calls=calls)


def insert(db: sqlite3.Connection, definition: Definition, *, task: str) -> Saved:
    """Store a definition as a new version of its name, or merge it with its equal.

    Raises:
        LibraryError: an action that it uses is not in the library.
    """
    if (id := id_of(db, definition.digest)) is not None:
        return Saved(action=fetch_one(db, id), new=False)
    used = {name: id_of(db, digest) for name, digest in definition.uses.items()}
    if missing := sorted(name for name, id in used.items() if id is None):
        raise LibraryError(f"{definition.name} uses {missing[0]}, which is not in the library")
    newest = db.execute("SELECT max(version) FROM actions WHERE name = ?", [definition.name])
    version = (newest.fetchone()[0] or 0) + 1
    id = db.execute(
        "INSERT INTO actions (name, version, digest, source, context, header, docstring, tools, "
        "status, task, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'candidate', ?, ?)",
        [
            definition.name,
            version,
            definition.digest,
            definition.source,
            definition.context,
            definition.header,
            definition.docstring,
            json.dumps(definition.tools),
            task,
            time.time(),
        ],
    ).lastrowid
    assert id is not None
    db.executemany("INSERT INTO uses VALUES (?, ?, ?)", [(id, n, u) for n, u in used.items()])
    texts = (definition.name, definition.header, definition.docstring, definition.source)
    db.execute(
        "INSERT INTO words (rowid, name, header, docstring, body) VALUES (?, ?, ?, ?, ?)",
        [id, *map(index_text, texts)],
    )
    return Saved(action=fetch_one(db, id), new=True)


def id_of(db: sqlite3.Connection, digest: str) -> int | None:
    """Return the id of the action with a digest, or None."""
    row = db.execute("SELECT id FROM actions WHERE digest = ?", [digest]).fetchone()
    return None if row is None else row[0]


def count(db: sqlite3.Connection, id: int, *, successes: int = 0, failures: int = 0) -> None:
    """Add to an action's counts; a first success makes a candidate an exercised action."""
    db.execute(
        "UPDATE actions SET successes = successes + ?, failures = failures + ? WHERE id = ?",
        [successes, failures, id],
    )
    if successes:
        move(db, id, "exercised", only_from=("candidate",))


def move(db: sqlite3.Connection, id: int, status: Status, *, only_from: Sequence[Status]) -> None:
    """Give an action a status, if it has one of those that lead there."""
    db.execute(
        "UPDATE actions SET status = ? WHERE id = ? AND status IN (SELECT value FROM json_each(?))",
        [status, id, json.dumps(only_from)],
    )


def add_examples(db: sqlite3.Connection, id: int, examples: Iterable[Example]) -> None:
    """Add examples with new arguments, and drop the oldest over the cap."""
    for example in examples:
        calls = [{**asdict(call), "duration": 0.0} for call in example.calls]
        db.execute(
            "INSERT OR IGNORE INTO examples (action, arguments, result, calls) VALUES (?, ?, ?, ?)",
            [id, example.arguments, example.result, json.dumps(calls)],
        )
    db.execute(
        "DELETE FROM examples WHERE action = ? AND id NOT IN "
        "(SELECT id FROM examples WHERE action = ? ORDER BY id DESC LIMIT ?)",
        [id, id, MOST_EXAMPLES],
    )


def remove(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove actions and all that belongs to them."""
    for table, key in (("words", "rowid"), ("uses", "action"), ("actions", "id")):
        db.executemany(f"DELETE FROM {table} WHERE {key} = ?", [(id,) for id in ids])
