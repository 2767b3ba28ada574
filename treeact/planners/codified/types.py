"""The types of the codified language, and whether a value has one. Values are JSON's.

A type is as small as the data: scalars, lists, dicts with text keys, records that a plan declares,
`T | None`, and `Any` for what is not known before the plan runs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = Any
"""A JSON value: None, bool, int, float, str, list or dict."""


@dataclass(frozen=True)
class Plain:
    """A scalar, or `Any`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ListOf:
    """A list of items of one type."""

    item: Type

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True)
class DictOf:
    """A dict with text keys and values of one type."""

    value: Type

    def __str__(self) -> str:
        return f"dict[str, {self.value}]"


@dataclass(frozen=True)
class Maybe:
    """A value of one type, or None."""

    item: Type

    def __str__(self) -> str:
        return f"{self.item} | None"


@dataclass(frozen=True)
class Named:
    """A record that the plan declares: a dict with just the fields of its declaration."""

    name: str

    def __str__(self) -> str:
        return self.name


Type = Plain | ListOf | DictOf | Maybe | Named
Records = Mapping[str, Mapping[str, Type]]
"""The fields of each declared record, by its name."""

ANY, NONE = Plain("Any"), Plain("None")
BOOL, INT, FLOAT, STR = Plain("bool"), Plain("int"), Plain("float"), Plain("str")
PLAIN = {str(kind): kind for kind in (ANY, NONE, BOOL, INT, FLOAT, STR)}
NUMBERS = (INT, FLOAT)
FORMS = "bool, int, float, str, list[T], dict[str, T], T | None, Any, or a class that was declared"


def read_type(node: ast.expr, *, lenient: bool = False, depth: int = 0) -> Type | None:
    """Return the type that an annotation names, or None where it names none.

    With `lenient`, what the language cannot say becomes `Any`; tools' signatures are read so.
    """
    if depth > 8:
        return ANY if lenient else None
    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Name(id=("list" | "tuple" | "set") as name) if name == "list" or lenient:
            return ListOf(ANY)
        case ast.Name(id="dict"):
            return DictOf(ANY)
        case ast.Name(id=name) if name in PLAIN:
            return PLAIN[name]
        case ast.Name(id=name) if not lenient:
            return Named(name)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            inner = read_type(item, lenient=lenient, depth=depth + 1)
            return ListOf(inner) if inner else None
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            inner = read_type(item, lenient=lenient, depth=depth + 1)
            has_texts = isinstance(key, ast.Name) and key.id == "str"
            return DictOf(inner) if inner and has_texts else ANY if lenient else None
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner = read_type(left, lenient=lenient, depth=depth + 1)
            return Maybe(inner) if inner and not isinstance(inner, Maybe) else inner
        case _:
            return _lenient(node) if lenient else None


def _lenient(node: ast.expr) -> Type:
    match node:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=str())):
            return STR
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)) if all(
            isinstance(value, ast.Constant) and isinstance(value.value, str) for value in values
        ):
            return STR
        case ast.Subscript(value=ast.Name(id="tuple")):
            return ListOf(ANY)
        case ast.Dict():
            return DictOf(ANY)
        case _:
            return ANY


def join(left: Type, right: Type) -> Type:
    """Return the narrowest type that holds what either holds."""
    if left == right:
        return left
    if left in NUMBERS and right in NUMBERS:
        return FLOAT
    if NONE in (left, right):
        other = right if left == NONE else left
        return other if isinstance(other, Maybe) or other == ANY else Maybe(other)
    if isinstance(left, ListOf) and isinstance(right, ListOf):
        return ListOf(join(left.item, right.item))
    if isinstance(left, DictOf) and isinstance(right, DictOf):
        return DictOf(join(left.value, right.value))
    return ANY


def may_be(source: Type, target: Type, records: Records) -> bool:
    """Return whether a value of type `source` can be one of type `target`.

    What is only known when the plan runs (`Any`, `T | None` where `T` is wanted) may be; the value
    is checked then.
    """
    if ANY in (source, target) or source == target:
        return True
    if isinstance(source, Maybe):
        return target == NONE or may_be(source.item, target, records)
    match target:
        case Maybe(item=item):
            return source == NONE or may_be(source, item, records)
        case Plain(name="float"):
            return source == INT
        case ListOf(item=item):
            return isinstance(source, ListOf) and may_be(source.item, item, records)
        case DictOf(value=value) if isinstance(source, Named):
            fields = records.get(source.name, {})
            return all(may_be(field, value, records) for field in fields.values())
        case DictOf(value=value):
            return isinstance(source, DictOf) and may_be(source.value, value, records)
        case Named(name=name):
            fields = records.get(name, {})
            return isinstance(source, DictOf) and all(
                may_be(source.value, field, records) for field in fields.values()
            )
        case _:
            return False


def has_names(type: Type, records: Records) -> bool:
    """Return whether every record that `type` names is declared."""
    match type:
        case Named(name=name):
            return name in records
        case ListOf(item=inner) | DictOf(value=inner) | Maybe(item=inner):
            return has_names(inner, records)
        case _:
            return True


def type_of(value: Value) -> Type:
    """Return the narrowest type of a value; of a long list, as its first items tell."""
    match value:
        case None:
            return NONE
        case bool():
            return BOOL
        case int():
            return INT
        case float():
            return FLOAT
        case str():
            return STR
        case list():
            return ListOf(_common(value[:20]))
        case dict():
            return DictOf(_common([*value.values()][:20]))
        case _:
            return ANY


def _common(values: list[Value]) -> Type:
    if not values:
        return ANY
    kind = type_of(values[0])
    for value in values[1:]:
        kind = join(kind, type_of(value))
    return kind


def mismatch(value: Value, type: Type, records: Records, place: str = "it") -> str | None:
    """Return where and how `value` is not of a type, in a sentence, or None where it is."""
    match type:
        case Maybe(item=item):
            return None if value is None else mismatch(value, item, records, place)
        case ListOf(item=item):
            if not isinstance(value, list):
                return _wrong(value, type, place)
            pairs = ((f"{place}[{number}]", entry, item) for number, entry in enumerate(value))
        case DictOf(value=item):
            if not isinstance(value, dict):
                return _wrong(value, type, place)
            pairs = ((f"{place}[{key!r}]", entry, item) for key, entry in value.items())
        case Named(name=name):
            return _record_mismatch(value, name, records, place)
        case _:
            return None if _is_plain(value, type) else _wrong(value, type, place)
    if item == ANY:
        return None
    found = (mismatch(entry, kind, records, where) for where, entry, kind in pairs)
    return next((problem for problem in found if problem), None)


def _record_mismatch(value: Value, name: str, records: Records, place: str) -> str | None:
    fields = records[name]
    if not isinstance(value, dict):
        return _wrong(value, Named(name), place)
    optional = {field for field, kind in fields.items() if isinstance(kind, Maybe)}
    if missing := fields.keys() - value.keys() - optional:
        return f"{place} lacks the field {min(missing)!r} of {name}"
    if unknown := value.keys() - fields.keys():
        return f"{place} has the field {min(unknown)!r}, which {name} has not"
    found = (
        mismatch(entry, fields[key], records, f"{place}[{key!r}]") for key, entry in value.items()
    )
    return next((problem for problem in found if problem), None)


def _is_plain(value: Value, type: Type) -> bool:
    if type == ANY:
        return True
    if type == FLOAT:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type_of(value) == type


def _wrong(value: Value, type: Type, place: str) -> str:
    shown = repr(value)[:60] if isinstance(value, bool | int | float | None) else ""
    if isinstance(value, str):
        shown = repr(value[:40])
    return f"{place} is {f'{shown} of ' if shown else ''}type {type_of(value)}, not {type}"
