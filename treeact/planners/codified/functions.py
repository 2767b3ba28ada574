"""The functions and methods of the language: pure, total, and the only ones there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from treeact.planners.codified.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NONE,
    NUMBERS,
    STR,
    DictOf,
    ListOf,
    Maybe,
    Named,
    Type,
    Value,
    join,
)
from treeact.planners.codified.values import (
    MAX_ITEMS,
    Fuel,
    Halt,
    SizedDict,
    SizedList,
    adopt,
    check,
    weigh,
)

Work = Callable[..., Value]
Result = Type | Callable[[Sequence[Type]], Type]


@dataclass(frozen=True)
class Function:
    """One function: how it works, what it gives, and how many arguments it takes."""

    work: Work
    result: Result
    least: int = 1
    most: int = 1

    def type(self, arguments: Sequence[Type]) -> Type:
        """Return the type of its value."""
        return self.result(arguments) if callable(self.result) else self.result


def item_of(kind: Type) -> Type:
    """Return the type of what a loop over a value of type `kind` yields."""
    match kind:
        case ListOf(item=item):
            return item
        case DictOf() | Named():
            return STR
        case Maybe(item=item):
            return item_of(item)
        case _:
            return STR if kind == STR else ANY


def iterate(value: Value, fuel: Fuel) -> list[Value]:
    """Return what a loop over `value` yields.

    Raises:
        Halt: it cannot be looped over, or has too many items.
    """
    if not isinstance(value, list | dict | str):
        raise Halt(f"a loop needs a list, a dict or a text, and this is {value!r:.60}")
    if len(value) > MAX_ITEMS:
        raise Halt(f"{len(value)} rounds are more than {MAX_ITEMS}", kind="limit")
    fuel.copy(weigh(value))
    return list(value)


def _range(fuel: Fuel, *bounds: Value) -> Value:
    if not all(isinstance(bound, int) for bound in bounds):
        raise Halt("range takes whole numbers")
    numbers = range(*bounds)
    try:
        count = len(numbers)
    except OverflowError:
        count = MAX_ITEMS + 1
    if count > MAX_ITEMS:
        raise Halt(f"range has more than {MAX_ITEMS} numbers", kind="limit")
    fuel.copy(count)
    return SizedList(numbers)


def _sorted(fuel: Fuel, value: Value) -> Value:
    items = iterate(value, fuel)
    fuel.copy(min(weigh(value) * 8, 10 * MAX_ITEMS + weigh(value)))
    return SizedList(sorted(items))


def _sum(fuel: Fuel, value: Value) -> Value:
    items = iterate(value, fuel)
    if not all(isinstance(item, int | float) for item in items):
        raise Halt("sum takes a list of numbers")
    return sum(items)


def _extreme(choose: Callable[[list[Value]], Value]) -> Work:
    def work(fuel: Fuel, *values: Value) -> Value:
        items = iterate(values[0], fuel) if len(values) == 1 else list(values)
        fuel.copy(sum(map(weigh, items)))
        if not items:
            raise Halt(f"{choose.__name__} of nothing has no value")
        return choose(items)

    return work


def _round(_fuel: Fuel, value: Value, digits: Value = None) -> Value:
    if isinstance(digits, int) and abs(digits) > 30:
        raise Halt("round takes at most 30 digits")
    return round(value, digits)


def _str(fuel: Fuel, value: Value) -> Value:
    fuel.copy(4 * weigh(value))
    return value if isinstance(value, str) else str(plain(value))


def plain(value: Value) -> Any:
    """Return a value in Python's own lists and dicts, which are written as such."""
    match value:
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def _number(kind: type[int] | type[float]) -> Work:
    def work(_fuel: Fuel, value: Value) -> Value:
        if isinstance(value, str) and len(value) > 300:
            raise Halt("the text is too long to be a number")
        if not isinstance(value, str | int | float):
            raise Halt(f"{kind.__name__} takes a text or a number")
        return kind(value)

    return work


def _all(choose: Callable[[list[Value]], bool]) -> Work:
    return lambda fuel, value: choose(iterate(value, fuel))


def _reversed(fuel: Fuel, value: Value) -> Value:
    return SizedList(iterate(value, fuel)[::-1])


def _enumerate(fuel: Fuel, value: Value, start: Value = 0) -> Value:
    return adopt([*enumerate(iterate(value, fuel), start)])


def _zip(fuel: Fuel, *values: Value) -> Value:
    return adopt([*zip(*(iterate(value, fuel) for value in values), strict=False)])


def _extreme_type(arguments: Sequence[Type]) -> Type:
    if len(arguments) == 1:
        return item_of(arguments[0])
    kind = arguments[0]
    for other in arguments[1:]:
        kind = join(kind, other)
    return kind


def _sum_type(arguments: Sequence[Type]) -> Type:
    kind = item_of(arguments[0])
    return kind if kind in NUMBERS else INT if kind == BOOL else ANY


FUNCTIONS: dict[str, Function] = {
    "abs": Function(lambda _, value: abs(value), lambda types: types[0]),
    "all": Function(_all(all), BOOL),
    "any": Function(_all(any), BOOL),
    "bool": Function(lambda _, value: bool(value), BOOL),
    "enumerate": Function(_enumerate, ListOf(ListOf(ANY)), 1, 2),
    "float": Function(_number(float), FLOAT),
    "int": Function(_number(int), INT),
    "len": Function(lambda _, value: len(value), INT),
    "list": Function(
        lambda fuel, value: SizedList(iterate(value, fuel)), lambda types: ListOf(item_of(types[0]))
    ),
    "max": Function(_extreme(max), _extreme_type, 1, 8),
    "min": Function(_extreme(min), _extreme_type, 1, 8),
    "range": Function(_range, ListOf(INT), 1, 3),
    "reversed": Function(_reversed, lambda types: ListOf(item_of(types[0]))),
    "round": Function(_round, lambda types: INT if len(types) == 1 else FLOAT, 1, 2),
    "sorted": Function(_sorted, lambda types: ListOf(item_of(types[0]))),
    "str": Function(_str, STR),
    "sum": Function(_sum, _sum_type),
    "zip": Function(_zip, ListOf(ListOf(ANY)), 2, 4),
}


def _text(name: str) -> Work:
    """Return a method of texts that makes nothing longer than its text, or twice that."""

    def work(fuel: Fuel, value: Value, *arguments: Value) -> Value:
        fuel.copy(weigh(value))
        made = getattr(str, name)(value, *arguments)
        return SizedList(made) if isinstance(made, list) else made

    return work


def _replace(fuel: Fuel, value: Value, old: Value, new: Value) -> Value:
    fuel.copy(weigh(value))
    fuel.copy(len(value) + str.count(value, old) * len(new))
    return str.replace(value, old, new)


def _join(fuel: Fuel, value: Value, parts: Value) -> Value:
    if not isinstance(parts, list):
        raise Halt("join takes a list of texts")
    fuel.copy(weigh(parts) + len(value) * len(parts))
    return str.join(value, parts)


def _get(_fuel: Fuel, value: Value, key: Value, default: Value = None) -> Value:
    return value.get(key, default)


def _get_type(types: Sequence[Type]) -> Type:
    kind = types[0].value if isinstance(types[0], DictOf) else ANY
    return join(kind, types[2] if len(types) > 2 else NONE)


def _values(fuel: Fuel, value: Value) -> Value:
    fuel.copy(weigh(value))
    return SizedList(value.values())


def _pairs(fuel: Fuel, value: Value) -> Value:
    fuel.copy(weigh(value))
    return adopt([*value.items()])


def _count(fuel: Fuel, value: Value, item: Value) -> Value:
    fuel.copy(weigh(value))
    return value.count(item)


def _position(fuel: Fuel, value: Value, item: Value) -> Value:
    fuel.copy(weigh(value))
    return value.index(item)


_TEXTS = ListOf(STR)
METHODS: dict[str, tuple[type[Any], Function]] = {
    "count": (list, Function(_count, INT, 1, 1)),
    "endswith": (str, Function(_text("endswith"), BOOL, 1, 1)),
    "find": (str, Function(_text("find"), INT, 1, 1)),
    "get": (dict, Function(_get, _get_type, 1, 2)),
    "index": (list, Function(_position, INT, 1, 1)),
    "isdigit": (str, Function(_text("isdigit"), BOOL, 0, 0)),
    "items": (dict, Function(_pairs, ListOf(ListOf(ANY)), 0, 0)),
    "join": (str, Function(_join, STR, 1, 1)),
    "keys": (dict, Function(lambda fuel, value: SizedList(iterate(value, fuel)), _TEXTS, 0, 0)),
    "lower": (str, Function(_text("lower"), STR, 0, 0)),
    "lstrip": (str, Function(_text("lstrip"), STR, 0, 1)),
    "removeprefix": (str, Function(_text("removeprefix"), STR, 1, 1)),
    "removesuffix": (str, Function(_text("removesuffix"), STR, 1, 1)),
    "replace": (str, Function(_replace, STR, 2, 2)),
    "rstrip": (str, Function(_text("rstrip"), STR, 0, 1)),
    "split": (str, Function(_text("split"), _TEXTS, 0, 1)),
    "splitlines": (str, Function(_text("splitlines"), _TEXTS, 0, 0)),
    "startswith": (str, Function(_text("startswith"), BOOL, 1, 1)),
    "strip": (str, Function(_text("strip"), STR, 0, 1)),
    "title": (str, Function(_text("title"), STR, 0, 0)),
    "upper": (str, Function(_text("upper"), STR, 0, 0)),
    "values": (
        dict,
        Function(
            _values,
            lambda types: ListOf(types[0].value if isinstance(types[0], DictOf) else ANY),
            0,
            0,
        ),
    ),
}
"""By name: the type of Python that holds such values, and the method, whose first argument is the
value itself; `least` and `most` count the others."""

_BOTH = {"count": (str, list), "index": (str, list)}


def apply(function: Function, arguments: Sequence[Value], fuel: Fuel) -> Value:
    """Return the value of a function or method.

    Raises:
        Halt: it has none for these arguments, or it would be too large.
    """
    try:
        return check(function.work(fuel, *arguments))
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Halt(str(error)) from error


def call_method(name: str, arguments: Sequence[Value], fuel: Fuel) -> Value:
    """Return the value of a method of the first argument.

    Raises:
        Halt: the value has no such method, or the method has no value.
    """
    kind, function = METHODS[name]
    if not isinstance(arguments[0], _BOTH.get(name, kind)):
        raise Halt(f"{arguments[0]!r:.60} has no method {name}")
    return apply(function, arguments, fuel)


__all__ = [
    "FUNCTIONS",
    "METHODS",
    "Function",
    "SizedDict",
    "apply",
    "call_method",
    "item_of",
    "iterate",
    "plain",
]
