"""What the prelude reports from a sandbox, believed only as far as it can be checked."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from treeact.agents.library.records import Example
from treeact.sandbox.base import ToolCall

MAX_LITERAL = 2000
"""Characters of the arguments, and of the result, of one example."""
MAX_TOOL_CALLS = 16 * 1024
"""Characters of the tool calls of one example as JSON."""
REPEATABLE = ("done", "failed", "deferred", "replayed")
"""How a tool call ends that can be answered again from its record."""


@dataclass(frozen=True, kw_only=True)
class Called:
    """What one step saw of the calls of one function."""

    function: int | str
    """The name of a function that the run defined, or the id of an action that it loaded."""
    returned: bool
    """Whether a call returned."""
    raised: bool
    """Whether a call raised."""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a step defined and called."""

    defined: tuple[str, ...] = ()
    """Names of the functions whose definitions ran."""
    calls: tuple[Called, ...] = ()


_Name = Annotated[str, StringConstraints(max_length=200)]
_Literal = Annotated[str, StringConstraints(max_length=MAX_LITERAL)]
_Example = tuple[_Literal, _Literal, int, int]


class _Report(TypedDict):
    defined: Annotated[list[_Name], Field(max_length=200)]
    calls: Annotated[
        list[tuple[int | _Name, bool, bool, Annotated[list[_Example], Field(max_length=3)]]],
        Field(max_length=200),
    ]


_checked: TypeAdapter[_Report] = TypeAdapter(_Report)


def read_report(text: str | None, calls: Sequence[ToolCall]) -> Report:
    """Return what the prelude said; an empty report where it is not what the prelude says.

    Args:
        text: the echoed value.
        calls: the tool calls of the step, which examples refer to by their places.
    """
    try:
        said = _checked.validate_python(read_literal(text or ""))
    except (ValueError, ValidationError):
        return Report()
    return Report(
        defined=tuple(said["defined"]),
        calls=tuple(
            Called(
                function=function,
                returned=returned,
                raised=raised,
                examples=tuple(e for item in examples if (e := _example(item, calls))),
            )
            for function, returned, raised, examples in said["calls"]
        ),
    )


def read_literal(text: str) -> Any:
    """Return the value of a literal of unknown origin.

    Raises:
        ValueError: it is none.
    """
    try:
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"no literal: {error}") from error


def is_call(arguments: str) -> bool:
    """Return whether a literal is the arguments of a call: a tuple and a dict by names."""
    try:
        value = read_literal(arguments)
    except ValueError:
        return False
    match value:
        case (tuple(), dict() as named):
            return all(isinstance(name, str) for name in named)
    return False


def _example(item: _Example, calls: Sequence[ToolCall]) -> Example | None:
    arguments, result, start, end = item
    if not (0 <= start <= end <= len(calls) and is_call(arguments) and _is_literal(result)):
        return None
    made = tuple(calls[start:end])
    if any(call.status not in REPEATABLE for call in made):
        return None
    size = sum(len(json.dumps([c.args, dict(c.kwargs), c.result])) for c in made)
    return (
        None if size > MAX_TOOL_CALLS else Example(arguments=arguments, result=result, calls=made)
    )


def _is_literal(text: str) -> bool:
    try:
        read_literal(text)
    except ValueError:
        return False
    return True
