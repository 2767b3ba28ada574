"""The library's file: versions, merging, statuses, closures, garbage, damage."""

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from tests.agents.library.support import define, exercised, library_at, read
from treeact.agents.library import ActionLibrary, Verdict
from treeact.agents.library.changes import find_duplicates
from treeact.agents.library.records import StoredAction
from treeact.errors import ActionCycle, LibraryError


def names(actions: list[StoredAction]) -> list[str]:
    return [action.label for action in actions]


def test_another_body_is_a_new_version_and_an_equal_one_is_merged(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x):\n    '''Doc.'''\n    return x")
        exercised(library, "def f( x ):  # the same\n    return x\n\ndef g(x): return f(x)")
        exercised(library, "def f(x): return 2 * x")
        assert names(library.actions(all_versions=True)) == ["f v1", "f v2", "g v1"]
        assert names(library.actions()) == ["f v2", "g v1"]
        first = library.get("f", 1)
        assert (first.source, first.successes) == ("def f(x):\n    '''Doc.'''\n    return x", 2)
        assert names(library.closure([library.get("g")])) == ["f v1", "g v1"]  # as it was saved


def test_of_a_name_the_verified_version_is_offered_before_newer_ones(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x): return 1")
        library.note_verdict(Verdict(action=library.get("f"), ok=True))
        exercised(library, "def f(x): return 2")
        assert names(library.offered(["f", "nobody"])) == ["f v1"]
        library.note_verdict(Verdict(action=library.get("f", 2), ok=True))
        assert library.get("f").version == 2
        library.note_verdict(Verdict(action=library.get("f", 2), ok=False))
        assert library.get("f", 2).status == "exercised"
        assert library.get("f").version == 1


def test_disabled_actions_are_never_offered_until_that_is_undone(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x): return 1")
        exercised(library, "def f(x): return 2")
        library.disable("f", 2)
        assert names(library.offered(["f"])) == ["f v1"]
        library.disable("f")
        assert library.offered(["f"]) == []
        library.note_verdict(Verdict(action=library.get("f", 1), ok=True))
        assert library.get("f", 1).status == "disabled"
        exercised(library, "def f(x): return 1")
        assert library.get("f", 1).status == "disabled"
        library.disable("f", 1, undo=True)
        assert library.get("f", 1).status == "exercised"


def test_what_is_not_there_is_named_with_what_comes_close(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def parse_date(x): return x")
        with pytest.raises(LibraryError, match="did you mean parse_date"):
            library.get("parse_dates")
        with pytest.raises(LibraryError, match="no version 7"):
            library.get("parse_date", 7)
        with pytest.raises(LibraryError, match="actions list"):
            library.disable("\0'; DROP TABLE actions")
        orphan = read("def f(x): return g(x)", stored={"g": "0" * 32}).definitions
        with pytest.raises(LibraryError, match="uses g, which is not in the library"):
            library.save([*read("def h(x): return x").definitions, *orphan])
        assert names(library.actions()) == ["parse_date v1"]  # all or nothing


def test_a_cycle_is_named(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def a(x): return x\ndef b(x): return a(x)\ndef c(x): return b(x)")
    with sqlite3.connect(library.path) as db:
        db.execute("INSERT INTO uses VALUES (1, 'c', 3)")
    db.close()
    with library_at(tmp_path) as library:
        with pytest.raises(ActionCycle, match="a v1 -> c v1 -> b v1 -> a v1") as caught:
            library.closure([library.get("b")])
        assert caught.value.cycle == ("a v1", "c v1", "b v1")


def test_a_closure_is_in_order_and_holds_each_once(tmp_path: Path) -> None:
    code = "def f0(x): return x\n" + "\n".join(
        f"def f{n}(x): return f{n - 1}(x) + f{n // 2}(x)" for n in range(1, 50)
    )
    with library_at(tmp_path) as library:
        exercised(library, code)
        closure = library.closure([library.get("f49")])
        assert len(closure) == 50
        seen: set[str] = set()
        for action in closure:
            assert set(action.uses.values()) <= seen
            seen.add(action.digest)
        assert closure == library.closure([library.get("f49")])


def test_examples_are_capped_and_newest_first(tmp_path: Path) -> None:
    from treeact.agents.library import Example
    from treeact.agents.library.harvest import Harvest, Use

    with library_at(tmp_path) as library:
        kept = read("def f(x): return x")
        for n in range(9):
            example = Example(arguments=f"(({n},), {{}})", result=str(n))
            use = Use(
                action=kept.definitions[0].digest, returned=True, raised=n > 7, examples=(example,)
            )
            library.keep(Harvest(definitions=kept.definitions, uses=(use, use)))
        action = library.get("f")
        assert [e.result for e in action.examples] == ["8", "7", "6", "5", "4"]
        assert (action.successes, action.failures) == (18, 2)
        library.keep(Harvest(uses=(Use(action=10**15, returned=True, raised=False),)))
        library.keep(Harvest(uses=(Use(action="no such", returned=True, raised=False),)))


def test_a_pinned_version_is_what_its_name_means_until_that_is_undone(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        for number in (1, 2, 3):
            exercised(library, f"def f(x): return {number}")
        library.note_verdict(Verdict(action=library.get("f", 3), ok=True))
        assert library.pin("f", 1).pinned
        assert names(library.offered(["f"])) == ["f v1"]
        assert [it.pinned for it in library.actions(all_versions=True)] == [True, False, False]
        assert names(library.collect_garbage(dry_run=True)) == ["f v2"]
        library.pin("f", 2)
        assert library.get("f").version == 2
        library.disable("f", 2)
        assert names(library.offered(["f"])) == ["f v3"]
        library.pin("f", undo=True)
        assert names(library.collect_garbage()) == ["f v1", "f v2"]
        with pytest.raises(LibraryError, match="no version 9"):
            library.pin("f", 9)
    with library_at(tmp_path) as again:
        assert not again.get("f").pinned


def test_a_file_of_an_earlier_treeact_gets_pins(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x): return 1")
        file = library.path
    database = sqlite3.connect(file)
    database.execute("DROP TABLE pins")
    database.commit()
    database.close()
    with ActionLibrary(file, frozen=True) as frozen:
        assert not frozen.get("f").pinned
    with ActionLibrary(file) as opened:
        assert opened.pin("f").pinned


def test_duplicates_are_told_by_what_they_do(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def area(x): return x * x")
        exercised(library, "def square(x):\n    'Square.'\n    return x*x  # the same")
        exercised(library, "def cube(x): return x * x * x")
        exercised(library, "def down(n): return down(n - 1) if n else 0")
        exercised(library, "def low(n): return low(n - 1) if n else 0")
        found = find_duplicates(library.actions(all_versions=True))
        assert {library.by_id([id])[0].name: label for id, label in found.items()} == {
            "square": "area v1",
            "low": "down v1",
        }


def test_garbage_is_what_is_of_no_more_use(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x): return 1\ndef user(x): return f(x)")
        exercised(library, "def f(x): return 2")
        exercised(library, "def f(x): return 3")
        library.note_verdict(Verdict(action=library.get("f", 3), ok=True))
        library.save([define("def candidate(x): return x")])
        exercised(library, "def gone(x): return x")
        library.disable("gone")
        wanted = ["candidate v1", "f v2", "gone v1"]  # f v1 is used
        assert names(library.collect_garbage(dry_run=True)) == wanted
        assert len(library.actions(all_versions=True)) == 6
        assert names(library.collect_garbage()) == wanted
        assert names(library.actions(all_versions=True)) == ["f v1", "f v3", "user v1"]
        assert library.collect_garbage() == []
        assert len(library.closure([library.get("user")])) == 2


# The file -------------------------------------------------------------------------------------


def test_a_frozen_library_writes_nothing_and_never_changes(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def f(x): return x")
        frozen_while_written = library_at(tmp_path, frozen=True)
        exercised(library, "def later(x): return x")
        assert names(frozen_while_written.actions()) == ["f v1"]
        frozen_while_written.close()
    before = digest(library.path), sorted(os.listdir(tmp_path))
    with library_at(tmp_path, frozen=True) as frozen:
        assert names(frozen.actions()) == ["f v1", "later v1"]
        for write in (
            lambda: exercised(frozen, "def g(x): return x"),
            lambda: frozen.disable("f"),
            lambda: frozen.pin("f"),
            lambda: frozen.collect_garbage(),
            lambda: frozen.import_text(frozen.export()),
            lambda: frozen.note_verdict(Verdict(action=frozen.get("f"), ok=True)),
        ):
            with pytest.raises(LibraryError, match="frozen"):
                write()
    assert (digest(library.path), sorted(os.listdir(tmp_path))) == before
    with ActionLibrary(tmp_path / "none.sqlite", frozen=True) as empty:
        assert empty.actions() == []
    assert not (tmp_path / "none.sqlite").exists()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_frozen_library_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    with library_at(folder) as library:
        exercised(library, "def f(x): return x")
    folder.chmod(0o500)
    try:
        with library_at(folder, frozen=True) as frozen:
            assert names(frozen.actions()) == ["f v1"]
    finally:
        folder.chmod(0o700)


def test_a_newer_file_is_told_from_a_damaged_one_and_from_another_database(tmp_path: Path) -> None:
    path = tmp_path / "actions.sqlite"
    with library_at(tmp_path) as library:
        exercised(library, "\n".join(f"def f{n}(x): return x + {n}" for n in range(50)))
    whole = path.read_bytes()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    refused(path, "schema version 99, and this TreeAct knows 1: upgrade")
    for damaged in (b"no database at all" * 100, whole[:100] + b"\xff" * 4000 + whole[4100:]):
        path.write_bytes(damaged)
        refused(path, "treeact actions import")
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name)")
    db.close()
    refused(path, "no action library")
    refused(tmp_path, "cannot be used")


def refused(path: Path, why: str) -> None:
    for frozen in (False, True):
        with pytest.raises(LibraryError, match=why):
            ActionLibrary(path, frozen=frozen)


def test_damage_that_shows_later_is_told_as_such(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "\n".join(f"def f{n}(x): return x + {n}" for n in range(300)))
    content = library.path.read_bytes()
    middle = len(content) // 2
    library.path.write_bytes(content[:8192] + b"\xa5" * (middle - 8192) + content[middle:])
    with pytest.raises(LibraryError, match=r"damaged|import"), library_at(tmp_path) as broken:
        broken.export()
        exercised(broken, "def g(x): return x")
