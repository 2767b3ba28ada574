"""Why an action waits for a yes, and what a person should know of it before they give one."""

from __future__ import annotations

import ast

from treeact.agents.library.statements import read_statements
from treeact.planners.normalise import code_calls
from treeact.tui.views.run import RunView


def reasons(what: str, text: str, view: RunView) -> list[str]:
    """Return the policy that stopped an action, and what code imports and calls.

    Args:
        what: `code` or `call`.
        text: the action.
        view: the run.
    """
    found = [f"approve={view.approve}"] if view.approve not in ("", "none") else []
    if what != "code":
        return found
    statements = read_statements(text)
    imports = {_module(it.node) for it in statements} - {""}
    if imports:
        found.append(f"imports {', '.join(sorted(imports))}")
    if tools := code_calls(text, view.tools):
        found.append(f"calls {', '.join(dict.fromkeys(tools))}")
    return found


def _module(node: ast.stmt) -> str:
    match node:
        case ast.Import():
            return ", ".join(alias.name for alias in node.names)
        case ast.ImportFrom():
            return node.module or "."
        case _:
            return ""
