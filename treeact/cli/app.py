"""The commands and their options; each command's work is in a module of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from treeact.cli import EXIT_WORDS
from treeact.cli.actions import actions_app
from treeact.cli.bench import bench_app
from treeact.cli.completing import Shell, completion_script, runs_like
from treeact.cli.config.commands import config_app
from treeact.cli.config.definition import Approve, Display, SandboxName
from treeact.cli.options import (
    UNSET,
    DisplayOption,
    JsonOption,
    LibraryOption,
    OtlpContentOption,
    OtlpOption,
    RecordOption,
    RunArgument,
    RunsOption,
    choose_model,
    setting,
    settings_of,
)
from treeact.cli.traces import trace_app

app = typer.Typer(
    name="treeact",
    help="Agents that act in Python, planners that search over live, forkable code state.",
    epilog=EXIT_WORDS,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sandbox_app = typer.Typer(help="Prepare the sandboxes.", no_args_is_help=True)
tools_app = typer.Typer(help="Look at tools as an agent sees them.", no_args_is_help=True)
app.add_typer(trace_app, name="trace")
app.add_typer(tools_app, name="tools")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(actions_app, name="actions")
app.add_typer(bench_app, name="bench")
app.add_typer(config_app, name="config")


ToolsOption = Annotated[list[str] | None, setting("tools")]
McpOption = Annotated[list[str] | None, setting("mcp")]
McpConfigOption = Annotated[Path | None, setting("mcp_config")]
ModelOption = Annotated[str | None, setting("model")]
BaseUrlOption = Annotated[str | None, setting("base_url")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"treeact {version('treeact')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of the command as a whole."""


@app.command()
def run(  # one parameter per option
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="What is to be done; - reads it from stdin.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            "-f",
            help="File for the working folder; - is standard input. May be repeated.",
        ),
    ] = None,
    model: ModelOption = UNSET,
    base_url: BaseUrlOption = UNSET,
    agent: Annotated[str, setting("agent")] = UNSET,
    planner: Annotated[str | None, setting("planner")] = UNSET,
    sandbox: Annotated[SandboxName, setting("sandbox")] = UNSET,
    max_steps: Annotated[int, setting("max_steps")] = UNSET,
    context_tokens: Annotated[int | None, setting("context_tokens")] = UNSET,
    budget_usd: Annotated[float | None, setting("budget_usd")] = UNSET,
    budget_tokens: Annotated[int | None, setting("budget_tokens")] = UNSET,
    step_timeout: Annotated[float, setting("step_timeout")] = UNSET,
    timeout: Annotated[float | None, setting("timeout")] = UNSET,
    record: RecordOption = None,
    approve: Annotated[Approve, setting("approve")] = UNSET,
    approve_tool: Annotated[list[str] | None, setting("approve_tool")] = UNSET,
    tools: ToolsOption = UNSET,
    mcp: McpOption = UNSET,
    mcp_config: McpConfigOption = UNSET,
    display: Annotated[Display, setting("display")] = UNSET,
    follow_up: Annotated[
        bool, typer.Option("--follow-up", "-i", help="Ask for further questions at the end.")
    ] = False,
    library: LibraryOption = UNSET,
    frozen: Annotated[bool, setting("frozen")] = UNSET,
    instructions: Annotated[str, setting("instructions")] = UNSET,
    answer_schema: Annotated[
        Path | None,
        typer.Option(help="File with a JSON Schema that the answer has to fit; it is then JSON."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            autocompletion=runs_like,
            help="Run that was cut off or reached a limit: path, name, part of one, or last. "
            "Give its files, planner and model again; the question is taken from it.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="With --resume: step or node to go on from, such as step-3 or 2.1. Only what "
            "leads there is done again, from the record; the model is asked from then on."
        ),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            autocompletion=runs_like,
            help="Run to play again along the path that it chose, from its replies and the results "
            "of its tools; what comes out differently now is told. Give its agent and files again.",
        ),
    ] = None,
    replay_until: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="With --replay: steps to play before the model is asked.  "
            "[default: all, and nobody is asked]",
        ),
    ] = None,
    otlp: OtlpOption = None,
    otlp_content: OtlpContentOption = False,
    runs: RunsOption = UNSET,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result, and nothing else, as JSON.")
    ] = False,
) -> None:
    """Let an agent work on a question.

    Exit status: 0 answered, 1 stopped without an answer, 2 nothing was run, 130 cancelled.
    """
    from treeact.cli.record import RecordOptions
    from treeact.cli.run import RunOptions, run_question
    from treeact.cli.screens import look_of
    from treeact.cli.tools import ToolChoice

    raise typer.Exit(
        run_question(
            RunOptions(
                question=question,
                files=tuple(file or ()),
                model=choose_model(context, model, base_url),
                agent=agent,
                planner=planner,
                sandbox=sandbox.value,
                max_steps=max_steps,
                context_tokens=context_tokens,
                budget_usd=budget_usd,
                budget_tokens=budget_tokens,
                step_timeout=step_timeout,
                timeout=timeout,
                record=record,
                approve=approve.value,
                approve_tools=tuple(approve_tool or ()),
                tools=ToolChoice(tuple(tools or ()), tuple(mcp or ()), mcp_config),
                display="json" if as_json else display.value,
                follow_up=follow_up,
                library=library,
                frozen=frozen,
                instructions=instructions,
                answer_schema=answer_schema,
                record_options=RecordOptions(
                    resume=resume, at=at, replay=replay, replay_until=replay_until
                ),
                look=look_of(settings_of(context)),
                otlp=otlp,
                otlp_content=otlp_content,
                runs=runs,
            )
        )
    )


@app.command()
def plan(  # one parameter per option
    context: typer.Context,
    world: Annotated[str, typer.Argument(help="household or apis.")],
    task: Annotated[str | None, typer.Argument(help="Id of a task; none lists them.")] = None,
    model: Annotated[
        str | None,
        setting("model", note="Or a simulated policy: oracle:act=0.7,choose=0.9,seed=3."),
    ] = UNSET,
    base_url: BaseUrlOption = UNSET,
    planner: Annotated[
        str,
        typer.Option(
            "--planner", "-p", help="greedy, best-of-n, mcts, toolchain, tree-planner; as for run."
        ),
    ] = "tree-planner",
    max_steps: Annotated[int, typer.Option(min=1, help="Steps and expansions.")] = 100,
    budget_tokens: Annotated[int | None, setting("budget_tokens")] = UNSET,
    record: RecordOption = None,
    display: DisplayOption = Display.quiet,
    runs: RunsOption = UNSET,
    as_json: Annotated[bool, typer.Option("--json", help="List the tasks as JSON.")] = False,
) -> None:
    """Run a planner on a task of a simulated world, and print the tree that it grew.

    Exit status: as for run; an answer says that the planner is done, the measures how well.
    """
    from treeact.cli.plan import PlanOptions, list_tasks, run_plan

    if task is None:
        list_tasks(world, as_json=as_json)
        return
    raise typer.Exit(
        run_plan(
            PlanOptions(
                suite=world,
                task=task,
                planner=planner,
                model=choose_model(context, model, base_url),
                max_steps=max_steps,
                budget_tokens=budget_tokens,
                record=record,
                display=display.value,
                runs=runs,
            )
        )
    )


@app.command()
def demo(
    task: Annotated[
        list[str] | None, typer.Option(help="Only tasks whose id contains this; may be repeated.")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            "-a",
            help="codeact, dynasaur, poact or codeagents: the tasks with a recording of that one. "
            "By default DynaSaur's, and CodeAct's for the others.",
        ),
    ] = None,
    sandbox: Annotated[SandboxName, setting("sandbox")] = UNSET,
    display: DisplayOption = Display.auto,
    data: Annotated[
        Path | None, typer.Option(help="Folder with your own copy of the suite's tasks and files.")
    ] = None,
    runs: RunsOption = UNSET,
) -> None:
    """Run CodeAct, and DynaSaur with a library, over the mini suite, from recorded replies."""
    from treeact.cli.demo import run_demo

    raise typer.Exit(
        run_demo(
            only=tuple(task or ()),
            agent=agent,
            sandbox=sandbox.value,
            display=display.value,
            data=data,
            runs=runs,
        )
    )


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="Name of a study, package.module:NAME, or list.")],
    seeds: Annotated[int, typer.Option(min=2, help="Seeds of each setting.")] = 200,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.  [default: studies/NAME]", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes.  [default: one per core]", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on from what is finished, or start over.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated study: planners with a noisy oracle in a model's place."""
    from treeact.cli.study import StudyOptions, list_studies, run_study

    if name == "list":
        list_studies(as_json=as_json)
        return
    run_study(
        StudyOptions(name=name, seeds=seeds, out=out, jobs=jobs, fresh=not resume, as_json=as_json)
    )


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print what a shell has to read to complete options, runs, agents and models.

    For example: source <(treeact completion bash)
    """
    typer.echo(completion_script(shell))


@app.command()
def doctor(
    as_json: JsonOption = False,
) -> None:
    """Say which sandboxes and models are usable here, and what to do about the others."""
    from treeact.cli.doctor import run_doctor

    run_doctor(as_json=as_json)


def _with_screens(command: Callable[..., None]) -> Callable[..., None]:
    """Return `run` as it is, but on screens."""
    given = inspect.signature(command, eval_str=True)

    @wraps(command)
    def on_screens(**options: Any) -> None:
        from treeact.cli.screens import need_terminal

        need_terminal()
        command(**options)

    parameters = [
        parameter.replace(default=Display.tui) if name == "display" else parameter
        for name, parameter in given.parameters.items()
    ]
    on_screens.__signature__ = given.replace(parameters=parameters)  # type: ignore[attr-defined]
    on_screens.__doc__ = "Start a run on screens: asks what is to be done, else as `run`."
    return on_screens


app.command("tui")(_with_screens(run))


@app.command()
def watch(
    context: typer.Context,
    run: RunArgument = "last",
    runs: RunsOption = UNSET,
) -> None:
    """Watch a run of another process on a screen, and steer it from there; or watch a benchmark.

    Leaving the screen leaves the run alone.
    """
    from treeact.cli.screens import look_of
    from treeact.cli.screens import watch as watch_run

    watch_run(run, runs=runs, look=look_of(settings_of(context)))


@tools_app.command("list")
def tools_list(
    tools: ToolsOption = UNSET,
    mcp: McpOption = UNSET,
    mcp_config: McpConfigOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """List tools with their signatures and effects; without options, those that TreeAct brings."""
    from treeact.cli.tools import ToolChoice, list_tools

    list_tools(ToolChoice(tuple(tools or ()), tuple(mcp or ()), mcp_config), as_json=as_json)


@tools_app.command("show")
def tools_show(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of tools.  [default: all]")
    ] = None,
    tools: ToolsOption = UNSET,
    mcp: McpOption = UNSET,
    mcp_config: McpConfigOption = UNSET,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON Schemas of the arguments.")
    ] = False,
) -> None:
    """Show tools as a prompt shows them."""
    from treeact.cli.tools import ToolChoice, show_tools

    choice = ToolChoice(tuple(tools or ()), tuple(mcp or ()), mcp_config)
    show_tools(choice, tuple(names or ()), as_json=as_json)


@sandbox_app.command("build")
def sandbox_build(
    kind: Annotated[
        list[str] | None, typer.Option(help="docker or jail; may be repeated.  [default: both]")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Image that the Docker image is built on.  "
            "[default: TREEACT_BASE_IMAGE, else python:3.12-slim]"
        ),
    ] = None,
) -> None:
    """Build the Docker image, and the jail's environment, with the packages that code can use."""
    from treeact.cli.sandbox import build_sandboxes

    build_sandboxes(kinds=tuple(kind or ()), base=base)
