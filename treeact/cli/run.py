"""`treeact run`: one question, shown as it is worked on."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from treeact.agents.registry import AGENTS, look_up, make_planner
from treeact.cli import EXIT_CANCELLED, EXIT_NO_ANSWER
from treeact.cli.display import Display, make_display
from treeact.cli.record import Record, RecordOptions, find_record, nobody
from treeact.cli.sandbox import prepare_sandbox
from treeact.cli.spans import exporting
from treeact.cli.terminal import Terminal
from treeact.cli.tools import ToolChoice, open_tools, read_rules
from treeact.errors import ConfigError
from treeact.trace.runs import new_run_directory

if TYPE_CHECKING:
    from treeact.agents.agent import Agent
    from treeact.agents.run import Result, Run
    from treeact.cli.models import ModelChoice
    from treeact.models.base import Model
    from treeact.tools import Tool
    from treeact.trace.budget import Budget

STDIN = Path("-")
"""What stands for standard input among the files."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of `treeact run`, as `treeact run --help` describes them."""

    question: str | None
    files: tuple[Path, ...]
    model: ModelChoice
    agent: str
    planner: str | None
    sandbox: str
    max_steps: int
    context_tokens: int | None
    budget_usd: float | None
    budget_tokens: int | None
    step_timeout: float
    timeout: float | None
    record: Path | None
    approve: str
    approve_tools: tuple[str, ...]
    tools: ToolChoice
    display: str
    follow_up: bool
    library: Path | None
    frozen: bool
    instructions: str
    answer_schema: Path | None
    record_options: RecordOptions
    look: Mapping[str, Any]
    """What is said of screens, as `RunApp` takes it."""
    otlp: str | None
    otlp_content: bool
    runs: Path | None


def run_question(options: RunOptions) -> int:
    """Run one question and return the exit status."""
    if options.display == "tui":
        from treeact.cli.screens import can_show_screens, run_on_screen

        if can_show_screens():
            return run_on_screen(options)
        sys.stderr.write("treeact: no terminal for screens: showing plain lines\n")
        options = replace(options, display="plain")
    with standard_input(options) as given:
        return asyncio.run(_run_question(given))


@contextmanager
def standard_input(options: RunOptions) -> Iterator[RunOptions]:
    """Give the options with standard input, as the file `stdin`, in the place of the file `-`.

    Raises:
        ConfigError: it is the question, too.
    """
    if STDIN not in options.files:
        yield options
        return
    if options.question == str(STDIN):
        raise ConfigError("standard input is the question or a file, not both: name the other")
    with TemporaryDirectory(prefix="treeact-") as folder:
        file = Path(folder) / "stdin"
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        files = tuple(file if path == STDIN else path for path in options.files)
        yield replace(options, files=files)


async def _run_question(options: RunOptions) -> int:
    from treeact.agents.remote import steerable

    record = find_record(options.record_options, runs=options.runs)
    question = choose_question(options.question, record)
    terminal = Terminal()
    asks = options.approve != "none" or any(
        rule.endswith("=always") for rule in options.approve_tools
    )
    if (asks or options.follow_up) and not terminal.interactive:
        raise ConfigError("--approve and --follow-up need a terminal: standard input is none")
    model = await choose_model(options, record)
    try:
        kind = await prepare_sandbox(options.sandbox)
        async with (
            open_tools(options.tools) as tools,
            exporting(options.otlp, content=options.otlp_content) as follow,
        ):
            run = start_run(options, question, model, kind, record, tools)
            follow(run.log)
            display = make_display(options.display, run.log.blobs, log=run.log)
            async with run, steerable(run):
                with on_interrupt(lambda: interrupt(run, terminal, options.follow_up)):
                    result = await converse(run, display, terminal, follow_up=options.follow_up)
    finally:
        await model.aclose()
    if options.display in ("auto", "plain") and result.directory is not None:
        sys.stdout.write(f"trace: {result.directory}\n")
    return exit_status(result)


def exit_status(result: Result) -> int:
    """Return the exit status that a result stands for."""
    if result.reason == "answered":
        return 0
    return EXIT_CANCELLED if result.reason == "cancelled" else EXIT_NO_ANSWER


async def choose_model(options: RunOptions, record: Record | None) -> Model:
    """Return the model that was asked for, or one that is usable here, and say which."""
    from treeact.models import detect_model, resolve_model

    if record is not None and record.is_all:
        return nobody()
    if not options.model.is_empty:
        return options.model.open(record=options.record)
    found = await detect_model()
    sys.stderr.write(f"treeact: using {found.spec} ({found.how}); --model names another\n")
    return resolve_model(found.spec, record=options.record)


def choose_question(given: str | None, record: Record | None) -> str:
    """Return the question: as given, from standard input, or that of an earlier run.

    Raises:
        ConfigError: there is none.
    """
    if given == "-":
        return sys.stdin.read()
    if given is not None:
        return given
    if record is None:
        raise ConfigError("no question: say what is to be done, or name a run with --resume")
    return record.past.question


def start_run(
    options: RunOptions,
    question: str,
    model: Model,
    sandbox: str,
    record: Record | None,
    tools: Sequence[Tool],
) -> Run:
    """Start the run that the options ask for."""
    from treeact.agents.task import Task

    planner = {} if options.planner is None else {"planner": make_planner(options.planner)}
    agent: Agent = look_up(options.agent, AGENTS, "agent")(
        model,
        **planner,
        tools=tools,
        sandbox=sandbox,
        max_steps=options.max_steps,
        context_tokens=options.context_tokens,
        step_timeout=options.step_timeout,
        approve=options.approve,
        approve_tools=read_rules(options.approve_tools),
        instructions=options.instructions,
        **_library_settings(options),
    )
    return agent.start(
        Task[Any](question, options.files, answer_type=_answer_schema(options, record)),
        budget=_budget(options),
        trace=new_run_directory(question, folder=options.runs),
        follow_up=True,
        resume=None if record is None else record.directory,
        at=None if record is None else record.at,
    )


def _answer_schema(options: RunOptions, record: Record | None) -> dict[str, Any] | None:
    """Return the schema of the answer: as given, or that of the run to be resumed."""
    if options.answer_schema is not None:
        return read_schema(options.answer_schema)
    return None if record is None else record.past.answer_schema


def read_schema(path: Path) -> dict[str, Any]:
    """Return the JSON Schema in a file.

    Raises:
        ConfigError: it cannot be read, or is no JSON object.
    """
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ConfigError(f"{path} is no JSON Schema: give an object, such as {{'type': 'array'}}")
    return schema


def _library_settings(options: RunOptions) -> dict[str, Any]:
    """Return the settings that only an agent with a library takes."""
    has_one = options.agent == "dynasaur" or (options.agent == "poact" and options.library)
    if has_one:
        return {"library": options.library, "frozen": options.frozen}
    if options.frozen:
        raise ConfigError(
            f"--frozen leaves a library as it is, and {options.agent} has no library: use --agent "
            "dynasaur, or --agent poact with --library"
        )
    return {}


def _budget(options: RunOptions) -> Budget:
    from treeact.trace.budget import Budget

    return Budget(usd=options.budget_usd, tokens=options.budget_tokens, seconds=options.timeout)


async def converse(run: Run, display: Display, terminal: Terminal, *, follow_up: bool) -> Result:
    """Show the run, answer its requests for approval, and ask for further questions."""
    from treeact.trace.events import ApprovalRequested

    shown = 0
    while True:
        async for event in run.events():
            if event.seq < shown:
                continue
            shown = event.seq + 1
            display.show(event)
            if isinstance(event, ApprovalRequested):
                await decide(run, terminal, editable=event.what == "code")
        result = await run.result()
        if not follow_up or result.reason == "cancelled":
            return result
        question = await terminal.ask("follow-up (empty to end)> ")
        if not question:
            return result
        run.send(question)


async def decide(run: Run, terminal: Terminal, *, editable: bool) -> None:
    """Ask the person at the terminal about the action that waits, as long as the run does."""
    deciding = asyncio.ensure_future(_decide(run, terminal, editable))
    ended = asyncio.ensure_future(run.wait())
    await asyncio.wait([deciding, ended], return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not deciding.cancel():
        deciding.result()


async def _decide(run: Run, terminal: Terminal, editable: bool) -> None:
    choices = "[y]es, [e]dit, [n]o, [s]top> " if editable else "[y]es, [n]o, [s]top> "
    while True:
        choice = await terminal.ask(choices)
        match (choice or "s")[:1].lower():
            case "y":
                if not run.approve():
                    sys.stderr.write("too late: the action does not wait any more\n")
            case "e" if editable:
                run.edit(await terminal.ask_lines("new code, ended by a line with a single dot:"))
            case "n":
                run.reject(await terminal.ask("what should be done instead (may be empty)> ") or "")
            case "s":
                run.cancel()
            case _:
                continue
        return


def interrupt(run: Run, terminal: Terminal, follow_up: bool) -> None:
    """Do what Ctrl-C asks for: end the run, or where a person stays with it, listen to them."""
    if not (follow_up and run.interrupt()):
        run.cancel()
        terminal.give_up()
        return

    async def instruct() -> None:
        text = await terminal.ask("interrupted; what now (empty to stop)> ")
        if text:
            run.send(text)
        else:
            run.cancel()

    terminal.background(instruct())


@contextmanager
def on_interrupt(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` on Ctrl-C or a request to terminate, while the block runs."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
