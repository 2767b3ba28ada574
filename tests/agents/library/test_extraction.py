"""What is read out of code: each function with what it needs, and no more."""

import pytest

from tests.agents.library.support import define, read
from treeact.agents.library.harvest import Taken, harvest
from treeact.agents.library.reports import Called, Report
from treeact.agents.library.statements import names_used


def test_a_function_takes_along_what_it_needs_and_nothing_else() -> None:
    action = define(
        """
import numpy as np, os
from math import pi as PI, tau
RATE = 0.5
UNUSED = 7
TABLE = {}
for letter in "ab":
    TABLE[letter] = ord(letter)
class Box:
    side: float = PI
print("noise")
def area(box: "Box", scale: float = RATE) -> float:
    '''Return an area.

    More of it.
    '''
    os = 1  # a local name hides the module's
    return np.float64(box.side * scale) + TABLE["a"] + Box.side
"""
    )
    assert action.name == "area"
    assert action.header == "def area(box: 'Box', scale: float=RATE) -> float"
    assert action.docstring.startswith("Return an area.")
    for kept in ("import numpy as np", "from math import pi as PI", "RATE = 0.5", "TABLE = {}",
                 "for letter in", "class Box"):  # fmt: skip
        assert kept in action.context
    for left in ("os", "tau", "UNUSED", "noise"):
        assert left not in action.context
    assert "# a local name hides" in action.source


def test_what_it_needs_may_come_from_earlier_steps_and_from_behind_it() -> None:
    action = define(
        "from datetime import date as day\nX = 1",
        "def age(born):\n    return (TODAY - born).days + X\nTODAY = day(2024, 1, 1)\nX = 2",
    )
    assert "from datetime import date as day" in action.context
    assert "TODAY = day(2024, 1, 1)" in action.context
    assert "X = 2" in action.context
    assert "X = 1" not in action.context


def test_a_value_that_grew_in_steps_is_built_again() -> None:
    action = define("n = 1", "n += 2\nn = n * 3", "def f():\n    return n")
    assert action.context.splitlines() == ["n = 1", "n += 2", "n = n * 3"]
    space: dict[str, object] = {}
    exec(action.code, space)
    assert space["n"] == 9


def test_functions_refer_to_each_other_and_come_in_order() -> None:
    kept = read("def c(x):\n    return b(x) + a(x)\ndef a(x):\n    return x\ndef b(x): return a(x)")
    assert [d.name for d in kept.definitions] == ["a", "b", "c"]
    a, b, c = kept.definitions
    assert dict(b.uses) == {"a": a.digest}
    assert dict(c.uses) == {"a": a.digest, "b": b.digest}
    assert not c.context


def test_functions_that_need_each_other_are_one_action_with_its_helper() -> None:
    kept = read(
        "def even(n):\n    return n == 0 or odd(n - 1)\n"
        "def odd(n):\n    return n != 0 and even(n - 1)\n"
        "def parity(n):\n    return 'even' if even(n) else 'odd'"
    )
    even, odd, parity = sorted(kept.definitions, key=lambda d: d.name)
    assert "def odd" in even.context
    assert "def even" in odd.context
    assert not even.uses
    assert dict(parity.uses) == {"even": even.digest}


def test_decorators_async_defaults_nesting_and_annotations() -> None:
    kept = read(
        """
from __future__ import annotations
import functools, asyncio as aio
from typing import Sequence as Seq
def twice(f):
    @functools.wraps(f)
    def inner(*a):
        return f(f(*a))
    return inner
@functools.lru_cache(maxsize=None)
@twice
def add(x: int, step: int = 1) -> int: return x + step
async def slow(items: Seq[int]) -> list[int]:
    await aio.sleep(0)
    return [y for x in items if (y := add(x))]
"""
    )
    by_name = {d.name: d for d in kept.definitions}
    assert by_name["add"].source.startswith("@functools.lru_cache")
    assert set(by_name["add"].uses) == {"twice"}
    assert "import functools" in by_name["add"].context
    assert by_name["slow"].header.startswith("async def slow(")
    assert "from typing import Sequence as Seq" in by_name["slow"].context
    assert by_name["slow"].context.startswith("from __future__")
    assert set(by_name["slow"].uses) == {"add"}


def test_one_bad_function_never_loses_the_others() -> None:
    kept = read(
        "rows = open('a.csv').read()\n"
        "price = weather('Oslo')\n"
        "def bad_file(): return rows\n"
        "def bad_tool(): return price\n"
        "def bad_name(): return nobody\n"
        "def worse(): return bad_name()\n"
        "def good(city: str): return weather(city)\n"
        "def rebound(): return 1\n"
        "rebound = 5\n"
        "def weather_report(): return good('Oslo')",
        tools=["weather"],
    )
    assert [d.name for d in kept.definitions] == ["good", "weather_report"]
    assert kept.definitions[0].tools == ("weather",)
    assert set(kept.left_out) == {"bad_file", "bad_tool", "bad_name", "worse", "rebound"}
    assert "rows, made by module-level code with open" in kept.left_out["bad_file"]
    assert "nobody" in kept.left_out["worse"]


def test_actions_of_the_library_are_used_and_own_names_come_first() -> None:
    stored = {"area": "a" * 32, "volume": "b" * 32}
    kept = read("def volume(x): return x\ndef f(x): return area(x) + volume(x)", stored=stored)
    own, f = kept.definitions
    assert dict(f.uses) == {"area": "a" * 32, "volume": own.digest}


def test_star_imports_are_taken_along() -> None:
    assert "from math import *" in define("from math import *\ndef f(x): return sqrt(x)").context


@pytest.mark.parametrize(
    "code",
    ["def f(:", "", "x = 1", "def f(): return 1\n" + "(" * 500, "\0", "lambda: 0", "é = 'ü'\ndef"],
)
def test_code_that_is_none_gives_nothing(code: str) -> None:
    assert read(code).definitions == ()
    assert names_used(code) == frozenset()


def test_nesting_without_end_is_told_not_raised() -> None:
    deep = "def f(x):\n    return " + "[" * 90 + "x" + "]" * 90 + "\ndef g(): return 1"
    assert {d.name for d in read(deep).definitions} == {"f", "g"}
    chain = "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(2000)) + "\ndef f2000(): pass"
    assert read(chain).definitions


def test_layout_comments_and_docstrings_make_no_other_action() -> None:
    one = define("K = 2\ndef f(x):\n    '''Old.'''\n    return x * K")
    same = define("K=2 # two\ndef f( x ):\n    '''New.'''\n\n    return (x*K)  # done")
    other = define("K = 3\ndef f(x):\n    return x * K")
    assert one.digest == same.digest != other.digest


def test_after_an_error_only_what_was_defined_before_and_worked_is_kept() -> None:
    code = "def a(): return 1\ndef b(): return 2\na()\n1/0\ndef c(): return 3"
    traceback = 'Traceback (most recent call last):\n  File "<step 3>", line 4, in <module>\n'
    calls = tuple(Called(function=n, returned=n != "b", raised=n == "b") for n in ("a", "b", "c"))
    taken = Taken(
        code=code, ok=False, traceback=traceback, report=Report(defined=("a", "b"), calls=calls)
    )
    kept = harvest([taken])
    assert [d.name for d in kept.definitions] == ["a"]
    assert [use.action for use in kept.uses] == [kept.definitions[0].digest]
    unknown_place = harvest([Taken(code=code, ok=False, report=taken.report)])
    assert unknown_place.definitions == ()
