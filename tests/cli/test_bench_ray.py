"""`treeact bench run --executor ray` as a user types it, with a cluster of its own."""

import os
import secrets
from pathlib import Path

from tests.cli.support import treeact
from treeact.benchmarks.results import read_results


def marked_processes(mark: str) -> list[str]:
    """Return the command lines of the processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found


def test_the_results_are_those_of_this_process_and_nothing_is_left(tmp_path: Path) -> None:
    mark = secrets.token_hex(16)
    told = []
    for executor in ("local", "ray:workers=1"):
        done = treeact(
            tmp_path,
            *("bench", "run", "apis", "-m", "oracle:act=0.9,seed=2", "--tag", "homes"),
            *("--sample", "8", "--out", executor[:3], "--executor", executor),
            MARK=mark,
            RAY_AUTH_MODE="token",
            RAY_AUTH_TOKEN=secrets.token_hex(32),
        )
        assert done.returncode in (0, 1), done.stderr
        rows = read_results(tmp_path / executor[:3]).rows
        assert len(rows) == 8
        told.append([(row.task, row.state, row.answer, row.steps, row.verdict) for row in rows])
    assert told[0] == told[1]
    assert marked_processes(mark) == []


def test_a_setting_that_there_is_not_is_named(tmp_path: Path) -> None:
    for executor, said in (("ray:speed=9", "no setting 'speed'"), ("rai", "did you mean ray")):
        done = treeact(tmp_path, "bench", "run", "apis", "-m", "oracle", "--executor", executor)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())
