"""What stands beside a run, and the ways out of one that stopped short."""

from pathlib import Path
from typing import Any

from textual.widgets import Static

from tests.agents.support import agent, answer, code
from tests.tui.support import until
from tests.tui.test_app import long_run, notices, searched, shown, start, waiting
from treeact import Run
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import EventLog
from treeact.tui.app import RunApp
from treeact.tui.session import Session
from treeact.tui.views.reasons import reasons
from treeact.tui.views.run import Failure, RunView
from treeact.tui.views.sides import SidesView
from treeact.tui.widgets.blocks import BlockColumn


def sides(*events: ev.Event) -> SidesView:
    view = SidesView(BlobStore(None))
    for event in events:
        view.take(event)
    return view


def ran(id: str, **options: Any) -> ev.CodeRun:
    return ev.CodeRun(id=id, outcome="ok", duration=0.1, **options)


def test_variables_are_names_that_code_bound_which_ran() -> None:
    view = sides(
        ev.Proposed(id="run/step-1", action="code", text="import os\nx, y = 1, 2\ny += 1"),
        ran("run/step-1"),
        ev.Proposed(id="run/step-2", action="code", text="def f(): pass\nx = 3"),
        ran("run/step-2"),
        ev.Proposed(id="run/step-3", action="code", text="z = 1 / 0"),
        ran("run/step-3", error="ZeroDivisionError: division by zero"),
        ev.Proposed(id="run/step-4", action="code", text="not python ("),
        ran("run/step-4"),
    )
    one, two = "run/step-1", "run/step-2"
    assert view.names() == {"os": one, "x": two, "y": one, "f": two}


def test_code_that_a_person_edited_counts_as_it_ran() -> None:
    view = sides(
        ev.Proposed(id="run/step-1", action="code", text="x = 1"),
        ev.ApprovalRequested(id="run/step-1", what="code", text="x = 1"),
        ev.CommandReceived(id="run/command", command="edit", text="w = 1"),
        ran("run/step-1"),
    )
    assert [*view.names()] == ["w"]


def test_names_of_a_node_are_not_those_that_were_proposed_below_it() -> None:
    view = sides(
        ran("run/1"),
        ev.NodeAdded(id="run/1", parent="run/root", action="code", text="a = 1"),
        ev.Proposed(id="run/1", action="code", text="b = 2"),
    )
    assert [*view.names()] == ["a"]


def test_files_say_where_they_come_from() -> None:
    blob = ev.Blob(blob="0" * 64, size=1)
    view = sides(
        ev.RunStarted(id="run", question="?", files=("a.csv",), agent="a", model="m", planner="p",
                      sandbox="s"),
        ran("run/step-1", files=("b.png",)),
        ev.ToolCalled(id="run/step-2/call-1", tool="fetch", status="done", files={"c.pdf": blob}),
    )  # fmt: skip
    assert view.lines("files") == [
        "a.csv  given",
        "b.png  by run/step-1",
        "c.pdf  by fetch, run/step-2/call-1",
    ]


def test_a_plan_is_shown_as_far_as_it_is_carried_out() -> None:
    view = sides(
        ev.PlanChecked(id="run/step-1", steps=2),
        ev.PlanStepStarted(id="run/step-1/1", text="load()"),
        ev.PlanStepStarted(id="run/step-1/2", text="count()"),
        ev.PlanStepFinished(id="run/step-1/1", ok=True, text="table = 3 rows"),
        ev.PlanStepFinished(id="run/step-1/2", ok=False, text="no column"),
        ev.Replanned(id="run/step-2", executed=1, dropped=1, added=2),
    )
    assert view.lines("plan") == [
        "checked: 2 steps", "replanned: 1 kept, 1 dropped, 2 new", "✓ load()", "✗ count()",
    ]  # fmt: skip
    switched = ev.PolicySwitched(
        id="run/step-1", left="plan", policy="code", outcome="planned", text="1. look\n2. count"
    )
    assert sides(switched).lines("plan") == ["1. look", "2. count"]
    for side in ("plan", "variables", "files"):
        assert len(sides().lines(side)) == 1  # type: ignore[arg-type]


def test_why_an_action_waits_and_what_it_does() -> None:
    view = RunView(approve="risky", tools=("send", "fetch"))
    text = "import os\nfrom csv import reader\nsend(fetch('x'))"
    assert reasons("code", text, view) == [
        "approve=risky", "imports csv, os", "calls fetch, send",
    ]  # fmt: skip
    assert reasons("call", "send('x')", view) == ["approve=risky"]
    assert reasons("code", "no python (", RunView()) == []


def test_a_failing_model_is_told_with_a_countdown() -> None:
    view = RunView()
    for number in (1, 2):
        event = ev.ModelRetried(id="run/step-1/propose", problem="busy", wait=4.0)
        view.take(event.model_copy(update={"time": 100.0 + number}))
    assert view.failure == Failure(problem="busy", attempts=2, until=106.0)
    assert view.failure.line(103.0) == "! the model failed, attempt 2: busy; again in 3 s"
    assert view.failure.line(110.0).endswith("trying again")


async def test_sides_are_gone_through_and_take_the_place_of_blocks_where_it_is_narrow(
    tmp_path: Path,
) -> None:
    app = RunApp(await searched(tmp_path / "r"))
    async with app.run_test(size=(120, 36)) as pilot:
        text = app.screen.query_one("#side-text", Static)
        await until(pilot, lambda: "no plan" in str(text.content))
        await pilot.press("tab")
        assert "held" in str(text.content)
        await pilot.press("tab")
        assert "no files" in str(text.content)
        await pilot.press("tab")
        assert "★" in str(text.content)
        await pilot.resize_terminal(80, 24)
        side, left = app.screen.query_one("#side"), app.screen.query_one("#run-left")
        await until(pilot, lambda: not side.display)
        await pilot.press("v")
        await until(pilot, lambda: side.display and not left.display)


async def test_approval_says_why_it_asks(tmp_path: Path) -> None:
    run = start(tmp_path / "r", [code("import os\nprint(1)"), answer("1")], approve="all")
    async with shown(run, keys={"run.approve": "f5"}) as (app, pilot):
        await until(pilot, lambda: waiting(app))
        head = str(app.screen.query_one("#approval-head", Static).content)
        assert "approve=all · imports os" in head
        assert str(app.screen.query_one("#approval-keys", Static).content).startswith("f5 once")
        await pilot.press("f5")
        await until(pilot, lambda: app.session.view.state == "ended")


async def test_what_came_meanwhile_is_counted(tmp_path: Path) -> None:
    session = long_run(tmp_path, 40)
    app = RunApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        column = app.screen.query_one(BlockColumn)
        await until(pilot, lambda: session.behind == 0 and column.shown)
        older, newer = (app.screen.query_one(f"#{name}", Static) for name in ("older", "newer"))
        await until(pilot, lambda: str(older.content).startswith("20 older blocks\n"))
        assert str(older.content).splitlines()[-1] == "- notice: notice 19"
        await pilot.press("k")
        log = EventLog(tmp_path, append=True)
        for number in range(3):
            log.emit(ev.Noticed(id="run", text=f"later {number}"))
        log.close()
        await until(pilot, lambda: "3 new (end)" in str(newer.content))
        await pilot.press("end")
        await until(pilot, lambda: not newer.display)


async def test_a_run_that_stopped_short_is_taken_up_from_its_record_perhaps_by_another_model(
    tmp_path: Path,
) -> None:
    await agent([code("print(1)")]).run("What is it?", trace=tmp_path / "r")
    asked: list[tuple[str, str | None]] = []
    runs: list[Run] = []

    def go_on(session: Session, node: str, model: str | None) -> Session:
        asked.append((node, model))
        replies = [answer("2")] if model else []
        again = tmp_path / f"again-{len(runs)}"
        runs.append(agent(replies).start("What is it?", trace=again, resume=session.directory))
        return Session(again)

    app = RunApp(Session(tmp_path / "r"), go_on=go_on)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.view.reason == "model failure")
        await pilot.press("R")
        await until(pilot, lambda: asked == [("", None)])
        await until(pilot, lambda: app.session.view.reason == "model failure")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query("#line"))
        await pilot.press(*"other", "enter")
        await until(pilot, lambda: app.session.view.answer == "2")
        assert asked[1:] == [("", "other")]
        assert app.session.view.step == 2
    for run in runs:
        await run.close()


async def test_what_is_only_looked_at_names_the_command(tmp_path: Path) -> None:
    await agent([code("print(1)")]).run("What is it?", trace=tmp_path / "r")
    app = RunApp(Session(tmp_path / "r"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.session.view.state == "ended")
        await pilot.press("R")
        await until(pilot, lambda: "treeact tui --resume r`" in notices(app))
