"""The options of `treeact trace`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from treeact.cli.config.definition import Display
from treeact.cli.options import (
    UNSET,
    DisplayOption,
    JsonOption,
    OtlpContentOption,
    OtlpOption,
    RunArgument,
    RunsOption,
    settings_of,
)

trace_app = typer.Typer(help="Look at the traces of runs.", no_args_is_help=True)


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


@trace_app.command("open")
def trace_open(
    context: typer.Context,
    run: RunArgument = "last",
    runs: RunsOption = UNSET,
) -> None:
    """Browse a run's trace, or the directory of a benchmark, on a screen."""
    from treeact.cli.screens import look_of, open_trace

    open_trace(run, runs=runs, look=look_of(settings_of(context)))


@trace_app.command("show")
def trace_show(
    run: RunArgument = "last",
    display: DisplayOption = Display.auto,
    runs: RunsOption = UNSET,
) -> None:
    """Show a run from its trace, as it was shown live."""
    from treeact.cli.trace import show_trace

    show_trace(run, display=display.value, runs=runs)


@trace_app.command("usage")
def trace_usage(
    run: RunArgument = "last",
    runs: RunsOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """Show the tokens and dollars of a run by role, phase and part of the prompt."""
    from treeact.cli.usage import show_usage

    show_usage(run, runs=runs, as_json=as_json)


@trace_app.command("export")
def trace_export(
    run: RunArgument = "last",
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
    runs: RunsOption = UNSET,
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
    runs: RunsOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest last."""
    from treeact.cli.trace import list_traces

    list_traces(runs=runs, as_json=as_json)


@trace_app.command("tree")
def trace_tree(
    run: RunArgument = "last",
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
    runs: RunsOption = UNSET,
) -> None:
    """Show what a run tried as a tree: actions, costs, scores, why branches were pruned."""
    from treeact.cli.tree import show_tree

    show_tree(run, format=format.value, out=out, everything=everything, runs=runs)
