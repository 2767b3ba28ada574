"""Options that several commands have; those of settings are made from the table of settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treeact.cli.completing import runs_like, values_of
from treeact.cli.config.definition import BY_KEY, Display, Setting
from treeact.cli.config.secrets import keep_keys

if TYPE_CHECKING:
    from treeact.cli.config.loading import Loaded, Origin
    from treeact.cli.models import ModelChoice

UNSET: Any = None
"""The default of an option that the settings have a value for."""


def setting(key: str, *, note: str = "") -> Any:
    """Return the option of a setting; where it is not given, the setting's value takes its place.

    Args:
        key: the setting.
        note: what is to be added to its help in this command.
    """
    it = BY_KEY[key]
    words = f"{it.help} {note}".rstrip() + ("  May be repeated." if it.many else "")
    default = f"  [default: {it.default_words}]" if it.default_words else ""
    flag = f"{it.option}/--no-{it.option.removeprefix('--')}" if it.kind is bool else it.option

    def fill_in(context: typer.Context, given: Any) -> Any:
        if context.resilient_parsing:
            return given
        value = _value(settings_of(context), it) if given is None else given
        if it.expands:
            keep_keys(it.key, value)
        return value

    return typer.Option(
        flag,
        *([it.short] if it.short else []),
        callback=fill_in,
        help=words + default,
        min=it.least,
        show_default=False,
        autocompletion=values_of(key),
    )


def _value(settings: Loaded, setting: Setting) -> Any:
    """Return the value of a setting; say so where a project decides what happens outside."""
    if setting.reaches_out:
        _tell_origin(setting.key, settings.origin(setting.key))
    return settings.value(setting.key)


def _tell_origin(name: str, origin: Origin) -> None:
    if origin.kind == "project":
        sys.stderr.write(f"treeact: {name} is set by {origin.where}\n")


def choose_model(context: typer.Context, name: str | None, base_url: str | None) -> ModelChoice:
    """Return the model that a command asks for; say so where a project decides which one that is.

    Raises:
        ConfigError: a profile is incomplete, or a variable that it names is not set.
    """
    from treeact.cli.models import find_model

    settings = settings_of(context)
    if settings.profile(name or "") is not None:
        _tell_origin(f"models.{name}", settings.origin_of(("models", str(name))))
    return find_model(name, base_url, settings)


def settings_of(context: typer.Context) -> Loaded:
    """Return the settings of the invocation, read once."""
    from treeact.cli.config.loading import load

    meta = context.find_root().meta
    if "settings" not in meta:
        meta["settings"] = load()
    loaded: Loaded = meta["settings"]
    return loaded


RunArgument = Annotated[
    str,
    typer.Argument(help="Path, name or part of a name; or last.", autocompletion=runs_like),
]
RunsOption = Annotated[Path | None, setting("runs")]
LibraryOption = Annotated[Path | None, setting("library")]
DisplayOption = Annotated[Display, typer.Option(help="How it is shown.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecordOption = Annotated[
    Path | None, typer.Option(help="Write the model's replies here, for replay:PATH.")
]
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
