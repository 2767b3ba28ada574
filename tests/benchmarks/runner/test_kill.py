"""A benchmark that is killed again and again ends as one that never was."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.benchmarks.runner import killing
from treeact.benchmarks.results import Row
from treeact.benchmarks.runner.directory import BenchDirectory
from treeact.trace.events import RunEnded, TaskEnded
from treeact.trace.log import read_events

KILLS = 30


def facts(row: Row) -> tuple[object, ...]:
    return (row.task, row.epoch, row.state, row.reason, row.answer, row.verdict, row.steps)


def test_thirty_kills_change_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.runner.killing", str(tmp_path / "killed")]
    done = subprocess.run([*command, str(KILLS), "7"], capture_output=True, text=True, check=False)
    assert done.stdout == f"{KILLS}\n", done.stderr
    whole = killing.run(tmp_path / "whole")
    cut = killing.run(tmp_path / "killed")  # nothing is left to do
    assert len(whole.rows) == killing.JOBS
    assert [facts(row) for row in cut.rows] == [facts(row) for row in whole.rows]
    assert 0.2 < cut.accuracy < 1

    home = BenchDirectory(tmp_path / "killed")
    for job in cut.manifest.jobs():
        ends = [event for event in read_events(home.trace(job)) if isinstance(event, RunEnded)]
        assert len(ends) == 1
        assert not any(
            isinstance(event, RunEnded)
            for earlier in home.earlier(job)
            for event in read_events(earlier)
        ), "what had ended was begun again"
    told = Counter(
        (event.task, event.epoch)
        for event in read_events(tmp_path / "killed")
        if isinstance(event, TaskEnded)
    )
    assert max(told.values()) == 1
    assert any(row.attempts > 1 for row in cut.rows), "no kill hit a task at work"
