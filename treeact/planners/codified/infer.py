"""The types of expressions, and what in them cannot work whatever the values are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from treeact.planners.codified import nodes
from treeact.planners.codified.findings import Finding
from treeact.planners.codified.functions import FUNCTIONS, METHODS, item_of
from treeact.planners.codified.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NUMBERS,
    STR,
    DictOf,
    ListOf,
    Maybe,
    Named,
    Records,
    Type,
    join,
    may_be,
    type_of,
)


class Typing:
    """What is known of the variables at one point of a plan, and the findings so far.

    Args:
        records: the declared records.
        known: variables and their types.
    """

    def __init__(self, records: Records, known: dict[str, Type]) -> None:
        self.records = records
        self.types = dict(known)
        """The type of each variable that was ever given one."""
        self.defined = set(known)
        """The variables that have a value here, whatever happened before."""
        self.local: dict[str, Type] = {}
        """The variables of the loops around."""
        self.findings: list[Finding] = []
        self.undefined: list[Finding] = []
        """Those about variables that no step sets; a step that could not be read may set them."""

    def report(self, node: nodes.Node, problem: str, remedy: str) -> None:
        """Note what is wrong with `node`."""
        self.findings.append(Finding(node.at.line, node.at.column, problem, remedy))

    @contextmanager
    def loop(self, node: Any) -> Iterator[None]:
        """Let the variables of a loop or comprehension exist in a block.

        Args:
            node: has `targets` and `source`.
        """
        item = item_of(self.infer(node.source))
        kinds = [item] if len(node.targets) == 1 else [item_of(item)] * len(node.targets)
        for name in node.targets:
            if name != "_" and (name in self.types or name in self.local):
                self.report(
                    node, f"{name} is a variable already", "give the loop's variable its own name"
                )
        before = self.local
        self.local = {**before, **dict(zip(node.targets, kinds, strict=True))}
        try:
            yield
        finally:
            self.local = before

    def expect(self, node: nodes.Expr, wanted: Type, what: str) -> None:
        """Report where an expression cannot be of a type."""
        match node, wanted:
            case nodes.Items(values=values), ListOf(item=item):
                for value in values:
                    self.expect(value, item, f"an item of {what}")
            case nodes.Comprehension(element=element, condition=condition), ListOf(item=item):
                with self.loop(node):
                    self.expect(element, item, f"an item of {what}")
                    if condition is not None:
                        self.infer(condition)
            case nodes.Pairs(), Named(name=name):
                self._expect_record(node, name, what)
            case nodes.Pairs(values=pairs), DictOf(value=kind):
                for key, value in pairs:
                    self.expect(key, STR, "a key")
                    self.expect(value, kind, f"a value of {what}")
            case _, Maybe(item=item) if not _is_none(node):
                self.expect(node, item, what) if isinstance(node, nodes.Pairs | nodes.Items) else (
                    self._expect_plainly(node, wanted, what)
                )
            case _:
                self._expect_plainly(node, wanted, what)

    def _expect_plainly(self, node: nodes.Expr, wanted: Type, what: str) -> None:
        found = self.infer(node)
        if not may_be(found, wanted, self.records):
            self.report(
                node,
                f"{what} is of type {found}, and has to be {wanted}",
                "change the value or the declared type",
            )

    def _expect_record(self, node: nodes.Pairs, name: str, what: str) -> None:
        fields = self.records.get(name, {})
        given = set()
        for key, value in node.values:
            field = key.value if isinstance(key, nodes.Constant) else None
            if not isinstance(field, str) or field not in fields:
                shown = f"the field {field!r}" if isinstance(field, str) else "such a field"
                self.report(key, f"{name} has not {shown}", f"its fields are {', '.join(fields)}")
                continue
            given.add(field)
            self.expect(value, fields[field], f"{what}[{field!r}]")
        needed = [field for field, kind in fields.items() if not isinstance(kind, Maybe)]
        for field in needed:
            if field not in given:
                self.report(node, f"{what} lacks the field {field!r} of {name}", "add it")

    def infer(self, node: nodes.Expr) -> Type:
        """Return the type of an expression, `Any` where it cannot be known, and report faults."""
        return _RULES[type(node)](self, node)

    def infer_all(self, values: Iterable[nodes.Expr]) -> list[Type]:
        """Return the types of expressions."""
        return [self.infer(value) for value in values]


def _is_none(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Constant) and node.value is None


def _common(kinds: Sequence[Type]) -> Type:
    if not kinds:
        return ANY
    kind = kinds[0]
    for other in kinds[1:]:
        kind = join(kind, other)
    return kind


def _bare(kind: Type) -> Type:
    return kind.item if isinstance(kind, Maybe) else kind


def close_to(name: str, names: Iterable[str]) -> str:
    """Return a remedy that names what `name` may have been meant to be."""
    known = [*names]
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known[:20]) or 'none'}"


def _name(typing: Typing, node: nodes.Name) -> Type:
    if node.id in typing.local:
        return typing.local[node.id]
    if node.id not in typing.types:
        names = [*typing.defined, *typing.local]
        problem = f"the variable {node.id} is not defined"
        finding = Finding(node.at.line, node.at.column, problem, close_to(node.id, names))
        typing.undefined.append(finding)
        return ANY
    if node.id not in typing.defined:
        typing.report(
            node,
            f"the variable {node.id} may have no value here",
            "give it one before the branch or loop that sets it",
        )
    return typing.types[node.id]


def _constant(typing: Typing, node: nodes.Constant) -> Type:
    return type_of(node.value)


def _items(typing: Typing, node: nodes.Items) -> Type:
    return ListOf(_common(typing.infer_all(node.values)))


def _pairs(typing: Typing, node: nodes.Pairs) -> Type:
    for key, _ in node.values:
        typing.expect(key, STR, "a key")
    return DictOf(_common(typing.infer_all(value for _, value in node.values)))


def _text(typing: Typing, node: nodes.Text) -> Type:
    for part in node.parts:
        if isinstance(part, nodes.Slot):
            kind = typing.infer(part.value)
            if part.spec[-1:] in "defg%" and part.spec and kind in (STR, BOOL):
                typing.report(part, f"{kind} has no format {part.spec}", "leave the format out")
    return STR


def _unary(typing: Typing, node: nodes.Unary) -> Type:
    kind = typing.infer(node.value)
    if node.op == "not":
        return BOOL
    return _number(typing, node, kind, "-")


def _number(typing: Typing, node: nodes.Node, kind: Type, op: str) -> Type:
    kind = _bare(kind)
    if kind != ANY and kind not in NUMBERS:
        typing.report(node, f"{op} does not apply to {kind}", "use it on numbers")
        return ANY
    return kind


def _binary(typing: Typing, node: nodes.Binary) -> Type:
    left, right = typing.infer(node.left), typing.infer(node.right)
    return operation(typing, node, node.op, left, right, node.right)


def operation(
    typing: Typing, node: nodes.Node, op: str, left: Type, right: Type, operand: nodes.Expr
) -> Type:
    """Return the type of `left op right`, and report where it cannot work."""
    left, right = _bare(left), _bare(right)
    if op == "+" and (left == right == STR or isinstance(left, ListOf)):
        if isinstance(left, ListOf) and not isinstance(right, ListOf) and right != ANY:
            typing.report(node, f"+ does not join {left} and {right}", "use rows.append(row)")
        return join(left, right) if isinstance(left, ListOf) and right != ANY else left
    if op == "+" and STR in (left, right) and ANY not in (left, right):
        typing.report(node, f"+ does not join {left} and {right}", 'use a text: f"{a} {b}"')
        return STR
    if op == "+" and ANY in (left, right):
        return ANY if FLOAT not in (left, right) else FLOAT
    kinds = (_number(typing, node, left, op), _number(typing, node, right, op))
    return _number_type(op, kinds, operand)


def _number_type(op: str, kinds: tuple[Type, Type], operand: nodes.Expr) -> Type:
    if op == "/" or FLOAT in kinds:
        return FLOAT
    if ANY in kinds:
        return ANY
    if op == "**" and not isinstance(operand, nodes.Constant):
        return ANY
    return INT


def _compare(typing: Typing, node: nodes.Compare) -> Type:
    left = typing.infer(node.first)
    for op, operand in node.rest:
        right = typing.infer(operand)
        if op in ("in", "not in"):
            _check_among(typing, node, left, right)
        elif op in ("<", "<=", ">", ">="):
            _check_order(typing, node, op, _bare(left), _bare(right))
        left = right
    return BOOL


def _check_among(typing: Typing, node: nodes.Node, left: Type, right: Type) -> None:
    right = _bare(right)
    if right in (BOOL, INT, FLOAT):
        typing.report(node, f"nothing is in {right}", "use a list, a dict or a text")
    elif right == STR and _bare(left) not in (STR, ANY):
        typing.report(node, f"{left} is in no text", "compare texts with texts")


def _check_order(typing: Typing, node: nodes.Node, op: str, left: Type, right: Type) -> None:
    if ANY in (left, right):
        return
    ordered = (left in NUMBERS and right in NUMBERS) or (left == right and left != BOOL)
    if not ordered or isinstance(left, DictOf | Named):
        typing.report(node, f"{op} does not compare {left} and {right}", "compare like with like")


def _logic(typing: Typing, node: nodes.Logic) -> Type:
    return _common(typing.infer_all(node.values))


def _choice(typing: Typing, node: nodes.Choice) -> Type:
    typing.infer(node.test)
    return join(typing.infer(node.then), typing.infer(node.other))


def _item(typing: Typing, node: nodes.Item) -> Type:
    kind = _bare(typing.infer(node.value))
    match kind:
        case Named(name=name) if isinstance(node.key, nodes.Constant):
            return _field_type(typing, node, name, node.key.value)
        case Named() | DictOf():
            typing.expect(node.key, STR, "a key")
            return kind.value if isinstance(kind, DictOf) else ANY
        case ListOf(item=item):
            typing.expect(node.key, INT, "a position")
            return item
    typing.infer(node.key)
    if kind not in (STR, ANY):
        typing.report(node, f"{kind} has no items", "use a list, a dict or a record")
    return kind


def _field_type(typing: Typing, node: nodes.Node, record: str, field: object) -> Type:
    fields = typing.records.get(record, {})
    if isinstance(field, str) and field in fields:
        return fields[field]
    typing.report(node, f"{record} has no field {field!r}", close_to(str(field), fields))
    return ANY


def _field(typing: Typing, node: nodes.Field) -> Type:
    kind = _bare(typing.infer(node.value))
    if isinstance(kind, Named):
        return _field_type(typing, node, kind.name, node.name)
    if kind != ANY:
        typing.report(node, f"{kind} has no field {node.name}", f'for a dict write ["{node.name}"]')
    return ANY


def _slice(typing: Typing, node: nodes.Slice) -> Type:
    for bound in (node.lower, node.upper):
        if bound is not None:
            typing.expect(bound, INT, "a bound")
    kind = _bare(typing.infer(node.value))
    if kind not in (STR, ANY) and not isinstance(kind, ListOf):
        typing.report(node, f"{kind} cannot be sliced", "slice lists and texts")
    return kind


def _apply(typing: Typing, node: nodes.Apply) -> Type:
    kinds = [_bare(kind) for kind in typing.infer_all(node.arguments)]
    if node.function == "len" and kinds[0] in (BOOL, INT, FLOAT):
        typing.report(node, f"{kinds[0]} has no length", "count a list, a dict or a text")
    return FUNCTIONS[node.function].type(kinds)


def _method(typing: Typing, node: nodes.Method) -> Type:
    kind = _bare(typing.infer(node.value))
    kinds = [kind, *typing.infer_all(node.arguments)]
    holder, method = METHODS[node.name]
    if kind != ANY and not _has_method(kind, holder, node.name):
        typing.report(node, f"{kind} has no method {node.name}", f"it is one of {holder.__name__}")
    return method.type(kinds)


def _has_method(kind: Type, holder: type[Any], name: str) -> bool:
    if isinstance(kind, ListOf):
        return holder is list
    if isinstance(kind, DictOf | Named):
        return holder is dict
    return kind == STR and (holder is str or name == "count")


def _comprehension(typing: Typing, node: nodes.Comprehension) -> Type:
    with typing.loop(node):
        if node.condition is not None:
            typing.infer(node.condition)
        return ListOf(typing.infer(node.element))


_RULES: dict[type[nodes.Node], Callable[[Typing, Any], Type]] = {
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
