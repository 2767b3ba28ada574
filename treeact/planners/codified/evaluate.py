"""The value of an expression: a total interpreter over JSON values.

Nothing of Python's object model can be reached: names are variables, fields are keys, functions and
methods are those of `functions.py`. Work and sizes are bounded, so every evaluation ends soon, in a
value or in a `Halt`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from treeact.planners.codified import nodes
from treeact.planners.codified.functions import FUNCTIONS, apply, call_method, iterate, plain
from treeact.planners.codified.types import Value
from treeact.planners.codified.values import (
    MAX_BITS,
    MAX_DEPTH,
    MAX_WEIGHT,
    Fuel,
    Halt,
    SizedDict,
    SizedList,
    check,
    weigh,
)


class Scope(dict[str, Value]):
    """The variables that an expression sees: its own, then those of the scope around it."""

    def __init__(self, own: Mapping[str, Value] | None = None, outer: Scope | None = None) -> None:
        super().__init__(own or {})
        self.outer = outer

    def __missing__(self, name: str) -> Value:
        if self.outer is None:
            raise Halt(f"the variable {name} has no value yet")
        return self.outer[name]


def evaluate(node: nodes.Expr, scope: Scope, fuel: Fuel) -> Value:
    """Return the value of an expression.

    Raises:
        Halt: it has none, such as for an index out of range, or it takes too much.
    """
    fuel.burn()
    return _RULES[type(node)](node, scope, fuel)


def rounds(targets: Sequence[str], source: nodes.Expr, scope: Scope, fuel: Fuel) -> Iterator[Scope]:
    """Yield the scope of each round of a loop, with its own variables.

    Raises:
        Halt: the source cannot be looped over, or an item does not fit the variables.
    """
    for item in iterate(evaluate(source, scope, fuel), fuel):
        if len(targets) == 1:
            yield Scope({targets[0]: item}, scope)
            continue
        if not isinstance(item, list) or len(item) != len(targets):
            raise Halt(f"{item!r:.60} does not hold {len(targets)} values")
        yield Scope(dict(zip(targets, item, strict=True)), scope)


def holds(node: nodes.Expr, scope: Scope, fuel: Fuel) -> bool:
    """Return whether a condition is true; as in Python, what is empty or zero is not.

    Raises:
        Halt: it has no value.
    """
    return bool(evaluate(node, scope, fuel))


def changed(step: nodes.Setting, scope: Scope, fuel: Fuel) -> Value:
    """Return the value that a variable has after a step that sets it without a call.

    Raises:
        Halt: there is none.
    """
    match step:
        case nodes.Update(name=name, op=op, value=value):
            return arithmetic(op, scope[name], evaluate(value, scope, fuel), fuel)
        case nodes.Append(name=name, value=value):
            return _appended(scope[name], evaluate(value, scope, fuel), fuel)
        case nodes.SetItem(name=name, key=key, value=value):
            held, place = scope[name], evaluate(key, scope, fuel)
            if not isinstance(held, SizedDict) or not isinstance(place, str):
                raise Halt(f"{name} is no dict, or its key no text")
            fuel.burn(len(held) // 64)
            return _kept_small(held.with_item(place, evaluate(value, scope, fuel)))
        case nodes.Assign(value=value):
            assert not isinstance(value, nodes.Call | nodes.CallEach)
            return evaluate(value, scope, fuel)


def arithmetic(op: str, left: Value, right: Value, fuel: Fuel) -> Value:
    """Return `left op right`.

    Raises:
        Halt: the operands do not fit, or the result would be too large.
    """
    try:
        if op == "+" and type(left) is type(right) and isinstance(left, str | SizedList):
            return _joined(left, right, fuel)
        for operand in (left, right):
            if not isinstance(operand, int | float) or isinstance(operand, bool):
                raise Halt(f"{operand!r:.60} is no number, so {op} does not apply to it")
        if op == "**":
            return _power(left, right)
        return check(_ARITHMETIC[op](left, right))
    except (ArithmeticError, ValueError) as error:
        raise Halt(str(error)) from error


def _joined(left: Any, right: Any, fuel: Fuel) -> Value:
    if isinstance(left, str):
        fuel.copy(len(left) + len(right))
        return left + right
    fuel.burn((len(left) + len(right)) // 256)
    return _kept_small(left.joined(right))


def _appended(held: Value, item: Value, fuel: Fuel) -> Value:
    if not isinstance(held, SizedList):
        raise Halt(f"{held!r:.60} is no list")
    return _joined(held, SizedList([item]), fuel)


def _kept_small(value: SizedList | SizedDict) -> Value:
    if value.weight > MAX_WEIGHT:
        raise Halt(f"the value would be larger than {MAX_WEIGHT} characters", kind="limit")
    if value.depth > MAX_DEPTH:
        raise Halt(f"the value would be nested deeper than {MAX_DEPTH} levels", kind="limit")
    return value


def _power(left: int | float, right: int | float) -> Value:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > MAX_BITS:
        raise Halt(f"the number would have more than {MAX_BITS} bits", kind="limit")
    value = left**right
    if isinstance(value, complex):
        raise Halt("the root of a negative number is no number here")
    return check(value)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _same(left: Value, right: Value) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _among(item: Value, values: Value) -> bool:
    if isinstance(values, str):
        return isinstance(item, str) and item in values
    if isinstance(values, dict):
        return isinstance(item, str) and item in values
    if isinstance(values, list):
        if item in (0, 1):  # which may be bools here or there
            return any(_same(item, value) for value in values)
        return item in values
    raise Halt(f"{values!r:.60} has nothing in it")


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": _among,
    "not in": lambda left, right: not _among(left, right),
}


def compare(op: str, left: Value, right: Value, fuel: Fuel) -> bool:
    """Return whether `left op right` holds.

    Raises:
        Halt: the operands cannot be compared so.
    """
    fuel.copy(weigh(left) + weigh(right))
    try:
        return bool(_COMPARISONS[op](left, right))
    except TypeError as error:
        raise Halt(str(error)) from error


def look_up(value: Value, key: Value) -> Value:
    """Return `value[key]`.

    Raises:
        Halt: there is no such item.
    """
    if isinstance(value, dict):
        if isinstance(key, str) and key in value:
            return value[key]
        raise Halt(f"there is no key {key!r:.60}; the keys are {', '.join([*value][:20])}")
    if not isinstance(value, list | str):
        raise Halt(f"{value!r:.60} has no items")
    if not isinstance(key, int) or isinstance(key, bool):
        raise Halt(f"{key!r:.60} is no position")
    if not -len(value) <= key < len(value):
        raise Halt(f"there is no item {key} among {len(value)}")
    return value[key]


def _name(node: nodes.Name, scope: Scope, fuel: Fuel) -> Value:
    return scope[node.id]


def _constant(node: nodes.Constant, scope: Scope, fuel: Fuel) -> Value:
    return node.value


def _items(node: nodes.Items, scope: Scope, fuel: Fuel) -> Value:
    return SizedList([evaluate(item, scope, fuel) for item in node.values])


def _pairs(node: nodes.Pairs, scope: Scope, fuel: Fuel) -> Value:
    pairs = [(evaluate(k, scope, fuel), evaluate(v, scope, fuel)) for k, v in node.values]
    for key, _ in pairs:
        if not isinstance(key, str):
            raise Halt(f"the key {key!r:.60} is no text")
    return SizedDict(pairs)


def _text(node: nodes.Text, scope: Scope, fuel: Fuel) -> Value:
    parts = [part if isinstance(part, str) else _slot(part, scope, fuel) for part in node.parts]
    fuel.copy(sum(map(len, parts)))
    return check("".join(parts))


def _slot(slot: nodes.Slot, scope: Scope, fuel: Fuel) -> str:
    value = evaluate(slot.value, scope, fuel)
    fuel.copy(4 * weigh(value))
    try:
        return format(plain(value), slot.spec)
    except (TypeError, ValueError, OverflowError) as error:
        raise Halt(str(error)) from error


def _unary(node: nodes.Unary, scope: Scope, fuel: Fuel) -> Value:
    if node.op == "not":
        return not holds(node.value, scope, fuel)
    return arithmetic("-", 0, evaluate(node.value, scope, fuel), fuel)


def _binary(node: nodes.Binary, scope: Scope, fuel: Fuel) -> Value:
    left, right = evaluate(node.left, scope, fuel), evaluate(node.right, scope, fuel)
    return arithmetic(node.op, left, right, fuel)


def _compare(node: nodes.Compare, scope: Scope, fuel: Fuel) -> Value:
    left = evaluate(node.first, scope, fuel)
    for op, operand in node.rest:
        right = evaluate(operand, scope, fuel)
        if not compare(op, left, right, fuel):
            return False
        left = right
    return True


def _logic(node: nodes.Logic, scope: Scope, fuel: Fuel) -> Value:
    decided = node.op == "or"
    value: Value = None
    for operand in node.values:
        value = evaluate(operand, scope, fuel)
        if bool(value) is decided:
            break
    return value


def _choice(node: nodes.Choice, scope: Scope, fuel: Fuel) -> Value:
    return evaluate(node.then if holds(node.test, scope, fuel) else node.other, scope, fuel)


def _item(node: nodes.Item, scope: Scope, fuel: Fuel) -> Value:
    return look_up(evaluate(node.value, scope, fuel), evaluate(node.key, scope, fuel))


def _field(node: nodes.Field, scope: Scope, fuel: Fuel) -> Value:
    value = evaluate(node.value, scope, fuel)
    if not isinstance(value, dict):
        raise Halt(f"{value!r:.60} has no fields")
    return look_up(value, node.name)


def _slice(node: nodes.Slice, scope: Scope, fuel: Fuel) -> Value:
    value = evaluate(node.value, scope, fuel)
    bounds = [
        None if bound is None else evaluate(bound, scope, fuel)
        for bound in (node.lower, node.upper)
    ]
    if not isinstance(value, str | list):
        raise Halt(f"{value!r:.60} cannot be sliced")
    if not all(bound is None or type(bound) is int for bound in bounds):
        raise Halt("a slice is bounded by whole numbers")
    fuel.copy(weigh(value))
    part = value[slice(*bounds)]
    return part if isinstance(part, str) else SizedList(part)


def _apply(node: nodes.Apply, scope: Scope, fuel: Fuel) -> Value:
    arguments = [evaluate(argument, scope, fuel) for argument in node.arguments]
    return apply(FUNCTIONS[node.function], arguments, fuel)


def _method(node: nodes.Method, scope: Scope, fuel: Fuel) -> Value:
    operands = (node.value, *node.arguments)
    return call_method(node.name, [evaluate(part, scope, fuel) for part in operands], fuel)


def _comprehension(node: nodes.Comprehension, scope: Scope, fuel: Fuel) -> Value:
    values: list[Value] = []
    weight = 0
    for inner in rounds(node.targets, node.source, scope, fuel):
        if node.condition is None or holds(node.condition, inner, fuel):
            values.append(evaluate(node.element, inner, fuel))
            weight += weigh(values[-1])
            if weight > MAX_WEIGHT:
                raise Halt("the list would be too large", kind="limit")
    return SizedList(values)


_RULES: dict[type[nodes.Node], Callable[..., Value]] = {
    nodes.Apply: _apply,
    nodes.Binary: _binary,
    nodes.Choice: _choice,
    nodes.Compare: _compare,
    nodes.Comprehension: _comprehension,
    nodes.Constant: _constant,
    nodes.Field: _field,
    nodes.Item: _item,
    nodes.Items: _items,
    nodes.Logic: _logic,
    nodes.Method: _method,
    nodes.Name: _name,
    nodes.Pairs: _pairs,
    nodes.Slice: _slice,
    nodes.Text: _text,
    nodes.Unary: _unary,
}
