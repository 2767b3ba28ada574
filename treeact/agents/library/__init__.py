"""The library of actions that agents wrote; the names are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.agents.library.harvest import Harvest as Harvest
    from treeact.agents.library.harvest import Taken as Taken
    from treeact.agents.library.library import ActionLibrary as ActionLibrary
    from treeact.agents.library.records import Definition as Definition
    from treeact.agents.library.records import Example as Example
    from treeact.agents.library.records import StoredAction as StoredAction
    from treeact.agents.library.rows import Saved as Saved
    from treeact.agents.library.verification import Verdict as Verdict

_HOMES = {
    "ActionLibrary": "library",
    "Definition": "records",
    "Example": "records",
    "Harvest": "harvest",
    "Saved": "rows",
    "StoredAction": "records",
    "Taken": "harvest",
    "Verdict": "verification",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
