import collections
import datetime as dt
import enum
import json
import math
import uuid
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from treeact.errors import ToolError
from treeact.tools import results, tool
from treeact.tools.results import to_json


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Person(BaseModel):
    name: str
    born: dt.date


@dataclass
class Box:
    size: Size
    tags: set[str] = field(default_factory=set)


Pair = namedtuple("Pair", "left right")

VALUES = [
    (None, None),
    (True, True),
    (10**30, 10**30),
    (Size.BIG, 3),
    (Colour.RED, "red"),
    (math.nan, "nan"),
    (-math.inf, "-inf"),
    ("a\ud800b", "a?b"),
    ((1, 2), [1, 2]),
    (range(3), [0, 1, 2]),
    ({3, 1, 2}, [1, 2, 3]),
    ({"b", 1}, [1, "b"]),
    (frozenset(), []),
    (Pair(1, "x"), {"left": 1, "right": "x"}),
    (Box(Size.BIG, {"b", "a"}), {"size": 3, "tags": ["a", "b"]}),
    ([Person(name="Ada", born=dt.date(1815, 12, 10))], [{"name": "Ada", "born": "1815-12-10"}]),
    (dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.UTC), "2024-01-02T03:04:00+00:00"),
    (dt.timedelta(minutes=1), 60.0),
    (Path("a") / "b", "a/b"),
    (Decimal("1.10"), "1.10"),
    (Fraction(1, 3), "1/3"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (collections.Counter("aa"), {"a": 2}),
    ({1: "a", None: "b", 0.5: "c"}, {"1": "a", "null": "b", "0.5": "c"}),
    ({Colour.RED: 1, dt.date(2024, 1, 1): 2}, {"red": 1, "2024-01-01": 2}),
]


@pytest.mark.parametrize(("value", "plain"), VALUES)
def test_results_become_json(value, plain):
    made = to_json(value, "go")
    assert made == plain
    assert json.loads(json.dumps(made, allow_nan=False)) == plain


class Broken(dict[str, Any]):
    def items(self):
        raise RuntimeError("database closed")


holds_itself: list[Any] = []
holds_itself.append(holds_itself)

UNFIT = [
    (object(), "^go was called, but result is of type object"),
    ({"a": [b"x"]}, r"result\['a'\]\[0\] is of type bytes"),
    (Person, "result is of type ModelMetaclass"),
    (Box, "result is of type type"),
    ((x for x in "a"), "is of type generator"),
    ({(1, 2): 3}, "a key of type tuple"),
    (holds_itself, "nested deeper than 100 levels, or holds itself"),
    (Broken(a=1), "cannot be read: RuntimeError: database closed"),
    ([10**5000], "cannot be read: ValueError"),
]


@pytest.mark.parametrize(("value", "text"), UNFIT)
def test_what_json_cannot_hold_is_a_tool_error_that_names_the_place(value, text):
    with pytest.raises(ToolError, match=text):
        to_json(value, "go")


def test_a_large_result_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(results, "MAX_BYTES", 1024**2)
    assert to_json("x" * (1024**2 - 2), "go")
    with pytest.raises(ToolError, match=r"its result of 2.0 MB exceeds 1 MB: ask for less"):
        to_json("é" * 1024**2, "go")


async def test_a_call_returns_json():
    @tool
    def make() -> Box:
        """Make a box."""
        return Box(Size.BIG)

    assert await make.call([], {}) == {"size": 3, "tags": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=20,
)


@given(JSON)
@settings(deadline=None)
def test_json_stays_as_it_is(value):
    assert to_json(value, "go") == value
