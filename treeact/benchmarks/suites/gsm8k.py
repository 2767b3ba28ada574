"""GSM8K, from your own copy: grade-school mathematics whose answers are numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from treeact.agents.task import Task
from treeact.benchmarks.rows import Row, gather, hash_id, read_jsonl
from treeact.benchmarks.scorers import NUMERIC
from treeact.benchmarks.suite import Sample, Suite, check_split, settle_truths
from treeact.errors import ConfigError

SPLITS = ("test", "train")
MARK = "####"
"""Stands before the number at the end of each solution."""

WHERE_TO_GET_IT = (
    "Get test.jsonl and train.jsonl from https://github.com/openai/grade-school-math (folder "
    "grade_school_math/data; MIT licence), and name the folder or the file with --data."
)


class _Row(BaseModel):
    question: Annotated[str, StringConstraints(pattern=r"\S")]
    answer: Annotated[str, StringConstraints(pattern=rf"{MARK}.*\d")]
    """A solution, then the mark and the number."""


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Return a split of the user's copy. Questions have no ids: theirs are made of their texts.

    Args:
        data: the folder with `test.jsonl` and `train.jsonl`, or one such file.
        split: `test` or `train`.

    Raises:
        ConfigError: there is no data (the message says where to get it), no such split, or nothing
            in it can be used.
    """
    if data is None:
        raise ConfigError(WHERE_TO_GET_IT)
    chosen = check_split("gsm8k", split, SPLITS)
    file = data if data.is_file() else data / f"{chosen}.jsonl"
    if not file.is_file():
        raise ConfigError(f"There is no {file}. {WHERE_TO_GET_IT}")
    samples, faults = gather(read_jsonl(file), _sample)
    return settle_truths(Suite("gsm8k", samples, NUMERIC, faults=faults))


def _sample(row: Row) -> Sample:
    values = _Row.model_validate(row.values)
    truth = values.answer.rpartition(MARK)[2].strip()
    return Sample(Task(values.question, id=hash_id("gsm8k", values.question)), truth)
