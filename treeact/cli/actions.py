"""`treeact actions`: the library of functions that agents wrote, looked at and looked after."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from treeact.cli import EXIT_NO_ANSWER
from treeact.cli.config.definition import SandboxName
from treeact.cli.options import UNSET, JsonOption, LibraryOption, setting
from treeact.errors import ConfigError, LibraryError

if TYPE_CHECKING:
    from treeact.agents.library import ActionLibrary, StoredAction, Verdict

actions_app = typer.Typer(
    help="Look at, verify and move the functions that dynasaur has learned.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="Name of an action.")]
VersionOption = Annotated[
    int | None, typer.Option("--version", help="Which version.  [default: the one in use]")
]


@contextmanager
def _library(
    path: Path | None, *, write: bool = False, new: bool = False
) -> Iterator[ActionLibrary]:
    """Open the library, frozen unless it is to be written, and a `new` one only if that is fine."""
    from treeact.agents.library import ActionLibrary
    from treeact.agents.library.library import library_path

    file = library_path(path)
    if not new and not file.exists():
        raise LibraryError(f"there is no library {file}: `treeact run --agent dynasaur` makes one")
    with ActionLibrary(file, frozen=not write) as library:
        yield library


def _say(line: str) -> None:
    from treeact.printable import printable

    sys.stdout.write(printable(line) + "\n")


def _label(action: StoredAction) -> str:
    pinned = " (pinned)" if action.pinned else ""
    return f"{action.label}  {action.status}{pinned}  {action.summary}".rstrip()


@actions_app.command("list")
def list_actions(
    query: Annotated[str, typer.Argument(help="Only what a search finds, best first.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="All versions, candidates and disabled ones.")
    ] = False,
    k: Annotated[int, typer.Option("-k", min=1, help="How many a search finds.")] = 10,
    library: LibraryOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """List the actions in use, or all of them."""
    from treeact.agents.library.records import SHOWN, STATUSES

    with _library(library) as opened:
        if query:
            found = asyncio.run(opened.search(query, k, candidates=every))
        else:
            found = opened.actions(statuses=STATUSES if every else SHOWN, all_versions=every)
    for action in found:
        if as_json:
            sys.stdout.write(json.dumps(action.describe()) + "\n")
        else:
            counts = f"{action.successes} ok, {action.failures} failed"
            _say(f"{action.label:<32} {action.status:<10} {counts:<16} {action.summary}".rstrip())


@actions_app.command("show")
def show_action(
    name: NameArgument,
    version: VersionOption = None,
    library: LibraryOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """Show an action: its code, what it needs, what it uses, and recorded calls."""
    with _library(library) as opened:
        action = opened.get(name, version)
        used = opened.closure([action])[:-1]
    if as_json:
        whole = {**action.describe(), "source": action.source, "context": action.context}
        calls = [
            {"call": _call(action, example.arguments), "result": example.result}
            for example in action.examples
        ]
        sys.stdout.write(json.dumps({**whole, "calls": calls}) + "\n")
        return
    _say(_label(action))
    _say(f"task: {action.task}")
    _say(f"counts: {action.successes} ok, {action.failures} failed")
    if action.tools:
        _say(f"tools: {', '.join(action.tools)}")
    if used:
        _say(f"uses: {', '.join(item.label for item in used)}")
    _say("")
    for line in action.code.splitlines():
        _say(line)
    if action.examples:
        _say("")
    for example in action.examples:
        _say(f">>> {_call(action, example.arguments)}")
        _say(example.result)


def _call(action: StoredAction, arguments: str) -> str:
    from treeact.agents.library.reports import read_literal
    from treeact.planners.normalise import python_call

    try:
        args, kwargs = read_literal(arguments)
        return python_call(action.name, kwargs, args)
    except (ValueError, TypeError, AttributeError):
        return f"{action.name} with {arguments}"


@actions_app.command("diff")
def diff_action(
    name: NameArgument,
    old: Annotated[int | None, typer.Argument(help="A version.  [default: the last but one]")] = (
        None
    ),
    new: Annotated[int | None, typer.Argument(help="Another.  [default: the newest]")] = None,
    library: LibraryOption = UNSET,
) -> None:
    """Show what changed between two versions of an action."""
    from treeact.agents.library.changes import version_diff

    with _library(library) as opened:
        lines = version_diff(opened, name, old, new)
    for line in lines:
        _say(line)


@actions_app.command("verify")
def verify_actions(
    names: Annotated[list[str] | None, typer.Argument(help="Actions.  [default: all]")] = None,
    version: VersionOption = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="File for the working folder; may be repeated."),
    ] = None,
    sandbox: Annotated[SandboxName, setting("sandbox")] = UNSET,
    library: LibraryOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """Try recorded calls again, each in a fresh sandbox.

    Exit status: 0 when none gave another result, 1 otherwise.
    """
    from treeact.agents.workspace import check_files

    files = tuple(file or ())
    check_files(files)
    with _library(library, write=True) as opened:
        wanted = names or [a.name for a in opened.actions(statuses=("exercised", "verified"))]
        verdicts = asyncio.run(_verify(opened, wanted, version, files, sandbox.value))
    for verdict in verdicts:
        _print_verdict(verdict, as_json=as_json)
    failed = any(not verdict.ok and not verdict.untried for verdict in verdicts)
    raise typer.Exit(EXIT_NO_ANSWER if failed else 0)


async def _verify(
    library: ActionLibrary,
    names: Sequence[str],
    version: int | None,
    files: Sequence[Path],
    sandbox: str,
) -> list[Verdict]:
    from treeact.agents.agent import LIMITS
    from treeact.cli.sandbox import prepare_sandbox
    from treeact.sandbox.select import opener

    open_sandbox = opener(await prepare_sandbox(sandbox), limits=LIMITS)
    return [
        await library.verify(name, open_sandbox, version=version, files=files) for name in names
    ]


def _print_verdict(verdict: Verdict, *, as_json: bool) -> None:
    action = verdict.action
    result = "verified" if verdict.ok else "not tried" if verdict.untried else "failed"
    if as_json:
        row = {"name": action.name, "version": action.version, "result": result}
        sys.stdout.write(json.dumps({**row, "reason": verdict.reason}) + "\n")
    else:
        _say(f"{action.label}  {result}" + (f": {verdict.reason}" if verdict.reason else ""))


@actions_app.command("disable")
def disable_action(
    name: NameArgument,
    version: Annotated[
        int | None, typer.Option("--version", help="Which version.  [default: all]")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back into use.")] = False,
    library: LibraryOption = UNSET,
) -> None:
    """Take an action out of use: it is never offered or found again."""
    with _library(library, write=True) as opened:
        opened.disable(name, version, undo=undo)


@actions_app.command("pin")
def pin_action(
    name: NameArgument,
    version: VersionOption = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let the best version be it.")] = False,
    library: LibraryOption = None,
) -> None:
    """Have a name mean one version, whatever better or newer ones there are."""
    with _library(library, write=True) as opened:
        opened.pin(name, version, undo=undo)


@actions_app.command("export")
def export_actions(
    names: Annotated[list[str] | None, typer.Argument(help="Actions.  [default: all]")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File.  [default: standard output]")
    ] = None,
    library: LibraryOption = UNSET,
) -> None:
    """Write actions, with what they use, as lines of JSON."""
    with _library(library) as opened:
        text = opened.export([opened.get(name) for name in names] if names else None)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from error


@actions_app.command("import")
def import_actions(
    file: Annotated[str, typer.Argument(help="An export; - reads standard input.")],
    library: LibraryOption = UNSET,
) -> None:
    """Take in the actions of an export; they have to be verified here."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    with _library(library, write=True, new=True) as opened:
        saved = opened.import_text(text)
    new = [item.action.label for item in saved if item.new]
    _say(f"{len(new)} new, {len(saved) - len(new)} known already: {', '.join(new)}".rstrip(": "))


@actions_app.command("gc")
def collect_garbage(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    library: LibraryOption = UNSET,
    as_json: JsonOption = False,
) -> None:
    """Remove what is disabled, was never exercised, or has a newer verified version."""
    with _library(library, write=True) as opened:
        removed = opened.collect_garbage(dry_run=dry_run)
    for action in removed:
        if as_json:
            sys.stdout.write(json.dumps(action.describe()) + "\n")
        else:
            _say(f"{'would remove' if dry_run else 'removed'} {_label(action)}")
