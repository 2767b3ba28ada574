"""The options of `treeact bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from treeact.cli.config.definition import Display, SandboxName
from treeact.cli.options import (
    UNSET,
    JsonOption,
    LibraryOption,
    OtlpContentOption,
    OtlpOption,
    RunsOption,
    choose_model,
    setting,
    settings_of,
)

bench_app = typer.Typer(
    help="Run suites of tasks, and report and compare what came of them.", no_args_is_help=True
)

DirectoryArgument = Annotated[Path, typer.Argument(help="Directory of the benchmark.")]
PricesOption = Annotated[
    Path | None,
    typer.Option(help="Price all calls anew by this file, in the form of LiteLLM's list."),
]
DataOption = Annotated[
    Path | None, typer.Option(help="The suite's data, where it does not come with TreeAct.")
]


@bench_app.command("run")
def run_command(  # one parameter per option
    context: typer.Context,
    suite: Annotated[str, typer.Argument(help="Suite; `treeact bench list` names them.")],
    model: Annotated[
        str | None,
        setting("model", note="replay:FOLDER with a recording a task; oracle:act=0.8 in worlds."),
    ] = UNSET,
    base_url: Annotated[str | None, setting("base_url")] = UNSET,
    agent: Annotated[str, setting("agent")] = UNSET,
    planner: Annotated[str | None, setting("planner")] = UNSET,
    sandbox: Annotated[SandboxName, setting("sandbox")] = UNSET,
    data: DataOption = None,
    split: Annotated[str | None, typer.Option(help="Part of the data.")] = None,
    epochs: Annotated[int, setting("bench.epochs")] = UNSET,
    concurrency: Annotated[int, setting("bench.concurrency")] = UNSET,
    out: Annotated[
        Path | None, typer.Option(help="Directory to keep everything in; a run there goes on.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Put away the run in the directory.")] = False,
    again: Annotated[
        bool, typer.Option("--failed-only", help="Only what failed or has no answer, once more.")
    ] = False,
    level: Annotated[list[int] | None, typer.Option(help="Only tasks of a level.")] = None,
    has_file: Annotated[
        bool | None, typer.Option("--has-file/--no-file", help="Only tasks with or without files.")
    ] = None,
    file_type: Annotated[list[str] | None, typer.Option(help="Only with such files: xlsx.")] = None,
    id: Annotated[list[str] | None, typer.Option("--id", help="Only such ids: mini-2-*.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only tasks with a tag.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="So many, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    changed_since: Annotated[
        Path | None, typer.Option(help="Only tasks that another benchmark has not, or otherwise.")
    ] = None,
    max_steps: Annotated[int, setting("max_steps")] = UNSET,
    task_tokens: Annotated[int | None, setting("bench.task_tokens")] = UNSET,
    task_usd: Annotated[float | None, setting("bench.task_usd")] = UNSET,
    task_seconds: Annotated[float | None, setting("bench.task_seconds")] = UNSET,
    task_working: Annotated[float | None, setting("bench.task_working")] = UNSET,
    budget_usd: Annotated[float | None, setting("bench.budget_usd")] = UNSET,
    timeout: Annotated[float | None, setting("bench.timeout")] = UNSET,
    step_timeout: Annotated[float, setting("step_timeout")] = UNSET,
    tools: Annotated[list[str] | None, setting("tools")] = UNSET,
    instructions: Annotated[str, setting("instructions")] = UNSET,
    context_tokens: Annotated[int | None, setting("context_tokens")] = UNSET,
    library: LibraryOption = UNSET,
    frozen: Annotated[bool, setting("frozen")] = UNSET,
    cache: Annotated[Path | None, setting("bench.cache")] = UNSET,
    executor: Annotated[str, setting("bench.executor")] = UNSET,
    otlp: OtlpOption = None,
    otlp_content: OtlpContentOption = False,
    display: Annotated[Display, setting("bench.display")] = UNSET,
    runs: RunsOption = UNSET,
) -> None:
    """Run a suite, or go on with the run in a directory.

    Exit status: 0 all jobs are done, 1 some are left, 2 nothing was run, 130 stopped by Ctrl-C.
    """
    from pydantic import ValidationError

    from treeact.benchmarks.runner.config import BenchConfig, TaskLimits
    from treeact.benchmarks.runner.driver import RunSettings
    from treeact.benchmarks.runner.selection import Selection
    from treeact.benchmarks.suite import first_fault
    from treeact.cli.bench_run import run_bench
    from treeact.cli.screens import look_of
    from treeact.errors import ConfigError
    from treeact.trace.runs import new_run_directory

    choice = choose_model(context, model, base_url)
    if choice.is_empty:
        raise ConfigError("no model: name one with --model, or as model in treeact.toml")
    try:
        config = BenchConfig(
            suite=suite,
            split=split,
            data=data,
            agent=agent,
            model=choice.name,
            base_url=choice.base_url,
            planner=planner,
            sandbox=sandbox.value,
            tools=tuple(tools or ()),
            instructions=instructions,
            step_timeout=step_timeout,
            context_tokens=context_tokens,
            library=library,
            frozen=frozen,
            limits=TaskLimits(
                steps=max_steps,
                tokens=task_tokens,
                usd=task_usd,
                seconds=task_seconds,
                working=task_working,
            ),
        )
    except ValidationError as error:
        raise ConfigError(f"{first_fault(error)}: correct that option") from error
    run_settings = RunSettings(
        epochs=epochs,
        concurrency=concurrency,
        usd=budget_usd,
        seconds=timeout,
        selection=Selection(
            levels=tuple(level or ()),
            has_file=has_file,
            file_types=tuple(file_type or ()),
            ids=tuple(id or ()),
            tags=tuple(tag or ()),
            sample=sample,
            seed=seed,
            changed_since=changed_since,
        ),
        again=again,
        new=new,
        cache=cache,
    )
    status = run_bench(
        config,
        run_settings,
        model=choice.open if choice.keys else None,
        out=out or new_run_directory(f"bench {suite}", folder=runs),
        display=display.value,
        executor=executor,
        otlp=otlp,
        otlp_content=otlp_content,
        look=look_of(settings_of(context)),
    )
    raise typer.Exit(status)


@bench_app.command("status")
def status_command(
    directory: DirectoryArgument, prices: PricesOption = None, as_json: JsonOption = False
) -> None:
    """Say how a benchmark stands, running or not."""
    from treeact.cli.bench_run import show_status

    show_status(directory, prices=prices, as_json=as_json)


@bench_app.command("rescore")
def rescore_command(directory: DirectoryArgument) -> None:
    """Score all stored answers anew; nothing is run."""
    from treeact.cli.bench_run import rescore

    rescore(directory)


@bench_app.command("list")
def list_command(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of benchmarks; without it, the suites are listed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the suites, or the benchmarks in a folder."""
    from treeact.cli.bench_run import list_benches

    list_benches(folder, as_json=as_json)


@bench_app.command("submit")
def submit_command(
    directory: DirectoryArgument,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("submission.jsonl"),
    epoch: Annotated[int, typer.Option(min=1, help="Which of several attempts.")] = 1,
    fill_missing: Annotated[
        str | None, typer.Option(help="Answer of tasks that have none, such as an empty text.")
    ] = None,
    traces: Annotated[
        bool, typer.Option("--traces/--no-traces", help="Tell the steps that led to answers.")
    ] = True,
) -> None:
    """Write the answers in the form that GAIA's leaderboard takes."""
    from treeact.cli.bench_run import submit

    submit(directory, out, epoch=epoch, fill_missing=fill_missing, traces=traces)


@bench_app.command("report")
def report_command(
    directory: DirectoryArgument,
    out: Annotated[
        list[Path] | None,
        typer.Option(help="File to write instead: .html, .md, .csv or .json. May be repeated."),
    ] = None,
    redacted: Annotated[
        bool,
        typer.Option("--redact", help="Leave out questions, truths, answers and all of traces."),
    ] = False,
    prices: PricesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what came of a benchmark, finished or not."""
    from treeact.cli.bench_reports import report

    report(directory, out=out or (), redacted=redacted, prices=prices, as_json=as_json)


@bench_app.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="Directory of the run to compare with.")],
    others: Annotated[list[Path], typer.Argument(help="Directories of other runs.")],
    intersect: Annotated[
        bool, typer.Option("--intersect", help="Leave out tasks that only one of two runs has.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare runs of the same tasks, task by task."""
    from treeact.cli.bench_reports import compare_runs

    compare_runs(first, others, intersect=intersect, as_json=as_json)
