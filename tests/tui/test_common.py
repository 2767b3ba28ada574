"""What all screens do alike: keys of one's own, small terminals, plain ones, leaving, pagers."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from tests.agents.support import answer, code
from tests.tui.support import until
from tests.tui.test_app import long_run, notices, shown, start
from treeact.errors import ConfigError
from treeact.tui.app import SCREENS, RunApp
from treeact.tui.characters import AsciiOnly, as_ascii, needs_ascii
from treeact.tui.keys import keymap
from treeact.tui.outside import find_pager, write_text
from treeact.tui.screens.asking import YesScreen
from treeact.tui.screens.run import RunScreen
from treeact.tui.session import Session
from treeact.tui.widgets.blocks import BlockColumn


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"trace.folow": "x"}, "did you mean trace.follow"),
        ({"zzz": "x"}, "choose one of all."),
        ({"trace.follow": "ctrl+nothing"}, "which is no key"),
        ({"trace.follow": ""}, "which is no key"),
        ({"trace.follow": "hyper+a"}, "which is no key"),
        ({"trace.follow": "j"}, "on the screen trace the key j would mean"),
        ({"trace.follow": "ctrl+q"}, "all.quit"),
        ({"all.theme": "a"}, "on the screen run the key a would mean"),
    ],
)
def test_keys_that_cannot_be_are_refused_with_a_remedy(keys: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        keymap(keys, RunApp.bindings_by_screen())


def test_keys_are_written_as_characters_or_by_name() -> None:
    wanted = {"trace.follow": "f7, %", "run.approve": "ctrl+y", "run.reject": "a"}
    assert keymap(wanted, RunApp.bindings_by_screen()) == {
        "trace.follow": "f7,percent_sign",
        "run.approve": "ctrl+y",
        "run.reject": "a",
    }


async def test_a_person_has_keys_of_their_own_and_help_and_palette_know(tmp_path: Path) -> None:
    app = RunApp(long_run(tmp_path, 30), keys={"run.block_before": "f7,b", "all.help": "f9"})
    async with app.run_test(size=(120, 36)) as pilot:
        column = app.screen.query_one(BlockColumn)
        await until(pilot, lambda: app.session.behind == 0 and column.shown)
        await pilot.press("k", "ctrl+up")
        assert column.following
        await pilot.press("f7", "b")
        assert not column.following
        assert column.current is not None
        assert column.current.block.text == "notice 28"
        helps = {it.title: it.help for it in app.get_system_commands(app.screen)}
        assert helps["Block before"] in ("key f7", "key b")
        await pilot.press("f9")
        await until(pilot, lambda: app.screen.query("HelpPanel"))


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({}, False),
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, True),
        ({"LC_CTYPE": "de_DE.ISO-8859-1"}, True),
        ({"LC_ALL": "", "LANG": "C.UTF-8"}, False),
    ],
)
def test_the_locale_says_whether_signs_can_be_shown(
    environment: dict[str, str], plain: bool
) -> None:
    assert needs_ascii(environment) is plain


@given(st.text())
def test_ascii_is_as_wide_as_what_it_stands_for(text: str) -> None:
    assert as_ascii(text).isascii()
    assert cell_len(as_ascii(text)) == cell_len(text)


def test_signs_have_their_own_ascii() -> None:
    assert as_ascii("✓✗○●★│├─▃ 日é") == "vxo#*|+-3 ???"
    line = [Segment("plain"), Segment("└─ ✓")]
    assert [it.text for it in AsciiOnly().apply(line, Color(0, 0, 0))] == ["plain", "+- v"]


async def test_a_terminal_without_utf8_gets_ascii_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    app = RunApp(long_run(tmp_path, 3), first="trace")
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "notice" in app.export_screenshot() or app.session.view.blocks)
        await pilot.pause(0.2)
        strips = app.screen._compositor.render_strips()
        lines = ["".join(part.text for part in strip) for strip in strips]
        assert any(line.strip() for line in lines)
        assert all(line.isascii() for line in lines)


async def test_a_small_terminal_shows_the_head_and_approves_nothing(tmp_path: Path) -> None:
    run = start(tmp_path / "r", [code("print(1)"), answer("1")], approve="all")
    async with shown(run, size=(50, 12)) as (app, pilot):
        await until(pilot, lambda: app.session.view.waiting)
        assert app.screen.query_one("#enlarge").display
        assert not app.screen.query_one("#body").display
        await pilot.pause(0.3)
        await pilot.press("a")
        await pilot.pause(0.2)
        assert app.session.view.waiting
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.screen.query_one("#body").display)
        await pilot.pause(0.2)
        await pilot.press("a")
        await until(pilot, lambda: app.session.view.state == "ended")


async def test_leaving_asks_where_a_run_would_end_with_it(tmp_path: Path) -> None:
    run = start(tmp_path / "r", [code("print(1)"), answer("1")], approve="all")
    options: dict[str, Any] = {"go_on": lambda session, node, model: session}
    async with shown(run, **options) as (app, pilot):
        await until(pilot, lambda: app.session.view.waiting)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, YesScreen))
        await pilot.press("enter", "n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, YesScreen))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running or app._exit)


def written(folder: Path) -> tuple[str, int]:
    """Return the text and the mode of the one file that was written."""
    (file,) = folder.glob("treeact-*.txt")
    return file.read_text(), file.stat().st_mode & 0o777


async def test_what_is_in_focus_is_written_and_opened_where_that_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = RunApp(long_run(tmp_path / "r", 3))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.behind == 0 and app.screen.query(".block"))
        await pilot.press("Y")
        await pilot.press("o")
        await until(pilot, lambda: "the text is in" in notices(app))
    assert written(tmp_path) == ("notice 2", 0o600)


def test_the_pager_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "cat -A")
    assert find_pager() == ["cat", "-A"]
    monkeypatch.setenv("PAGER", "not-there")
    assert find_pager() is None
    monkeypatch.setenv("PAGER", "'")
    with pytest.raises(ConfigError, match="give it a command"):
        find_pager()


def test_what_cannot_be_written_says_where(tmp_path: Path) -> None:
    assert write_text("\ud800", tmp_path).read_text() == "\\ud800"
    with pytest.raises(ConfigError, match="cannot write into"):
        write_text("x", tmp_path / "not there")


async def test_no_color_stays_for_what_runs_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = RunApp(Session(tmp_path))
    async with app.run_test(size=(80, 24)):
        assert os.environ["NO_COLOR"] == "1"
        assert app.theme == "mono"


async def test_with_reduced_motion_nothing_moves(tmp_path: Path) -> None:
    app = RunApp(Session(tmp_path), reduced_motion=True)
    async with app.run_test(size=(80, 24)):
        assert app.animation_level == "none"
        assert not app.screen.query_one("#prompt").cursor_blink  # type: ignore[attr-defined]


def test_every_screen_names_its_keys() -> None:
    for screen, bindings in RunApp.bindings_by_screen().items():
        names = [it.id for it in bindings]  # type: ignore[union-attr]
        assert None not in names, screen
        assert len(names) == len(set(names)), f"two keys of {screen} have one name"
    assert RunApp.bindings_by_screen().keys() >= SCREENS.keys()
