"""Suites: questions with known answers, and the folder format they are read from.

A suite folder holds `tasks.jsonl`, one task per line, and `files/<task_id>/` with the files of
each task that has some:

    {"task_id": "mini-1-ledger", "level": 1, "question": "...", "files": ["a.csv"], "answer": "7"}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from treeact.agents.task import Task
from treeact.benchmarks.scoring import Scorer
from treeact.errors import ConfigError


@dataclass(frozen=True)
class Sample:
    """A task with what the agent must not see: its level and its truth."""

    task: Task
    truth: Any
    """For the suite's scorer."""
    level: int | None = None
    """Difficulty from 1 (one or two steps) to 3 (several files and a trap), where it is told."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Samples that are scored alike."""

    name: str
    samples: tuple[Sample, ...]
    scorer: Scorer


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=80)]
    level: Literal[1, 2, 3]
    question: Annotated[str, StringConstraints(pattern=r"\S")]
    files: list[Annotated[str, StringConstraints(pattern=r"^[^/\\\x00]+$", max_length=60)]]
    # An answer of punctuation alone marks a hidden truth, and blank predictions would match it.
    answer: Annotated[str, StringConstraints(pattern=r"[^\W_]")]


def read_suite(folder: Path, *, name: str, scorer: Scorer) -> Suite:
    """Reads and checks a suite folder.

    Args:
        folder: The folder with `tasks.jsonl` and `files/`.
        name: What the suite is called.
        scorer: What judges its answers.

    Raises:
        ConfigError: `tasks.jsonl` is missing, empty or damaged, repeats a task, or names a file
            that is not there; the message names the file and the line.
    """
    path = folder / "tasks.jsonl"
    samples: dict[str, Sample] = {}
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        sample = _sample(line, folder, where)
        if sample.task.id in samples:
            raise ConfigError(f"{where}: task_id {sample.task.id!r} is used twice; rename one.")
        samples[sample.task.id] = sample
    if not samples:
        raise ConfigError(f"{path} holds no task; restore it, or name another suite.")
    return Suite(name, tuple(samples.values()), scorer)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); reinstall it.") from error
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _sample(line: bytes, folder: Path, where: str) -> Sample:
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_fault(error)}; correct that line.") from error
    files = tuple(folder / "files" / row.task_id / file for file in row.files)
    _check_files(files, where)
    return Sample(Task(row.question, files, row.task_id), row.answer, row.level)


def _check_files(files: tuple[Path, ...], where: str) -> None:
    if len(set(files)) < len(files):
        raise ConfigError(f"{where}: a file is listed twice; list it once.")
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{where}: there is no file {file}; restore it or unlist it.")


def first_fault(error: ValidationError) -> str:
    """Return where a record is wrong, and how."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(map(str, fault["loc"]))
    return f"{field}: {fault['msg']}" if field else fault["msg"]
