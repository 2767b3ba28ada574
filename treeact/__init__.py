"""TreeAct: agents that act in Python, planners that search over live, forkable code state.

The public names are imported when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.agents.agent import Agent as Agent
    from treeact.agents.codeact import CodeAct as CodeAct
    from treeact.agents.codified.agent import CodeAgents as CodeAgents
    from treeact.agents.codified.role import Role as Role
    from treeact.agents.dynasaur import DynaSaur as DynaSaur
    from treeact.agents.json_agent import JsonAgent as JsonAgent
    from treeact.agents.library import ActionLibrary as ActionLibrary
    from treeact.agents.poact.agent import PoAct as PoAct
    from treeact.agents.run import Result as Result
    from treeact.agents.run import Run as Run
    from treeact.agents.task import Task as Task
    from treeact.bridge import blocking as blocking
    from treeact.errors import AnswerError as AnswerError
    from treeact.errors import TreeActError as TreeActError
    from treeact.models import ScriptedModel as ScriptedModel
    from treeact.sandbox.base import Limits as Limits
    from treeact.sandbox.docker.sandbox import DockerSandbox as DockerSandbox
    from treeact.sandbox.local.jail import JailSandbox as JailSandbox
    from treeact.sandbox.local.unsafe import UnsafeLocalSandbox as UnsafeLocalSandbox
    from treeact.tools import tool as tool
    from treeact.trace.budget import Budget as Budget

_HOMES = {
    "ActionLibrary": "treeact.agents.library",
    "Agent": "treeact.agents.agent",
    "AnswerError": "treeact.errors",
    "Budget": "treeact.trace.budget",
    "CodeAct": "treeact.agents.codeact",
    "CodeAgents": "treeact.agents.codified.agent",
    "DockerSandbox": "treeact.sandbox.docker.sandbox",
    "DynaSaur": "treeact.agents.dynasaur",
    "JailSandbox": "treeact.sandbox.local.jail",
    "JsonAgent": "treeact.agents.json_agent",
    "Limits": "treeact.sandbox.base",
    "PoAct": "treeact.agents.poact.agent",
    "Result": "treeact.agents.run",
    "Role": "treeact.agents.codified.role",
    "Run": "treeact.agents.run",
    "ScriptedModel": "treeact.models",
    "Task": "treeact.agents.task",
    "TreeActError": "treeact.errors",
    "UnsafeLocalSandbox": "treeact.sandbox.local.unsafe",
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
