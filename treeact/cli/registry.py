"""Names that users type, and the classes behind them, imported when they are asked for."""

from __future__ import annotations

from dataclasses import Field, fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from treeact.errors import ConfigError

AGENTS = {
    "codeact": "treeact.agents.codeact:CodeAct",
    "json": "treeact.agents.json_agent:JsonAgent",
    "poact": "treeact.agents.poact:PoAct",
}
PLANNERS = {
    "best-of-n": "treeact.planners.best_of_n:BestOfN",
    "greedy": "treeact.planners.greedy:Greedy",
    "mcts": "treeact.planners.mcts:MCTS",
    "poact": "treeact.planners.poact:PoAct",
    "toolchain": "treeact.planners.toolchain:ToolChain",
    "tree-planner": "treeact.planners.tree_planner:TreePlanner",
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


def make_planner(spec: str) -> Any:
    """Return the planner that a text asks for: a name, and settings behind a colon.

    `mcts:n=3,depth=5` is `MCTS(n=3, depth=5)`.

    Raises:
        ConfigError: there is no such planner or setting, or its value is of the wrong type.
    """
    name, settings = spec, ""
    if name not in PLANNERS:
        head, colon, tail = spec.partition(":")
        if colon and "=" in tail:  # else it is `package.module:Class`
            name, settings = head, tail
            if "=" not in tail.partition(":")[0]:
                cls, _, settings = tail.partition(":")
                name = f"{head}:{cls}"
    planner = look_up(name, PLANNERS, "planner")
    return planner(**_settings(name, planner, settings))


def _settings(name: str, planner: Any, text: str) -> dict[str, Any]:
    known = {
        field.name: field
        for field in (fields(planner) if is_dataclass(planner) else ())
        if isinstance(field.default, bool | int | float | str)
    }
    chosen = {}
    for pair in filter(None, text.split(",")):
        key, _, value = pair.partition("=")
        if key not in known:
            choices = ", ".join(known) or "it has none"
            raise ConfigError(f"planner {name!r} has no setting {key!r}: choose of {choices}")
        chosen[key] = _value(name, known[key], value)
    return chosen


def _value(planner: str, field: Field[Any], text: str) -> Any:
    kind: type[Any] = type(field.default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(
            f"setting {field.name} of planner {planner!r} is {text!r}: give a {kind.__name__}"
        ) from error
