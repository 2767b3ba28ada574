"""TreeAct: agents that act in Python, planners that search over live, forkable code state.

The public names are imported when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.agents.agent import Agent as Agent
    from treeact.agents.codeact import CodeAct as CodeAct
    from treeact.agents.codeagents import CodeAgents as CodeAgents
    from treeact.agents.codeagents import Role as Role
    from treeact.agents.dynasaur import DynaSaur as DynaSaur
    from treeact.agents.json_agent import JsonAgent as JsonAgent
    from treeact.agents.library import ActionLibrary as ActionLibrary
    from treeact.agents.poact import PoAct as PoAct
    from treeact.agents.run import Result as Result
    from treeact.agents.run import Run as Run
    from treeact.agents.task import Task as Task
    from treeact.bridge import blocking as blocking
    from treeact.errors import AnswerError as AnswerError
    from treeact.errors import TreeActError as TreeActError
    from treeact.models import ScriptedModel as ScriptedModel
    from treeact.sandbox.base import Limits as Limits
    from treeact.sandbox.docker import DockerSandbox as DockerSandbox
    from treeact.sandbox.jail import JailSandbox as JailSandbox
    from treeact.sandbox.unsafe import UnsafeLocalSandbox as UnsafeLocalSandbox
    from treeact.tools import tool as tool
    from treeact.trace.budget import Budget as Budget

_HOMES = {
    "ActionLibrary": "treeact.agents.library",
    "Agent": "treeact.agents.agent",
    "AnswerError": "treeact.errors",
    "Budget": "treeact.trace.budget",
    "CodeAct": "treeact.agents.codeact",
    "CodeAgents": "treeact.agents.codeagents",
    "DockerSandbox": "treeact.sandbox.docker",
    "DynaSaur": "treeact.agents.dynasaur",
    "JailSandbox": "treeact.sandbox.jail",
    "JsonAgent": "treeact.agents.json_agent",
    "Limits": "treeact.sandbox.base",
    "PoAct": "treeact.agents.poact",
    "Result": "treeact.agents.run",
    "Role": "treeact.agents.codeagents",
    "Run": "treeact.agents.run",
    "ScriptedModel": "treeact.models",
    "Task": "treeact.agents.task",
    "TreeActError": "treeact.errors",
    "UnsafeLocalSandbox": "treeact.sandbox.unsafe",
    "blocking": "treeact.bridge",
    "tool": "treeact.tools",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'treeact' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
