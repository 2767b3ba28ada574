"""What became of actions: how their versions differ, and which say the same in other words."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from treeact.agents.library.records import StoredAction
from treeact.planners.normalise import code_key

if TYPE_CHECKING:
    from treeact.agents.library.library import ActionLibrary


def version_diff(
    library: ActionLibrary, name: str, old: int | None = None, new: int | None = None
) -> list[str]:
    """Return the lines of a unified diff between two versions of an action.

    Args:
        library: where they are.
        name: of the action.
        old: a version; None for the last one before `new`.
        new: another one; None for the newest.

    Raises:
        LibraryError: there is no such action or version.
    """
    versions = [a.version for a in library.actions(all_versions=True) if a.name == name]
    latest = new or max(versions, default=1)
    earlier = old or max((v for v in versions if v < latest), default=latest)
    before, after = library.get(name, earlier), library.get(name, latest)
    return list(
        difflib.unified_diff(
            before.code.splitlines(),
            after.code.splitlines(),
            before.label,
            after.label,
            lineterm="",
        )
    )


def find_duplicates(actions: Iterable[StoredAction]) -> dict[int, str]:
    """Return the actions that do what an earlier one does under another name: id, and its label.

    Two do the same when nothing but their own name, layout, comments and docstrings differ. (Equal
    ones of one name are merged when they are saved.)
    """
    first: dict[tuple[str, ...], StoredAction] = {}
    found = {}
    for action in sorted(actions, key=lambda it: it.id):
        known = first.setdefault(_nameless(action), action)
        if known.name != action.name:
            found[action.id] = known.label
    return found


def _nameless(action: StoredAction) -> tuple[str, ...]:
    """Return what an action does, whatever it is called."""
    try:
        tree = _Rename(action.name).visit(ast.parse(action.code))
        key = code_key(ast.unparse(tree))
    except (SyntaxError, ValueError, RecursionError):
        key = f"{action.name} {action.code}"
    return key, *sorted(action.uses.values())


class _Rename(ast.NodeTransformer):
    """Takes a function's own name out of its code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Take the name off the definition."""
        if node.name == self._name:
            node.name = "_"
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Take the name off where the function calls itself."""
        if node.id == self._name:
            node.id = "_"
        return node
