"""Libraries as text: export, import, and what is not worth keeping."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from treeact.agents.library import rows
from treeact.agents.library.closure import in_order
from treeact.agents.library.extraction import MAX_CODE, describe_function
from treeact.agents.library.records import Definition, Example, StoredAction
from treeact.agents.library.reports import MAX_LITERAL, is_call
from treeact.agents.library.statements import read_statements
from treeact.errors import LibraryError
from treeact.sandbox.base import ToolCall

FORMAT = "treeact-actions"
VERSION = 1

GARBAGE = """
WITH RECURSIVE kept (id) AS (
    SELECT id FROM actions AS a WHERE status IN ('exercised', 'verified') AND NOT EXISTS (
        SELECT 1 FROM actions AS b
        WHERE b.name = a.name AND b.version > a.version AND b.status = 'verified'
    )
    UNION SELECT action FROM pins
    UNION SELECT used FROM kept JOIN uses ON action = kept.id
)
SELECT id FROM actions WHERE id NOT IN kept ORDER BY name, version
"""


def garbage(db: sqlite3.Connection) -> list[int]:
    """Return the ids of the actions that are of no more use."""
    return [row["id"] for row in db.execute(GARBAGE)]


# Export --------------------------------------------------------------------------------------


def to_text(actions: Sequence[StoredAction]) -> str:
    """Return actions as lines of JSON, after a line that says what this is."""
    lines = [{"format": FORMAT, "version": VERSION}, *map(_to_json, actions)]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _to_json(action: StoredAction) -> dict[str, Any]:
    fields = {
        key: getattr(action, key)
        for key in ("name", "source", "context", "status", "task", "tools", "digest", "uses")
    }
    return {**fields, "examples": [asdict(example) for example in action.examples]}


# Import --------------------------------------------------------------------------------------

_Name = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*$", max_length=200)]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
_Literal = Annotated[str, StringConstraints(max_length=MAX_LITERAL)]
_Code = Annotated[str, StringConstraints(max_length=MAX_CODE)]


class _Call(BaseModel):
    tool: _Name
    args: list[Any]
    kwargs: dict[str, Any]
    status: Literal["done", "failed", "deferred", "replayed"]
    result: Any = None
    error: str | None = None


class _Example(BaseModel):
    arguments: _Literal
    result: _Literal
    calls: list[_Call] = []


class _Line(BaseModel):
    model_config = ConfigDict(strict=True)

    name: _Name
    source: _Code
    context: _Code
    status: Literal["candidate", "exercised", "verified", "disabled"]
    task: Annotated[str, StringConstraints(max_length=100_000)] = ""
    tools: list[_Name]
    digest: _Digest
    uses: dict[_Name, _Digest]
    examples: Annotated[list[_Example], Field(max_length=rows.MOST_EXAMPLES)]


@dataclass(frozen=True)
class Imported:
    """An action of an export, checked."""

    definition: Definition
    exercised: bool
    disabled: bool
    task: str
    examples: tuple[Example, ...]


def from_text(text: str) -> list[Imported]:
    """Return the actions of an export, each after those that it uses.

    Raises:
        LibraryError: the text is damaged or no export; the message names the line.
        ActionCycle: some use each other in a circle.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    _check_head(lines[0] if lines else "")
    parsed = [_parse(line, number) for number, line in enumerate(lines[1:], start=2)]
    places = {line.digest: place for place, line in enumerate(parsed)}
    uses: dict[int, list[int]] = {}
    for place, line in enumerate(parsed):
        missing = [name for name, digest in line.uses.items() if digest not in places]
        if missing:
            raise LibraryError(
                f"line {place + 2}: {line.name} uses {missing[0]}, which is not in the export"
            )
        uses[place] = [places[digest] for digest in line.uses.values()]
    order = in_order(uses, {place: line.name for place, line in enumerate(parsed)})
    return _build([parsed[place] for place in order])


def _check_head(line: str) -> None:
    try:
        head = json.loads(line)
        known = head["format"] == FORMAT
        version = int(head["version"])
    except (ValueError, TypeError, KeyError, RecursionError):
        known, version = False, 0
    if not known:
        raise LibraryError("this is no export of actions: make one with `treeact actions export`")
    if version > VERSION:
        raise LibraryError(
            f"the export has version {version}, newer than {VERSION}: upgrade TreeAct"
        )


def _parse(line: str, number: int) -> _Line:
    try:
        return _Line.model_validate_json(line)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise LibraryError(
            f"line {number} of the export is damaged ({place}: {fault['msg']}): export it again"
        ) from error


def _build(lines: Sequence[_Line]) -> list[Imported]:
    """Make definitions, with digests of their own: those of the text need not be true."""
    digests: dict[str, str] = {}
    built = []
    for line in lines:
        definition = _definition(line, {n: digests[d] for n, d in line.uses.items()})
        digests[line.digest] = definition.digest
        examples = tuple(_example(item) for item in line.examples if is_call(item.arguments))
        exercised = line.status in ("exercised", "verified")
        built.append(
            Imported(definition, exercised, line.status == "disabled", line.task, examples)
        )
    return built


def _definition(line: _Line, uses: dict[str, str]) -> Definition:
    statements = read_statements(line.source)
    function = statements[0].function if len(statements) == 1 else None
    if function is None or function.name != line.name:
        raise LibraryError(f"the source of {line.name} is not a function of that name")
    header, docstring = describe_function(function)
    return Definition(
        name=line.name,
        source=line.source,
        context=line.context,
        header=header,
        docstring=docstring,
        tools=tuple(line.tools),
        uses=uses,
    )


def _example(item: _Example) -> Example:
    calls = tuple(
        ToolCall(**{**call.model_dump(), "args": tuple(call.args)}) for call in item.calls
    )
    return Example(arguments=item.arguments, result=item.result, calls=calls)


def insert(db: sqlite3.Connection, item: Imported) -> rows.Saved:
    """Store an imported action; one that is known keeps what is known of it."""
    saved = rows.insert(db, item.definition, task=item.task)
    if saved.new:
        id = saved.action.id
        rows.add_examples(db, id, reversed(item.examples))
        if item.exercised:
            rows.move(db, id, "exercised", only_from=("candidate",))
        if item.disabled:
            rows.move(db, id, "disabled", only_from=("candidate",))
        return replace(saved, action=rows.fetch_one(db, id))
    return saved
