"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class SandboxName(StrEnum):
    """Sandboxes by name."""

    auto = "auto"
    docker = "docker"
    jail = "jail"
    unsafe_local = "unsafe-local"


SandboxOption = Annotated[
    SandboxName,
    typer.Option(
        "--sandbox",
        envvar="TREEACT_SANDBOX",
        help="Where code runs; auto: Docker if it is usable, else the jail.",
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(envvar="TREEACT_BASE_URL", help="OpenAI-compatible endpoint to ask."),
]
BudgetTokensOption = Annotated[int | None, typer.Option(help="Tokens that model calls may use.")]
RecordOption = Annotated[
    Path | None, typer.Option(help="Write the model's replies here, for replay:PATH.")
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        envvar="TREEACT_LIBRARY",
        help="File of actions: dynasaur's, and where it is given poact's.  "
        "[default: ~/.local/share/treeact/actions.sqlite]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OtlpOption = Annotated[
    str | None,
    typer.Option(
        "--otlp",
        help="Send OpenTelemetry spans to this endpoint, such as http://localhost:4318; env takes "
        "it from OTEL_EXPORTER_OTLP_ENDPOINT.",
    ),
]
OtlpContentOption = Annotated[
    bool,
    typer.Option("--otlp-content", help="Put prompts, replies, code and results into the spans."),
]
