"""Every key of the dashboard does what it says, on benchmarks that are over and that run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import DataTable, Input, Static

from tests.benchmarks.reports.made import make_run, write_data
from tests.benchmarks.runner.test_driver import CONFIG, SUITE, answer, right, run, told
from treeact import ScriptedModel
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.errors import ConfigError, ModelError
from treeact.trace.events import Noticed, TaskEnded
from treeact.tui.bench_app import BenchApp
from treeact.tui.bench_session import BenchSession
from treeact.tui.live_bench import LiveBench
from treeact.tui.screens import bench as bench_screen
from treeact.tui.screens.asking import LineScreen, YesScreen
from treeact.tui.screens.base import CommonScreen
from treeact.tui.screens.bench import BenchScreen
from treeact.tui.screens.compare import CompareScreen
from treeact.tui.screens.run import RunScreen
from treeact.tui.screens.trace import TraceScreen

WRONG = {"toy-2", "toy-3"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_screen, "REFRESH", 0.02)


def text(app: BenchApp, id: str) -> str:
    return str(app.screen.query_one(f"#{id}", Static).content)


def names(app: BenchApp) -> list[str]:
    table: DataTable[Any] = app.screen.query_one("#bench-table", DataTable)
    return [str(table.get_row_at(row)[0]).removeprefix("toy-") for row in range(table.row_count)]


async def until(pilot: Pilot[None], holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.02)


@asynccontextmanager
async def shown(
    directory: Path, live: LiveBench | None = None, *, size: tuple[int, int] = (120, 30)
) -> AsyncIterator[tuple[BenchApp, Pilot[None]]]:
    app = BenchApp(BenchSession(directory, suite=SUITE), live)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


def some_wrong(task: str) -> Any:
    return answer("no") if task in WRONG else right(task)


async def test_rows_are_filtered_sorted_searched_and_hidden(tmp_path: Path) -> None:
    await run(tmp_path, some_wrong)
    async with shown(tmp_path) as (app, pilot):
        await until(pilot, lambda: text(app, "status").startswith("6/6 done · 4 right"))
        assert names(app) == [*"012345"]
        await pilot.press("f")
        await until(pilot, lambda: "only failed" in text(app, "bench-remarks"))
        assert names(app) == []
        await pilot.press("f")
        assert names(app) == ["2", "3"]
        await pilot.press("j", "k", "k", "j")
        assert "At the cursor\ntoy-3" in text(app, "bench-text")
        assert "truth: 3" in text(app, "bench-text")
        await pilot.press("y")
        assert "truth: 3" in app.clipboard
        await pilot.press("b")
        assert "score hidden" in text(app, "status")
        assert "truth" not in text(app, "bench-text")
        assert names(app) == [*"012345"], "which are wrong is hidden, too"
        await pilot.press("b", "f", "f", "s", "s")
        assert names(app)[:2] == ["2", "3"]
        await pilot.press("slash", "5", "enter")
        await until(pilot, lambda: "At the cursor\ntoy-5" in text(app, "bench-text"))
        await pilot.press("slash", "y", "enter", "n")
        await until(pilot, lambda: "At the cursor\ntoy-3" in text(app, "bench-text"))
        await pilot.press("N")
        await until(pilot, lambda: "At the cursor\ntoy-2" in text(app, "bench-text"))


async def test_traces_are_opened_and_left(tmp_path: Path) -> None:
    await run(tmp_path, settings=RunSettings())
    async with shown(tmp_path) as (app, pilot):
        await until(pilot, lambda: text(app, "status").startswith("6/6"))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, TraceScreen))
        assert app.session.directory.name == "toy-1.1"
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, TraceScreen))
        assert app.session.directory.name == "toy-2.1"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        assert "At the cursor\ntoy-2" in text(app, "bench-text"), "the cursor stays"


async def test_it_is_compared_and_reported(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.jsonl")
    make_run(tmp_path / "other", data, {f"t-{n}": [str(n)] for n in range(1, 5)})
    made = make_run(tmp_path / "mine", data, {f"t-{n}": [str(n)] for n in range(1, 10)})
    app = BenchApp(BenchSession(made))
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: text(app, "status").startswith("9/12 done"))
        await pilot.press("equals_sign")
        assert app.screen.query_one(Input).value == f"{tmp_path}/"
        await pilot.press("x", "enter")  # there is no such directory
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        await pilot.press("equals_sign")
        app.screen.query_one(Input).value += "other"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("y")
        cells = [line.split("│")[1:-1] for line in app.clipboard.splitlines() if "│" in line]
        square = [[cell.strip() for cell in row[1:]] for row in cells if "right in" in row[0]]
        assert square == [["4", "0"], ["5", "3"]]
        assert "0.062" in app.clipboard, "5 against 0 come to p = 1/16"
        assert "3 jobs are not done" in text(app, "compare-notes")
        await pilot.press("escape", "b", "equals_sign")
        assert isinstance(app.screen, BenchScreen), "a comparison would tell what is hidden"
        await pilot.press("w")
        assert isinstance(app.screen, LineScreen)
        await pilot.press("escape", "w", "enter")
        await until(pilot, (made / "report.html").exists)


async def test_names_that_look_like_markup_and_data_that_is_gone_are_told_of(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "[bold" / "[/]"
    folder.mkdir(parents=True)
    data = write_data(folder / "data.jsonl", tasks=2)
    made = make_run(folder / "mine", data, {"t-1": ["1"]})
    data.unlink()
    app = BenchApp(BenchSession(made))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: text(app, "status").startswith("1/2 done · not scored"))
        assert "! not scored: " in text(app, "bench-remarks")
        assert "jsonl: codeact" in text(app, "bench-remarks")
        await pilot.press("w", "enter", "j", "enter")
        await until(pilot, lambda: len(app._notifications) == 2)


async def test_a_narrow_screen_shows_the_table_or_the_figures(tmp_path: Path) -> None:
    await run(tmp_path, some_wrong)
    async with shown(tmp_path, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: text(app, "status").startswith("6/6"))
        table, figures = (app.screen.query_one(f"#{id}") for id in ("bench-table", "bench-figures"))
        assert (table.size.width > 70, figures.size.width) == (True, 0)
        await pilot.press("tab")
        await until(pilot, lambda: figures.size.width > 70)
        assert table.size.width == 0
        await pilot.press("tab")
        await until(pilot, lambda: table.size.width > 70)
        await pilot.resize_terminal(170, 24)
        labels = app.screen.query_one(DataTable).columns
        await until(pilot, lambda: len(labels) == 9)
        assert len(names(app)) == 6


async def test_keys_that_steer_say_why_they_do_not(tmp_path: Path) -> None:
    await run(tmp_path)
    async with shown(tmp_path) as (app, pilot):
        await until(pilot, lambda: text(app, "status").startswith("6/6"))
        for key in ("c", "p", "plus", "minus", "R"):
            await pilot.press(key)
        await pilot.pause(0.1)
        said = {it.message for it in app._notifications}
        assert said == {"this benchmark is not run here: it can only be looked at"}
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


class Gated:
    """A model that answers once the test lets it, and fails for some tasks at first."""

    def __init__(self, failing: str = "") -> None:
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self._failing = failing

    async def __call__(self, request: Any) -> Any:
        task = request.path.partition("/")[0]
        self.asked.append(task)
        await self.open.wait()
        if task == self._failing and self.asked.count(task) == 1:
            return ModelError("the server is gone")
        return right(task)


def live_bench(directory: Path, gated: Gated, *, concurrency: int = 2) -> LiveBench:
    async def start(intake: Any, stop: asyncio.Event) -> Any:
        settings = RunSettings(concurrency=concurrency)
        model = ScriptedModel(gated)
        return await run_benchmark(
            CONFIG, directory, settings, suite=SUITE, model=model, stop=stop, intake=intake
        )

    return LiveBench(start, asyncio.Event())


async def test_a_live_benchmark_is_steered(tmp_path: Path) -> None:
    gated = Gated(failing="toy-1")
    live = live_bench(tmp_path, gated)
    live.begin()
    async with shown(tmp_path, live) as (app, pilot):
        await until(pilot, lambda: "2 running" in text(app, "status"))
        assert "2 at once" in text(app, "bench-remarks")
        await pilot.press("plus")
        await until(pilot, lambda: "3 running" in text(app, "status"))
        await pilot.press("minus", "minus", "p")
        await until(pilot, lambda: text(app, "bench-remarks").startswith("paused · 1 at once"))
        await pilot.press("c")
        await until(pilot, lambda: told(tmp_path, TaskEnded))
        (ended,) = told(tmp_path, TaskEnded)
        assert (ended.task, ended.state) == ("toy-0", "cancelled")
        gated.open.set()
        await until(pilot, lambda: not live.intake.running)
        assert len(gated.asked) == 3, "while it is paused, no job is begun"
        await until(pilot, lambda: "! 1 errored, model failure" in text(app, "bench-text"))
        await pilot.press("R", "p")
        await until(pilot, lambda: text(app, "status").startswith("6/6 done"))
        await until(pilot, lambda: not live.running)
        notices = [it.text for it in told(tmp_path, Noticed)]
        assert notices[-2:] == ["2 jobs are tried again", "jobs are begun again"]
        await pilot.press("c", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert (await live.end()).accuracy == 1.0


async def test_after_its_end_what_failed_is_tried_again(tmp_path: Path) -> None:
    gated = Gated(failing="toy-4")
    gated.open.set()
    live = live_bench(tmp_path, gated)
    live.begin()
    async with shown(tmp_path, live) as (app, pilot):
        await until(pilot, lambda: not live.running and "1 errored" in text(app, "status"))
        await pilot.press("R")
        await until(pilot, lambda: text(app, "status").startswith("6/6 done"))
        await until(pilot, lambda: not live.running)


async def test_leaving_a_live_benchmark_is_asked_about_and_stops_it(tmp_path: Path) -> None:
    live = live_bench(tmp_path, Gated())
    live.begin()
    async with shown(tmp_path, live) as (app, pilot):
        await until(pilot, lambda: "2 running" in text(app, "status"))
        await pilot.press("ctrl+c", "ctrl+q")
        assert isinstance(app.screen, YesScreen)
        await pilot.press("n")
        assert isinstance(app.screen, BenchScreen)
        await pilot.press("ctrl+q", "escape")
        assert live.running
        await pilot.press("ctrl+q", "y")
        await until(pilot, lambda: not app.is_running)
    states = [row.state for row in (await live.end()).rows]
    assert states == ["cancelled", "cancelled", *["queued"] * 4]
    assert (await run(tmp_path)).accuracy == 1.0, "the same command goes on"


async def test_what_cannot_be_run_ends_the_screen(tmp_path: Path) -> None:
    async def start(intake: Any, stop: asyncio.Event) -> Any:
        raise ConfigError("there is no such agent")

    live = LiveBench(start, asyncio.Event())
    live.begin()
    async with shown(tmp_path, live) as (app, pilot):
        await until(pilot, lambda: not app.is_running)
    with pytest.raises(ConfigError, match="no such agent"):
        await live.end()


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_where_there_is_no_benchmark_the_screen_says_so(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(tmp_path / "nowhere", size=size) as (app, pilot):
        await until(pilot, lambda: "! no benchmark is in" in text(app, "status"))
        await pilot.press(*"fscjy", "enter", "tab")
        assert isinstance(app.screen, BenchScreen)


@pytest.mark.parametrize("screen", [BenchScreen, CompareScreen])
def test_a_key_means_one_thing(screen: type[Screen[None]]) -> None:
    declared: list[Any] = [
        it for cls in (screen, CommonScreen, BenchApp) for it in vars(cls)["BINDINGS"]
    ]
    keys = [key for binding in declared for key in binding.key.split(",")]
    assert len(keys) - len(set(keys)) == (screen is CompareScreen), "escape leaves either way"
    assert all(binding.description for binding in declared)


async def test_every_key_is_in_the_help_and_the_palette(tmp_path: Path) -> None:
    await run(tmp_path)
    async with shown(tmp_path) as (app, pilot):
        await until(pilot, lambda: text(app, "status").startswith("6/6"))
        offered = {command.title for command in app.get_system_commands(app.screen)}
        declared: list[Any] = [*BenchScreen.BINDINGS, *CommonScreen.BINDINGS]
        assert {binding.description for binding in declared} - offered <= {"Trace"}
        await pilot.press("f1")
        await until(pilot, lambda: app.screen.query("HelpPanel"))
