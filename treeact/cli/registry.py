"""Names that users type, and the classes behind them, imported when they are asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from treeact.errors import ConfigError

AGENTS = {
    "codeact": "treeact.agents.codeact:CodeAct",
    "dynasaur": "treeact.agents.dynasaur:DynaSaur",
    "json": "treeact.agents.json_agent:JsonAgent",
}
PLANNERS = {
    "greedy": "treeact.planners.greedy:Greedy",
}


def look_up(name: str, homes: dict[str, str], what: str) -> Any:
    """Return the class that `name` stands for: a known name, or `package.module:Class`.

    Raises:
        ConfigError: there is none; the message names the choices.
    """
    home = homes.get(name, name)
    module, _, attribute = home.partition(":")
    if not attribute:
        close = get_close_matches(name, homes, n=1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(homes)}"
        raise ConfigError(f"no {what} named {name!r}: {hint}")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{what} {name!r} cannot be imported: {error}") from error
