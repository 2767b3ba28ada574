"""GAIA, from your own copy: questions for assistants over three levels, many with files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from treeact.agents.task import Task
from treeact.benchmarks.answers import bare_answer
from treeact.benchmarks.rows import Row, attached_file, gather, read_jsonl, read_parquet
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Fault, Sample, Suite, check_split, settle_truths
from treeact.errors import ConfigError

SPLITS = ("validation", "test")
COLUMNS = ("task_id", "Question", "Level", "Final answer", "file_name")
"""What is read of a row. How annotators solved it is not."""

WHERE_TO_GET_IT = (
    "GAIA is not ours to hand on. Ask for access at "
    "https://huggingface.co/datasets/gaia-benchmark/GAIA, whose terms forbid to share it outside a "
    "gated or private place or to expose it to crawlers; then download it, for example by `hf "
    "download gaia-benchmark/GAIA --repo-type dataset --local-dir FOLDER`, and name the folder "
    "with --data."
)

INSTRUCTIONS = """\
Your answer is compared with the expected one character by character, so give nothing else: a \
number, or as few words as possible, or a list of those with commas between them. Write a number \
in digits, without separators of thousands, and without a unit or a sign such as $ or % unless the \
question asks for it. Write words without articles and abbreviations. Each element of a list obeys \
the same rules."""
"""The rules of form that the leaderboard tells, in our words."""


class _Row(BaseModel):
    task_id: Annotated[str, StringConstraints(pattern=r"\S", max_length=1000)]
    question: Annotated[str, StringConstraints(pattern=r"\S")] = Field(alias="Question")
    # a number in one layout, a text in the other
    level: Annotated[int, Field(alias="Level", ge=1, le=3)]
    answer: str | int | float | None = Field(None, alias="Final answer")
    file_name: str | None = None


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Return a split of the user's copy.

    Args:
        data: the downloaded folder, its `2023`, the folder of a split, or a metadata file, in JSON
            Lines or Parquet.
        split: `validation`, or `test`, whose truths are not published: it is not scored.

    Raises:
        ConfigError: there is no data (the message says where to get it and under which terms), no
            such split, or nothing in it can be used.
    """
    if data is None:
        raise ConfigError(WHERE_TO_GET_IT)
    if split is None and data.name in SPLITS:
        split = data.name
    files = _find(data, check_split("gaia", split, SPLITS))
    folder = files[0].parent
    samples, faults = gather(_rows(files), lambda row: _sample(row, folder))
    return settle_truths(
        Suite("gaia", samples, GAIA, faults=faults, instructions=INSTRUCTIONS, extract=bare_answer)
    )


def _find(data: Path, split: str) -> list[Path]:
    """Return the metadata of a split: one file, or those of the levels."""
    if data.is_file():
        return [data]
    folders = [data / "2023" / split, data / split]
    if data.name not in SPLITS or data.name == split:
        folders.append(data)
    for folder in folders:
        for name in ("metadata.jsonl", "metadata.parquet", "metadata.level?.parquet"):
            if found := sorted(folder.glob(name)):
                return found
    raise ConfigError(f"{data} holds no metadata of the {split} split. {WHERE_TO_GET_IT}")


def _rows(files: Iterable[Path]) -> Iterator[Row | Fault]:
    for file in files:
        yield from read_parquet(file, COLUMNS) if file.suffix == ".parquet" else read_jsonl(file)


def _sample(row: Row, folder: Path) -> Sample:
    values = _Row.model_validate(row.values)
    files = (attached_file(folder, values.file_name),) if values.file_name else ()
    truth = None if values.answer is None else str(values.answer)
    return Sample(Task(values.question, files, values.task_id), truth, values.level)
