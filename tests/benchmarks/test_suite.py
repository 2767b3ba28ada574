"""Reading a suite folder: what is accepted, and how each fault is reported."""

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from treeact.agents.task import Task
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Sample, Suite, check_split, read_suite
from treeact.benchmarks.suites import describe_suites, load_suite, suite_names
from treeact.errors import ConfigError

ROW = {
    "task_id": "toy-1-a",
    "level": 1,
    "question": "How many?",
    "files": ["a.csv"],
    "answer": "7",
}


def write(folder: Path, *lines: bytes | str | dict) -> Path:
    encoded = [
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    (folder / "tasks.jsonl").write_bytes(b"\n".join(encoded))
    attached = folder / "files" / "toy-1-a" / "a.csv"
    attached.parent.mkdir(parents=True, exist_ok=True)
    attached.write_text("x\n7\n")
    return folder


def read(folder: Path) -> Suite:
    return read_suite(folder, name="toy", scorer=GAIA)


def test_a_good_folder_gives_samples_in_file_order(tmp_path: Path) -> None:
    second = {**ROW, "task_id": "toy-3-b", "level": 3, "files": [], "answer": "Köln"}
    suite = read(write(tmp_path, ROW, "", second, "  "))
    assert suite.name == "toy"
    assert [(s.task.id, s.level, s.truth) for s in suite.samples] == [
        ("toy-1-a", 1, "7"),
        ("toy-3-b", 3, "Köln"),
    ]
    assert suite.samples[0].task.files == (tmp_path / "files" / "toy-1-a" / "a.csv",)
    assert suite.scorer is GAIA


def test_the_task_has_no_room_for_the_truth() -> None:
    assert {field.name for field in fields(Task)} == {"id", "question", "files", "answer_type"}
    with pytest.raises(FrozenInstanceError):
        Task("q").question = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"task_id": "toy-1-a", "lev', "Invalid JSON"),
        (b'{"task_id": "\xff\xfe"}', "Invalid JSON"),
        ("[]", "object"),
        ("null", "object"),
        (b"\x00\x00", "Invalid JSON"),
        ({**ROW, "level": 4}, "level"),
        ({**ROW, "level": "1"}, "level"),
        ({**ROW, "level": None}, "level"),
        ({**ROW, "question": " \n"}, "question"),
        ({**ROW, "answer": "?"}, "answer"),
        ({**ROW, "answer": 7}, "answer"),
        ({**ROW, "files": "a.csv"}, "files"),
        ({**ROW, "files": ["../toy-1-a/a.csv"]}, "files"),
        ({**ROW, "files": ["/etc/passwd"]}, "files"),
        ({**ROW, "files": [".."]}, "no file"),
        ({**ROW, "files": ["a\0.csv"]}, "files"),
        ({**ROW, "files": ["a" * 300]}, "files"),
        ({**ROW, "files": ["b.csv"]}, "b.csv"),
        ({**ROW, "files": ["a.csv", "a.csv"]}, "twice"),
        ({**ROW, "task_id": "../toy"}, "task_id"),
        ({**ROW, "task_id": ""}, "task_id"),
        ({**ROW, "annotator": "steps"}, "annotator"),
        ({key: ROW[key] for key in ROW if key != "answer"}, "answer"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, bad: bytes | str | dict, said: str) -> None:
    good = {**ROW, "task_id": "toy-2-good", "files": []}
    with pytest.raises(ConfigError) as caught:
        read(write(tmp_path, good, bad))
    message = str(caught.value)
    assert f"{tmp_path / 'tasks.jsonl'}, line 2" in message
    assert said in message
    assert "\n" not in message


def test_a_repeated_id_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 3: task_id 'toy-1-a' is used twice"):
        read(write(tmp_path, ROW, "", ROW))


def test_a_missing_or_empty_tasks_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tasks\.jsonl cannot be read"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="holds no task"):
        read(write(tmp_path, "", "  "))
    (tmp_path / "tasks.jsonl").unlink()
    (tmp_path / "tasks.jsonl").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path)


def test_suites_are_found_by_name() -> None:
    assert "mini" in suite_names()
    for name in ("nope", "", "mini.load", "__init__", "../mini"):
        with pytest.raises(ConfigError, match=r"the suites are: .*mini"):
            load_suite(name)


def test_a_split_that_is_not_there_is_named() -> None:
    assert check_split("toy", None, ("dev", "test")) == "dev"
    assert check_split("toy", "test", ("dev", "test")) == "test"
    assert check_split("toy", None, ()) == ""
    with pytest.raises(ConfigError, match="toy has no split 'tset': choose one of dev, test"):
        check_split("toy", "tset", ("dev", "test"))
    with pytest.raises(ConfigError, match="mini has no split 'dev': leave it out"):
        load_suite("mini", split="dev")


def test_suites_are_described_in_a_line() -> None:
    described = describe_suites()
    assert sorted(described) == suite_names()
    assert all(1 < len(line) <= 100 for line in described.values())


class TestFingerprint:
    """It tells whether two runs had the same tasks, wherever their files are."""

    def test_neither_the_folder_nor_the_order_matters(self, tmp_path: Path) -> None:
        other = {**ROW, "task_id": "toy-2-b", "files": []}
        there, here = tmp_path / "there", tmp_path / "here"
        there.mkdir(), here.mkdir()
        first, second = read(write(there, ROW, other)), read(write(here, other, ROW))
        assert first.fingerprint == second.fingerprint

    @pytest.mark.parametrize(
        "change",
        [{"question": "How few?"}, {"answer": "8"}, {"level": 2}, {"files": []}],
        ids=lambda change: next(iter(change)),
    )
    def test_a_changed_row_changes_it(self, tmp_path: Path, change: dict) -> None:
        before = read(write(tmp_path, ROW)).fingerprint
        assert read(write(tmp_path, {**ROW, **change})).fingerprint != before

    def test_a_changed_or_lost_file_is_noticed(self, tmp_path: Path) -> None:
        before = read(write(tmp_path, ROW)).fingerprint
        (attached,) = read(tmp_path).samples[0].task.files
        attached.write_text("x\n8\n")
        assert read(tmp_path).fingerprint != before
        suite = read(tmp_path)
        attached.unlink()
        with pytest.raises(ConfigError, match=r"a\.csv cannot be read"):
            _ = suite.fingerprint

    def test_a_lone_surrogate_does_no_harm(self) -> None:
        sample = Sample(Task("\ud800?", id="odd"), "\udfff")
        assert len(Suite("odd", (sample,), GAIA).fingerprint) == 64


def test_the_bare_answer_is_what_the_suite_takes_of_it() -> None:
    plain = Suite("toy", (), GAIA)
    assert (plain.bare_answer(" 7 "), plain.bare_answer(None)) == (" 7 ", None)
    picky = Suite("toy", (), GAIA, extract=lambda text: text.strip() or None)
    assert (picky.bare_answer(" 7 "), picky.bare_answer(" ")) == ("7", None)
    assert picky.bare_answer(None) is None
