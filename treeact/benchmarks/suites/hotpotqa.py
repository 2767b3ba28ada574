"""HotpotQA, from your own copy: questions that take facts from two articles of Wikipedia."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from treeact.agents.task import Task
from treeact.benchmarks.answers import bare_answer
from treeact.benchmarks.rows import Row, gather, hash_id, read_json_list
from treeact.benchmarks.scorers import HOTPOTQA
from treeact.benchmarks.suite import Sample, Suite, check_split, settle_truths
from treeact.errors import ConfigError

SPLITS = ("paragraphs", "questions")
LEVELS = {"easy": 1, "medium": 2, "hard": 3}

WHERE_TO_GET_IT = (
    "Get a file of HotpotQA from https://hotpotqa.github.io (CC BY-SA 4.0), such as "
    "hotpot_dev_distractor_v1.json, or its short form without paragraphs, "
    "data/hotpot_dev_v1_simplified.json of https://github.com/ysymyth/ReAct, and name the file "
    "with --data."
)

INSTRUCTIONS = """\
Answer in as few words as possible: a name, a date, a number, yes or no, and nothing else."""


class _Row(BaseModel):
    id: str | None = Field(None, alias="_id", min_length=1, max_length=1000)
    question: Annotated[str, StringConstraints(pattern=r"\S")]
    answer: str | None = None
    type: str | None = None
    level: str | None = None
    context: list[tuple[str, list[str]]] = []


def load(data: Path | None = None, split: str | None = None) -> Suite:
    """Return the questions of the user's copy.

    Rows without an id, as those of the short form, get one made of their question.

    Args:
        data: a file in the official form, or with question, answer and type alone.
        split: `paragraphs` puts those that come with a question behind it, as the distractor
            setting has it, where there are any; `questions` leaves them out, so that the agent has
            to search.

    Raises:
        ConfigError: there is no data (the message says where to get it), no such split, or nothing
            in it can be used.
    """
    if data is None:
        raise ConfigError(WHERE_TO_GET_IT)
    shown = check_split("hotpotqa", split, SPLITS) == "paragraphs"
    if not data.is_file():
        raise ConfigError(f"There is no file {data}. {WHERE_TO_GET_IT}")
    samples, faults = gather(read_json_list(data), lambda row: _sample(row, shown))
    return settle_truths(
        Suite(
            "hotpotqa",
            samples,
            HOTPOTQA,
            faults=faults,
            instructions=INSTRUCTIONS,
            extract=bare_answer,
        )
    )


def _sample(row: Row, shown: bool) -> Sample:
    values = _Row.model_validate(row.values)
    paragraphs = [f"{title}: {''.join(text)}" for title, text in values.context] if shown else []
    return Sample(
        Task(
            "\n\n".join([values.question, *paragraphs]),
            id=values.id or hash_id("hotpotqa", values.question),
        ),
        values.answer,
        LEVELS.get(values.level or ""),
        tags=(values.type,) if values.type else (),
    )
