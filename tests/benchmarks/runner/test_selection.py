"""Which samples are run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from treeact import Task
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import BenchDirectory, prepare
from treeact.benchmarks.runner.selection import Selection, select
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "a.xlsx").write_text("a")
    (tmp_path / "b.CSV").write_text("b")
    a, b = tmp_path / "a.xlsx", tmp_path / "b.CSV"
    return Suite(
        "toy",
        (
            Sample(Task("1?", (a,), "x-1"), "1", level=1, tags=("maths",)),
            Sample(Task("2?", (b, a), "x-2"), "2", level=2),
            Sample(Task("3?", (), "y-3"), "3", level=3, tags=("maths", "words")),
            Sample(Task("4?", (), "y-4"), "4"),
        ),
        GAIA,
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["x-1", "x-2", "y-3", "y-4"]),
        ({"levels": (1, 3)}, ["x-1", "y-3"]),
        ({"has_file": True}, ["x-1", "x-2"]),
        ({"has_file": False}, ["y-3", "y-4"]),
        ({"file_types": (".csv",)}, ["x-2"]),
        ({"file_types": ("xlsx", "csv")}, ["x-1", "x-2"]),
        ({"ids": ("x-*", "y-4")}, ["x-1", "x-2", "y-4"]),
        ({"tags": ("maths",)}, ["x-1", "y-3"]),
        ({"tags": ("maths",), "levels": (3,)}, ["y-3"]),
        ({"sample": 9}, ["x-1", "x-2", "y-3", "y-4"]),
    ],
)
def test_filters(suite: Suite, filters: dict[str, Any], expected: list[str]) -> None:
    assert select(suite, Selection(**filters)) == expected


def test_draws_are_the_same_with_the_same_seed(suite: Suite) -> None:
    draws = [tuple(select(suite, Selection(sample=2, seed=seed))) for seed in range(20)]
    assert draws == [tuple(select(suite, Selection(sample=2, seed=seed))) for seed in range(20)]
    assert len(set(draws)) > 3
    assert all(len(draw) == 2 for draw in draws)


def test_only_what_another_benchmark_has_not(suite: Suite, tmp_path: Path) -> None:
    config = BenchConfig(suite="toy", model="m")
    home = BenchDirectory(tmp_path / "before")
    prepare(home, config, replace(suite, samples=suite.samples[:3]), ["x-1"], 1)
    (tmp_path / "a.xlsx").write_text("changed")
    fresh = replace(suite, samples=tuple(replace(sample) for sample in suite.samples))
    since = Selection(changed_since=tmp_path / "before")
    assert select(fresh, since) == ["x-1", "x-2", "y-4"]


def test_nothing_to_run_is_an_error(suite: Suite) -> None:
    with pytest.raises(ConfigError, match="has no task 'z-1'; it has x-1"):
        select(suite, Selection(ids=("z-1",)))
    with pytest.raises(ConfigError, match="no task of toy passes"):
        select(suite, Selection(levels=(1,), has_file=False))
