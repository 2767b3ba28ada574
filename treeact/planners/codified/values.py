"""The values of a plan: JSON that knows its own size, so that no expression can grow without end.

A value is never changed once made. Lists and dicts carry their weight and depth, which makes the
caps cheap to keep, whatever a plan does with a value afterwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from treeact.planners.codified.feedback import Kind
from treeact.planners.codified.types import Type, Value, type_of

MAX_WEIGHT = 4 * 1024**2
"""Characters and items of one value, nested ones included."""
MAX_ITEMS = 10_000
"""Rounds of one loop, and items of what an expression makes of nothing, such as a `range`."""
MAX_DEPTH = 50
MAX_BITS = 1024
"""Bits of a whole number."""
WORK = 300_000
"""Units of work of one plan: an expression is one, and 16 characters or items copied are one."""
INLINE = 400
"""Characters of a value that prompts show; of a longer one they show type, size and head."""


class Halt(Exception):
    """An expression has no value; the text says why."""

    def __init__(self, message: str, *, kind: Kind = "evaluation error") -> None:
        super().__init__(message)
        self.kind = kind


class Fuel:
    """What is left of the work that one plan may make.

    Args:
        units: see `WORK`.
    """

    def __init__(self, units: int = WORK) -> None:
        self._left = units

    def burn(self, units: int = 1) -> None:
        """Use some up.

        Raises:
            Halt: nothing is left.
        """
        self._left -= units
        if self._left < 0:
            raise Halt(
                "the plan computes too much by itself: leave this to a role or tool", kind="limit"
            )

    def copy(self, weight: int) -> None:
        """Use up what it costs to look through, or to copy, that much.

        Raises:
            Halt: nothing is left, or it is more than a value may hold.
        """
        if weight > MAX_WEIGHT:
            raise Halt(f"the value would be larger than {MAX_WEIGHT} characters", kind="limit")
        self.burn(1 + weight // 16)


class SizedList(list[Any]):
    """A list with its weight and depth."""

    __slots__ = ("depth", "weight")

    def __init__(self, items: Iterable[Value] = ()) -> None:
        super().__init__(items)
        self.weight, self.depth = _measure(self)

    def joined(self, items: SizedList) -> SizedList:
        """Return this list with other items behind its own, at the cost of copying it."""
        made = SizedList()
        made.extend(self)
        made.extend(items)
        made.weight = self.weight + items.weight - 1
        made.depth = max(self.depth, items.depth)
        return made


class SizedDict(dict[str, Any]):
    """A dict with its weight and depth."""

    __slots__ = ("depth", "weight")

    def __init__(self, items: Iterable[tuple[str, Value]] = ()) -> None:
        super().__init__(items)
        weight, self.depth = _measure(self.values())
        self.weight = weight + sum(map(len, self))

    def with_item(self, key: str, value: Value) -> SizedDict:
        """Return this dict with one item set, at the cost of copying it."""
        made = SizedDict()
        made.update(self)
        made[key] = value
        before = weigh(self[key]) if key in self else -len(key)
        made.weight = self.weight + weigh(value) - before
        made.depth = max(self.depth, 1 + depth_of(value))
        return made


def depth_of(value: Value) -> int:
    """Return how deep a value is nested: a scalar not at all."""
    return value.depth if isinstance(value, SizedList | SizedDict) else 0


def _measure(items: Iterable[Value]) -> tuple[int, int]:
    weight = depth = 0
    for item in items:
        weight += weigh(item)
        depth = max(depth, depth_of(item))
    if weight > MAX_WEIGHT:
        raise Halt(f"the value would be larger than {MAX_WEIGHT} characters", kind="limit")
    if depth >= MAX_DEPTH:
        raise Halt(f"the value would be nested deeper than {MAX_DEPTH} levels", kind="limit")
    return weight + 1, depth + 1


def weigh(value: Value) -> int:
    """Return the weight of a value: one, and one for each character and each thing in it."""
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, SizedList | SizedDict):
        return value.weight
    return 1


def adopt(value: Any, depth: int = 0) -> Value:
    """Return a JSON value from outside as one of the plan's.

    Raises:
        Halt: it is too large, too deep, or no JSON.
    """
    if depth > MAX_DEPTH:
        raise Halt(f"the value is nested deeper than {MAX_DEPTH} levels", kind="limit")
    match value:
        case SizedList() | SizedDict():
            return value
        case list() | tuple():
            return SizedList([adopt(item, depth + 1) for item in value])
        case dict():
            return SizedDict([(str(key), adopt(item, depth + 1)) for key, item in value.items()])
        case _:
            return check(value)


def check(value: Any) -> Value:
    """Return a scalar, or a value made here, if it keeps to the caps.

    Raises:
        Halt: it does not.
    """
    match value:
        case bool() | None | SizedList() | SizedDict():
            return value
        case int() if value.bit_length() > MAX_BITS:
            raise Halt(f"the number would have more than {MAX_BITS} bits", kind="limit")
        case float() if not math.isfinite(value):
            raise Halt(f"the number is {value}, which no value can be")
        case str() if len(value) >= MAX_WEIGHT:
            raise Halt(f"the text would be longer than {MAX_WEIGHT} characters", kind="limit")
        case int() | float() | str():
            return value
        case _:
            raise Halt(f"a {type(value).__name__} is no plain data")


def show(value: Value, inline: int = INLINE, kind: Type | None = None) -> str:
    """Return a value as prompts show it: as JSON, or where that is long, as a reference.

    The reference names the type, the size and the head; the value itself stays in its variable.

    Args:
        value: it.
        inline: characters up to which it is shown whole.
        kind: its declared type; None takes the one that it shows.
    """
    if weigh(value) <= inline and len(text := as_json(value)) <= inline:
        return text
    size = f"{len(value)} {_unit(value)}"
    return f"<{kind or type_of(value)}, {size}, begins {as_json(_head(value, inline))[:inline]}>"


def as_json(value: Value) -> str:
    """Return a value as JSON, letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def _unit(value: Value) -> str:
    return {list: "items", dict: "keys", str: "characters"}[
        next(kind for kind in (list, dict, str) if isinstance(value, kind))
    ]


def _head(value: Value, room: int) -> Value:
    """Return the beginning of a value, about as long as `room`, without writing all of it out."""
    if isinstance(value, str):
        return value if len(value) <= room // 2 else f"{value[: room // 2]}…"
    if isinstance(value, list):
        return [_head(item, room // 2) for item in value[: max(1, min(3, room // 20))]]
    if isinstance(value, dict):
        keys = [*value][: max(1, min(6, room // 20))]
        return {key[:80]: _head(value[key], room // 4) for key in keys}
    return value
