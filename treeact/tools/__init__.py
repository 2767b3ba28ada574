"""Functions that an agent may call; the names are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.tools.builtin import FINAL_ANSWER as FINAL_ANSWER
    from treeact.tools.builtin import final_answer as final_answer
    from treeact.tools.function import Effects as Effects
    from treeact.tools.function import Tool as Tool
    from treeact.tools.function import tool as tool
    from treeact.tools.toolset import ToolSet as ToolSet

_HOMES = {
    "Effects": "treeact.tools.function",
    "FINAL_ANSWER": "treeact.tools.builtin",
    "Tool": "treeact.tools.function",
    "ToolSet": "treeact.tools.toolset",
    "final_answer": "treeact.tools.builtin",
    "tool": "treeact.tools.function",
}

__all__ = ["FINAL_ANSWER", "Effects", "Tool", "ToolSet", "final_answer", "tool"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'treeact.tools' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
