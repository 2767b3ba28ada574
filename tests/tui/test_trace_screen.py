"""The trace browser: the line of steps, choosing events, comparing runs, damaged files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, OptionList, Static

from tests.agents.support import agent, answer, code
from tests.trace.test_repair import damage
from tests.tui.support import until
from tests.tui.test_app import notices
from treeact.errors import ConfigError
from treeact.planners.export import Row, read_trees, rows
from treeact.trace import events as ev
from treeact.trace.index import Entry, TraceIndex
from treeact.tui.app import RunApp
from treeact.tui.screens.compare_runs import CompareRunsScreen
from treeact.tui.screens.trace import TraceScreen
from treeact.tui.session import Session
from treeact.tui.views.compare import _merged, compare, find_other, other_runs, read_rows
from treeact.tui.views.filter import Filter, read_filter
from treeact.tui.views.timeline import Timeline, step_of
from treeact.tui.widgets.event_tree import EventTree


def entry(number: int, id: str, time: float, *, failed: bool = False) -> Entry:
    return Entry(number, number + 1, 0, 0, "noticed", id, None, time, failed)


def called(id: str, tokens: int) -> ev.ModelCalled:
    return ev.ModelCalled(
        id=id, role="agent", phase="act", model="m", author="model", prompt=ev.Prompt(),
        replies=(), finish_reasons=(), input_tokens=tokens, output_tokens=0, cost=None, latency=0.0,
    )  # fmt: skip


def timeline() -> Timeline:
    line = Timeline()
    noticed = ev.Noticed(id="run", text="")
    line.take(entry(0, "run", 0.0), noticed)
    for number, (seconds, tokens) in enumerate([(1.0, 800), (8.0, 100), (2.0, 0)], start=1):
        id, began = f"run/step-{number}", 10.0 * number
        line.take(entry(0, f"{id}/propose", began), called(f"{id}/propose", tokens))
        line.take(entry(0, id, began + seconds, failed=number == 3), noticed)
    return line


def test_cells_are_as_high_as_steps_are_long_or_dear() -> None:
    line = timeline()
    assert "".join(cell.sign for cell in line.cells("time", width=80)) == "▂█!"
    assert "".join(cell.sign for cell in line.cells("tokens", width=80)) == "█▂!"
    assert [cell.steps for cell in line.cells("time", width=2)] == [
        ("run/step-1", "run/step-2"), ("run/step-3",),
    ]  # fmt: skip
    assert line.tokens("run/step-1") == 800
    assert line.tokens("run") == line.tokens("nothing") == 0
    assert Timeline().cells("time", width=80) == []


@pytest.mark.parametrize(
    ("id", "step"),
    [
        ("run/2.1/propose", "run/2.1"),
        ("run/root/propose", "run/root"),
        ("run/from-3/2.1", "run/from-3/2.1"),
        ("run/step-12/call-1/look", "run/step-12"),
        ("suite/task/step-1", "suite/task/step-1"),
        ("run", None),
        ("run/sandbox", None),
        ("run/answer", None),
    ],
)
def test_what_step_an_event_belongs_to(id: str, step: str | None) -> None:
    assert step_of(id) == step


def step(id: str, text: str, output: str = "", answer: str | None = None) -> list[ev.Event]:
    events: list[ev.Event] = [ev.Proposed(id=id, action="code", text=text)]
    events.append(ev.Observed(id=id, text=output, ok=True))
    if answer is not None:
        events.append(ev.Answered(id=id, answer=answer))
    return events


def nodes(*events: ev.Event, root: str = "run") -> list[Row]:
    started = ev.RunStarted(id=root, question="?", agent="a", model="m", planner="p", sandbox="s")
    return rows(*read_trees([started, *events]))


def test_two_runs_are_alike_up_to_where_they_part() -> None:
    one = nodes(*step("run/step-1", "a", "1"), *step("run/step-2", "b", "2"),
                *step("run/step-3", "c", "3", answer="3"))  # fmt: skip
    other = nodes(*step("t/step-1", "a", "1"), *step("t/step-2", "b", "!"),
                  *step("t/step-3", "c", "3"), *step("t/step-4", "d", "4", answer="4"),
                  root="t")  # fmt: skip
    found = compare(one, other)
    assert [(pair.id, pair.sign) for pair in found.pairs] == [
        ("step-1", "="), ("step-2", "≠"), ("step-3", "≠"), ("step-4", ">"),
    ]  # fmt: skip
    assert [pair.differs for pair in found.pairs] == [
        (), ("output",), ("answer",), ("step",),
    ]  # fmt: skip
    assert found.first == 1
    assert found.summary == (
        "1 of 4 steps alike · they part at step-2 (output) · answers '3' and '4'"
    )
    same = compare(one, one)
    assert (same.first, same.summary) == (None, "3 of 3 steps alike · same answer '3'")
    assert [pair.sign for pair in compare(one, []).pairs] == ["<"] * 3


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_merging_loses_and_doubles_nothing_and_keeps_the_first_order(
    one: list[int], other: list[int]
) -> None:
    here, there = [*map(str, one)], [*map(str, other)]
    merged = list(_merged(here, there))
    assert len(merged) == len(set(merged))
    assert set(merged) == {*here, *there}
    assert [id for id in merged if id in here] == here
    assert [id for id in merged if id not in here] == [id for id in there if id not in here]


async def run(directory: Path, replies: list[Any], question: str = "What is it?") -> Path:
    await agent(replies).run(question, trace=directory)
    return directory


async def test_runs_of_the_same_task_are_found_beside_each_other(tmp_path: Path) -> None:
    one = await run(tmp_path / "one", [answer("1")])
    two = await run(tmp_path / "two", [answer("2")])
    await run(tmp_path / "three", [answer("3")], "Something else?")
    assert other_runs(one) == ["two"]
    assert find_other("two", one) == two
    assert find_other(str(two), one) == two
    for name, words in (("one", "is shown"), ("zzz", "no run named")):
        with pytest.raises(ConfigError, match=words):
            find_other(name, one)
    assert compare(read_rows(one), read_rows(two)).answers == ("1", "2")


def test_a_filter_is_types_status_and_words(tmp_path: Path) -> None:
    types = {"tool_called", "code_run"}
    assert read_filter("  ", types) is None
    assert read_filter("code_run failed Some csv", types) == Filter(
        types=frozenset({"code_run"}), failed=True, words=("Some", "csv")
    )


async def test_only_where_words_are_wanted_lines_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(tmp_path / "r", [code("1 / 0"), answer("1")])
    index = TraceIndex(tmp_path / "r")
    entries = list(index.refresh())
    found = Filter(words=("ZERODIVISION",), failed=True).chooses(index, entries)
    assert {it.type for it in found} >= {"code_run"}
    assert all(it.failed for it in found)
    monkeypatch.setattr(TraceIndex, "raw", None)
    chosen = Filter(types=frozenset({"observed"})).chooses(index, entries)
    assert {it.type for it in chosen} == {"observed"}


async def test_steps_are_gone_through_and_shown_on_a_line(tmp_path: Path) -> None:
    await run(tmp_path / "r", [code("print(1)"), code("1 / 0"), answer("1")])
    app = RunApp(Session(tmp_path / "r"), first="trace")
    async with app.run_test(size=(120, 36)) as pilot:
        tree, line = app.screen.query_one(EventTree), app.screen.query_one("#timeline", Static)
        await until(pilot, lambda: tree.root.children and len(tree.root.children[0].children) > 3)
        assert "!" in str(line.content)
        labels = [str(child.label) for child in tree.root.children[0].children]
        assert any("step-1" in label and " tok" in label for label in labels)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "run/step-2" in str(line.content))
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "run/step-3" in str(line.content))
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        await until(pilot, lambda: "run/step-1" in str(line.content))
        await pilot.press("t")
        await until(pilot, lambda: str(line.content).startswith("tokens"))


async def test_events_are_chosen_and_all_come_back(tmp_path: Path) -> None:
    await run(tmp_path / "r", [code("print(1)"), code("1 / 0"), answer("1")])
    app = RunApp(Session(tmp_path / "r"), first="trace")
    async with app.run_test(size=(120, 36)) as pilot:
        tree = app.screen.query_one(EventTree)
        await until(pilot, lambda: tree.root.children)
        await pilot.press("f", *"failed", "enter")
        await until(pilot, lambda: tree.flat)
        assert all(child.data and child.data.failed for child in tree.root.children)
        assert " of " in notices(app)
        await pilot.press("exclamation_mark", "f")
        await until(pilot, lambda: app.screen.query("#line"))
        assert app.screen.query_one("#line", Input).value == "failed"
        app.screen.query_one("#line", Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: not tree.flat and len(tree.root.children) == 1)


async def test_a_run_is_set_beside_another(tmp_path: Path) -> None:
    await run(tmp_path / "one", [code("print(1)"), answer("1")])
    await run(tmp_path / "two", [code("print(1)"), code("print(2)"), answer("2")])
    app = RunApp(Session(tmp_path / "one"), first="trace")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("d", *"none", "enter")
        fault = lambda: app.screen.query_one("#line-fault", Static)  # noqa: E731
        await until(pilot, lambda: "no run named" in str(fault().content))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, CompareRunsScreen))
        steps = app.screen.query_one(OptionList)
        await until(pilot, lambda: steps.highlighted == 1)
        one, other = (app.screen.query_one(f"#compare-{it}", Static) for it in ("one", "other"))
        await until(pilot, lambda: "print(2)" in str(other.content))
        assert str(one.content).startswith("one\n")
        await pilot.press("exclamation_mark")
        assert steps.highlighted == 2
        await pilot.press("k", "k", "j", "escape")
        await until(pilot, lambda: isinstance(app.screen, TraceScreen))


async def test_a_damaged_trace_says_where_and_is_repaired(tmp_path: Path) -> None:
    await run(tmp_path / "r", [code("print(1)"), answer("1")])
    damage(tmp_path / "r", 4)
    app = RunApp(Session(tmp_path / "r"), first="trace")
    async with app.run_test(size=(120, 36)) as pilot:
        banner = app.screen.query_one("#banner", Static)
        await until(pilot, lambda: "line 4" in str(banner.content))
        assert "w writes a repaired copy" in str(banner.content)
        await pilot.press("w")
        await until(pilot, lambda: "r-repaired" in notices(app))
    session = Session(tmp_path / "r-repaired")
    session.refresh()
    assert not session.damage
    assert session.view.answer == "1"


async def test_what_is_no_step_is_not_gone_on_from(tmp_path: Path) -> None:
    await run(tmp_path / "r", [code("print(1)"), answer("1")])
    asked: list[str] = []
    app = RunApp(
        Session(tmp_path / "r"),
        first="trace",
        go_on=lambda session, node, model: asked.append(node) or session,  # type: ignore[func-returns-value]
    )
    async with app.run_test(size=(120, 36)) as pilot:
        tree = app.screen.query_one(EventTree)
        await until(pilot, lambda: tree.root.children)
        await pilot.press("0", "g")
        await until(pilot, lambda: "no step" in notices(app))
        await pilot.press("slash", *"print", "enter")
        await until(pilot, lambda: tree.here > 0)
        await pilot.pause(0.1)
        await pilot.press("g")
        await until(pilot, lambda: asked == ["run/step-1"])
