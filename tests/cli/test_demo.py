"""`treeact demo`: the whole main job, in every kind of sandbox."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.support import treeact
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.cli.demo import _choose_kind
from treeact.errors import SandboxUnavailable
from treeact.sandbox.select import choose_kind, sandbox_class
from treeact.trace.events import ActionSaved, CodeRun, ModelCalled, Noticed
from treeact.trace.log import read_events

SAMPLES = load_suite("mini").samples
IDS = [sample.task.id for sample in SAMPLES]
PACKAGE_DATA = recordings_folder("codeact").parents[1]


SOME = ["ledger", "discs", "slides", "tones", "fair", "moths", "flour", "catch"]
"""Tasks with tables, pictures, slides, sound, mail, archives, and a library."""


@pytest.mark.jail
def test_every_answer_is_right_and_nothing_departs(tmp_path: Path) -> None:
    """The whole demo; its recordings are a person's, and hold mistakes and repairs."""
    done = treeact(tmp_path, "demo", "--sandbox", "jail")
    check_table(done, IDS)
    failed = set()
    for run in runs_of(tmp_path):
        events = list(read_events(run))
        assert not [e for e in events if isinstance(e, Noticed)]
        assert {e.author for e in events if isinstance(e, ModelCalled)} == {"hand"}
        runs = [e for e in events if isinstance(e, CodeRun)]
        assert runs
        assert runs[-1].outcome == "ok"
        failed |= {run.name for e in runs if e.outcome == "error"}
    assert len(failed) >= 3, failed


@pytest.mark.parametrize("kind", [pytest.param("docker", marks=pytest.mark.docker), "unsafe-local"])
def test_some_answers_in_the_other_sandboxes_are_right(tmp_path: Path, kind: str) -> None:
    chosen = [option for part in SOME for option in ("--task", part)]
    done = treeact(tmp_path, "demo", "--sandbox", kind, *chosen)
    check_table(done, [task_id for task_id in IDS if any(part in task_id for part in SOME)])


def check_table(done: CompletedProcess[str], ids: Sequence[str]) -> None:
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "recorded; no model is asked" in done.stdout
    assert f"{len(ids)} of {len(ids)} right" in done.stdout
    assert "departs from the recording" not in done.stdout
    table = done.stdout[done.stdout.index("demo, replayed") :]
    for task_id in ids:
        row = re.search(rf"{task_id} .*", table)
        assert row is not None
        assert "right" in row[0]


def runs_of(folder: Path) -> list[Path]:
    """Return the runs of the one demo whose traces are in a folder."""
    return sorted(run for run in next((folder / "runs").iterdir()).iterdir() if run.is_dir())


TASKS = ("--task", "mini-1-flour", "--task", "mini-2-catch")


def test_what_the_first_task_taught_is_verified_and_used_in_the_second(tmp_path: Path) -> None:
    done = treeact(tmp_path, "demo", "--sandbox", "unsafe-local", *TASKS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    first, second = done.stdout.split("How many ounces did it sell")[1].split("The attached list")
    assert "+ saved weight_in_ounces v1: def weight_in_ounces(text: str) -> int" in first
    assert "+ weight_in_ounces v1 verified" in first
    assert "+ offered weight_in_ounces v1" in second
    assert "+ loaded weight_in_ounces v1" in second
    assert "def weight_in_ounces" not in second
    assert "+ ounces_by_group v1 verified" in second
    events = read_events(runs_of(tmp_path)[1])
    [saved] = [e for e in events if isinstance(e, ActionSaved) and e.name == "ounces_by_group"]
    assert saved.uses == ("weight_in_ounces",)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("library:")]
    assert "weight_in_ounces v1, written and verified in mini-1-flour, used in mini-2-" in line


def test_another_agent_plays_the_tasks_that_were_recorded_with_it(tmp_path: Path) -> None:
    done = treeact(tmp_path, "demo", "--agent", "poact", "--sandbox", "unsafe-local")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "There are recordings of poact for 2 tasks." in done.stdout
    assert "2 of 2 right" in done.stdout
    none = treeact(tmp_path, "demo", "--agent", "json", "--sandbox", "unsafe-local")
    assert none.returncode == 2
    assert "there are those of codeact, codeagents, dynasaur, poact" in none.stderr


def test_only_the_model_is_replayed(tmp_path: Path) -> None:
    """A changed cell changes what is computed, and the run says where it departs."""
    copy = tmp_path / "mini"
    shutil.copytree(PACKAGE_DATA, copy, ignore=shutil.ignore_patterns("recordings", "__*__*"))
    path = copy / "files" / "mini-1-ledger" / "port_anselm_2023.csv"
    lines = path.read_text().splitlines(keepends=True)
    row = next(i for i, line in enumerate(lines) if re.match(r"2023-04.*[Tt]imber", line))
    changed = re.sub(r"(\d+)([^\d]*)$", lambda m: f"{int(m[1]) + 1}{m[2]}", lines[row])
    assert changed != lines[row]
    path.write_text("".join([*lines[:row], changed, *lines[row + 1 :]]))
    command = ["demo", "--sandbox", "unsafe-local", "--task", "ledger"]
    before = outputs(tmp_path / "a", *command)
    after = outputs(tmp_path / "b", *command, "--data", str(copy))
    assert before != after


def outputs(folder: Path, *command: str) -> list[str]:
    folder.mkdir()
    treeact(folder, *command)
    [run] = next((folder / "runs").iterdir()).iterdir()
    return [str(e.stdout) + str(e.value) for e in read_events(run) if isinstance(e, CodeRun)]


def test_an_unknown_task_names_the_known_ones(tmp_path: Path) -> None:
    done = treeact(tmp_path, "demo", "--task", "nothing")
    assert done.returncode == 2
    assert IDS[0] in done.stderr


def test_recordings_are_there_for_each_task_and_say_who_answered() -> None:
    for task_id in IDS:
        header = (recordings_folder("codeact") / f"{task_id}.jsonl").read_text().splitlines()[0]
        assert json.loads(header)["author"] == "hand"


async def test_without_any_sandbox_the_recorded_code_runs_unisolated_with_a_notice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def unusable() -> str:
        return "this kernel is too old"

    for kind in ("docker", "jail"):
        monkeypatch.setattr(sandbox_class(kind), "available", unusable)
    monkeypatch.setattr("treeact.cli.sandbox._have_docker_image", lambda: None)
    assert await _choose_kind("auto") == "unsafe-local"
    shown = capsys.readouterr().out
    assert "this kernel is too old" in shown
    assert "without isolation" in shown
    with pytest.raises(SandboxUnavailable):
        await _choose_kind("jail")
    with pytest.raises(SandboxUnavailable, match="unsafe-local"):
        await choose_kind("auto")
