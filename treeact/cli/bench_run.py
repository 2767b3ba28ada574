"""`treeact bench`: running a suite, and looking at what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.benchmarks.results import Results, count_states, read_results
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import MANIFEST_FILE, BenchDirectory, manifest_summary
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.runner.executor import MakeExecutor
from treeact.benchmarks.suites import describe_suites, load_suite
from treeact.cli import EXIT_CANCELLED, EXIT_NO_ANSWER
from treeact.cli.bench_display import bench_display
from treeact.cli.run import on_interrupt
from treeact.cli.screens import can_show_screens
from treeact.cli.spans import exporting_tasks
from treeact.models.prices import PriceList
from treeact.trace.events import Event

if TYPE_CHECKING:
    from treeact.models.base import Model


def run_bench(
    config: BenchConfig,
    settings: RunSettings,
    *,
    model: Callable[[], Model] | None,
    out: Path,
    display: str,
    executor: str,
    otlp: str | None = None,
    otlp_content: bool = False,
    look: Mapping[str, Any] | None = None,
) -> int:
    """Run a suite and return the exit status: 0 where every job is done, however it went."""
    if display == "tui" and not can_show_screens():
        sys.stderr.write("treeact: no terminal for screens: showing plain lines\n")
        display = "plain"

    async def run() -> int:
        on_screen = display == "tui"
        async with exporting_tasks(otlp, out, content=otlp_content, on_screen=on_screen) as export:
            return await _run_bench(
                config, settings, model, out, display, executor, export, look or {}
            )

    return asyncio.run(run())


async def _run_bench(
    config: BenchConfig,
    settings: RunSettings,
    model: Callable[[], Model] | None,
    directory: Path,
    display: str,
    executor: str,
    export: Callable[[Event], None],
    look: Mapping[str, Any],
) -> int:
    suite = load_suite(config.suite, data=config.data, split=config.split)
    for fault in suite.faults:
        sys.stderr.write(f"treeact: left out: {fault}\n")
    if suite.world is not None:
        config = config.model_copy(update={"agent": "plan"})  # no other works in a world
    stop = _Stop()

    async def run(**steering: Any) -> Results:
        return await run_benchmark(
            config,
            directory,
            settings,
            suite=suite,
            model=None if model is None else model(),  # each run closes its own
            executor=find_executor(executor),
            **steering,
        )

    with on_interrupt(stop.hit):
        if display == "tui":
            from treeact.cli.bench_screen import bench_on_screen

            results = await bench_on_screen(
                partial(run, listen=export), directory, suite, stop.event, look
            )
        else:
            with bench_display(display) as shown:
                results = await run(listen=_both(shown.show, export), stop=stop.event)
    if display in ("auto", "plain", "tui"):
        print_summary(results)
    if stop.event.is_set():
        return EXIT_CANCELLED
    return 0 if all(row.over for row in results.rows) else EXIT_NO_ANSWER


def _both(
    show: Callable[[Event], None], export: Callable[[Event], None]
) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        show(event)
        export(event)

    return listen


class _Stop:
    """Ctrl-C: once ends what is in progress and writes it down, twice leaves at once."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def hit(self) -> None:
        if self.event.is_set():
            raise SystemExit(EXIT_CANCELLED)
        sys.stderr.write("treeact: stopping; once more to leave at once. The run can go on later\n")
        self.event.set()


def print_summary(results: Results) -> None:
    """Print how the benchmark stands, in a few lines."""
    rows, manifest = results.rows, results.manifest
    states = ", ".join(f"{count} {state}" for state, count in count_states(rows).items())
    sys.stdout.write(f"{len(rows)} jobs: {states}\n")
    if results.scored:
        right = sum(row.right for row in rows)
        line = f"{right} of {len(rows)} right ({results.accuracy:.1%}), {results.answered} answered"
        sys.stdout.write(f"{line}, scorer {results.scorer}\n")
        if faulty := [row for row in rows if row.scoring_error]:
            first = f"{faulty[0].task}: {faulty[0].scoring_error}"
            sys.stdout.write(f"{len(faulty)} rows could not be scored: {first}\n")
    else:
        sys.stdout.write("not scored: the truths of this split are placeholders\n")
    if of_what := manifest.config.simulated:
        sys.stdout.write(f"from {of_what}: not a model's score\n")
    total = results.total
    sys.stdout.write(f"{total.usage.total_tokens:,} tokens, cost {total.price}\n")
    sys.stdout.write(f"directory: {results.directory}\n")


def show_status(directory: Path, *, prices: Path | None, as_json: bool) -> None:
    """Print how a benchmark stands, running or not."""
    results = read_results(directory, prices=price_list(prices))
    if not as_json:
        print_summary(results)
        return
    row = {
        **manifest_summary(results.manifest),
        "states": dict(count_states(results.rows)),
        "jobs": len(results.rows),
        "right": sum(row.right for row in results.rows) if results.scored else None,
        "answered": results.answered,
        "tokens": results.total.usage.total_tokens,
        "cost": results.total.cost,
        "unpriced": results.total.unpriced,
        "scorer": results.scorer,
        "simulated": results.manifest.config.simulated or None,
    }
    sys.stdout.write(json.dumps(row) + "\n")


def price_list(path: Path | None) -> PriceList | None:
    """Return the prices in a file, or None where none is named.

    Raises:
        ConfigError: it cannot be used.
    """
    return None if path is None else PriceList.load(path)


def rescore(directory: Path) -> None:
    """Score all stored answers anew, and note with which scorer."""
    results = read_results(directory)
    home, manifest = BenchDirectory(directory), results.manifest
    if manifest.scorer != results.scorer:
        sys.stdout.write(f"scorer {manifest.scorer} becomes {results.scorer}\n")
        home.write(manifest.model_copy(update={"scorer": results.scorer}))
    print_summary(results)


def list_benches(folder: Path | None, *, as_json: bool) -> None:
    """Print the suites, or the benchmarks in a folder."""
    if folder is None:
        for name, words in describe_suites().items():
            sys.stdout.write(
                json.dumps({"suite": name, "about": words}) + "\n"
                if as_json
                else f"{name:<12} {words}\n"
            )
        return
    for path in sorted(folder.glob(f"*/{MANIFEST_FILE}")):
        manifest = BenchDirectory(path.parent).read()
        assert manifest is not None
        row = {"directory": str(path.parent), **manifest_summary(manifest)}
        words = "  ".join(str(value) for value in row.values() if value is not None)
        sys.stdout.write((json.dumps(row) if as_json else words) + "\n")


def submit(
    directory: Path, out: Path, *, epoch: int, fill_missing: str | None, traces: bool
) -> None:
    """Write the file that is handed in, and say what was filled in and what may cost points."""
    from treeact.benchmarks.reports.submission import make_submission, write_submission

    results = read_results(directory)
    config = results.manifest.config
    suite = load_suite(config.suite, data=config.data, split=config.split)
    made = make_submission(results, suite, epoch=epoch, fill_missing=fill_missing, traces=traces)
    write_submission(made, out)
    filled = f", {len(made.filled)} of them filled in" if made.filled else ""
    sys.stdout.write(f"{len(made.lines)} answers{filled}: {out}\n")
    for warning in made.warnings:
        sys.stderr.write(f"treeact: {warning}\n")


EXECUTORS = {
    "local": "treeact.benchmarks.runner.executor:LocalExecutor",
    "ray": "treeact.benchmarks.runner.cluster:RayExecutor",
}


def find_executor(spec: str) -> MakeExecutor:
    """Return where jobs are worked on, by name and settings, such as `ray:address=auto,workers=8`.

    Raises:
        ConfigError: there is no such executor or setting.
    """
    from treeact.agents.registry import look_up, read_settings

    name, _, settings = spec.partition(":")
    if name not in EXECUTORS:
        name, settings = spec, ""  # perhaps `package.module:Class`
    made = look_up(name, EXECUTORS, "executor")
    known = signature(made).parameters.values()
    defaults = {it.name: it.default for it in known if it.default is not it.empty}
    return partial(made, **read_settings(f"executor {name!r}", defaults, settings))
