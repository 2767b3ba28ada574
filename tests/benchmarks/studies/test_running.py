import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.studies.tiny import DICE, FALLING, SLOW
from treeact.benchmarks.studies import find_study
from treeact.benchmarks.studies.cells import CellFile, cells_of
from treeact.benchmarks.studies.running import StudyFailed, run_cell, run_missing

HERE = "tests.benchmarks.studies.tiny"


def finish(name, study, path, seeds=60, jobs=1):
    told = []
    with CellFile.open(path) as file:
        cells = cells_of(study, seeds)
        run_missing(f"{HERE}:{name}", cells, file, jobs=jobs, on_finished=told.append)
        return file.results(cells).rows, told


def test_processes_change_nothing_and_each_cell_is_told_once(tmp_path):
    alone, told = finish("DICE", DICE, tmp_path / "alone.jsonl")
    together, also_told = finish("DICE", DICE, tmp_path / "together.jsonl", jobs=2)
    assert together == alone
    assert (
        sorted(map(str, also_told))
        == sorted(map(str, told))
        == sorted(map(str, cells_of(DICE, 60)))
    )


def test_what_is_finished_is_not_run_again(tmp_path):
    path = tmp_path / "cells.jsonl"
    before, _ = finish("DICE", DICE, path)
    again, told = finish("DICE", DICE, path)
    assert again == before and told == []
    more, told = finish("DICE", DICE, path, seeds=85)
    assert [rows[:60] for _, rows in more] == [rows for _, rows in before]
    assert len(told) == 6  # of each setting the seeds 50 to 74, and 75 to 84


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cell_that_fails_is_named_and_the_others_are_kept(tmp_path, jobs):
    path = tmp_path / "cells.jsonl"
    with pytest.raises(StudyFailed, match=r"sides=6 seeds 25-49 failed.*rolled off the table"):
        finish("FALLING", FALLING, path, jobs=jobs)
    with CellFile.open(path) as file:
        kept = [cell for cell in cells_of(FALLING, 60) if cell in file]
    before = [str(cell) for cell in cells_of(FALLING, 60)][:4]
    assert [str(cell) for cell in kept] == before if jobs == 1 else kept
    assert "sides=6 seeds 25-49" not in map(str, kept)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_study_that_was_killed_resumes_to_what_an_uninterrupted_one_comes_to(tmp_path):
    path = tmp_path / "cells.jsonl"
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "treeact", "study", f"{HERE}:SLOW", "--seeds", "100"),
            *("--out", str(tmp_path), "--jobs", "2"),
        ],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and path.stat().st_size):
        time.sleep(0.02)
    workers = [*map(int, Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split())]
    run.kill()
    run.wait()
    while time.monotonic() < deadline and any(map(is_running, workers)):
        time.sleep(0.02)
    assert len(workers) >= 2 and not any(map(is_running, workers))
    finished = path.read_bytes().count(b"\n")
    assert 1 <= finished < 12

    resumed, told = finish("SLOW", SLOW, path, seeds=100)
    assert len(told) == 12 - finished
    uninterrupted, _ = finish("DICE", DICE, tmp_path / "whole.jsonl", seeds=100)
    assert resumed == uninterrupted  # it throws the same dice, slowly


@pytest.mark.parametrize(
    "name",
    [
        "codeact",
        "codified",
        "library",
        "poact",
        "search",
        "toolchain",
        "toolchain-apis",
        "tree-planner",
    ],
)
def test_every_study_measures_the_same_twice(name):
    study = find_study(name)
    cheap = [study.settings[0], study.settings[-1]]
    for cell in cells_of(replace(study, settings=tuple(cheap)), 2):
        first = run_cell(name, cell)
        assert first == run_cell(name, cell)
        assert len(first) == 2 and all(row.keys() == first[0].keys() for row in first)
