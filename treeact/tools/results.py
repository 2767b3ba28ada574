"""Turns what a tool returned into plain JSON values."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from treeact.errors import ToolError

MAX_BYTES = 4 * 1024**2
"""Bytes of one result as JSON: half of what one message to the sandbox may hold."""
MAX_DEPTH = 100


class _NotJsonError(Exception):
    """A value that JSON cannot hold, with its place in the result."""


def to_json(value: Any, tool: str) -> Any:
    """Return a tool's result as JSON values.

    Dataclasses, named tuples and pydantic models become dicts, sets and tuples lists, dates ISO
    texts, timedeltas seconds, paths, decimals and UUIDs texts, enums their values; a float that is
    not finite becomes its name. Keys become texts.

    Raises:
        ToolError: the result holds something else, holds itself, or is too large. The call has
            been made then, and the text says so.
    """
    try:
        plain = _plain(value, "result", 0)
        size = len(json.dumps(plain, ensure_ascii=False, allow_nan=False).encode())
    except _NotJsonError as error:
        raise ToolError(f"{tool} was called, but {error}") from None
    except Exception as error:  # code of the value's own type
        reason = f"{type(error).__name__}: {error}"[:1000]
        raise ToolError(f"{tool} was called, but its result cannot be read: {reason}") from error
    if size > MAX_BYTES:
        raise ToolError(
            f"{tool} was called, but its result of {size / 1024**2:.1f} MB exceeds "
            f"{MAX_BYTES // 1024**2} MB: ask for less at a time"
        )
    return plain


def _plain(value: Any, place: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _NotJsonError(f"its result is nested deeper than {MAX_DEPTH} levels, or holds itself")
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float | str):
        return _scalar(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {
            _key(key, place): _plain(item, f"{place}[{key!r}]", depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | range):
        return [_plain(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [_plain(item, place, depth + 1) for item in sorted(value, key=_sort_key)]
    return _object(value, place, depth)


def _scalar(value: bool | int | float | str | None) -> Any:
    if isinstance(value, str):
        return str(value).encode(errors="replace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def _object(value: Any, place: str, depth: int) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath | Decimal | Fraction | UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        return _plain(fields, place, depth)
    if not isinstance(value, type) and hasattr(value, "model_dump"):
        return _plain(value.model_dump(), place, depth + 1)
    if type(value).__module__.split(".")[0] in ("numpy", "pandas"):
        rows = value.to_dict("records") if hasattr(value, "columns") else value.tolist()
        return _plain(rows, place, depth + 1)
    raise _NotJsonError(
        f"{place} is of type {type(value).__name__}, which cannot be passed on: "
        "the tool must return plain data"
    )


def _key(key: Any, place: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return str(_scalar(key))
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    if isinstance(key, date | time | UUID | PurePath | Decimal):
        return str(key)
    raise _NotJsonError(f"{place} has a key of type {type(key).__name__}: use texts as keys")


def _sort_key(item: Any) -> tuple[str, Any]:
    is_number = isinstance(item, int | float)
    return ("", item) if is_number else (type(item).__name__, repr(item))
