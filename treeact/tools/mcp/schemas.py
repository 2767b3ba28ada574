"""JSON Schemas of strangers as Python signatures: what is wrong, or says too much, is `Any`."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Literal

from treeact.tools.naming import RESERVED

DEPTH = 6
"""Levels of schemas within schemas that are looked into."""
NODES = 300
"""Schemas within one schema that are looked into."""
CHOICES = 40
"""Values of an enumeration that are spelled out."""
PARAMETERS = 60
"""Parameters of one tool; one with more takes a dict."""
LONGEST_DEFAULT = 200
LONGEST_DESCRIPTION = 500
PLAIN: dict[Any, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": None,
}
BEYOND_PROPERTIES = (
    *("$ref", "allOf", "anyOf", "oneOf", "if"),
    *("additionalProperties", "patternProperties", "unevaluatedProperties"),
)
"""What may let arguments through that are not among the properties."""
WHOLE = "arguments"
"""The one parameter of a tool whose schema says nothing that a signature could."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One property of a schema as a parameter."""

    name: str
    """The Python name."""
    key: str | None
    """The property's own name; None where the parameter holds all properties."""
    hint: Any
    default: Any = inspect.Parameter.empty
    """What is shown as the default; empty where the argument must be given."""
    description: str = ""
    drops_none: bool = False
    """Whether None stands for not giving it."""

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter of a signature."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Parameter(self.name, kind, default=self.default, annotation=self.hint)


def fields_of(schema: Any) -> list[Field] | None:
    """Return the properties of a schema of arguments, those that must be given first.

    None stands for a schema that cannot be a signature.
    """
    types = _Types(schema)
    schema = types.followed(schema)
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        return None
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or len(properties) > PARAMETERS:
        return None
    if not properties and any(schema.get(key) for key in BEYOND_PROPERTIES):
        return None
    required = schema.get("required")
    needed = set(filter(_is_text, required)) if isinstance(required, list) else set()
    names: dict[str, str] = {}
    for key in properties:
        names[key] = identifier(str(key), taken=names.values())
    fields = [
        _field(names[key], str(key), properties[key], types, needed=key in needed)
        for key in properties
    ]
    return sorted(fields, key=lambda field: field.default is not inspect.Parameter.empty)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _field(name: str, key: str, schema: Any, types: _Types, *, needed: bool) -> Field:
    hint = types.hint(schema)
    description = ""
    if isinstance(schema, Mapping):
        description = " ".join(str(schema.get("description", "")).split())[:LONGEST_DESCRIPTION]
    if needed:
        return Field(name=name, key=key, hint=hint, description=description)
    default = schema.get("default") if isinstance(schema, Mapping) else None
    if default is None or len(repr(default)) > LONGEST_DEFAULT:
        default = None
        hint = types.any_of([hint, None])
    return Field(
        name=name,
        key=key,
        hint=hint,
        default=default,
        description=description,
        drops_none=default is None,
    )


def hint_of(schema: Any) -> Any:
    """Return the Python type that a schema describes."""
    return _Types(schema).hint(schema)


def identifier(name: str, *, taken: Collection[str] = ()) -> str:
    """Return a Python name like `name` that is not taken."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:60].lstrip("_") or "x"
    if plain[0].isdigit():
        plain = f"x{plain}"
    if keyword.iskeyword(plain) or plain in RESERVED:
        plain += "_"
    free, number = plain, 1
    while free in taken:
        number += 1
        free = f"{plain}_{number}"
    return free


class _Types:
    """Turns the parts of one schema into types, and stops where there is no end."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = NODES

    def hint(self, schema: Any, depth: int = 0) -> Any:
        """Return the type of one part."""
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > DEPTH or self._left < 0:
            return Any
        if "$ref" in schema:
            return self.hint(self._resolve(schema["$ref"]), depth + 1)
        if "const" in schema or "enum" in schema:
            return _choices(schema.get("enum", [schema.get("const")]))
        for key in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(key), list):
                return self.any_of([self.hint(option, depth + 1) for option in options])
        if isinstance(parts := schema.get("allOf"), list) and len(parts) == 1:
            return self.hint(parts[0], depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            return self.any_of([self._typed({**schema, "type": one}, depth) for one in kind[:8]])
        if kind == "array":
            return list[self.hint(schema.get("items"), depth + 1)]  # type: ignore[misc]
        if kind == "object" or (kind is None and "properties" in schema):
            return self._record(schema, depth)
        return PLAIN.get(kind, Any) if _is_text(kind) else Any

    def any_of(self, hints: list[Any]) -> Any:
        """Return the union of types."""
        if not hints or Any in hints:
            return Any
        return reduce(or_, [type(None) if hint is None else hint for hint in hints])

    def _record(self, schema: Mapping[str, Any], depth: int) -> Any:
        from typing import NotRequired

        from pydantic import ConfigDict
        from typing_extensions import TypedDict

        properties = schema.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            values = self.hint(schema.get("additionalProperties"), depth + 1)
            return dict[str, values]  # type: ignore[valid-type]
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        hints = {
            str(key): hint if key in needed else NotRequired[hint]
            for key in properties
            for hint in (self.hint(properties[key], depth + 1),)
        }
        make: Any = TypedDict  # whose fields type checkers want to see
        record = make("Record", hints)
        record.__pydantic_config__ = ConfigDict(extra="allow")
        return record

    def followed(self, schema: Any) -> Any:
        """Return what a schema that is a reference stands for, and any other as it is."""
        for _ in range(DEPTH):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            schema = self._resolve(schema["$ref"])
        return schema

    def _resolve(self, reference: Any) -> Any:
        """Return what a reference within the schema stands for, or None."""
        if not _is_text(reference) or not reference.startswith("#"):
            return None
        part = self._root
        for step in filter(None, reference[1:].split("/")):
            if not isinstance(part, Mapping):
                return None
            part = part.get(step.replace("~1", "/").replace("~0", "~"))
        return part


def _choices(values: Any) -> Any:
    if not isinstance(values, list) or not values:
        return Any
    if not all(value is None or type(value) in (str, int, bool) for value in values):
        return Any
    if len(values) > CHOICES:
        kinds = {type(value) for value in values}
        return kinds.pop() if len(kinds) == 1 else Any
    return Literal[tuple(values)]
