"""What shells complete: scripts for them, and the values of options."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum

from treeact.errors import TreeActError

PROGRAM = "treeact"


class Shell(StrEnum):
    """Shells that complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion_script(shell: Shell) -> str:
    """Return what a shell has to read to complete our options and their values."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script: str = get_completion_script(
        prog_name=PROGRAM, complete_var=f"_{PROGRAM.upper()}_COMPLETE", shell=shell
    )
    return script


def values_of(setting: str) -> Callable[[str], list[str]] | None:
    """Return what completes the values of a setting, or None."""
    known = _VALUES.get(setting)
    return None if known is None else _completer(known)


def runs_like(incomplete: str) -> list[str]:
    """Return the names of runs that begin with what was typed, newest first."""
    from treeact.cli.config.loading import load
    from treeact.trace.runs import list_runs, runs_folder

    def names() -> Iterable[str]:
        runs = list_runs(runs_folder(load().value("runs")))
        return ["last", *(run.name for run in reversed(runs))]

    return _matching(names, incomplete)


def _completer(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:  # Typer goes by the parameter's name
        return _matching(names, incomplete)

    return complete


def _matching(names: Callable[[], Iterable[str]], typed: str) -> list[str]:
    """Return the names that begin with what was typed; none where settings are wrong."""
    with suppress(TreeActError):
        return [name for name in dict.fromkeys(names()) if name.startswith(typed)]
    return []


def _agents() -> Iterable[str]:
    from treeact.agents.registry import AGENTS

    return AGENTS


def _planners() -> Iterable[str]:
    from treeact.agents.registry import PLANNERS

    return PLANNERS


def _tools() -> Iterable[str]:
    from treeact.agents.registry import TOOLS

    return TOOLS


def _models() -> Iterable[str]:
    """Yield profiles of files, and the models that providers answer with by default."""
    from treeact.cli.config.loading import load
    from treeact.models.providers import PROVIDERS

    yield from load().values["models"]
    yield from (provider.default_model for provider in PROVIDERS)
    yield from ("human", "replay:")


_VALUES: dict[str, Callable[[], Iterable[str]]] = {
    "agent": _agents,
    "planner": _planners,
    "tools": _tools,
    "model": _models,
}
