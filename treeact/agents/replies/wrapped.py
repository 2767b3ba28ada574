"""Replies in JSON: code wrapped in an object, and tool calls written in place of code."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

CODE_KEYS = ("code", "python", "python_code", "execute")
ANSWER_KEYS = ("final_answer", "answer")
THOUGHT_KEYS = ("thought", "thoughts", "reasoning")
NAME_KEYS = ("name", "tool", "tool_name", "action", "function")
ARGUMENT_KEYS = ("arguments", "args", "parameters", "input", "action_input", "tool_input")
INTERPRETERS = frozenset(
    {"python", "python_interpreter", "execute_python", "code_interpreter", "run_code", "execute"}
)
OBJECT = re.compile(r"^[ \t]*(?:<tool_call>\s{0,9}|\[TOOL_CALLS\]\s{0,9})?(?=[{\[])", re.MULTILINE)
TAGGED_CALL = re.compile(r"<(?:invoke name|function)\s?=")
LENIENT = json.JSONDecoder(strict=False)
TRIES = 8
"""Places of a reply at which an object is looked for."""


@dataclass(frozen=True)
class Wrapped:
    """What a JSON object in a reply holds."""

    thought: str = ""
    code: str | None = None
    answer: str | None = None
    call: str | None = None
    """A tool call, written in Python; empty when it cannot be."""
    before: str = ""
    """The text before the object."""
    from_call: bool = False
    """True when the code was the argument of a call of an interpreter."""


def unwrap_json(text: str) -> Wrapped | None:
    """Return what the first telling JSON object in `text` holds, or None."""
    for start, value in json_objects(text):
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict) and (wrapped := _read(value)):
            return replace(wrapped, before=text[:start].strip())
    return Wrapped(call="") if TAGGED_CALL.search(text) else None


def is_json(text: str) -> bool:
    """Tell whether `text` is one JSON value."""
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def json_objects(text: str) -> Iterator[tuple[int, Any]]:
    """Yield the JSON objects and lists that start a line of `text`, with their positions."""
    for attempt, place in enumerate(OBJECT.finditer(text)):
        if attempt == TRIES:
            return
        try:
            value, _ = LENIENT.raw_decode(text, place.end())
        except (ValueError, RecursionError):
            continue
        yield place.start(), value


def _read(value: dict[str, Any]) -> Wrapped | None:
    thought = str(_first(value, THOUGHT_KEYS) or "")
    code = _first(value, CODE_KEYS)
    if isinstance(code, str) and code.strip():
        return Wrapped(thought=thought, code=code)
    if call := _call(value):
        return call
    answer = _first(value, ANSWER_KEYS)
    if answer is None:
        return None
    return Wrapped(thought=thought, answer=answer if isinstance(answer, str) else _dumps(answer))


def _call(value: dict[str, Any]) -> Wrapped | None:
    calls = value.get("tool_calls")
    if isinstance(calls, list) and calls and isinstance(calls[0], dict):
        return _call(calls[0])
    if isinstance(value.get("function"), dict):
        return _call(value["function"])
    name, arguments = _first(value, NAME_KEYS), _first(value, ARGUMENT_KEYS)
    if not isinstance(name, str) or arguments is None:
        return None
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        arguments = next(json_objects(arguments), (0, arguments))[1]
    code = _first(arguments, CODE_KEYS) if isinstance(arguments, dict) else arguments
    if name.lower() in INTERPRETERS and isinstance(code, str):
        return Wrapped(code=code, from_call=True)
    return Wrapped(call=_as_python(name, arguments))


def _as_python(name: str, arguments: Any) -> str:
    if not _is_name(name):
        return ""
    if isinstance(arguments, dict):
        if not all(map(_is_name, arguments)):
            return ""
        return f"{name}({', '.join(f'{key}={item!r}' for key, item in arguments.items())})"
    items = arguments if isinstance(arguments, list) else [arguments]
    return f"{name}({', '.join(map(repr, items))})"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _first(value: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
