"""The commands that show screens: for a run that starts, one elsewhere, and one that is over."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.benchmarks.runner.directory import is_benchmark
from treeact.cli import EXIT_CANCELLED
from treeact.cli.record import Record, find_record
from treeact.cli.run import RunOptions, choose_model, choose_question, exit_status, start_run
from treeact.cli.sandbox import prepare_sandbox
from treeact.cli.spans import Follow, exporting
from treeact.cli.tools import open_tools
from treeact.errors import ConfigError
from treeact.printable import printable
from treeact.trace.redact import Redactor
from treeact.trace.runs import find_run

if TYPE_CHECKING:
    from treeact.agents.remote import Order
    from treeact.agents.run import Run
    from treeact.cli.config.loading import Loaded
    from treeact.models.base import Model
    from treeact.tools import Tool
    from treeact.tui.asking import Asking
    from treeact.tui.session import Session


def look_of(settings: Loaded) -> dict[str, Any]:
    """Return what the settings say of screens, as `RunApp` takes it."""
    return {
        "theme": settings.value("tui.theme").value,
        "reduced_motion": bool(settings.value("tui.reduced_motion")),
        "keys": settings.value("tui.keys"),
    }


def can_show_screens() -> bool:
    """Return whether there is a terminal that screens can be shown in."""
    terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    return terminal and os.environ.get("TERM") != "dumb"


def need_terminal() -> None:
    """Check that screens can be shown.

    Raises:
        ConfigError: they cannot.
    """
    if not can_show_screens():
        raise ConfigError(
            "screens need a terminal, and this is none: `treeact run` and `treeact trace show` "
            "print plain lines"
        )


def run_on_screen(options: RunOptions) -> int:
    """Start a run, show it, and return the exit status."""
    return asyncio.run(_run_on_screen(options))


async def _run_on_screen(options: RunOptions) -> int:
    from treeact.tui.app import RunApp
    from treeact.tui.asking import Asking

    RunApp.check_keys(options.look.get("keys", {}))
    record = find_record(options.record_options, runs=options.runs)
    question = None
    if options.question is not None or record is not None:
        question = choose_question(options.question, record)
    asking = Asking()
    model = await _model(options, record, asking)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(model.aclose)
        kind = await prepare_sandbox(options.sandbox)
        tools = await stack.enter_async_context(open_tools(options.tools))
        exports = exporting(options.otlp, content=options.otlp_content, on_screen=True)
        follow = await stack.enter_async_context(exports)
        runs = _Runs(options, model, kind, tools, asking, stack, follow)
        first: Session | Callable[[str], Session] = (
            runs.start if question is None else runs.start(question, record)
        )
        about = f"{options.agent} with {model.name}, in sandbox {kind}"
        app = RunApp(first, about=about, go_on=runs.go_on, **options.look)
        await app.run_async()
        return await runs.end()


async def _model(options: RunOptions, record: Record | None, asking: Asking) -> Model:
    if options.model.name != "human":
        return await choose_model(options, record)
    from treeact.models.human import HumanModel
    from treeact.models.recording import RecordingModel

    model = HumanModel(ask=asking.ask)
    return model if options.record is None else RecordingModel(model, options.record)


class _Runs:
    """The runs of one visit to the screens: the first, and those that go on from its nodes."""

    def __init__(
        self,
        options: RunOptions,
        model: Model,
        sandbox: str,
        tools: Sequence[Tool],
        asking: Asking,
        stack: AsyncExitStack,
        follow: Follow,
    ) -> None:
        self._options = options
        self._model = model
        self._sandbox = sandbox
        self._tools = tools
        self._asking = asking
        self._stack = stack
        self._follow = follow
        self._run: Run | None = None

    def go_on(self, session: Session, node: str, model: str | None = None) -> Session:
        """Start a run that goes on from a node of another, or from its end where none is named."""
        if model is not None:
            self._model = self._named_model(model)
        question = session.index.blobs.read_text(session.view.question)
        if self._run is not None:
            self._run.cancel()
        return self.start(question, Record(directory=session.directory, at=node or None))

    def _named_model(self, name: str) -> Model:
        from treeact.cli.config.loading import load
        from treeact.cli.models import find_model
        from treeact.models.human import HumanModel

        if name == "human":
            return HumanModel(ask=self._asking.ask)
        choice = find_model(name, self._options.model.base_url, load())
        model = choice.open(record=self._options.record)
        self._stack.push_async_callback(model.aclose)
        return model

    def start(self, question: str, record: Record | None = None) -> Session:
        """Start a run."""
        from treeact.agents.remote import carry_out
        from treeact.tui.session import Session

        run = start_run(self._options, question, self._model, self._sandbox, record, self._tools)
        self._run = run
        self._follow(run.log)
        self._stack.push_async_callback(run.close)
        serving = asyncio.ensure_future(_take_orders(run))
        self._stack.callback(serving.cancel)

        async def steer(order: Order) -> bool:
            return carry_out(run, order)

        assert run.log.directory is not None
        return Session(run.log.directory, steer, asking=self._asking)

    async def end(self) -> int:
        """End what still goes on, and return the exit status."""
        if self._run is None:
            return EXIT_CANCELLED
        self._run.cancel()
        result = await self._run.result()
        if result.answer is not None:
            sys.stdout.write(f"{printable(Redactor().clean(result.answer))}\n")
        sys.stderr.write(f"trace: {result.directory}\n")
        return exit_status(result)


async def _take_orders(run: Run) -> None:
    """Let other processes steer a run, until cancelled."""
    from treeact.agents.remote import steerable

    async with steerable(run):
        await asyncio.Event().wait()


def watch(name: str, *, runs: Path | None, look: Mapping[str, Any]) -> None:
    """Show a run of another process, and steer it where it takes commands; or a benchmark."""
    from treeact.agents.remote import SOCKET_FILE, give_order
    from treeact.tui.session import Session

    need_terminal()
    directory = _find(name, runs)
    if is_benchmark(directory):
        _show_bench(directory, look)
        return

    async def steer(order: Order) -> bool:
        return await give_order(directory, order)

    alive = (directory / SOCKET_FILE).exists()
    _show(Session(directory, steer if alive else None), first="run", look=look)


def open_trace(name: str, *, runs: Path | None, look: Mapping[str, Any]) -> None:
    """Show a run that is over, by its trace; or a benchmark."""
    from treeact.tui.session import Session

    need_terminal()
    directory = _find(name, runs)
    if is_benchmark(directory):
        _show_bench(directory, look)
    else:
        _show(Session(directory), first="trace", look=look)


def _find(name: str, runs: Path | None) -> Path:
    """Return the directory of a run, or of a benchmark that may have no event yet."""
    return Path(name) if is_benchmark(Path(name)) else find_run(name, folder=runs)


def _show_bench(directory: Path, look: Mapping[str, Any]) -> None:
    from treeact.cli.bench_screen import show_bench

    show_bench(directory, look)


def _show(session: Session, *, first: str, look: Mapping[str, Any]) -> None:
    from treeact.tui.app import RunApp

    RunApp(session, first=first, **look).run()
