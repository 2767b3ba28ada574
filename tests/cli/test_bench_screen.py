"""The dashboard as a user starts it: in a terminal, without one, and for a run that is over."""

from pathlib import Path

import pexpect

from tests.cli.support import COMMAND, environment, treeact
from treeact.benchmarks.runner.directory import BenchDirectory

SLOW = """
import asyncio
from treeact.benchmarks.runner.executor import LocalExecutor

class Slow(LocalExecutor):
    async def execute(self, work):
        await asyncio.sleep(0 if work.job.task == "homes-06" else 60)
        return await super().execute(work)
"""
LEAVES = "\x1b[?1049l"
"""What gives a terminal its own screen back."""


def spawn(tmp_path: Path, *arguments: str) -> "pexpect.spawn[str]":
    more = {"TERM": "xterm-256color", "PYTHONPATH": str(tmp_path)}
    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        env=environment(tmp_path, **more),
        cwd=str(tmp_path),
        dimensions=(24, 100),
        encoding="utf-8",
        timeout=60,
    )


def test_a_live_benchmark_is_stopped_watched_and_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    model = ["-m", "oracle:act=1,seed=3", "--id", "homes-06", "--id", "homes-1*", "--out", "run"]
    run = ["bench", "run", "apis", *model]
    child = spawn(tmp_path, *run, "--display", "tui", "--executor", "slow:Slow")
    child.expect("✓ right")
    child.send("\x03")
    child.expect("Stop it and leave")
    child.send("y")
    child.expect(r"jobs: 1 answered")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130
    assert not BenchDirectory(tmp_path / "run").busy
    for command in (["watch", "run"], ["trace", "open", "run"]):
        looking = spawn(tmp_path, *command)
        looking.expect("✓ right")
        looking.send("\x11")
        looking.expect(pexpect.EOF)
        looking.wait()
        assert looking.exitstatus == 0
        assert LEAVES in looking.before
    plain = treeact(tmp_path, *run, "--display", "tui")
    assert plain.returncode == 0
    assert "no terminal for screens: showing plain lines" in plain.stderr
    assert "10/10  homes-" in plain.stdout
    assert "\x1b" not in plain.stdout + plain.stderr


def test_what_cannot_be_run_says_so_after_the_screen(tmp_path: Path) -> None:
    wrong = ["-m", "oracle:act=1", "--planner", "nothing", "--out", "run", "--display", "tui"]
    child = spawn(tmp_path, "bench", "run", "apis", *wrong)
    child.expect("no planner named 'nothing'")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 2
