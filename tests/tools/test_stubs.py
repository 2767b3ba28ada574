import ast
import datetime as dt
import enum
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from treeact.tools import final_answer, tool
from treeact.tools.stubs import argument_descriptions, describe, render_stub, type_text


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.0


class Row(TypedDict):
    name: str
    points: list[Point]


class Pair(NamedTuple):
    left: int
    right: str


class Person(BaseModel):
    name: str
    age: int | None = None


@dataclass
class Node:
    label: str
    children: "list[Node]"


TYPES = [
    (int, "int", "int"),
    (None, "None", "None"),
    (Any, "Any", "Any"),
    (Union[int, None], "int | None", "int | None"),  # noqa: UP007
    (int | str | None, "int | str | None", "int | str | None"),
    (list, "list", "list"),
    (list[dict[str, int]], "list[dict[str, int]]", "list[dict[str, int]]"),
    (Sequence[str], "list[str]", "list[str]"),
    (Mapping[str, Any], "dict[str, Any]", "dict[str, Any]"),
    (set[int], "list[int]", "list[int]"),
    (tuple[int, str], "tuple[int, str]", "list[int | str]"),
    (tuple[int, ...], "tuple[int, ...]", "list[int]"),
    (Literal["a", 1], "Literal['a', 1]", "Literal['a', 1]"),
    (Colour, "Literal['red', 'blue']", "Literal['red', 'blue']"),
    (Annotated[int, Field(ge=1)], "int", "int"),
    (dt.date, "datetime.date", "str"),
    (dt.timedelta, "datetime.timedelta", "float"),
    (Decimal, "decimal.Decimal", "str"),
    (Path, "str", "str"),
    (Point, "{'x': float, 'y': float}", "{'x': float, 'y': float}"),
    (Row, "{'name': str, 'points': list[{'x': float, 'y': float}]}", None),
    (Pair, "{'left': int, 'right': str}", "{'left': int, 'right': str}"),
    (Person, "{'name': str, 'age': int | None}", "{'name': str, 'age': int | None}"),
    (object, "object", "object"),
    (type(Path.open), "Any", "Any"),
]


@pytest.mark.parametrize(("hint", "given", "returned"), TYPES)
def test_types_are_shown_as_they_cross(hint, given, returned):
    assert type_text(hint) == given
    assert type_text(hint, result=True) == (returned or given)
    ast.parse(given, mode="eval")


def test_a_recursive_record_is_cut():
    assert type_text(Node).count("'label'") == 4
    assert "list[dict]" in type_text(Node)


@tool
def everything(
    query: str,
    /,
    colour: Colour = Colour.RED,
    day: dt.date = dt.date(2024, 1, 1),
    *,
    ratio: float = float("inf"),
    tags: tuple[str, ...] = ("a", "b"),
    path: Path = Path("data") / "x.csv",
    who: Person | None = None,
) -> dict[str, Point]:
    r"""Do everything.

    A path such as C:\new and a quote \"\"\" are kept.

    Args:
        query: What to look for: words, "in quotes".
        who (Person): Who asks,
            if anybody does.
            indented: text.
        ratio:
            On its own line.

    Returns:
        query: not an argument.
    """
    return {}


def test_signature_has_every_kind_of_parameter_and_only_literal_defaults():
    assert everything.signature == (
        "everything(query: str, /, colour: Literal['red', 'blue'] = 'red', "
        "day: datetime.date = ..., *, ratio: float = ..., tags: tuple[str, ...] = ('a', 'b'), "
        "path: str = 'data/x.csv', who: {'name': str, 'age': int | None} | None = None)"
        " -> dict[str, {'x': float, 'y': float}]"
    )


def test_a_stub_is_python_that_runs_without_the_types():
    scope = {}
    exec(f"from __future__ import annotations\n{everything.stub()}", scope)
    made = scope["everything"]
    assert inspect.getdoc(made) == everything.docstring
    assert list(inspect.signature(made).parameters) == list(everything.parameters.parameters)


def test_the_stub_of_the_answer_tool():
    assert final_answer.stub() == (
        "def final_answer(answer: Any) -> None:\n"
        '    """Give the final answer and end the task. Nothing after this call is run.\n'
        "\n"
        "    Args:\n"
        "        answer: The answer: text, a number, or a list or dict of such values.\n"
        '    """'
    )


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\t\x0b\x0c\x1c\x1d\x1e\x85")
)


@given(TEXTS.filter(str.strip))
@settings(deadline=None)
def test_any_docstring_survives_the_stub(text):
    text = inspect.cleandoc(text.replace("\u2028", "").replace("\u2029", ""))
    if not text.strip():
        return
    tree = ast.parse(render_stub("f() -> None", text))
    lines = ast.get_docstring(tree.body[0]).splitlines()
    assert [line.rstrip() for line in lines] == [
        line.rstrip() for line in text.rstrip().splitlines()
    ]


def test_sections_are_told_apart():
    assert describe(everything.docstring).startswith("Do everything.")
    assert "Args" not in everything.description
    assert argument_descriptions(everything.docstring) == {
        "query": 'What to look for: words, "in quotes".',
        "who": "Who asks, if anybody does. indented: text.",
        "ratio": "On its own line.",
    }
    assert argument_descriptions("No sections.") == {}


def test_json_schema_for_json_calls():
    schema = everything.json_schema()
    parameters = schema["parameters"]
    assert (schema["name"], parameters["required"]) == ("everything", ["query"])
    assert parameters["additionalProperties"] is False
    properties = parameters["properties"]
    assert properties["query"] == {
        "type": "string",
        "description": 'What to look for: words, "in quotes".',
    }
    assert properties["colour"]["default"] == "red"
    assert properties["day"] == {"type": "string", "format": "date", "default": "2024-01-01"}
    assert properties["tags"]["items"] == {"type": "string"}
    assert set(parameters["$defs"]) == {"Colour", "Person"}
