import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from treeact.errors import ConfigError, ToolError
from treeact.tools import tool


class Colour(enum.Enum):
    RED = "red"


class Person(BaseModel):
    name: str
    age: int = 0


@dataclass
class Point:
    x: float
    y: float


SEEN: list[Any] = []


@tool
def see(
    n: int = 0,
    day: dt.date | None = None,
    colour: Colour = Colour.RED,
    mode: Literal["fast", "slow"] = "fast",
    people: list[Person] = [],  # noqa: B006
    point: Point | None = None,
    small: Annotated[int, Field(ge=1, le=9)] = 1,
    pair: tuple[int, str] = (0, ""),
    path: Path = Path(),
    json: Any = None,
    copy: dict[str, int] | None = None,
    _hidden: bool = False,
    model_config: str = "",
) -> None:
    """Look at the arguments."""
    SEEN.append(locals())


COERCED = [
    ({"n": "5"}, "n", 5),
    ({"n": 5.0}, "n", 5),
    ({"day": "2024-02-29"}, "day", dt.date(2024, 2, 29)),
    ({"day": None}, "day", None),
    ({"colour": "red"}, "colour", Colour.RED),
    ({"people": [{"name": "Ada", "age": 36}]}, "people", [Person(name="Ada", age=36)]),
    ({"point": {"x": 1, "y": 2}}, "point", Point(1.0, 2.0)),
    ({"pair": [1, "a"]}, "pair", (1, "a")),
    ({"path": "a/b"}, "path", Path("a/b")),
    ({"json": {"any": ["thing"]}}, "json", {"any": ["thing"]}),
    ({"copy": {"a": 1}}, "copy", {"a": 1}),
    ({"_hidden": True}, "_hidden", True),
    ({"model_config": "x"}, "model_config", "x"),
]


@pytest.mark.parametrize(("kwargs", "name", "value"), COERCED)
async def test_arguments_become_what_the_function_declares(kwargs, name, value):
    await see.call([], kwargs)
    seen = SEEN.pop()[name]
    assert seen == value
    assert type(seen) is type(value)


WRONG = [
    ({"n": "many"}, "argument 'n' must be int, but n is 'many'"),
    ({"n": None}, "argument 'n' must be int, but n is None"),
    ({"n": 1.5}, "must be int, but n is 1.5"),
    ({"day": "tomorrow"}, r"argument 'day' must be datetime.date \| None, but day is 'tomorrow'"),
    ({"colour": "green"}, r"must be Literal\['red'\], but colour is 'green'"),
    ({"mode": "medium"}, r"must be Literal\['fast', 'slow'\], but mode is 'medium'"),
    ({"people": [{"age": 1}]}, r"people\[0\]\['name'\] is {'age': 1} \(Field required\)"),
    ({"small": 12}, "less than or equal to 9"),
    ({"pair": [1]}, "argument 'pair' must be tuple"),
    ({"n": "x" * 10**6}, "argument 'n' must be int"),
    ({"n": "a", "small": "b"}, "argument 'n' .*; argument 'small' "),
    ({"peple": []}, "there is no argument 'peple'. Did you mean 'people'\\? Call it as see\\("),
    ({"zzz": []}, r"there is no argument 'zzz'. Call it as see\("),
]


@pytest.mark.parametrize(("kwargs", "text"), WRONG)
async def test_wrong_arguments_are_named_with_what_was_expected_and_what_came(kwargs, text):
    with pytest.raises(ToolError, match=text) as caught:
        await see.call([], kwargs)
    assert str(caught.value).startswith("see: ")
    assert len(str(caught.value)) < 2000
    assert "pydantic" not in str(caught.value)
    assert not SEEN


@tool
def pair(left: int, right: int) -> int:
    """Add."""
    return left + right


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([1], {}, "missing a required argument: 'right'. Call it as pair"),
        ([1, 2, 3], {}, "too many positional arguments"),
        ([1, 2], {"left": 1}, "multiple values for argument 'left'"),
    ],
)
async def test_calls_that_do_not_fit_the_signature(args, kwargs, text):
    with pytest.raises(ToolError, match=text):
        await pair.call(args, kwargs)


async def test_a_value_nested_very_deeply_is_refused_or_taken():
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ToolError):
        await see.call([], {"people": deep})


def test_a_type_that_cannot_be_checked_is_refused_when_it_is_first_needed():
    class Opaque:
        pass

    @tool
    def take(thing: Opaque) -> None:
        """Take."""

    @tool
    def call(function: Callable[[], int]) -> None:
        """Call."""

    for refused, parameter in ((take, "thing"), (call, "function")):
        with pytest.raises(ConfigError, match=f"type of '{parameter}' .*use JSON types"):
            _ = refused.arguments


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


JSON_ARGUMENTS = st.dictionaries(
    st.text(max_size=5) | st.sampled_from(["n", "day", "people"]), JSON
)


@given(st.lists(JSON, max_size=15), JSON_ARGUMENTS)
@settings(max_examples=40, deadline=None)
async def test_any_json_arguments_bind_or_are_a_tool_error(args, kwargs):
    try:
        see.arguments.bind(args, kwargs)
    except ToolError as error:
        assert str(error).startswith("see: ")
