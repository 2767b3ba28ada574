from pathlib import Path

import pytest

from treeact.errors import ConfigError
from treeact.trace.log import EventLog
from treeact.trace.runs import find_run, list_runs, new_run_directory, runs_folder


def make(folder: Path, name: str) -> Path:
    EventLog(folder / name).close()
    return folder / name


def test_names_are_readable_unique_and_sort_by_time(tmp_path: Path) -> None:
    first = new_run_directory("How many birds?", folder=tmp_path)
    second = new_run_directory("How many birds?", folder=tmp_path)
    assert "how-many-birds" in first.name
    assert first != second
    assert new_run_directory("???", folder=tmp_path).name.count("-run-") == 1


def test_runs_are_found_by_last_name_part_and_path(tmp_path: Path) -> None:
    old, new = make(tmp_path, "20260101-old-aaaa"), make(tmp_path, "20260102-new-bbbb")
    assert find_run(folder=tmp_path) == new
    assert find_run("old", folder=tmp_path) == old
    assert find_run(str(old)) == old
    assert list_runs(tmp_path) == [old, new]


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no runs in"):
        find_run(folder=tmp_path)
    make(tmp_path, "a-1")
    make(tmp_path, "a-2")
    with pytest.raises(ConfigError, match="a-1, a-2"):
        find_run("a-", folder=tmp_path)
    with pytest.raises(ConfigError, match="the newest is a-2"):
        find_run("zebra", folder=tmp_path)


def test_the_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREEACT_RUNS", str(tmp_path / "mine"))
    assert runs_folder() == tmp_path / "mine"
    monkeypatch.delenv("TREEACT_RUNS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert runs_folder() == tmp_path / "data" / "treeact" / "runs"
