"""Names that users type, and the classes behind them, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from treeact.errors import ConfigError

AGENTS = {
    "codeact": "treeact.agents.codeact:CodeAct",
    "dynasaur": "treeact.agents.dynasaur:DynaSaur",
    "codeagents": "treeact.agents.codified.agent:CodeAgents",
    "json": "treeact.agents.json_agent:JsonAgent",
    "poact": "treeact.agents.poact.agent:PoAct",
}
PLANNERS = {
    "best-of-n": "treeact.planners.best_of_n:BestOfN",
    "greedy": "treeact.planners.greedy:Greedy",
    "mcts": "treeact.planners.mcts:MCTS",
    "poact": "treeact.planners.poact:PoAct",
    "toolchain": "treeact.planners.toolchain:ToolChain",
    "tree-planner": "treeact.planners.tree_planner:TreePlanner",
}

TOOLS = {"gaia": "treeact.tools.gaia:gaia_tools"}


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
    known = fields(planner) if is_dataclass(planner) else ()
    defaults = {field.name: field.default for field in known}
    return planner(**read_settings(f"planner {name!r}", defaults, settings))


def read_settings(what: str, defaults: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return settings such as `n=3,depth=5` as values of the types of their defaults.

    Args:
        what: whose settings they are, for messages.
        defaults: the settings that there are; those that are no plain values cannot be set so.
        text: what was typed; empty sets nothing.

    Raises:
        ConfigError: there is no such setting, or its value is of the wrong type.
    """
    known = {
        name: type(value)
        for name, value in defaults.items()
        if isinstance(value, bool | int | float | str)
    }
    chosen = {}
    for pair in filter(None, text.split(",")):
        key, _, value = pair.partition("=")
        if key not in known:
            choices = ", ".join(known) or "it has none"
            raise ConfigError(f"{what} has no setting {key!r}: choose of {choices}")
        chosen[key] = _value(f"setting {key} of {what}", known[key], value)
    return chosen


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _value(what: str, kind: type[Any], text: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{what} is {text!r}: give {_KINDS[kind]}") from error
