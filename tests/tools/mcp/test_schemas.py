"""Schemas of strangers as signatures: whatever they say, there is a tool."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.tools import Tool
from treeact.tools.mcp.adapting import _make_tool
from treeact.tools.mcp.schemas import fields_of

REFERRED = {
    "$ref": "#/$defs/Input",
    "$defs": {"Input": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
}
EITHER = {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}}]}
NULL = {"anyOf": [{"type": "null"}, {"type": "null"}]}
KEYWORDS = ("$ref", "$defs", "type", "properties", "required", "items", "enum", "const", "default")
COMBINING = ("anyOf", "oneOf", "allOf", "additionalProperties", "description", "", "print", "a b")


def made(schema: Any, output: Any = None) -> tuple[Tool, list[Any]]:
    """Return the tool that a schema makes, and what is sent to the server when it is called."""
    sent: list[Any] = []

    async def call(tool: Any, arguments: Any) -> str:
        sent.append(arguments)
        return "done"

    connection: Any = SimpleNamespace(call=call, server=SimpleNamespace(name="server"))
    tool: Any = SimpleNamespace(
        name="t", title="", description="", annotations=None, input_schema=schema
    )
    tool.output_schema = output
    return _make_tool(connection, tool, "t", 5.0), sent


@pytest.mark.parametrize(
    ("schema", "signature"),
    [
        (REFERRED, "t(a: str) -> str"),
        ({"$ref": "#"}, "t(arguments: dict[str, Any] = {}) -> str"),
        ({"type": "object", **EITHER}, "t(arguments: dict[str, Any] = {}) -> str"),
        ({"additionalProperties": True}, "t(arguments: dict[str, Any] = {}) -> str"),
        ({"additionalProperties": False}, "t() -> str"),
        ({"type": "object"}, "t() -> str"),
        ({"properties": {"a": {"type": "null"}}}, "t(a: None = None) -> str"),
        ({"properties": {"a": NULL}}, "t(a: None = None) -> str"),
        ({"properties": {"a": True, "b": False}}, "t(a: Any = None, b: Any = None) -> str"),
        (
            {"properties": {"tree": {"$ref": "#/properties/tree"}}, "required": ["tree"]},
            "t(tree: Any) -> str",
        ),
    ],
)
def test_what_a_schema_lets_through_can_be_given(schema: Any, signature: str) -> None:
    assert made(schema)[0].signature == signature


async def test_arguments_reach_the_server_under_its_own_names() -> None:
    tool, sent = made({"properties": {"": {"type": "string"}, "b c": {}}})
    await tool.call(["empty"], {"b_c": 1})
    whole, given_whole = made({"type": "object", **EITHER})
    await whole.call([{"a": "x"}], {})
    assert (sent, given_whole) == ([{"": "empty", "b c": 1}], [{"a": "x"}])


plain = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False)
words = st.sampled_from(
    ["string", "integer", "object", "array", "null", "#", "#/$defs/a", "#/properties/a", "é"]
)
schemas = st.recursive(
    plain | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYWORDS, *COMBINING]), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*KEYWORDS, *COMBINING]), schemas, max_size=6), schemas)
def test_any_schema_makes_a_tool(schema: Any, output: Any) -> None:
    tool, _ = made(schema, output)
    compile(tool.stub(), "stub", "exec")
    json.dumps(tool.json_schema())
    fields = fields_of(schema)
    names = [field.name for field in fields or ()]
    assert len(set(names)) == len(names)
