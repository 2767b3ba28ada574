"""However long a reply or a trace is, little of it is read, laid out and mounted."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static, Tree

from tests.tui.support import until
from treeact.trace import events as ev
from treeact.trace.log import EventLog
from treeact.tui import session as sessions
from treeact.tui.app import RunApp
from treeact.tui.screens.run import TAIL
from treeact.tui.screens.trace import PAGE
from treeact.tui.session import PORTION, Session
from treeact.tui.widgets.approval import ApprovalPanel
from treeact.tui.widgets.blocks import MOST_CHARACTERS, BlockColumn, cut
from treeact.tui.widgets.long_text import LongText

sys.path.append(str(Path(__file__).parents[2] / "perf"))
from support.long_trace import called, started, write_long_trace

REPLY = 200_000


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("long") / "run"
    assert write_long_trace(directory, size=2 * PORTION) > 2 * PAGE / 3
    return directory


async def steer(order: Any) -> bool:
    return True


async def test_a_long_log_is_looked_through_in_portions(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SLICE", 0.0)  # one portion is the least that is done at once
    session = Session(long_run)
    assert session.refresh()
    last = session.index.entries[-1]
    assert PORTION <= last.offset + last.size < PORTION + 10_000
    assert session.index.unread >= PORTION / 2
    assert session.index.read == 0, "an event was read whole"
    while session.index.unread:
        assert session.refresh()
    assert not session.refresh()
    assert session.index.read == 0
    assert session.behind == len(session.index.entries)


async def test_of_a_long_trace_a_page_has_lines_and_an_event_is_read_when_looked_at(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SLICE", 0.0)
    app = RunApp(Session(long_run), first="trace")
    async with app.run_test(size=(100, 30)) as pilot:
        tree = app.screen.query_one(Tree)
        index = app.session.index
        await until(pilot, lambda: len(tree.root.children) == 1 and not index.unread)
        await pilot.pause()
        (run,) = tree.root.children
        assert len(run.children) == PAGE
        assert not any(step.children for step in run.children)
        assert index.read == 0
        await pilot.press("j", "j", "l", "j")
        await until(pilot, lambda: index.read > 0)
        assert index.read <= 4


def streaming(directory: Path) -> tuple[EventLog, RunApp]:
    log = EventLog(directory)
    log.emit(started())
    return log, RunApp(Session(directory, steer))


async def test_a_reply_that_streams_mounts_nothing_and_is_kept_at_its_end(tmp_path: Path) -> None:
    log, app = streaming(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.view.blocks)
        await pilot.pause()
        mounted = len(app.screen.query("*"))
        for _ in range(REPLY // 20):
            log.stream("run/step-1/propose", "twenty characters x ")
        log.stream("run/step-1/propose", "the end")
        log.close()  # what is pending is written
        live = app.screen.query_one("#live", Static)
        await until(pilot, lambda: str(live.content).endswith("the end"))
        assert len(str(live.content)) <= TAIL
        assert len(app.session.live.texts["run/step-1/propose"]) <= 4000
        assert len(app.screen.query("*")) == mounted


@pytest.mark.parametrize("line", ["word " * (REPLY // 5), "x = 1\n" * (REPLY // 6)])
async def test_of_a_long_reply_a_block_shows_the_beginning(tmp_path: Path, line: str) -> None:
    log, app = streaming(tmp_path)
    log.emit(called("run/step-1", log.text(line)))
    log.emit(ev.Proposed(id="run/step-1", parent="run", action="code", text=log.text(line)))
    log.close()
    async with app.run_test(size=(100, 30)) as pilot:
        column = app.screen.query_one(BlockColumn)
        await until(pilot, lambda: len(column.shown) == 2)
        await pilot.pause()
        assert column.shown[-1].size.height <= 410
        assert column.shown[-1].plain() == line, "not all can be copied"


@given(text=st.text("ab\n"), lines=st.integers(1, 5), characters=st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_a_beginning_is_within_its_bounds(text: str, lines: int, characters: int) -> None:
    shown = cut(text, lines, characters)
    assert text.startswith(shown)
    assert len(shown) <= characters
    assert shown.count("\n") < lines
    if len(text) <= characters and text.count("\n") < lines:
        assert shown == text


async def test_all_of_a_long_code_can_be_read_before_it_is_approved(tmp_path: Path) -> None:
    code = "".join(f"x_{number} = {number}\n" for number in range(5_000)) + "print('the end')"
    log, app = streaming(tmp_path)
    log.emit(ev.ApprovalRequested(id="run/step-1", what="code", text=log.text(code)))
    log.close()
    async with app.run_test(size=(100, 30)) as pilot:
        panel = app.screen.query_one(ApprovalPanel)
        await until(pilot, lambda: panel.display)
        text = panel.query_one(LongText)
        await until(pilot, lambda: text.size.height == 5_001)
        assert str(text.content) == "", "it was laid out whole"
        drawn: list[int] = []
        line = text.render_line
        text.render_line = lambda y: drawn.append(y) or line(y)  # type: ignore[assignment,func-returns-value]
        panel.query_one("#approval-body", VerticalScroll).scroll_end(animate=False)
        await until(pilot, lambda: 5_000 in drawn)
        assert text.render_line(5_000).text.startswith("print('the end')")
        assert len(set(drawn)) <= 30


class OneText(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield LongText(id="text")

    def on_mount(self) -> None:
        self.query_one(LongText).show(self._text, "python")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_end_of_a_code_and_the_keys_are_on_the_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    log, app = streaming(tmp_path)
    log.emit(ev.ApprovalRequested(id="run/step-1", what="code", text="x = 1\n" * 60))
    log.close()
    async with app.run_test(size=size) as pilot:
        panel = app.screen.query_one(ApprovalPanel)
        await until(pilot, lambda: panel.display)
        panel._since = 0.0
        panel.instruct()
        await pilot.pause()
        for name in ("#approval-head", "#approval-body", "#approval-edit", "#approval-keys"):
            part = panel.query_one(name)
            assert part.size.height
            assert part.region in panel.content_region, f"{name} is cut off"
        assert panel.region in app.screen.region


@pytest.mark.parametrize("times", [1, MOST_CHARACTERS])
async def test_a_text_cannot_steer_the_terminal_however_long(times: int) -> None:
    app = OneText("\x1b[2J日本[bold]\t" * times)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        text = app.query_one(LongText)
        line = text.render_line(0)
        assert "\x1b" not in line.text
        assert line.text.startswith("\\x1b[2J日本[bold]")
        assert line.cell_length <= text.size.width


@given(st.text("ab \n日\t"))
@settings(max_examples=50, deadline=None)
def test_lines_fill_the_width_and_lose_nothing(text: str) -> None:
    shown = LongText(id="text")
    shown._text = text
    lines = shown._lines(10)
    assert all(cell_len(line) <= 10 for line in lines)
    assert "".join(lines) == text.expandtabs(4).replace("\n", "")
