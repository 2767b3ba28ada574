"""Every key does what it says, and none does more."""

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import DataTable, OptionList, Static, TextArea, Tree
from textual.widgets._key_panel import BindingsTable

from tests.agents.support import agent, answer, code, of_type
from tests.agents.test_search import STEP_BACK, scripted
from tests.tui.support import until
from tests.tui.test_views import plans_followed
from treeact import CodeAct, Run
from treeact.agents.remote import Order, carry_out
from treeact.models.human import HumanModel
from treeact.planners import BestOfN
from treeact.trace.events import CodeRun, CommandReceived, Noticed, Observed, RunStarted
from treeact.trace.log import EventLog
from treeact.tui.app import SCREENS, RunApp
from treeact.tui.asking import Asking
from treeact.tui.screens.base import CommonScreen, RunBoundScreen
from treeact.tui.screens.run import RunScreen
from treeact.tui.session import Session
from treeact.tui.themes import THEMES
from treeact.tui.widgets import approval
from treeact.tui.widgets.approval import ApprovalPanel
from treeact.tui.widgets.blocks import WINDOW, BlockColumn
from treeact.tui.widgets.prompt import Prompt

GUARD = 0.15


@pytest.fixture(autouse=True)
def short_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "GUARD", GUARD)


@asynccontextmanager
async def shown(
    run: Run, *, size: tuple[int, int] = (110, 36), asking: Asking | None = None, **options: Any
) -> AsyncIterator[tuple[RunApp, Pilot[None]]]:
    async def steer(order: Order) -> bool:
        return carry_out(run, order)

    assert run.log.directory is not None
    app = RunApp(Session(run.log.directory, steer, asking=asking), **options)
    try:
        async with app.run_test(size=size) as pilot:
            yield app, pilot
    finally:
        await run.close()


def notices(app: RunApp) -> str:
    """Return what the app has told in notices."""
    return "\n".join(notice.message for notice in app._notifications)


def waiting(app: RunApp) -> bool:
    panel = app.screen.query_one(ApprovalPanel)
    return panel.waiting is not None and panel.open


def start(directory: Path, replies: Sequence[Any], **options: Any) -> Run:
    return agent(replies, **options).start("What is it?", trace=directory, follow_up=True)


def commands(run: Run) -> list[tuple[str, str]]:
    return [(it.command, it.text) for it in of_type([*run.log.events()], CommandReceived)]


async def test_approval_cannot_be_typed_ahead(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(approval, "GUARD", 3600.0)
    run = start(tmp_path / "r", [code("print(1)"), answer("1")], approve="all")
    async with shown(run) as (app, pilot):
        await pilot.press("a", "a", "enter", "y")
        panel = app.screen.query_one(ApprovalPanel)
        await until(pilot, lambda: panel.display)
        await pilot.press("a", "enter", "space", "s", "r", "y")
        await pilot.pause(0.2)
        assert panel.waiting is not None
        assert commands(run) == []


async def test_a_key_that_is_heard_late_counts_from_when_it_was_pressed(
    tmp_path: Path, monkeypatch: Any
) -> None:
    run = start(tmp_path / "r", [code("print(1)"), answer("1")], approve="all")
    async with shown(run) as (app, pilot):
        pressed = Key("a", "a")
        await until(pilot, lambda: waiting(app))
        app.post_message(pressed)
        await pilot.pause()
        assert commands(run) == []
        await pilot.press("a")
        await until(pilot, lambda: commands(run) == [("approve", "")])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["a"], [("approve", "")]),
        (["r"], [("reject", "")]),
        (["i", "n", "o", "ctrl+s"], [("reject", "no")]),
        (["e", "#", "ctrl+s"], [("edit", "#print(1)")]),
        (["e", "escape", "a"], [("approve", "")]),
        (["x"], [("cancel", "")]),
    ],
)
async def test_a_waiting_action_is_decided_by_keys(
    tmp_path: Path, keys: list[str], expected: list[tuple[str, str]]
) -> None:
    run = start(tmp_path / "r", [code("print(1)"), answer("1"), answer("2")], approve="all")
    async with shown(run) as (app, pilot):
        await until(pilot, lambda: waiting(app))
        await pilot.press(*keys)
        await until(pilot, lambda: app.session.view.state == "ended")
        assert commands(run) == expected


async def test_a_kind_that_was_approved_is_not_asked_about_again(tmp_path: Path) -> None:
    replies = [code("print(1)"), code("print(2)"), code("print(3)"), answer("3")]
    run = start(tmp_path / "r", replies, approve="all")
    async with shown(run) as (app, pilot):
        await until(pilot, lambda: waiting(app))
        await pilot.press("s")
        await until(pilot, lambda: app.session.view.state == "ended")
        assert commands(run) == [("approve", "")] * 3


async def test_a_run_is_interrupted_told_something_and_asked_more(tmp_path: Path) -> None:
    replies = [code("import time\ntime.sleep(60)"), answer("1"), answer("2")]
    run = start(tmp_path / "r", replies)
    async with shown(run) as (app, pilot):
        await until(pilot, lambda: app.session.view.step == 1)
        await until(pilot, lambda: any(b.kind == "code" for b in app.session.view.blocks))
        await pilot.pause(0.3)
        await pilot.press("escape")
        await until(pilot, lambda: app.session.view.state == "interrupted")
        await pilot.press(*"stop", "ctrl+j", *"now", "enter")
        await until(pilot, lambda: app.session.view.state == "ended")
        await pilot.press("p", *"more", "enter")
        await until(pilot, lambda: app.session.view.answer == "2")
        said = [text for command, text in commands(run) if command == "send"]
        assert said == ["stop\nnow", "more"]
        heard = [str(it.text) for it in of_type([*run.log.events()], Observed)]
        assert any("interrupted" in text and text.endswith("stop\nnow") for text in heard), heard


async def test_a_limit_is_changed(tmp_path: Path) -> None:
    run = start(tmp_path / "r", [code("print(1)"), answer("1")], approve="all")
    async with shown(run) as (app, pilot):
        await until(pilot, lambda: waiting(app))
        await pilot.press("u", *"steps=x", "enter")
        fault = app.screen.query_one("#limits-fault", Static)
        await until(pilot, lambda: "no number" in str(fault.content))
        await pilot.press(*(["backspace"] * 7), *"steps=7", "enter")
        await until(pilot, lambda: app.session.view.limits.get("steps") == 7)
        await pilot.press("a")
        await until(pilot, lambda: app.session.view.state == "ended")


async def test_a_person_answers_in_the_models_place_with_the_prompt_before_them(
    tmp_path: Path,
) -> None:
    asking = Asking()
    model = HumanModel(ask=asking.ask)
    run = CodeAct(model, sandbox="unsafe-local").start("What is it?", trace=tmp_path / "r")
    async with shown(run, asking=asking) as (app, pilot):
        await until(
            pilot, lambda: asking.next is not None and app.screen.query_one("#reply").display
        )
        assert "What is it?" in str(app.screen.query_one("#reply-text", Static).content)
        app.screen.query_one("#reply-edit", TextArea).text = answer("7")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.session.view.answer == "7")


async def test_a_reply_that_was_left_is_gone_back_to_and_nothing_else_is_sent_in_its_place(
    tmp_path: Path,
) -> None:
    asking = Asking()
    model = HumanModel(ask=asking.ask)
    run = CodeAct(model, sandbox="unsafe-local").start("What is it?", trace=tmp_path / "r")
    async with shown(run, asking=asking) as (app, pilot):
        reply = app.screen.query_one("#reply-edit", TextArea)
        await until(pilot, lambda: asking.next is not None and reply.has_focus)
        question = asking.next
        await pilot.press("ctrl+s")
        assert asking.next is question  # nothing was written yet
        await pilot.press("escape", "p", "7")
        assert reply.text == "7"
        prompt = app.screen.query_one(Prompt)
        prompt.focus()
        await pilot.press("h", "i", "ctrl+s")
        await until(pilot, lambda: prompt.text == "")
        assert asking.next is question
        reply.text = answer("7")
        await pilot.press("p", "ctrl+s")
        await until(pilot, lambda: asking.next is not question)


def long_run(directory: Path, events: int) -> Session:
    log = EventLog(directory)
    for number in range(events):
        log.emit(Noticed(id=f"run/step-{number}", text=f"notice {number}"))
    log.close()
    return Session(directory)


async def test_of_many_blocks_a_few_are_mounted(tmp_path: Path) -> None:
    app = RunApp(long_run(tmp_path, 300))
    async with app.run_test(size=(100, 30)) as pilot:
        column = app.screen.query_one(BlockColumn)
        await until(pilot, lambda: column.shown and column.shown[-1].block.text == "notice 299")
        assert len(column.shown) == WINDOW
        for _ in range(30):
            await pilot.press("k")
        assert len(column.shown) == WINDOW
        assert column.current is not None
        assert column.current.block.text == "notice 270"
        assert not column.following
        await pilot.press("slash", *"notice 7", "enter")
        await until(pilot, lambda: column.current and "notice 7" in str(column.current.block.text))
        await pilot.press("end")
        await until(pilot, lambda: column.following)
        assert column.shown[-1].block.text == "notice 299"


async def test_the_trace_browser_goes_where_keys_lead(tmp_path: Path) -> None:
    replies = [code("print(1)"), code("1 / 0"), answer("1")]
    await agent(replies).run("What is it?", trace=tmp_path / "r")
    app = RunApp(Session(tmp_path / "r"), first="trace")
    async with app.run_test(size=(120, 36)) as pilot:
        tree = app.screen.query_one(Tree)
        await until(
            pilot, lambda: len(tree.root.children[0].children) > 3 if tree.root.children else 0
        )
        parts = app.screen.query_one("#trace-parts", Static)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "error" in str(parts.content))
        await pilot.press("r")
        await until(pilot, lambda: "[raw]" in str(parts.content))
        await pilot.press("slash", *"What is", "enter")
        await until(pilot, lambda: "question" in str(parts.content))
        await pilot.press("0", "j", "k", "dollar_sign", "h", "l", "F", "y")
        await pilot.press("right_square_bracket", "left_square_bracket")


async def searched(directory: Path) -> Session:
    searching = CodeAct(scripted(STEP_BACK), sandbox="unsafe-local", planner=BestOfN(n=2))
    await searching.run("?", trace=directory)
    return Session(directory)


async def test_the_search_is_gone_through_in_time(tmp_path: Path) -> None:
    session = await searched(tmp_path / "r")
    app = RunApp(session, first="search")
    async with app.run_test(size=(120, 36)) as pilot:
        clock = app.screen.query_one("#search-clock", Static)
        ticks = lambda: f"clock {session.search.ticks} of" in str(clock.content)  # noqa: E731
        await until(pilot, lambda: session.search.ticks and ticks())
        lines = app.screen.query_one(OptionList)
        whole = lines.option_count
        await pilot.press(*(["comma"] * session.search.ticks))
        await until(pilot, lambda: "clock 0 of" in str(clock.content))
        assert lines.option_count < whole
        await pilot.press("full_stop")
        await until(pilot, lambda: "clock 1 of" in str(clock.content))
        await pilot.press("0", "dollar_sign", "j", "j", "k", "z", "z")
        await until(pilot, ticks)
        assert lines.option_count >= whole


async def test_a_search_is_sorted_and_gone_back_in_from_one_step_back_to_the_next(
    tmp_path: Path,
) -> None:
    log = EventLog(tmp_path)
    for event in plans_followed():
        log.emit(event)
    log.close()
    app = RunApp(Session(tmp_path), first="search")
    async with app.run_test(size=(120, 36)) as pilot:
        lines = app.screen.query_one(OptionList)
        clock, backs = (app.screen.query_one(f"#search-{it}", Static) for it in ("clock", "backs"))
        await until(pilot, lambda: "clock 4 of 4" in str(clock.content))
        assert str(backs.content) == "1. run/1.1 -> run/1: failed: locked"
        assert any("@ run/1.2" in str(option.prompt) for option in lines.options)
        await pilot.press("s")
        await until(pilot, lambda: "by f" in str(clock.content))
        await pilot.press("s", "s")
        await until(pilot, lambda: "by " not in str(clock.content))
        await pilot.press("b")
        await until(pilot, lambda: "clock 3 of 4" in str(clock.content))
        assert lines.highlighted is not None
        assert "@ run/1 " in f"{lines.get_option_at_index(lines.highlighted).prompt} "
        await pilot.press("b")
        await until(pilot, lambda: "did not step back" in notices(app))
        await pilot.press("0", "space")
        await until(pilot, lambda: "clock 4 of 4" in str(clock.content))


async def test_a_run_goes_on_from_a_node_of_the_tree(tmp_path: Path) -> None:
    session = await searched(tmp_path / "r")
    asked: list[tuple[Session, str]] = []

    def go_on(shown: Session, node: str, model: str | None) -> Session:
        asked.append((shown, node))
        return long_run(tmp_path / "next", 1)

    app = RunApp(session, first="search", go_on=go_on)
    async with app.run_test(size=(120, 36)) as pilot:
        lines = app.screen.query_one(OptionList)
        await until(pilot, lambda: lines.option_count > 2)
        await pilot.press("j", "j", "g")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        ((shown, node),) = asked
        assert shown is session
        assert node.startswith("run/")
        assert app.session.directory == tmp_path / "next"


async def test_a_kept_node_is_gone_on_from_live(tmp_path: Path) -> None:
    """The node is chosen on the screen, its way is taken again, and then the run is live."""
    session = await searched(tmp_path / "r")
    runs: list[Run] = []

    def go_on(shown: Session, node: str, model: str | None) -> Session:
        replies = [code("print(next(lines))"), answer("nine")]
        runs.append(
            agent(replies).start("?", trace=tmp_path / "next", resume=shown.directory, at=node)
        )
        return Session(tmp_path / "next")

    app = RunApp(session, first="search", go_on=go_on)
    async with app.run_test(size=(120, 36)) as pilot:
        lines = app.screen.query_one(OptionList)
        await until(pilot, lambda: lines.option_count > 2)
        await pilot.press("slash", *"id(held) == ident", "enter")
        row = lambda: app.screen.query_one("#search-node", Static)  # noqa: E731
        await until(pilot, lambda: "run/1.2 " in str(row().content))
        await pilot.press("g")
        await until(pilot, lambda: app.session.view.answer == "nine")
    (run,) = runs
    events = [*run.log.events()]
    assert of_type(events, RunStarted)[0].settings["from"]["node"] == "run/1.2"
    printed = [str(event.stdout) for event in of_type(events, CodeRun)]
    assert printed == ["0 1\n", "4 True\n", "9\n"]
    await run.close()


async def test_what_cannot_be_steered_says_so(tmp_path: Path) -> None:
    app = RunApp(await searched(tmp_path / "r"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("u", "x", "escape", "3", "g")
        await pilot.pause(0.2)
        assert isinstance(app.screen, RunBoundScreen)


@pytest.mark.parametrize(
    ("name", "size"),
    [*((name, (80, 24)) for name in SCREENS), ("run", (200, 50)), ("run", (40, 10))],
)
async def test_every_screen_shows_an_empty_run_at_any_size(
    tmp_path: Path, name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    app = RunApp(Session(tmp_path / "not there"), first=name)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: str(app.screen.query_one("#status", Static).content))
        assert "starting" in str(app.screen.query_one("#status", Static).content)


async def test_screens_are_switched_and_the_library_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    session = await searched(tmp_path / "r")
    app = RunApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        for key, name in zip("12345", SCREENS, strict=True):
            await pilot.press(key)
            await until(pilot, lambda name=name: type(app.screen) is SCREENS[name])
        table = app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 1)
        await pilot.press("slash", *"total", "enter")
        await until(pilot, lambda: table.cursor_row == table.row_count - 1)
        await pilot.press("y")
        assert "copied" in notices(app)


def bindings(screen: type[RunBoundScreen]) -> list[Any]:
    classes = [*screen.__mro__, RunApp]
    return [
        it for cls in classes for it in vars(cls).get("BINDINGS", []) if not isinstance(it, tuple)
    ]


@pytest.mark.parametrize("name", [*SCREENS])
async def test_every_key_is_in_the_help_and_the_palette_and_means_one_thing(
    tmp_path: Path, name: str
) -> None:
    screen: Any = SCREENS[name]
    own = [it for it in bindings(screen) if it.action not in ("copy_text", "help_quit")]
    keys = [key for binding in own for key in binding.key.split(",")]
    declared = [it for cls in (screen, CommonScreen, RunApp) for it in vars(cls)["BINDINGS"]]
    ours = [key for binding in declared for key in binding.key.split(",")]
    assert len(ours) == len(set(ours)), "a key means two things"
    assert {*ours} <= {*keys}
    assert all(binding.description for binding in declared)
    app = RunApp(long_run(tmp_path, 3), first=name)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.1)
        offered = {command.title for command in app.get_system_commands(app.screen)}
        active = {binding.binding.description for binding in app.screen.active_bindings.values()}
        assert {it.description for it in declared} & active <= offered
        await pilot.press("f1")
        await until(pilot, lambda: app.screen.query("HelpPanel"))
        helped = app.screen.query_one(BindingsTable).render_bindings_table()
        console = Console(width=200, file=io.StringIO())
        with console.capture() as captured:
            console.print(helped)
        told = " ".join(captured.get().split())
        assert all(it.description in told for it in declared if it.description in active)
        await pilot.press("f1")
        await until(pilot, lambda: not app.screen.query("HelpPanel"))


async def test_themes_are_changed_and_none_relies_on_colour(tmp_path: Path) -> None:
    app = RunApp(long_run(tmp_path, 3))
    async with app.run_test(size=(80, 24)) as pilot:
        seen = [app.theme]
        for _ in THEMES[1:]:
            await pilot.press("ctrl+t")
            seen.append(app.theme)
        assert seen == [theme.name for theme in THEMES]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_can_be_read_in_every_theme(theme: Any) -> None:
    for name in ("foreground", "primary", "success", "warning", "error", "accent"):
        pair = sorted((luminance(getattr(theme, name)), luminance(theme.background)))
        contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
        assert contrast >= 4.5, f"{theme.name}: {name} has {contrast:.1f}"
