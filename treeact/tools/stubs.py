"""How a tool is shown to a model: its signature and docstring as Python text."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import inspect
import math
import re
import types
from collections import abc
from collections.abc import Mapping
from pathlib import PurePath
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

SECTION = re.compile(
    r"^(?:Args|Arguments|Parameters|Returns|Return|Raises|Yields|Example|Examples|Note|Notes):\s*$",
    re.MULTILINE,
)
ARGUMENT = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
LISTS = (list, set, frozenset, tuple, abc.Sequence, abc.Iterable, abc.Collection, abc.Set)
DICTS = (dict, abc.Mapping, abc.MutableMapping)
DEPTH = 4
"""Levels of records within records that are spelled out."""


def describe(docstring: str) -> str:
    """Return a docstring up to its first section."""
    return SECTION.split(docstring, maxsplit=1)[0].strip()


def argument_descriptions(docstring: str) -> dict[str, str]:
    """Return what the `Args:` section of a Google-style docstring says about each parameter."""
    start = re.search(r"^(?:Args|Arguments|Parameters):\s*$", docstring, re.MULTILINE)
    if start is None:
        return {}
    section = SECTION.split(docstring[start.end() :], maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.strip()]
    descriptions: dict[str, str] = {}
    indent = name = ""
    for line in lines:
        match = ARGUMENT.match(line)
        if match and (not indent or match[1] == indent):
            indent, name = match[1], match[2]
            descriptions[name] = match[3].strip()
        elif name:
            descriptions[name] = f"{descriptions[name]} {line.strip()}".strip()
    return descriptions


def render_stub(signature: str, docstring: str) -> str:
    """Return a function definition without code."""
    text = docstring.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = text.splitlines()
    if len(lines) == 1:
        end = '\\""""' if text.endswith('"') else f'{text[-1]}"""'
        return f'def {signature}:\n    """{text[:-1]}{end}'
    body = "\n".join(f"    {line}".rstrip() for line in [*lines, '"""'])
    return f'def {signature}:\n    """{body.lstrip()}'


def render_signature(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> str:
    """Return a signature as Python text, in types that cross to the sandbox and back."""
    parts: list[str] = []
    previous: Any = None
    for parameter in signature.parameters.values():
        if previous == parameter.POSITIONAL_ONLY != parameter.kind:
            parts.append("/")
        if parameter.kind == parameter.KEYWORD_ONLY != previous:
            parts.append("*")
        parts.append(_render_parameter(parameter, hints[parameter.name]))
        previous = parameter.kind
    if previous == inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    return f"{name}({', '.join(parts)}) -> {type_text(hints['return'], result=True)}"


def _render_parameter(parameter: inspect.Parameter, hint: Any) -> str:
    text = f"{parameter.name}: {type_text(hint)}"
    return text if parameter.default is parameter.empty else f"{text} = {_default(parameter)}"


def _default(parameter: inspect.Parameter) -> str:
    """Return a default as a literal, since stubs are run in the sandbox, or `...`."""
    value = parameter.default
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, PurePath):
        value = str(value)
    return repr(value) if _is_literal(value) else "..."


def _is_literal(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if type(value) in (list, tuple):
        return all(map(_is_literal, value))
    if type(value) is dict:
        return all(map(_is_literal, [*value, *value.values()]))
    return value is None or type(value) in (bool, int, str)


def type_text(hint: Any, *, result: bool = False, depth: int = DEPTH) -> str:
    """Return a type as Python text; `result` types are what JSON makes of them."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is None or hint is types.NoneType:
        return "None"
    if origin in (Annotated, Required, NotRequired):
        return type_text(args[0], result=result, depth=depth)
    if origin in (Union, types.UnionType):
        texts = (type_text(arg, result=result, depth=depth) for arg in args)
        return " | ".join(dict.fromkeys(texts))
    if origin is Literal:
        return f"Literal[{', '.join(repr(_plain(arg)) for arg in args)}]"
    if origin is not None:
        return _generic(origin, args, result=result, depth=depth)
    return _plain_type(hint, result=result, depth=depth)


def _generic(origin: Any, args: tuple[Any, ...], *, result: bool, depth: int) -> str:
    texts = [
        "..." if arg is Ellipsis else type_text(arg, result=result, depth=depth) for arg in args
    ]
    if origin is tuple and not result:
        return f"tuple[{', '.join(texts) or '()'}]"
    if origin in LISTS:
        kinds = list(dict.fromkeys(text for text in texts if text != "..."))
        return f"list[{' | '.join(kinds) or 'Any'}]"
    if origin in DICTS:
        return f"dict[{', '.join(texts)}]"
    return _record(origin, result=result, depth=depth) or "Any"


def _plain_type(hint: Any, *, result: bool, depth: int) -> str:
    if not isinstance(hint, type):
        return "Any"
    if issubclass(hint, enum.Enum):
        return f"Literal[{', '.join(repr(member.value) for member in hint)}]"
    if issubclass(hint, PurePath):
        return "str"
    if hint in LISTS:
        return "list"
    if record := _record(hint, result=result, depth=depth):
        return record
    if hint.__name__ in vars(builtins):
        return hint.__name__
    if hint.__module__ in ("datetime", "decimal", "uuid"):
        return _library_type(hint, result=result)
    return "Any"


def _library_type(hint: type, *, result: bool) -> str:
    if not result:
        return f"{hint.__module__}.{hint.__name__}"
    return "float" if hint.__name__ == "timedelta" else "str"


def _record(hint: Any, *, result: bool, depth: int) -> str:
    """Return a dataclass, TypedDict, named tuple or pydantic model as the dict it crosses as."""
    is_named_tuple = isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")
    is_record = (
        dataclasses.is_dataclass(hint)
        or hasattr(hint, "__total__")
        or hasattr(hint, "model_fields")
        or is_named_tuple
    )
    if not is_record:
        return ""
    if depth == 0:
        return "dict"
    try:
        hints = get_type_hints(hint, include_extras=True)
    except NameError:
        return "dict"
    names = getattr(hint, "model_fields", None) or hints
    fields = (
        f"{name!r}: {type_text(hints[name], result=result, depth=depth - 1)}"
        for name in names
        if name in hints
    )
    return f"{{{', '.join(fields)}}}"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value
