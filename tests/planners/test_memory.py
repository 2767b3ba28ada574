"""The memory of plans: what it holds, how it is bounded, and what it survives."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.errors import ConfigError, PlanMemoryError
from treeact.planners import PlanMemory
from treeact.planners.plan_scores import MAX_CALLS

DEMONSTRATIONS = [["search", "book"], ["open", "save"]]


def test_it_is_seeded_and_grows(tmp_path: Path) -> None:
    for path in (None, tmp_path / "plans.db"):
        memory = PlanMemory(path, demonstrations=DEMONSTRATIONS)
        assert memory.add(["search", "quote", "book"])
        assert memory.plans() == (("search", "book"), ("open", "save"), ("search", "quote", "book"))
        assert len(memory) == 3


def test_it_persists(tmp_path: Path) -> None:
    PlanMemory(tmp_path / "plans.db", demonstrations=DEMONSTRATIONS).add(["a", "b"])
    again = PlanMemory(tmp_path / "plans.db", demonstrations=DEMONSTRATIONS)
    assert again.plans() == (("search", "book"), ("open", "save"), ("a", "b"))
    assert again.scores().match(("a", "b")) == 1.0


def test_a_plan_is_held_once_and_becomes_the_newest() -> None:
    memory = PlanMemory()
    for plan in ("a", "b", "a"):
        memory.add([plan])
    assert memory.plans() == (("b",), ("a",))


def test_the_oldest_success_goes_first_and_demonstrations_last() -> None:
    memory = PlanMemory(demonstrations=[["demo"]], max_plans=3)
    for plan in ("a", "b", "a", "c"):
        memory.add([plan])
    assert memory.plans() == (("demo",), ("a",), ("c",))
    memory.add(["demo"])  # found again: it stays a demonstration
    memory.add(["d"])
    memory.add(["e"])
    assert memory.plans() == (("demo",), ("d",), ("e",))
    assert len(PlanMemory(demonstrations=[["1"], ["2"], ["3"]], max_plans=2)) == 2


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), max_size=15), st.integers(1, 5))
def test_it_is_bounded_and_holds_the_newest(plans: list[list[str]], most: int) -> None:
    memory = PlanMemory(max_plans=most)
    for plan in plans:
        assert memory.add(plan) is bool(plan)
    newest = list(dict.fromkeys(tuple(plan) for plan in reversed(plans) if plan))
    assert list(memory.plans()) == newest[:most][::-1]


def test_scores_do_not_follow_later_changes() -> None:
    memory = PlanMemory(demonstrations=[["a"]])
    before = memory.scores()
    assert memory.scores() is before, "they are made once for each change"
    memory.add(["b"])
    assert before.match(("b",)) == 0.0
    assert memory.scores().match(("b",)) == 1.0


def test_changes_by_others_are_seen(tmp_path: Path) -> None:
    one, other = PlanMemory(tmp_path / "plans.db"), PlanMemory(tmp_path / "plans.db")
    assert one.scores().plans == ()
    other.add(["a"])
    assert one.scores().match(("a",)) == 1.0


def test_what_is_no_plan() -> None:
    memory = PlanMemory()
    assert not memory.add([])
    assert not memory.add(["a"] * (MAX_CALLS + 1))
    assert memory.add(["a"] * MAX_CALLS)
    with pytest.raises(ConfigError, match="a demonstration has 0 calls"):
        PlanMemory(demonstrations=[[]])
    with pytest.raises(ConfigError, match="holds at least one"):
        PlanMemory(max_plans=0)


def test_names_of_any_kind_come_back(tmp_path: Path) -> None:
    names = ('"', "\n", "\x00", "å\ud800", "'); DROP TABLE plans; --", "")
    PlanMemory(tmp_path / "plans.db").add(names)
    assert PlanMemory(tmp_path / "plans.db").plans() == (names,)


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    db.close()


def with_row(path: Path, calls: object) -> None:
    PlanMemory(path).add(["a"])
    db = sqlite3.connect(path)
    db.execute("INSERT INTO plans (calls, demonstration) VALUES (?, 0)", (calls,))
    db.commit()
    db.close()


def newer(path: Path) -> None:
    PlanMemory(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def torn(path: Path) -> None:
    PlanMemory(path, demonstrations=[[f"call_{number}"] * 20 for number in range(300)])
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database, but long enough for a header" * 100),
        lambda path: path.write_bytes(b"SQLite format 3\x00" + os.urandom(5000)),
        torn,
        foreign,
        newer,
        lambda path: with_row(path, "[not json"),
        lambda path: with_row(path, "[" * 100_000),
        lambda path: with_row(path, '{"a": 1}'),
        lambda path: with_row(path, "[1, 2]"),
        lambda path: with_row(path, "[]"),
        lambda path: with_row(path, json.dumps(["a"] * 65)),
        lambda path: with_row(path, b"\xff\xfe"),
    ],
    ids=["text", "header", "torn", "foreign", "newer", "json", "deep", "object", "numbers", "empty",
         "long", "bytes"],
)  # fmt: skip
def test_a_damaged_file_is_a_typed_error_that_names_the_remedy(
    damage: object, tmp_path: Path
) -> None:
    path = tmp_path / "plans.db"
    damage(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(PlanMemoryError, match=r"plans\.db is damaged .*move it away"):
        PlanMemory(path).scores()
    assert path.read_bytes() == before, "a file that is not ours is left alone"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanMemoryError, match="check that its folder exists"):
        PlanMemory(tmp_path / "none" / "plans.db")
    with pytest.raises(PlanMemoryError, match="check that its folder exists"):
        PlanMemory(tmp_path)


def test_a_file_that_is_held_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treeact.planners.memory.WAIT", 0.05)
    memory = PlanMemory(tmp_path / "plans.db")
    other = sqlite3.connect(tmp_path / "plans.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(PlanMemoryError, match="held by another process"):
        memory.add(["a"])
    other.execute("ROLLBACK")
    other.close()
    assert memory.add(["a"])


def test_an_empty_file_becomes_a_memory(tmp_path: Path) -> None:
    (tmp_path / "plans.db").touch()
    assert PlanMemory(tmp_path / "plans.db").add(["a"])


@pytest.mark.parametrize("file", [None, "plans.db"])
def test_threads_share_one(file: str | None, tmp_path: Path) -> None:
    memory = PlanMemory(file and tmp_path / file)
    threads = [
        threading.Thread(target=lambda n=n: [memory.add([f"{n}-{i}"]) for i in range(10)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory) == len(memory.plans()) == 40


WRITER = """
import sys
from treeact.planners import PlanMemory
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
memory = PlanMemory(path, demonstrations=[["demo"]])
for number in range(count):
    memory.add([f"{name}-{number}", "done"])
    print(number, flush=True)
    memory.scores()
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_several_processes_write_and_one_is_killed_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "plans.db"
    killed, others = writer(path, "killed", 100_000), [writer(path, n, 25) for n in ("a", "b")]
    assert killed.stdout is not None
    for _ in range(20):
        killed.stdout.readline()
    time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    told = 20 + len(killed.communicate()[0].splitlines())
    for other in others:
        assert len(other.communicate()[0].splitlines()) == 25
        assert other.returncode == 0
    plans = PlanMemory(path).plans()
    assert set(plans) >= {("a-24", "done"), ("b-0", "done"), ("demo",)}
    of_killed = [plan for plan in plans if plan[0].startswith("killed")]
    assert of_killed == [(f"killed-{n}", "done") for n in range(len(of_killed))]
    assert told <= len(of_killed) <= told + 1, "what was told to be kept is kept"
    assert len(plans) == 51 + len(of_killed)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
