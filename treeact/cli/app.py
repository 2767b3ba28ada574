"""The commands and their options; each command's work is in a module of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from treeact.cli.actions import actions_app
from treeact.cli.bench import bench_app
from treeact.cli.options import (
    BaseUrlOption,
    BudgetTokensOption,
    LibraryOption,
    OtlpContentOption,
    OtlpOption,
    RecordOption,
    SandboxName,
    SandboxOption,
)

app = typer.Typer(
    name="treeact",
    help="Agents that act in Python, planners that search over live, forkable code state.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
trace_app = typer.Typer(help="Look at the traces of runs.", no_args_is_help=True)
sandbox_app = typer.Typer(help="Prepare the sandboxes.", no_args_is_help=True)
tools_app = typer.Typer(help="Look at tools as an agent sees them.", no_args_is_help=True)
app.add_typer(trace_app, name="trace")
app.add_typer(tools_app, name="tools")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(actions_app, name="actions")
app.add_typer(bench_app, name="bench")


class Approve(StrEnum):
    """What needs a yes."""

    all = "all"
    risky = "risky"
    none = "none"


class Display(StrEnum):
    """How a run is shown."""

    auto = "auto"
    tui = "tui"
    plain = "plain"
    jsonl = "jsonl"
    quiet = "quiet"


class TreeFormat(StrEnum):
    """How the tree of a run is written."""

    text = "text"
    json = "json"
    graphml = "graphml"
    dot = "dot"
    svg = "svg"


class SpanFormat(StrEnum):
    """How spans are written."""

    otlp_json = "otlp-json"


RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        envvar="TREEACT_RUNS",
        help="Folder of all runs.  [default: ~/.local/share/treeact/runs]",
        show_default=False,
    ),
]

ToolsOption = Annotated[
    list[str] | None,
    typer.Option("--tools", help="Tools that TreeAct brings: gaia; may be repeated."),
]
McpOption = Annotated[
    list[str] | None,
    typer.Option("--mcp", help="MCP server, as a command or a URL; may be repeated."),
]
McpConfigOption = Annotated[
    Path | None,
    typer.Option("--mcp-config", help="JSON file with MCP servers under mcpServers."),
]


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
def run(  # one parameter per option: this is the table of them
    question: Annotated[
        str | None, typer.Argument(help="What is to be done; - reads it from stdin.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="File for the working folder; may be repeated."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            envvar="TREEACT_MODEL",
            help="openai/..., anthropic/..., ollama/..., replay:PATH, human.",
        ),
    ] = None,
    base_url: BaseUrlOption = None,
    agent: Annotated[
        str, typer.Option("--agent", "-a", help="codeact, dynasaur, codeagents, poact or json.")
    ] = "codeact",
    planner: Annotated[
        str | None,
        typer.Option(
            "--planner",
            "-p",
            help="greedy, best-of-n, mcts, toolchain, poact; settings as in mcts:n=3,depth=5. By "
            "default the agent's own.",
        ),
    ] = None,
    sandbox: SandboxOption = SandboxName.auto,
    max_steps: Annotated[int, typer.Option(min=1, help="Steps of the run.")] = 20,
    context_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tokens of a prompt above which older steps are shortened; by default a share of "
            "the model's context window.",
        ),
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option(help="Dollars that model calls may cost.")
    ] = None,
    budget_tokens: BudgetTokensOption = None,
    step_timeout: Annotated[float, typer.Option(help="Seconds of one code action.")] = 60.0,
    timeout: Annotated[float | None, typer.Option(help="Seconds of the whole run.")] = None,
    record: RecordOption = None,
    approve: Annotated[
        Approve,
        typer.Option(help="What needs a yes: all actions, those with effects outside, or none."),
    ] = Approve.none,
    approve_tool: Annotated[
        list[str] | None,
        typer.Option(help="Rule for one tool, as in send_mail=always or look=never; repeatable."),
    ] = None,
    tools: ToolsOption = None,
    mcp: McpOption = None,
    mcp_config: McpConfigOption = None,
    display: Annotated[Display, typer.Option(help="How the run is shown.")] = Display.auto,
    follow_up: Annotated[
        bool, typer.Option("--follow-up", "-i", help="Ask for further questions at the end.")
    ] = False,
    library: LibraryOption = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="Leave the library as it is.")] = False,
    instructions: Annotated[str, typer.Option(help="Added to the agent's prompt.")] = "",
    answer_schema: Annotated[
        Path | None,
        typer.Option(help="File with a JSON Schema that the answer has to fit; it is then JSON."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Run that was cut off or reached a limit: path, name, part of one, or last. "
            "Give its files, planner and model again; the question is taken from it."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="With --resume: step or node to go on from, such as step-3 or 2.1. Only what "
            "leads there is done again, from the record; the model is asked from then on."
        ),
    ] = None,
    otlp: OtlpOption = None,
    otlp_content: OtlpContentOption = False,
    runs: RunsOption = None,
) -> None:
    """Let an agent work on a question.

    Exit status: 0 answered, 1 stopped without an answer, 2 nothing was run, 130 cancelled.
    """
    from treeact.cli.run import RunOptions, run_question
    from treeact.cli.tools import ToolChoice

    raise typer.Exit(
        run_question(
            RunOptions(
                question=question,
                files=tuple(file or ()),
                model=model,
                base_url=base_url,
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
                display=display.value,
                follow_up=follow_up,
                library=library,
                frozen=frozen,
                instructions=instructions,
                answer_schema=answer_schema,
                resume=resume,
                at=at,
                otlp=otlp,
                otlp_content=otlp_content,
                runs=runs,
            )
        )
    )


@app.command()
def plan(  # one parameter per option
    world: Annotated[str, typer.Argument(help="household or apis.")],
    task: Annotated[str | None, typer.Argument(help="Id of a task; none lists them.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            envvar="TREEACT_MODEL",
            help="As for run; or oracle, a simulated policy: oracle:act=0.7,choose=0.9,seed=3.",
        ),
    ] = None,
    base_url: BaseUrlOption = None,
    planner: Annotated[
        str,
        typer.Option(
            "--planner", "-p", help="greedy, best-of-n, mcts, toolchain, tree-planner; as for run."
        ),
    ] = "tree-planner",
    max_steps: Annotated[int, typer.Option(min=1, help="Steps and expansions.")] = 100,
    budget_tokens: BudgetTokensOption = None,
    record: RecordOption = None,
    display: Annotated[Display, typer.Option(help="How the run is shown.")] = Display.quiet,
    runs: RunsOption = None,
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
                model=model,
                base_url=base_url,
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
    sandbox: SandboxOption = SandboxName.auto,
    display: Annotated[Display, typer.Option(help="How the runs are shown.")] = Display.auto,
    data: Annotated[
        Path | None, typer.Option(help="Folder with your own copy of the suite's tasks and files.")
    ] = None,
    runs: RunsOption = None,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
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
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which sandboxes and models are usable here, and what to do about the others."""
    from treeact.cli.doctor import run_doctor

    run_doctor(as_json=as_json)


@trace_app.command("open")
def trace_open(
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    runs: RunsOption = None,
) -> None:
    """Browse a run's trace on a screen."""
    from treeact.cli.screens import open_trace

    open_trace(run, runs=runs)


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
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    runs: RunsOption = None,
) -> None:
    """Watch a run of another process on a screen, and steer it from there.

    Leaving the screen leaves the run alone.
    """
    from treeact.cli.screens import watch as watch_run

    watch_run(run, runs=runs)


@trace_app.command("show")
def trace_show(
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    display: Annotated[Display, typer.Option(help="How the run is shown.")] = Display.auto,
    runs: RunsOption = None,
) -> None:
    """Show a run from its trace, as it was shown live."""
    from treeact.cli.trace import show_trace

    show_trace(run, display=display.value, runs=runs)


@trace_app.command("usage")
def trace_usage(
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    runs: RunsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the tokens and dollars of a run by role, phase and part of the prompt."""
    from treeact.cli.usage import show_usage

    show_usage(run, runs=runs, as_json=as_json)


@trace_app.command("export")
def trace_export(
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    otlp: OtlpOption = None,
    otlp_content: OtlpContentOption = False,
    format: Annotated[
        SpanFormat | None,
        typer.Option("--format", help="Write the spans instead, as JSON that OTLP defines."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write.  [default: standard output]", show_default=False),
    ] = None,
    runs: RunsOption = None,
) -> None:
    """Export a run as OpenTelemetry spans, to a receiver or as a file."""
    from treeact.cli.spans import export_trace

    export_trace(
        run,
        otlp=otlp,
        content=otlp_content,
        format=None if format is None else format.value,
        out=out,
        runs=runs,
    )


@trace_app.command("list")
def trace_list(
    runs: RunsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the runs, newest last."""
    from treeact.cli.trace import list_traces

    list_traces(runs=runs, as_json=as_json)


@tools_app.command("list")
def tools_list(
    tools: ToolsOption = None,
    mcp: McpOption = None,
    mcp_config: McpConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List tools with their signatures and effects; without options, those that TreeAct brings."""
    from treeact.cli.tools import ToolChoice, list_tools

    list_tools(ToolChoice(tuple(tools or ()), tuple(mcp or ()), mcp_config), as_json=as_json)


@tools_app.command("show")
def tools_show(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of tools.  [default: all]")
    ] = None,
    tools: ToolsOption = None,
    mcp: McpOption = None,
    mcp_config: McpConfigOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON Schemas of the arguments.")
    ] = False,
) -> None:
    """Show tools as a prompt shows them."""
    from treeact.cli.tools import ToolChoice, show_tools

    choice = ToolChoice(tuple(tools or ()), tuple(mcp or ()), mcp_config)
    show_tools(choice, tuple(names or ()), as_json=as_json)


@trace_app.command("tree")
def trace_tree(
    run: Annotated[str, typer.Argument(help="Path, name or part of a name; or last.")] = "last",
    format: Annotated[
        TreeFormat, typer.Option("--format", help="json is networkx' node-link form.")
    ] = TreeFormat.text,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write.  [default: standard output]", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show all pruned siblings, however many.")
    ] = False,
    runs: RunsOption = None,
) -> None:
    """Show what a run tried as a tree: actions, costs, scores, why branches were pruned."""
    from treeact.cli.tree import show_tree

    show_tree(run, format=format.value, out=out, everything=everything, runs=runs)


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
