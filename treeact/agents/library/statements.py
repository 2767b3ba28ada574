"""Code taken apart into module-level statements: what each binds, changes and needs.

Everything here reads syntax trees and symbol tables; nothing is ever run.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from treeact.planners.normalise import SyntaxFailure, parse_python

Function = ast.FunctionDef | ast.AsyncFunctionDef
STAR = "*"
"""What `from module import *` binds: nobody knows which names."""


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement of a module, or one name of an import."""

    node: ast.stmt
    text: str
    line: int
    """Line of the code it starts in, from 1."""
    binds: frozenset[str]
    """Names that it gives a value."""
    changes: frozenset[str]
    """Names whose value it changes in place, as `table[key] = 1` and `names.append(x)` do."""
    needs: frozenset[str]
    """Names of the module that it refers to, its functions' and classes' bodies included."""

    @property
    def function(self) -> Function | None:
        """The function that it defines, or None."""
        return self.node if isinstance(self.node, Function) else None


def read_statements(code: str) -> tuple[Statement, ...]:
    """Return the statements of `code`; none when it is no Python."""
    try:
        tree = parse_python(code)
        lines = code.splitlines(keepends=True)
        return tuple(part for node in tree.body for part in _parts(node, lines))
    except SyntaxFailure:
        return ()


def names_used(code: str) -> frozenset[str]:
    """Return the names that `code` needs and does not bind itself."""
    statements = read_statements(code)
    needed = frozenset[str]().union(*(statement.needs for statement in statements))
    return needed.difference(*(statement.binds for statement in statements))


def _parts(node: ast.stmt, lines: list[str]) -> Iterator[Statement]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imports(node)
        return
    text = ast.unparse(node)
    table = symtable.symtable(text, "<statement>", "exec")
    own = {symbol.get_name(): symbol for symbol in table.get_symbols()}
    yield Statement(
        node=node,
        text=_original(node, lines) if isinstance(node, Function | ast.ClassDef) else text,
        line=_first_line(node),
        binds=frozenset(n for n, s in own.items() if s.is_assigned() or s.is_imported()),
        changes=frozenset(_changed(node)),
        needs=frozenset(n for n, s in own.items() if s.is_referenced())
        | frozenset(_global_names(table))
        | frozenset(_changed_by_itself(node)),
    )


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Statement]:
    for alias in node.names:
        single: ast.stmt = ast.Import([alias])
        if isinstance(node, ast.ImportFrom):
            single = ast.ImportFrom(node.module, [alias], node.level)
        name = alias.asname or (
            alias.name if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0]
        )
        yield Statement(
            node=node,
            text=ast.unparse(single),
            line=node.lineno,
            binds=frozenset([name]),
            changes=frozenset(),
            needs=frozenset(),
        )


def _changed_by_itself(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the module's names that functions and classes of a module refer to, at any depth."""
    for child in table.get_children():
        yield from (symbol.get_name() for symbol in child.get_symbols() if symbol.is_global())
        yield from _global_names(child)


def _changed(node: ast.stmt) -> Iterator[str]:
    """Yield the names whose values a statement changes in place when it runs."""
    for inner in _run_at_once(node):
        match inner:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store()):
                yield from _root(inner)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                yield from _root(method)


def _run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """Yield `node` and what is in it, but for the bodies of functions and classes."""
    yield node
    if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _run_at_once(child)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(node.lineno, *(item.lineno for item in decorators), node.lineno)


def _original(node: ast.stmt, lines: list[str]) -> str:
    """Return a definition as it was written, comments included, if it has its lines to itself."""
    text = "".join(lines[_first_line(node) - 1 : node.end_lineno])
    try:
        same = ast.dump(parse_python(text)) == ast.dump(ast.Module([node], []))
    except SyntaxFailure:
        same = False
    return text.rstrip() if same else ast.unparse(node)
