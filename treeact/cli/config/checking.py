"""What files say, checked: unknown names, wrong types, and where they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from treeact.cli.config.definition import BY_KEY, TABLES, Profile, Setting
from treeact.cli.config.files import ConfigFile, Place
from treeact.errors import ConfigError


def problems_of(file: ConfigFile) -> list[str]:
    """Return what is wrong in a file, each with its line and the remedy."""
    found = [(place, _unknown(place, names)) for place, names in _unknown_keys(file.data)]
    for key, value in _known_values(file.data):
        found += _faults(BY_KEY[key], value)
    return [f"{file.where(place)}: {fault}" for place, fault in found]


def checked_values(file: ConfigFile) -> dict[str, Any]:
    """Return the values of a file by the fields of their settings.

    Raises:
        ConfigError: something in it is wrong; the message is the first of its problems.
    """
    for problem in problems_of(file):
        raise ConfigError(problem)
    values = {}
    for key, value in _known_values(file.data):
        setting = BY_KEY[key]
        typed = _typed(setting, value)
        if setting.kind is Path:
            typed = file.path.parent / typed.expanduser()
        values[setting.field] = typed
    return values


def _known_values(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in BY_KEY:
            yield name, value
        elif name in TABLES and isinstance(value, Mapping):
            yield from ((f"{name}.{k}", v) for k, v in value.items() if f"{name}.{k}" in BY_KEY)


def _unknown_keys(data: Mapping[str, Any]) -> Iterator[tuple[Place, list[str]]]:
    """Yield the places that no setting has, and the names that it could have been."""
    for name, value in data.items():
        if name in TABLES and isinstance(value, Mapping):
            names = [key.partition(".")[2] for key in BY_KEY if key.startswith(f"{name}.")]
            yield from (((name, inner), names) for inner in value if inner not in names)
        elif name in TABLES or name not in BY_KEY:
            yield (name,), [key.partition(".")[0] for key in BY_KEY]


def _unknown(place: Place, names: list[str]) -> str:
    if place[0] in TABLES and len(place) == 1:
        return f"{place[0]} is a table: write [{place[0]}], and its settings below"
    close = get_close_matches(place[-1], names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(dict.fromkeys(names))}"
    return f"there is no setting {'.'.join(place)}: {hint}"


def _faults(setting: Setting, value: Any) -> list[tuple[Place, str]]:
    place = tuple(setting.key.split("."))
    try:
        _typed(setting, value)
    except ValidationError as error:
        return [
            ((*place, *map(str, fault["loc"])), _words(setting, fault)) for fault in error.errors()
        ]
    return []


def _words(setting: Setting, fault: Any) -> str:
    """Return what is wrong with a value; the value itself may be a key, and is not told."""
    name = ".".join([setting.key, *map(str, fault["loc"])])
    if fault["type"] == "unexpected_keyword_argument":
        fields = list(Profile.__dataclass_fields__)
        return _unknown(tuple(name.split(".")), fields)
    return f"{name}: {lower_case(fault['msg'])}"


def lower_case(message: str) -> str:
    """Return one of pydantic's messages as the end of a sentence."""
    return message[:1].lower() + message[1:]


def _typed(setting: Setting, value: Any) -> Any:
    """Return a value of a file as its setting has it.

    Raises:
        ValidationError: it is of another type, or too small.
    """
    if setting.kind == Mapping[str, str] and isinstance(value, Mapping):
        value = dict(_flat(value))
    return _adapter(setting.key).validate_json(_as_json(value), strict=True)


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a table and of those in it, whose names are joined by dots."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", part) for inner, part in _flat(value))
        else:
            yield name, value


def _as_json(value: Any) -> str:
    return json.dumps(value, default=lambda other: {"of type": type(other).__name__})


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(annotation(BY_KEY[key]))


def annotation(setting: Setting) -> Any:
    """Return the type of a setting's value, as pydantic checks it."""
    kind: Any = setting.kind
    if setting.least is not None:
        kind = Annotated[kind, Field(ge=setting.least)]
    return tuple[kind, ...] if setting.many else kind
