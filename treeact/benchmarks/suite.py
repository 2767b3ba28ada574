"""Suites: questions with known answers, and the folder format they are read from.

A suite folder holds `tasks.jsonl`, one task per line, and `files/<task_id>/` with the files of
each task that has some:

    {"task_id": "mini-1-ledger", "level": 1, "question": "...", "files": ["a.csv"], "answer": "7"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from treeact.agents.task import Task
from treeact.benchmarks.scoring import Scorer
from treeact.errors import ConfigError

if TYPE_CHECKING:
    from treeact.agents.plans.agent import World


@dataclass(frozen=True)
class Sample:
    """A task with what the agent must not see: its level and its truth."""

    task: Task
    truth: Any
    """For the suite's scorer. In suites with a world it is the `PlanTask`, which simulated policies
    draw on as well."""
    level: int | None = None
    """Difficulty from 1 (one or two steps) to 3 (several files and a trap), where it is told."""
    tags: tuple[str, ...] = ()
    original_id: str | None = None
    """Its id in the suite's data, where that cannot name a folder and `task.id` stands for it."""

    @property
    def data_id(self) -> str:
        """Its id in the suite's data, by which answers are handed in."""
        return self.original_id or self.task.id

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the sample is, wherever its files are.

        Raises:
            ConfigError: a file cannot be read any more.
        """
        task = self.task
        files = {file.name: _digest(file) for file in task.files}
        row = [task.id, task.question, self.level, self.tags, files, self.truth]
        text = json.dumps(row, sort_keys=True, default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A row of a suite's data that is damaged. It is reported, and no task comes of it."""

    where: str
    """File and line, such as `metadata.jsonl, line 7`."""
    problem: str
    """What is wrong with it, in a sentence."""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class Suite:
    """Samples that are scored alike."""

    name: str
    samples: tuple[Sample, ...]
    scorer: Scorer
    _: KW_ONLY
    faults: tuple[Fault, ...] = ()
    """The rows that no sample came of."""
    scored: bool = True
    """False where the truths are placeholders: answers can be exported then, and nothing else."""
    world: Callable[[Sample], World] | None = None
    """Returns where a sample is worked on, by a `PlanAgent`; None for questions with files, which
    any agent works on."""
    instructions: str = ""
    """What agents are to be told of the form of answers, besides their own instructions."""
    extract: Callable[[str], str | None] | None = None
    """Takes the bare answer from what an agent answered, before it is scored or exported; returns
    None where there is none. Without it the answer counts as it is."""

    def bare_answer(self, answer: str | None) -> str | None:
        """Return the answer that counts of what an agent answered, or None where there is none."""
        return answer if answer is None or self.extract is None else self.extract(answer)

    @cached_property
    def by_id(self) -> Mapping[str, Sample]:
        """The samples by the ids of their tasks."""
        return {sample.task.id: sample for sample in self.samples}

    @property
    def scored_by(self) -> str:
        """Name and version of the scorer."""
        return f"{self.scorer.name} {self.scorer.version}"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the ids, questions, levels, tags, truths and files of the samples.

        The order of the samples does not matter, nor where the files are.

        Raises:
            ConfigError: a file cannot be read any more.
        """
        digests = sorted(sample.digest for sample in self.samples)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}); restore it.") from error


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


def settle_truths(suite: Suite) -> Suite:
    """Return the suite of a user's data with what its truths allow.

    Where no sample has a truth, it is not scored. Where some have, those without are faults: blank
    answers would be right.

    Raises:
        ConfigError: it has no sample.
    """
    if not suite.samples:
        first = f"; the first fault is in {suite.faults[0]}" if suite.faults else ""
        raise ConfigError(f"The data of {suite.name} holds no task that can be used{first}.")
    blind = [sample for sample in suite.samples if not has_truth(sample.truth)]
    if len(blind) == len(suite.samples):
        return replace(suite, scored=False)
    faults = [Fault(where=f"task {sample.data_id}", problem=NO_TRUTH) for sample in blind]
    seen = tuple(sample for sample in suite.samples if has_truth(sample.truth))
    return replace(suite, samples=seen, faults=(*suite.faults, *faults))


NO_TRUTH = "it has no answer, or one without a letter or digit, and other tasks have one"


def has_truth(truth: Any) -> bool:
    """Return whether a truth can be told from a placeholder, such as `?`."""
    return truth is not None and (
        not isinstance(truth, str) or any(character.isalnum() for character in truth)
    )


def check_split(suite: str, split: str | None, splits: Sequence[str]) -> str:
    """Return the split that was named, or the first where none was.

    Raises:
        ConfigError: there is no such split.
    """
    if split is None:
        return splits[0] if splits else ""
    if split not in splits:
        known = f"choose one of {', '.join(splits)}" if splits else "leave it out"
        raise ConfigError(f"{suite} has no split {split!r}: {known}.")
    return split


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
