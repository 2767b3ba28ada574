"""Canonical forms of actions, so that equal actions are found equal however they are written."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SyntaxFailure = (SyntaxError, ValueError, RecursionError, MemoryError)


def code_key(code: str) -> str:
    """Return a key that is equal for code that differs in layout, comments or docstrings only.

    Code that is not Python is equal when it differs in white space only.
    """
    try:
        tree = _parse(code)
        _remove_docstrings(tree)
        return f"code {_digest(ast.dump(tree))}"
    except SyntaxFailure:
        return f"text {_digest(' '.join(code.split()))}"


def is_no_python(code: str) -> bool:
    """Return whether `code` cannot be parsed, by the Python that this runs on."""
    try:
        _parse(code)
    except SyntaxFailure:
        return True
    return False


def code_calls(code: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the calls of functions named in `names`, by source order.

    A call stands where it ends: `f(g())` calls `g`, then `f`, like the same code in two lines. It
    counts once however often a loop runs it, and not after the code has bound its name itself. Code
    that is not Python has no calls.
    """
    try:
        statements = _parse(code).body
        own: set[str] = set()
        calls: list[str] = []
        for statement in statements:
            is_assignment = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
            bound = set(_bound_names(statement))
            hidden = own if is_assignment else own | bound
            calls.extend(name for name in _calls(statement) if name in names and name not in hidden)
            own |= bound
        return tuple(calls)
    except SyntaxFailure:
        return ()


def python_call(name: str, arguments: Mapping[str, Any], args: Sequence[Any] = ()) -> str:
    """Return a call as Python would write it: positional `args`, then named `arguments`."""
    if all(key.isidentifier() and not iskeyword(key) for key in arguments):
        named = [f"{key}={value!r}" for key, value in arguments.items()]
    else:
        named = [f"**{dict(arguments)!r}"]
    return f"{name}({', '.join([*map(repr, args), *named])})"


def parse_call(text: str) -> tuple[str, list[Any], dict[str, Any]] | None:
    """Return name, positional and named arguments of what `python_call` writes, or None.

    Arguments are literals: nothing is run.
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            return None
        named: dict[str, Any] = {}
        for keyword in call.keywords:
            value = ast.literal_eval(keyword.value)
            named |= {keyword.arg: value} if keyword.arg else dict(value)
        return call.func.id, [*map(ast.literal_eval, call.args)], named
    except (*SyntaxFailure, TypeError):
        return None


def _parse(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _remove_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, Definition) and _is_text(node.body[0]):
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Constant):
            node.kind = None
    if len(tree.body) > 1 and _is_text(tree.body[0]):  # a lone text is echoed: it does something
        del tree.body[0]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _calls(statement: ast.stmt) -> list[str]:
    found = [
        (node.end_lineno or 0, node.end_col_offset or 0, node.func.id)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return [name for *_, name in sorted(found)]


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.alias(name=name, asname=alias):
                yield alias or name.partition(".")[0]
