"""From Python's syntax to the expressions and calls of a plan. What is not listed is refused."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import Any

from treeact.planners.codified import nodes
from treeact.planners.codified.findings import place, refuse
from treeact.planners.codified.functions import FUNCTIONS, METHODS
from treeact.planners.codified.values import MAX_BITS

MAX_NESTING = 25
"""Levels of one expression."""
SPEC = re.compile(r"[<>^]?0?\d{0,2}(?:,)?(?:\.\d{1,2})?[dfegs%]?")
"""What may stand behind the colon in the slot of a text."""
WORDS = frozenset({"answer", "can", "limit", "python", "task"})
"""Words of the language, which no role or tool may have as its name."""

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "==",
    ast.IsNot: "!=",
}


def read_expression(node: ast.expr, depth: int = 0) -> nodes.Expr:
    """Return the expression that `node` is.

    Raises:
        Refused: it is none of the language.
    """
    if depth > MAX_NESTING:
        raise refuse(
            node, f"more than {MAX_NESTING} levels in one expression", "split it over variables"
        )
    rule = _RULES.get(type(node))
    if rule is None:
        raise refuse(
            node, f"{_named(node)} is not of the language", "write it with variables and loops"
        )
    return rule(node, depth + 1)


def _named(node: ast.AST) -> str:
    return f"Python's {type(node).__name__}"


def operator_of(node: ast.BinOp | ast.AugAssign) -> str:
    """Return the sign of an operation.

    Raises:
        Refused: the language does not have it.
    """
    op = _BINARY.get(type(node.op))
    if op is None:
        raise refuse(node, f"{_named(node.op)} is not of the language", "use + - * / // % **")
    return op


def read_targets(node: ast.expr) -> tuple[str, ...]:
    """Return the variables of a loop.

    Raises:
        Refused: they are no plain names.
    """
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    names = tuple(part.id for part in parts if isinstance(part, ast.Name))
    if len(names) != len(parts) or len(set(names)) != len(names) or not names:
        raise refuse(node, "a loop has names of variables here", "write `for row in rows:`")
    for part in names:
        check_name(node, part)
    return names


def check_name(node: ast.AST, name: str) -> None:
    """Check that a variable may be called `name`.

    Raises:
        Refused: the name is hidden, or that of a function.
    """
    if name.startswith("_") and name != "_":
        raise refuse(node, f"the name {name} begins with _", "take another name")
    if name in FUNCTIONS:
        raise refuse(node, f"{name} is a function of the language", "take another name")


def check_callee(node: ast.AST, name: str) -> None:
    """Check that a role or tool may be called `name`.

    Raises:
        Refused: the name is hidden, or has a meaning of its own.
    """
    check_name(node, name)
    if name in WORDS:
        remedy = "write `answer(value)` as a step, `while limit(10) and ...:`, `@can(tool)`"
        raise refuse(node, f"{name} is a word of the language, and not called so", remedy)


def read_call(node: ast.Call, depth: int = 0) -> nodes.Call:
    """Return the call of a role or tool that `node` is.

    Raises:
        Refused: the callee is no name, or arguments are unpacked.
    """
    if not isinstance(node.func, ast.Name):
        raise refuse(node, "only names can be called", "call a role, a tool or a function")
    check_callee(node, node.func.id)
    named = []
    for keyword in node.keywords:
        if keyword.arg is None:
            raise refuse(node, "** is not of the language", "name each argument")
        named.append((keyword.arg, read_expression(keyword.value, depth + 1)))
    arguments = tuple(read_expression(argument, depth + 1) for argument in node.args)
    return nodes.Call(node.func.id, arguments, tuple(named), at=place(node))


def _constant(node: ast.Constant, depth: int) -> nodes.Expr:
    value = node.value
    if not isinstance(value, bool | int | float | str | None):
        raise refuse(node, f"{value!r:.40} is no plain data", "use texts and numbers")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise refuse(node, f"the number has more than {MAX_BITS} bits", "use a smaller one")
    if isinstance(value, float) and not math.isfinite(value):
        raise refuse(node, "the number is too large", "use a smaller one")
    if isinstance(value, str) and not _is_clean(value):
        raise refuse(node, "the text holds half a character", "write whole characters")
    return nodes.Constant(value, at=place(node))


def _is_clean(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _name(node: ast.Name, depth: int) -> nodes.Expr:
    check_name_use(node)
    return nodes.Name(node.id, at=place(node))


def check_name_use(node: ast.Name) -> None:
    """Check that a variable is meant, and not a function without its arguments.

    Raises:
        Refused: it is not.
    """
    if node.id in FUNCTIONS:
        raise refuse(node, f"{node.id} is a function", f"call it: {node.id}(...)")


def _list(node: ast.List | ast.Tuple, depth: int) -> nodes.Expr:
    return nodes.Items(tuple(read_expression(e, depth) for e in node.elts), at=place(node))


def _dict(node: ast.Dict, depth: int) -> nodes.Expr:
    pairs = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise refuse(node, "** is not of the language", "name each key")
        pairs.append((read_expression(key, depth), read_expression(value, depth)))
    return nodes.Pairs(tuple(pairs), at=place(node))


def _text(node: ast.JoinedStr, depth: int) -> nodes.Expr:
    parts: list[str | nodes.Slot] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            # As Python 3.11 places it; later ones name where in the text it stands.
            parts.append(_slot(ast.copy_location(part, node), depth))
        elif isinstance(part, ast.Constant) and _is_clean(str(part.value)):
            parts.append(str(part.value))
        else:
            raise refuse(node, "the text holds half a character", "write whole characters")
    return nodes.Text(tuple(parts), at=place(node))


def _slot(node: ast.FormattedValue, depth: int) -> nodes.Slot:
    spec = ""
    if isinstance(node.format_spec, ast.JoinedStr):
        texts = node.format_spec.values
        spec = "".join(str(t.value) for t in texts if isinstance(t, ast.Constant))
        if len(texts) > 1 or not SPEC.fullmatch(spec) or not spec:
            raise refuse(node, "this format is not of the language", "use one such as :.2f")
    if node.conversion not in (-1, 114):
        raise refuse(node, "this conversion is not of the language", "leave it out")
    value = read_expression(node.value, depth)
    for inner in nodes.walk(value):
        text = inner.value if isinstance(inner, nodes.Constant) else None
        if isinstance(inner, nodes.Text) or (
            isinstance(text, str) and not (text.isprintable() and set(text).isdisjoint("\"'\\{}"))
        ):
            raise refuse(node, "a text within a text", "give it to a variable first")
    return nodes.Slot(value, spec, at=place(node))


def _unary(node: ast.UnaryOp, depth: int) -> nodes.Expr:
    if isinstance(node.op, ast.UAdd):
        return read_expression(node.operand, depth)
    if isinstance(node.op, ast.Invert):
        raise refuse(node, "~ is not of the language", "use `not` or `-`")
    op = "not" if isinstance(node.op, ast.Not) else "-"
    return nodes.Unary(op, read_expression(node.operand, depth), at=place(node))  # type: ignore[arg-type]


def _binary(node: ast.BinOp, depth: int) -> nodes.Expr:
    op = operator_of(node)
    left, right = read_expression(node.left, depth), read_expression(node.right, depth)
    return nodes.Binary(op, left, right, at=place(node))  # type: ignore[arg-type]


def _compare(node: ast.Compare, depth: int) -> nodes.Expr:
    rest = []
    for op, right in zip(node.ops, node.comparators, strict=True):
        is_none = isinstance(right, ast.Constant) and right.value is None
        if isinstance(op, ast.Is | ast.IsNot) and not is_none:
            raise refuse(node, "`is` compares with None alone", "use ==")
        rest.append((_COMPARE[type(op)], read_expression(right, depth)))
    return nodes.Compare(read_expression(node.left, depth), tuple(rest), at=place(node))


def _logic(node: ast.BoolOp, depth: int) -> nodes.Expr:
    values = tuple(read_expression(value, depth) for value in node.values)
    return nodes.Logic("and" if isinstance(node.op, ast.And) else "or", values, at=place(node))


def _choice(node: ast.IfExp, depth: int) -> nodes.Expr:
    parts = (read_expression(part, depth) for part in (node.body, node.test, node.orelse))
    return nodes.Choice(*parts, at=place(node))


def _item(node: ast.Subscript, depth: int) -> nodes.Expr:
    value = read_expression(node.value, depth)
    if not isinstance(node.slice, ast.Slice):
        return nodes.Item(value, read_expression(node.slice, depth), at=place(node))
    if node.slice.step is not None:
        raise refuse(node, "a slice has no step here", "use reversed(...) or a loop")
    lower, upper = (
        None if bound is None else read_expression(bound, depth)
        for bound in (node.slice.lower, node.slice.upper)
    )
    return nodes.Slice(value, lower, upper, at=place(node))


def _field(node: ast.Attribute, depth: int) -> nodes.Expr:
    if node.attr.startswith("_"):
        raise refuse(node, f"the name {node.attr} begins with _", "name a field of a record")
    return nodes.Field(read_expression(node.value, depth), node.attr, at=place(node))


def _apply(node: ast.Call, depth: int) -> nodes.Expr:
    if isinstance(node.func, ast.Attribute):
        return _method(node, node.func, depth)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        raise refuse(
            node,
            f"{name or 'this'} is called within an expression",
            "give its result to a typed variable first: `x: T = "
            f"{name or 'role'}(...)`, and use x here",
        )
    if node.keywords:
        raise refuse(node, f"{name} takes no named arguments", "leave the names out")
    function = FUNCTIONS[name]
    _check_count(node, name, function.least, function.most)
    return nodes.Apply(name, _arguments(node, depth), at=place(node))


def _method(node: ast.Call, function: ast.Attribute, depth: int) -> nodes.Expr:
    if function.attr not in METHODS:
        remedy = f"the methods are {', '.join(METHODS)}; a list grows by a step `rows.append(row)`"
        raise refuse(node, f"there is no method {function.attr}", remedy)
    if node.keywords:
        raise refuse(node, f"{function.attr} takes no named arguments", "leave the names out")
    method = METHODS[function.attr][1]
    _check_count(node, function.attr, method.least, method.most)
    value = read_expression(function.value, depth)
    return nodes.Method(value, function.attr, _arguments(node, depth), at=place(node))


def _arguments(node: ast.Call, depth: int) -> tuple[nodes.Expr, ...]:
    return tuple(read_expression(argument, depth) for argument in node.args)


def _check_count(node: ast.Call, name: str, least: int, most: int) -> None:
    if not least <= len(node.args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise refuse(node, f"{name} takes {wanted} arguments", "count them")


def _comprehension(node: ast.ListComp | ast.GeneratorExp, depth: int) -> nodes.Expr:
    element = read_expression(node.elt, depth)
    targets, source, condition = read_generator(node, depth)
    return nodes.Comprehension(element, targets, source, condition, at=place(node))


def read_generator(
    node: ast.ListComp | ast.GeneratorExp, depth: int = 0
) -> tuple[tuple[str, ...], nodes.Expr, nodes.Expr | None]:
    """Return variables, source and condition of a comprehension.

    Raises:
        Refused: it is more than that.
    """
    first = node.generators[0]
    if len(node.generators) > 1 or len(first.ifs) > 1 or first.is_async:
        raise refuse(node, "a comprehension has one `for` and one `if`", "write loops")
    condition = read_expression(first.ifs[0], depth) if first.ifs else None
    return read_targets(first.target), read_expression(first.iter, depth), condition


_RULES: dict[type[ast.expr], Callable[[Any, int], nodes.Expr]] = {
    ast.Attribute: _field,
    ast.BinOp: _binary,
    ast.BoolOp: _logic,
    ast.Call: _apply,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _choice,
    ast.JoinedStr: _text,
    ast.List: _list,
    ast.ListComp: _comprehension,
    ast.Name: _name,
    ast.Subscript: _item,
    ast.Tuple: _list,
    ast.UnaryOp: _unary,
}
