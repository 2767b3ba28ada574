"""Your own tasks, from a JSON Lines file in the form that docs/benchmarks.md describes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
)

from treeact.agents.task import Task
from treeact.benchmarks.answers import bare_answer
from treeact.benchmarks.rows import Row, attached_file, gather, read_jsonl
from treeact.benchmarks.scorers import GAIA, HOTPOTQA, KEYWORDS, NUMERIC, Keywords
from treeact.benchmarks.scoring import Scorer
from treeact.benchmarks.suite import Fault, Sample, Suite, check_split, first_fault, settle_truths
from treeact.errors import ConfigError

SCORERS: dict[str, Scorer] = {scorer.name: scorer for scorer in (GAIA, HOTPOTQA, NUMERIC, KEYWORDS)}
"""The scorers that a file can ask for."""

FORM = (
    "Name a JSON Lines file with --data, one task a line such as "
    '{"id": "capital", "question": "What is the capital of Italy?", "answer": "Rome"}; '
    "docs/benchmarks.md has the whole form."
)

_Texts = list[Annotated[str, StringConstraints(min_length=1)]]


class _Header(BaseModel):
    """The first line, where it is none of a task."""

    model_config = ConfigDict(extra="forbid")

    scorer: Literal["gaia", "hotpotqa", "numeric", "keywords"] = "gaia"
    instructions: str = ""
    marker: bool = False


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"\S", max_length=1000)] = Field(
        validation_alias=AliasChoices("id", "task_id")
    )
    question: Annotated[str, StringConstraints(pattern=r"\S")]
    answer: StrictStr | StrictInt | StrictFloat | _Texts | None = None
    steps: _Texts = []
    level: Annotated[int, Field(ge=1, le=3)] | None = None
    files: _Texts = []
    tags: _Texts = []


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Return the tasks of a file.

    Args:
        data: the file; the files of tasks are looked for in its folder.
        split: there is none to choose.

    Raises:
        ConfigError: there is no file, its header is wrong, or nothing in it can be used.
    """
    check_split("jsonl", split, ())
    if data is None or not data.is_file():
        raise ConfigError(FORM if data is None else f"There is no file {data}. {FORM}")
    header, rows = _take_header(read_jsonl(data))
    samples, faults = gather(rows, lambda row: _sample(row, header, data.parent))
    return settle_truths(
        Suite(
            "jsonl",
            samples,
            SCORERS[header.scorer],
            faults=faults,
            instructions=header.instructions,
            extract=bare_answer if header.marker else None,
        )
    )


def _take_header(rows: Iterator[Row | Fault]) -> tuple[_Header, Iterator[Row | Fault]]:
    first = next(rows, None)
    if first is None:
        return _Header(), rows
    if isinstance(first, Fault) or "question" in first.values or "id" in first.values:
        return _Header(), chain([first], rows)
    try:
        return _Header.model_validate(first.values), rows
    except ValidationError as error:
        raise ConfigError(f"{first.where}: {first_fault(error)}. {FORM}") from error


def _sample(row: Row, header: _Header, folder: Path) -> Sample:
    values = _Row.model_validate(row.values)
    files = tuple(attached_file(folder, name) for name in values.files)
    if len({file.name for file in files}) < len(files):
        raise ConfigError("two of its files have the same name; rename one")
    task = Task(values.question, files, values.id)
    return Sample(task, _truth(values, header.scorer), values.level, tuple(values.tags))


def _truth(row: _Row, scorer: str) -> str | Keywords | None:
    answer = row.answer
    if scorer == "keywords":
        if not isinstance(answer, list) or not answer:
            raise ConfigError("its answer is no list of keywords, which the scorer needs")
        return Keywords(tuple(answer), tuple(row.steps))
    if isinstance(answer, list) or row.steps:
        raise ConfigError("lists of keywords are for the scorer `keywords`, which is not asked for")
    return None if answer is None else str(answer)
