"""The code by which the host speaks to the library's half in a sandbox, see `prelude.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treeact.agents.library.records import Example, StoredAction

MODULE = "__import__('treeact_actions')"
_SOURCE = Path(__file__).with_name("prelude.py").read_text(encoding="utf-8")
PRELUDE = (
    f"exec(compile({_SOURCE!r}, '<treeact actions>', 'exec'), "
    "{'__name__': 'treeact_actions', 'main': globals(), 'cell': display.__self__})"
)
"""Makes an interpreter fit for the rest; to be run before any other code."""


def units(closure: Sequence[StoredAction]) -> list[dict[str, Any]]:
    """Return what the sandbox needs to load actions, as JSON values."""
    by_digest = {action.digest: action.id for action in closure}
    return [
        {
            "id": action.id,
            "name": action.name,
            "version": action.version,
            "code": action.code,
            "tools": list(action.tools),
            "uses": {name: by_digest[digest] for name, digest in action.uses.items()},
        }
        for action in closure
    ]


def load_code(closure: Sequence[StoredAction], names: Mapping[str, int] | None = None) -> str:
    """Return code that loads actions, and gives the agent's namespace some of them by name."""
    return f"{MODULE}.load({units(closure)!r}, {dict(names or {})!r})"


def search_code(tool: str) -> str:
    """Return code that makes what the search tool finds callable."""
    return f"{MODULE}.offer_search({tool!r})"


def take_code(room: int) -> str:
    """Return code that reports what was defined and called since the last report."""
    return f"{MODULE}.take({room})"


def attempt_code(action: StoredAction, example: Example) -> str:
    """Return code that calls a loaded action with the arguments of an example."""
    return f"{MODULE}.attempt({action.id}, {example.arguments!r})"
