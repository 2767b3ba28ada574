"""The screen of the action library: what it shows of actions, and what it does with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from tests.agents.library.support import exercised
from tests.tui.support import until
from tests.tui.test_app import notices
from treeact.agents.library import ActionLibrary, Example, Harvest, Verdict
from treeact.agents.library.harvest import Use
from treeact.errors import ConfigError, LibraryError
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import EventLog
from treeact.tui.app import RunApp
from treeact.tui.screens.asking import YesScreen
from treeact.tui.screens.trace import TraceScreen
from treeact.tui.session import Session
from treeact.tui.views.library import about, changes, export, open_library, read_shelf
from treeact.tui.views.uses import Uses


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of three actions, one in two versions."""
    path = tmp_path / "actions.sqlite"
    monkeypatch.setenv("TREEACT_LIBRARY", str(path))
    with ActionLibrary(path) as library:
        exercised(library, "def area(x: list[int]):\n    'Area of a square.'\n    return x[0] ** 2")
        exercised(
            library, "def area(x: list[int]):\n    'Area of a square.'\n    return x[0] * x[0]"
        )
        exercised(library, "def side(x: list[int]):\n    'A square area.'\n    return x[0] * x[0]")
        exercised(library, "def bad(x): return x", task="Why?")
        library.note_verdict(Verdict(action=library.get("bad"), ok=False))
    return path


def test_what_is_odd_about_actions(file: Path) -> None:
    shelf = read_shelf(file)
    remarks = {action.label: shelf.badges(action) for action in shelf.actions}
    assert remarks == {
        "area v2": ["never reused"],
        "bad v1": [],
        "side v1": ["never reused", "duplicate of area v2"],
    }
    with ActionLibrary(file) as library:
        for _ in range(2):
            library.note_verdict(Verdict(action=library.get("side"), ok=True))
        library.pin("side")
    assert read_shelf(file).badges(read_shelf(file).actions[2]) == [
        "pinned", "duplicate of area v2",
    ]  # fmt: skip
    assert shelf.sorted("uses")[0].name == "bad"
    for by in ("name", "status", "uses", "right", "size"):
        assert len(shelf.sorted(by)) == 3


def test_what_an_action_is_like_and_how_it_changed(file: Path) -> None:
    with ActionLibrary(file) as library:
        area, side = library.get("area"), library.get("side")
    words = about(area, file)
    assert "similar: side v1" in words
    assert "Area of a square." in words
    assert "-    return x[0] ** 2" in changes(area, file)
    assert changes(side, file) == "side v1 is the first version"
    export(side, file.with_name("side.jsonl"), file)
    assert '"name": "side"' in file.with_name("side.jsonl").read_text()
    with pytest.raises(ConfigError, match="cannot write"):
        export(side, file.with_name("side.jsonl"), file)
    with pytest.raises(LibraryError, match="is not there"):
        open_library(file.with_name("none.sqlite"))


def run_that_uses(directory: Path) -> Session:
    log = EventLog(directory)
    log.emit(ev.Noticed(id="run", text="area() is not code"))
    log.emit(ev.ActionsRetrieved(id="run/step-1", how="offered", actions=("area v2", "bad v1")))
    log.emit(ev.Proposed(id="run/step-1", action="code", text="print(area([3]), x.side(3))"))
    log.emit(ev.ActionVerified(id="run/verify", name="area", version=2, ok=False, reason="no"))
    log.close()
    return Session(directory)


def test_where_actions_come_up_in_a_run(tmp_path: Path) -> None:
    session = run_that_uses(tmp_path / "r")
    session.refresh()
    found = [(use.event, use.line()) for use in session.uses.of("area")]
    assert found == [
        (1, "run/step-1  offered"),
        (2, "run/step-1  called"),
        (3, "run/verify  not verified: no"),
    ]
    assert session.uses.of("side") == []
    lost = Uses(BlobStore(None))
    blob = ev.Blob(blob="0" * 64, size=9)
    lost.take(0, ev.Proposed(id="run/step-1", action="code", text=blob))
    assert lost.of("area") == []


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[tuple[RunApp, Pilot[None]]]:
    app = RunApp(run_that_uses(tmp_path / "r"), first="library")
    async with app.run_test(size=(140, 40)) as pilot:
        table = app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 3)
        yield app, pilot


def shows(app: RunApp) -> str:
    """Return the table as text."""
    table = app.screen.query_one(DataTable)
    return "\n".join(" ".join(map(str, table.get_row_at(row))) for row in range(table.row_count))


async def test_actions_are_pinned_and_disabled_after_asking(tmp_path: Path, file: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        assert "def area(x: list[int])" in shows(app)
        await pilot.press("p")
        await until(pilot, lambda: "pinned" in shows(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, YesScreen))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, YesScreen))
        assert "disabled" not in shows(app)
        await pilot.press("x", "y")
        await until(pilot, lambda: app.screen.query(DataTable) and "disabled" in shows(app))
    with ActionLibrary(file) as library:
        assert library.get("area", 2).status == "disabled"


async def test_an_action_is_looked_at_compared_and_exported(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(tmp_path) as (app, pilot):
        words = app.screen.query_one("#action-about", Static)
        await until(pilot, lambda: "similar: side v1" in str(words.content))
        await pilot.press("v")
        await until(pilot, lambda: not str(words.content))
        await pilot.press("v")
        await until(pilot, lambda: "similar" in str(words.content))
        await pilot.press("s", "s", "s", "s", "s", "j", "k", "R")
        assert "sorted by name" in notices(app)
        await pilot.press("E", "enter")
        await until(pilot, lambda: "written to area.jsonl" in notices(app))


async def test_from_an_action_one_comes_to_where_it_was_called(tmp_path: Path, file: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await until(pilot, lambda: app.session.behind == 0 and app.session.index.entries)
        await pilot.press("c", "tab", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TraceScreen))
        parts = app.screen.query_one("#trace-text", Static)
        await until(pilot, lambda: app.screen._tree.here == 2)  # type: ignore[attr-defined]
        assert parts is not None


async def test_the_calls_of_an_action_are_tried_again_in_a_sandbox(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREEACT_SANDBOX", "unsafe-local")
    with ActionLibrary(file) as library:
        area = library.get("area")
        example = Example(arguments="([3],), {}", result="9")
        library.keep(
            Harvest(uses=(Use(action=area.id, returned=True, raised=False, examples=(example,)),))
        )
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "area v2 verified" in notices(app))
        await until(pilot, lambda: "verified" in shows(app))
        await pilot.press("j", "t")
        await until(pilot, lambda: "bad v1 not tried: no call of it is on record" in notices(app))
