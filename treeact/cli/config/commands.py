"""`treeact config`: what holds here and where it is from, which files are read, what is wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from treeact.cli import EXIT_BAD_INPUT
from treeact.cli.config.definition import PREFIX, SETTINGS, Profile
from treeact.cli.options import JsonOption, settings_of
from treeact.errors import ConfigError

if TYPE_CHECKING:
    from treeact.cli.config.files import ConfigFile
    from treeact.cli.config.loading import Loaded, Origin

OTHER_VARIABLES = frozenset(
    {
        "TREEACT_API_KEY",
        "TREEACT_APT_OPTIONS",
        "TREEACT_BASE_IMAGE",
        "TREEACT_HOME",
        "TREEACT_PRICES",
    }
)
"""Variables of TreeAct that are no settings."""

config_app = typer.Typer(
    help="Say what is set, by files and the environment, and check it.", no_args_is_help=True
)


@config_app.command("show")
def show_command(context: typer.Context, as_json: JsonOption = False) -> None:
    """Say the value of each setting, and where it is from; secrets are never shown."""
    rows = list(_rows(settings_of(context)))
    for row in rows:
        if as_json:
            _say(json.dumps(row))
        else:
            _say(f"{row['setting']:<20} {_words(row['value']):<28} {row['where'] or row['source']}")


def _rows(settings: Loaded) -> Iterator[dict[str, Any]]:
    """Yield a row for each setting; one that is a table has a row for each name in it."""
    for setting in SETTINGS:
        value, origin = settings.values[setting.key], settings.origin(setting.key)
        if isinstance(value, Mapping) and value:
            for name, part in value.items():
                origin = settings.origin_of((*setting.key.split("."), name))
                yield _row(f"{setting.key}.{name}", part, origin)
        else:
            yield _row(setting.key, value or None if setting.in_file_only else value, origin)


def _row(name: str, value: Any, origin: Origin) -> dict[str, Any]:
    return {
        "setting": name,
        "value": _plain(value),
        "source": origin.kind,
        "where": origin.where,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without the keys of models."""
    match value:
        case Profile():
            shown = {name: part for name, part in vars(value).items() if part is not None}
            if value.api_key and "${" not in value.api_key:
                shown["api_key"] = "[redacted]"
            return shown
        case tuple():
            return list(value)
        case Path():
            return str(value)
        case _:
            return value


def _words(value: Any) -> str:
    match value:
        case None | [] | "":
            return "-"
        case {}:
            return ", ".join(f"{name} {part}" for name, part in value.items())
        case list():
            return ", ".join(map(str, value))
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _say(line: str) -> None:
    from treeact.printable import printable
    from treeact.trace.redact import Redactor

    sys.stdout.write(printable(Redactor().clean(line)) + "\n")


@config_app.command("path")
def path_command(as_json: JsonOption = False) -> None:
    """Say which files are read, the stronger first, and whether they are there."""
    from treeact.cli.config.files import FILE_NAME, project_file, user_file

    project = project_file() or Path.cwd() / FILE_NAME
    for origin, path in (("project", project), ("user", user_file())):
        row = {"source": origin, "path": str(path), "exists": path.is_file()}
        words = f"{origin:<8} {path}{'' if row['exists'] else ' (not there)'}"
        _say(json.dumps(row) if as_json else words)


@config_app.command("check")
def check_command(as_json: JsonOption = False) -> None:
    """Check files and variables, and say all that is wrong.

    Exit status: 0 when nothing is wrong, warnings apart, 2 otherwise.
    """
    problems, warnings = _examine()
    for kind, found in (("error", problems), ("warning", warnings)):
        for text in found:
            _say(json.dumps({"kind": kind, "text": text}) if as_json else f"{kind}: {text}")
    if not (problems or warnings or as_json):
        _say("nothing is wrong")
    if problems:
        raise typer.Exit(EXIT_BAD_INPUT)


def _examine() -> tuple[list[str], list[str]]:
    from treeact.cli.config.checking import problems_of
    from treeact.cli.config.files import read_files
    from treeact.cli.config.loading import load

    try:
        files = read_files()
        if problems := [problem for file in files for problem in problems_of(file)]:
            return problems, []
        settings = load()
    except ConfigError as error:
        return [str(error)], []
    return list(_unusable(settings)), [*_strays(), *_literal_keys(files)]


def _unusable(settings: Loaded) -> Iterator[str]:
    """Yield what refers to a variable that is not set, and models that cannot be used."""
    from treeact.cli.models import find_model

    for setting in SETTINGS:
        try:
            settings.value(setting.key)
        except ConfigError as error:
            yield str(error)
    for name in settings.values["models"]:
        try:
            find_model(name, None, settings)
        except ConfigError as error:
            yield str(error)


def _strays() -> Iterator[str]:
    """Yield the variables that look like settings and are none."""
    known = {setting.variable for setting in SETTINGS} | OTHER_VARIABLES
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f": did you mean {close[0]}?" if close else ""
            yield f"the variable {name} is no setting{hint}"


def _literal_keys(files: list[ConfigFile]) -> Iterator[str]:
    from treeact.cli.config.secrets import literal_keys

    for file in files:
        for place in literal_keys(file.data):
            yield (
                f"{file.where(place)}: {'.'.join(place)} holds a key: keep it in a variable, and "
                "write ${NAME} here"
            )
