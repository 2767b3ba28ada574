"""Checks the arguments of a tool call against the function's types, with pydantic."""

from __future__ import annotations

import difflib
import inspect
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from treeact.errors import ConfigError, ToolError
from treeact.tools.stubs import argument_descriptions, type_text

PROBLEMS = 5
"""Wrong arguments that one message names."""


class Arguments:
    """The parameters of one tool.

    Args:
        name: the tool's name.
        signature: the function's.
        hints: its resolved annotations.
        shown: its signature as the agent was shown it.

    Raises:
        ConfigError: a parameter's type cannot be checked.
    """

    def __init__(
        self, name: str, signature: inspect.Signature, hints: Mapping[str, Any], shown: str
    ) -> None:
        self._name = name
        self._signature = signature
        self._shown = shown
        self._hints = hints
        self._adapters = {
            parameter: _adapter(name, parameter, hints[parameter])
            for parameter in signature.parameters
        }

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """Return the arguments, each of the type that the function declares.

        Raises:
            ToolError: an argument is missing, unknown or of a wrong type.
        """
        self._check_names(kwargs)
        try:
            given = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ToolError(f"{self._name}: {error}. Call it as {self._shown}") from None
        problems: list[str] = []
        for name, value in given.arguments.items():
            try:
                given.arguments[name] = self._adapters[name].validate_python(value)
            except ValidationError as error:
                problems.extend(self._explain(name, error))
            except RecursionError:
                problems.append(f"argument {name!r} is nested too deeply")
        if problems:
            raise ToolError(f"{self._name}: {'; '.join(problems[:PROBLEMS])}")
        return given

    def _check_names(self, kwargs: Mapping[str, Any]) -> None:
        parameters = self._signature.parameters
        for name in kwargs:
            if name in parameters:
                continue
            close = difflib.get_close_matches(name[:100], parameters, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise ToolError(
                f"{self._name}: there is no argument {name[:100]!r}. {hint}Call it as {self._shown}"
            )

    def _explain(self, name: str, error: ValidationError) -> list[str]:
        expected = type_text(self._hints[name])
        problems = []
        for detail in error.errors(include_url=False, include_context=False)[:PROBLEMS]:
            place = "".join(f"[{key!r}]" for key in detail["loc"])
            got = reprlib.repr(detail["input"])
            said = f"argument {name!r} must be {expected}, but {name}{place} is {got}"
            problems.append(f"{said} ({detail['msg']})")
        return problems

    def schema(self, docstring: str) -> dict[str, Any]:
        """Return the JSON Schema of the parameters, described as the docstring describes them."""
        descriptions = argument_descriptions(docstring)
        schemas, definitions = TypeAdapter.json_schemas(
            [(name, "validation", adapter) for name, adapter in self._adapters.items()]
        )
        properties: dict[str, Any] = {}
        for name, parameter in self._signature.parameters.items():
            properties[name] = dict(schemas[name, "validation"])
            if name in descriptions:
                properties[name]["description"] = descriptions[name]
            if parameter.default is not parameter.empty:
                self._add_default(properties[name], name, parameter.default)
        required = [
            name
            for name, parameter in self._signature.parameters.items()
            if parameter.default is parameter.empty
        ]
        schema = {"type": "object", "properties": properties, "required": required}
        return {**schema, "additionalProperties": False, **definitions}

    def _add_default(self, schema: dict[str, Any], name: str, default: Any) -> None:
        try:
            schema["default"] = self._adapters[name].dump_python(
                default, mode="json", warnings=False
            )
        except ValueError:
            return


def _adapter(tool: str, parameter: str, hint: Any) -> TypeAdapter[Any]:
    try:
        adapter = TypeAdapter(hint)
        adapter.json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError) as error:
        raise ConfigError(
            f"tool {tool}: arguments cannot be checked against the type of {parameter!r} "
            f"({type_name(hint)}): use JSON types, dataclasses, pydantic models, enums or dates"
        ) from error
    return adapter


def type_name(hint: Any) -> str:
    """Return the name of a type for a message."""
    return getattr(hint, "__qualname__", None) or str(hint)
