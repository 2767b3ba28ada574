"""The screens of recorded runs, drawn as pictures and as text: `python -m tests.tui.pictures`.

The runs are real, with recorded replies, and for the benchmark with those of a simulated policy;
their clocks are set afterwards, so that each time gives the same.
"""

import asyncio
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from treeact import CodeAct, DynaSaur, Task
from treeact.agents.plans.agent import PlanAgent
from treeact.agents.remote import Order
from treeact.agents.run import Run
from treeact.benchmarks.environments.worlds import find_task
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.models import ReplayModel
from treeact.planners import ToolChain
from treeact.trace.events import ApprovalRequested
from treeact.trace.log import EVENTS_FILE
from treeact.tui.app import RunApp
from treeact.tui.bench_app import BenchApp
from treeact.tui.bench_session import BenchSession
from treeact.tui.screens.bench import BenchScreen
from treeact.tui.screens.library import LibraryScreen
from treeact.tui.session import Session

PICTURES = Path(__file__).parents[2] / "docs" / "screens"
TEXTS = Path(__file__).parent / "texts"
SIZES = ((120, 40), (80, 24))
SEARCHES = Path(__file__).parents[1] / "data" / "recordings" / "search"
TASKS = {sample.task.id: sample.task for sample in load_suite("mini").samples}
READING = re.compile(r"reading:? \d+ (traces|events)")
BEGAN = 1_767_225_600.0
"""When all that is shown began: on the first day of 2026."""


@dataclass(frozen=True)
class Picture:
    """A screen of a run, and the keys that lead to what it shows."""

    run: str
    screen: str
    keys: Sequence[str] = ()
    words: Sequence[str] = ()
    """What it says, whatever it looks like; the first before keys are pressed."""


PICTURED = {
    "approval": Picture("catch", "run", words=["waits for your yes", "step-2", "Approve"]),
    "trace": Picture("lamps", "trace", ["slash", *"print(", "enter"], ["step-1", "[reply]"]),
    "search": Picture("trips", "search", ["j", "j"], ["clock 8 of 8", "✗ run/1.2"]),
    "library": Picture("lamps", "library", ["s"], ["ounces_by_group", "verified"]),
    "usage": Picture("trips", "usage", words=["9,908"]),
    "start": Picture("", "start", words=["what is to be done?"]),
    "bench": Picture("bench", "bench", words=["cost $0.0000", "24/24 done", "7 right"]),
}


class Still(Session):
    """A run of which the clock stands."""

    def now(self) -> float:
        """Return the time of the last event."""
        return self.index.entries[-1].time if self.index.entries else BEGAN


async def make_runs(folder: Path) -> None:
    """Make the runs that are shown: each from its recorded replies, with clocks set afterwards."""
    catch = CodeAct(_replies("codeact", "mini-2-catch"), sandbox="unsafe-local", approve="all")
    await _until_second_yes(catch.start(TASKS["mini-2-catch"], trace=folder / "catch"))
    lamps = CodeAct(_replies("codeact", "mini-1-lamps"), sandbox="unsafe-local")
    await lamps.run(TASKS["mini-1-lamps"], trace=folder / "lamps")
    for id in ("mini-1-flour", "mini-2-catch"):
        saving = DynaSaur(
            _replies("dynasaur", id), sandbox="unsafe-local", library=folder / "library"
        )
        await saving.run(TASKS[id], trace=folder / f"saving-{id}")
    world = find_task("apis", "trips-01")
    tape = ReplayModel(SEARCHES / "trips-toolchain.jsonl")
    trips = PlanAgent(tape, world=world.world, planner=ToolChain(k=2), max_steps=100)
    await trips.run(Task(world.question), trace=folder / "trips")
    await asyncio.to_thread(_run_benchmark, folder / "bench")
    _set_clocks(folder)


def _run_benchmark(directory: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "treeact", "bench", "run", "household"]
    options = ["-a", "plan", "-m", "oracle:act=0.8", "--sample", "24", "--seed", "1", "-c", "1"]
    subprocess.run([*command, *options, "--out", directory], check=True, capture_output=True)


def _replies(agent: str, id: str) -> ReplayModel:
    return ReplayModel(recordings_folder(agent) / f"{id}.jsonl")


async def _until_second_yes(run: Run) -> None:
    """Approve what waits first, and leave the log as it is where the run waits again."""
    assert run.log.directory is not None
    log = run.log.directory / EVENTS_FILE
    asked = 0
    async for event in run.log.follow():
        if isinstance(event, ApprovalRequested):
            asked += 1
            if asked == 2:
                break
            asyncio.get_running_loop().call_later(0.1, run.approve)
    so_far = log.read_bytes()
    await run.close()
    log.write_bytes(so_far)


def _set_clocks(folder: Path) -> None:
    """Set what depends on the clock and on the machine, in all logs."""
    for log in folder.rglob(EVENTS_FILE):
        lines = [_timed(number, line) for number, line in enumerate(log.read_text().splitlines())]
        log.write_text("\n".join(lines) + "\n")


def _timed(number: int, line: str) -> str:
    event = json.loads(line)
    event["time"] = BEGAN + number * 0.7
    event |= {name: 0.2 for name in ("duration", "latency", "cpu_seconds") if name in event}
    event |= {"memory": 0} if "memory" in event else {}
    if "model" in event:
        event["model"] = event["model"].replace(str(Path(event["model"]).parent) + "/", "")
    return json.dumps(event, separators=(",", ":"))


@asynccontextmanager
async def shown(
    folder: Path, name: str, size: tuple[int, int]
) -> AsyncIterator[tuple[App[None], Pilot[None]]]:
    """Show a screen as it is pictured."""
    pictured = PICTURED[name]
    app: App[None] = (
        BenchApp(BenchSession(folder / "bench"))
        if pictured.screen == "bench"
        else run_app(folder, pictured)
    )
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot, until=pictured.words[0])
        for key in pictured.keys:
            await pilot.press(key)
            await pilot.pause()
        await settled(app, pilot)
        yield app, pilot


def run_app(folder: Path, pictured: Picture) -> RunApp:
    """Return the screens of a run, of which the clock stands."""

    async def steer(order: Order) -> bool:
        return True

    if not pictured.run:
        return RunApp(lambda question: Still(folder / "lamps", steer), reduced_motion=True)
    session = Still(folder / pictured.run, steer)
    app = RunApp(session, first=pictured.screen, reduced_motion=True)
    app._made["library"] = LibraryScreen(session, folder / "library")
    return app


async def settled(app: App[None], pilot: Pilot[None], *, until: str = "") -> None:
    """Wait until a screen says something, has read all, and stays as it is."""
    before, now = "", text_of(app)
    async with asyncio.timeout(30):
        while now != before or until not in now or _reads(app, now) or not _has_keys(app):
            await pilot.pause(0.1)
            before, now = now, text_of(app)


def _reads(app: App[None], text: str) -> bool:
    """Return whether more is still to be read, and so to be shown."""
    some = isinstance(app.screen, BenchScreen) and "…" in text
    return some or READING.search(text) is not None


def _has_keys(app: App[None]) -> bool:
    return bool(app.screen.query(FooterKey))  # the footer comes last


def text_of(app: App[None]) -> str:
    """Return a screen as text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text.rstrip() for line in lines) + "\n"


def picture_of(app: App[None]) -> str:
    """Return a screen as SVG, which fetches no fonts."""
    svg = app.export_screenshot(title="treeact")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def made_with() -> str:
    """Return what a drawing depends on besides our own code."""
    return "".join(f"{name} {importlib.metadata.version(name)}\n" for name in ("rich", "textual"))


async def main() -> None:
    for folder in (PICTURES, TEXTS):
        folder.mkdir(exist_ok=True)
    (TEXTS / "made-with").write_text(made_with())
    with tempfile.TemporaryDirectory() as folder:
        await make_runs(Path(folder))
        for name in PICTURED:
            for columns, lines in SIZES:
                async with shown(Path(folder), name, (columns, lines)) as (app, _):
                    (TEXTS / f"{name}-{columns}x{lines}").write_text(text_of(app))
                    if (columns, lines) == SIZES[0]:
                        (PICTURES / f"{name}.svg").write_text(picture_of(app))


if __name__ == "__main__":
    asyncio.run(main())
