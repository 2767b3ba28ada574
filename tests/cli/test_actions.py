"""`treeact actions` and `treeact run --agent dynasaur` from the outside."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.agents.support import answer, code
from tests.cli.support import recording, treeact
from treeact.cli.app import app
from treeact.errors import TreeActError

LOCAL = ["--sandbox", "unsafe-local"]
AREA = 'def area(side: float) -> float:\n    """Return the area of a square."""\n    return '
FIRST, SECOND = code(f"{AREA}side * side\narea(3)"), code(f"{AREA}side ** 2\narea(3)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `lib.sqlite` two runs have filled."""
    path = tmp_path_factory.mktemp("actions")
    for n, reply in enumerate([FIRST, SECOND]):
        tape = recording(path / f"tape{n}.jsonl", [reply, answer("9")])
        done = treeact(path, "run", "How large is it?", "--agent", "dynasaur", *LOCAL,
                       "--library", "lib.sqlite", "--model", f"replay:{tape}")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"+ saved area v{n + 1}: def area(side: float) -> float" in done.stdout
        assert f"+ area v{n + 1} verified" in done.stdout
        again = treeact(path, "trace", "show")
        assert again.stdout == done.stdout[: done.stdout.index("trace: ")]
    return path


def actions(folder: Path, *arguments: str, stdin: str = "", status: int = 0) -> str:
    """Return what the command prints, run in this process; with status 2, its error."""
    variables = {"TREEACT_LIBRARY": str(folder / "lib.sqlite")}
    done = CliRunner().invoke(app, ["actions", *arguments], input=stdin, env=variables)
    if status == 2:
        assert isinstance(done.exception, TreeActError), done
        return str(done.exception)
    assert done.exit_code == status, done
    return done.stdout


def test_list_show_and_diff(folder: Path) -> None:
    assert actions(folder, "list").split()[:3] == ["area", "v2", "verified"]
    assert len(actions(folder, "list", "--all").splitlines()) == 2
    [row] = map(json.loads, actions(folder, "list", "square", "--json").splitlines())
    assert row["signature"] == "def area(side: float) -> float"
    assert actions(folder, "list", "helicopter") == ""
    shown = actions(folder, "show", "area", "--version", "1")
    for words in ("area v1  verified", "task: How large", "side * side", ">>> area(3)\n9"):
        assert words in shown
    whole = json.loads(actions(folder, "show", "area", "--json"))
    assert whole["calls"] == [{"call": "area(3)", "result": "9"}]
    changed = actions(folder, "diff", "area")
    assert "-    return side * side" in changed
    assert "+    return side ** 2" in changed


def test_verify_says_what_came_of_it(folder: Path) -> None:
    assert "area v2  verified" in actions(folder, "verify", *LOCAL)
    [row] = map(json.loads, actions(folder, "verify", "area", "--json", *LOCAL).splitlines())
    assert row == {"name": "area", "version": 2, "result": "verified", "reason": ""}
    assert "missing.csv does not exist" in actions(
        folder, "verify", "--file", "missing.csv", *LOCAL, status=2
    )


def test_export_import_disable_and_gc(folder: Path, tmp_path: Path) -> None:
    text = actions(folder, "export")
    assert actions(folder, "export", "area", "--output", str(tmp_path / "one.jsonl")) == ""
    assert len((tmp_path / "one.jsonl").read_text().splitlines()) == 2
    assert "2 new, 0 known already: area v1, area v2" in actions(
        tmp_path, "import", "-", stdin=text
    )
    assert "0 new, 2 known already" in actions(tmp_path, "import", "-", stdin=text)
    assert actions(tmp_path, "list").split()[2] == "exercised"
    actions(tmp_path, "pin", "area", "--version", "1")
    assert actions(tmp_path, "show", "area").startswith("area v1  exercised (pinned)")
    actions(tmp_path, "pin", "area", "--undo")
    assert "pinned" not in actions(tmp_path, "show", "area")
    actions(tmp_path, "disable", "area", "--version", "1")
    assert "would remove area v1  disabled" in actions(tmp_path, "gc", "--dry-run")
    [row] = map(json.loads, actions(tmp_path, "gc", "--json").splitlines())
    assert (row["name"], row["version"]) == ("area", 1)
    actions(tmp_path, "disable", "area")
    assert actions(tmp_path, "list") == ""
    actions(tmp_path, "disable", "area", "--undo")
    assert actions(tmp_path, "list", "--all").split()[:3] == ["area", "v2", "candidate"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("show aera", "did you mean area"),
        ("show area --version 9", "no version 9"),
        ("diff nothing", "no action"),
        ("list --library none.sqlite", "no library"),
        ("verify --library none.sqlite", "no library"),
        ("import none.jsonl", "cannot be read"),
        ("import lib.sqlite", "cannot be read"),
        ("import tape0.jsonl", "no export"),
        ("list --library tape0.jsonl", "damaged or no action library"),
    ],
)
def test_bad_input_is_told_with_its_remedy(
    folder: Path, arguments: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    error = actions(folder, *arguments.split(), status=2)
    assert why in error
    assert "\n" not in error
    assert not (folder / "none.sqlite").exists()


def test_a_fault_is_one_line_and_status_2(folder: Path) -> None:
    done = treeact(folder, "actions", "show", "aera", "--library", "lib.sqlite")
    assert done.returncode == 2
    assert done.stderr == "treeact: there is no action 'aera': did you mean area?\n"


def test_frozen_is_for_dynasaur_and_leaves_the_file(folder: Path) -> None:
    before = (folder / "lib.sqlite").read_bytes()
    tape = recording(folder / "tape.jsonl", [code("print(area(4))"), answer("16")])
    run = ["run", "How large is a square?", "--model", f"replay:{tape}", *LOCAL, "--frozen"]
    done = treeact(folder, *run, "--agent", "dynasaur", "--library", "lib.sqlite")
    assert "│ 16" in done.stdout, done.stdout + done.stderr
    assert "+ offered area v2" in done.stdout
    assert (folder / "lib.sqlite").read_bytes() == before
    refused = treeact(folder, *run)
    assert refused.returncode == 2
    assert "codeact has no library" in refused.stderr
