"""Handing answers in, and rows as CSV."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.agents.plans.agent import PlanAgent
from treeact.agents.task import Task
from treeact.benchmarks.environments.worlds import find_task
from treeact.benchmarks.reports.submission import make_submission, write_submission
from treeact.benchmarks.reports.table import to_csv
from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import Manifest
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.scoring import Verdict
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError
from treeact.models import ScriptedModel

SUITE = Suite(
    "gaia",
    (
        Sample(Task("?", id="a"), "1", 1),
        Sample(Task("?", id="b-0123"), "2", 2, original_id="b/../b"),
        Sample(Task("?", id="c"), "3"),
    ),
    GAIA,
)


def results(*rows: Row) -> Results:
    config = BenchConfig(suite="gaia", model="x")
    manifest = Manifest(
        config=config,
        config_hash=config.hash,
        fingerprint=SUITE.fingerprint,
        scorer="gaia 2",
        tasks=tuple({row.task for row in rows}),
        epochs=1,
        versions={},
        created="2026-01-01T00:00:00Z",
    )
    return Results(
        directory=Path("x"), manifest=manifest, scorer="gaia 2", scored=True, rows=tuple(rows)
    )


def row(task: str, answer: str | None, **more: Any) -> Row:
    state = "stopped" if answer is None else "answered"
    return Row(task=task, epoch=1, level=None, answer=answer, state=state, **more)  # type: ignore[arg-type]


ALL = [row("c", "3"), row("a", " Paris\n"), row("b-0123", "2")]


class TestSubmission:
    """Every id of the split exactly once, and never null."""

    def test_lines_have_the_suites_order_and_ids(self) -> None:
        made = make_submission(results(*ALL), SUITE)
        assert [json.loads(line) for line in made.text().splitlines()] == [
            {"task_id": "a", "model_answer": "Paris"},
            {"task_id": "b/../b", "model_answer": "2"},
            {"task_id": "c", "model_answer": "3"},
        ]
        assert (made.filled, made.warnings) == ((), ())

    @pytest.mark.parametrize("answer", [None, "", " \n"])
    def test_what_is_missing_is_filled_when_asked_for(self, answer: str | None) -> None:
        some = results(row("a", "1"), row("c", answer))
        with pytest.raises(ConfigError, match=r"2 of 3 tasks .*'b/\.\./b', 'c'.*--fill-missing"):
            make_submission(some, SUITE)
        made = make_submission(some, SUITE, fill_missing="")
        assert made.filled == ("b/../b", "c")
        assert [line["model_answer"] for line in made.lines] == ["1", "", ""]

    def test_unknown_and_repeated_tasks_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="no task 'd'"):
            make_submission(results(*ALL, row("d", "4")), SUITE)
        with pytest.raises(ConfigError, match="'a' is there twice"):
            make_submission(results(*ALL, row("a", "4")), SUITE)
        with pytest.raises(ConfigError, match="no epoch 2: choose of 1"):
            make_submission(results(*ALL), SUITE, epoch=2)

    def test_one_epoch_is_chosen(self) -> None:
        again = [replace(one, epoch=2, answer="again") for one in ALL]
        made = make_submission(results(*ALL, *again), SUITE, epoch=2)
        assert {line["model_answer"] for line in made.lines} == {"again"}

    def test_markers_and_lines_are_warned_of(self) -> None:
        marked = [row("a", "**Final answer:** 1"), row("b-0123", "1\n2"), row("c", "3")]
        first, second = make_submission(results(*marked), SUITE).warnings
        assert "marker" in first
        assert "'a'" in first
        assert "several lines, of 'b/../b'" in second

    @given(st.lists(st.text(min_size=1), min_size=3, max_size=3))
    def test_any_answer_stays_one_line(self, answers: list[str]) -> None:
        rows = [row(s.task.id, answer) for s, answer in zip(SUITE.samples, answers, strict=True)]
        text = make_submission(results(*rows), SUITE, fill_missing="").text()
        assert len(text.splitlines()) == 3
        lines = [json.loads(line)["model_answer"] for line in text.encode("ascii").splitlines()]
        assert lines == [answer.strip() for answer in answers]

    async def test_the_trace_tells_the_steps(self, tmp_path: Path) -> None:
        task = find_task("household", "flat-movie")
        model = ScriptedModel(["First.\n```\nwalk('tv_6')\n```", "```\nfinish()\n```"])
        agent = PlanAgent(model, world=task.world)
        await agent.run(Task("Watch.", id="a"), trace=tmp_path / "a.1")
        (tmp_path / "b.1").mkdir()
        (tmp_path / "b.1" / "events.jsonl").write_text("{damaged}\n")
        rows = [
            row("a", "done", trace=tmp_path / "a.1"),
            row("b-0123", "2", trace=tmp_path / "b.1"),
        ]
        told, damaged, untold = make_submission(results(*rows), SUITE, fill_missing="").lines
        assert told["reasoning_trace"].startswith("First.")
        assert "walk" in told["reasoning_trace"]
        assert "Observation: " in told["reasoning_trace"]
        assert damaged["reasoning_trace"] == ""
        assert "reasoning_trace" not in untold
        bare = make_submission(results(*rows), SUITE, fill_missing="", traces=False)
        assert all("reasoning_trace" not in line for line in bare.lines)

    def test_the_file_is_written_whole_or_not_at_all(self, tmp_path: Path) -> None:
        made = make_submission(results(*ALL), SUITE)
        write_submission(made, tmp_path / "s.jsonl")
        assert (tmp_path / "s.jsonl").read_text() == made.text()
        (tmp_path / "folder").mkdir()
        for path in (tmp_path / "folder", tmp_path / "nowhere" / "s.jsonl"):
            with pytest.raises(ConfigError, match="cannot write"):
                write_submission(made, path)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "s.jsonl"]


class TestCsv:
    """Rows for spreadsheets."""

    def read(self, *rows: Row) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(to_csv(results(*rows)), newline="")))

    def test_values(self) -> None:
        verdict = Verdict(right=False, near_miss=True, measures={"f1": 0.5})
        first, second = self.read(
            row("a", 'x,\n"y"', verdict=verdict, steps=3, duration=1.23456), row("c", None)
        )
        assert (first["answer"], first["right"], first["near_miss"]) == ('x,\n"y"', "false", "true")
        assert (first["f1"], first["steps"], first["duration"]) == ("0.5", "3", "1.235")
        assert (second["answer"], second["right"], second["f1"]) == ("", "", "")
        assert second["state"] == "stopped"

    def test_formulas_are_disarmed_and_numbers_are_not(self) -> None:
        told = ["=1+1", "+x", "-x", "@a", "\t=1", "-5", "+1.5", "plain", "a\0b"]
        found = [self.read(row("a", answer))[0]["answer"] for answer in told]
        assert found == ["'=1+1", "'+x", "'-x", "'@a", "'\t=1", "-5", "+1.5", "plain", "ab"]

    @given(st.text())
    def test_any_answer_is_one_cell(self, answer: str) -> None:
        (read,) = self.read(row("a", answer))
        assert read["state"] == "answered"
