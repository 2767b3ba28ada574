"""Replay is no answer key: what is recorded is worked through, and its faults cost points."""

import json
import shutil
from pathlib import Path

from treeact.benchmarks.results import Results
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.runner.selection import Selection
from treeact.benchmarks.suites.mini import recordings_folder

TASKS = ("mini-1-ledger", "mini-1-birds", "mini-1-menu")


async def play(recordings: Path, directory: Path) -> Results:
    config = BenchConfig(suite="mini", model=f"replay:{recordings}", sandbox="unsafe-local")
    settings = RunSettings(selection=Selection(ids=TASKS), concurrency=3)
    return await run_benchmark(config, directory, settings)


def alter(recording: Path) -> None:
    """Let the last reply give another answer."""
    *before, last = recording.read_text(encoding="utf-8").splitlines()
    call = json.loads(last)
    (reply,) = call["completion"]["texts"]
    assert "<answer>" in reply
    call["completion"]["texts"] = [reply.replace("<answer>", "<answer>1")]
    recording.write_text("\n".join([*before, json.dumps(call)]) + "\n", encoding="utf-8")


async def test_an_altered_recording_lowers_the_score(tmp_path: Path) -> None:
    shutil.copytree(recordings_folder("codeact"), tmp_path / "recordings")
    assert (await play(tmp_path / "recordings", tmp_path / "as it was")).accuracy == 1.0
    alter(tmp_path / "recordings" / "mini-1-birds.jsonl")
    (tmp_path / "recordings" / "mini-1-menu.jsonl").unlink()
    results = await play(tmp_path / "recordings", tmp_path / "altered")
    states = {row.task: (row.state, row.right) for row in results.rows}
    assert states == {
        "mini-1-ledger": ("answered", True),
        "mini-1-birds": ("answered", False),
        "mini-1-menu": ("errored", False),
    }
    assert results.accuracy == 1 / 3
    assert results.manifest.config.simulated == "recorded replies"
