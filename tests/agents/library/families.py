"""A family of functions that use what an agent's functions use, in any mixture."""

from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class Feature:
    """What one feature adds; `$i` is the function's number, `$n` a number of its own."""

    term: str = "0"
    """Added to what the function returns."""
    before: str = ""
    """Module-level code before the function."""
    decorator: str = ""
    parameter: str = ""
    body: str = ""
    """Lines of the function."""


FEATURES = {
    "alias": Feature("m$i.floor(x + 0.5)", "import math as m$i"),
    "from alias": Feature("C$i('aab')['a']", "from collections import Counter as C$i, deque"),
    "constant": Feature("K$i", "K$i = $n + 1"),
    "grown constant": Feature("G$i[-1]", "G$i = [1]\nG$i.append(5)\nG$i += [$i]"),
    "built table": Feature("T$i[1]", "T$i = {}\nfor n$i in range(3):\n    T$i[n$i] = n$i + $n"),
    "lambda constant": Feature("F$i(2)", "F$i = lambda y: y * $n"),
    "type alias": Feature(
        before="from typing import List as L$i\nInts$i = L$i[int]", body="v: Ints$i = []"
    ),
    "mutable": Feature("len(S$i)", "S$i = {1, 2}", body="S$i.add(x)"),
    "dataclass": Feature(
        "D$i(x).total()",
        "import dataclasses as dc$i\n@dc$i.dataclass\nclass D$i:\n    a: int\n    b: int = $n\n"
        "    def total(self):\n        return self.a + self.b",
    ),
    "class": Feature(
        "B$i().value", "class A$i:\n    value = $n\nclass B$i(A$i):\n    other = A$i.value"
    ),
    "helper": Feature("h$i(x)", "def h$i(y):\n    return y - $n"),
    "mutual recursion": Feature(
        "ping$i(3)",
        "def ping$i(n):\n    return 0 if n == 0 else 1 + pong$i(n - 1)\n"
        "def pong$i(n):\n    return 0 if n == 0 else 1 + ping$i(n - 1)",
    ),
    "recursion": Feature(body="if x > 2:\n        return call(f$i, x - 1)"),
    "closure": Feature("inner($n)", body="def inner(y):\n        return x + y"),
    "generator": Feature("sum(steps())", body="def steps():\n        yield from range(x)"),
    "comprehension": Feature("sum(n$i * 2 for n$i in [1, 2, $n])"),
    "walrus": Feature("(w := $n) + w"),
    "default": Feature("z", "Z$i = $n", parameter="z=Z$i"),
    "keyword only": Feature("k", parameter="*, k=2"),
    "decorator": Feature(
        "0",
        "import functools\ndef d$i(function):\n    @functools.wraps(function)\n"
        "    def inner(*a, **k):\n        return function(*a, **k)\n    return inner",
        decorator="@d$i",
    ),
    "decorator with arguments": Feature(
        "0",
        "def e$i(extra):\n    def wrap(function):\n        return function\n    return wrap",
        decorator="@e$i(extra=$n)",
    ),
    "cache": Feature("0", "import functools as ft$i", decorator="@ft$i.lru_cache(maxsize=4)"),
    "link": Feature("call($f, 1)"),
}
SWITCHES = ("async", "annotations")
CALL = """
def call(function, x):
    result = function(x)
    if not inspect.isawaitable(result):
        return result
    try:
        result.send(None)
    except StopIteration as stop:
        return stop.value
"""


@dataclass(frozen=True)
class Shape:
    """What one function is made of."""

    features: frozenset[str]
    number: int
    link: int


shapes = st.builds(
    Shape,
    features=st.frozensets(st.sampled_from([*FEATURES, *SWITCHES]), max_size=7),
    number=st.integers(-9, 9),
    link=st.integers(0, 100),
)


def function(shape: Shape, i: int) -> str:
    """Return the code of function number `i`; it may call one of those before it."""
    names = [name for name in FEATURES if name in shape.features and (name != "link" or i)]
    chosen = [FEATURES[name] for name in names]
    parameters = ["x: int", *(f.parameter for f in chosen if f.parameter)]
    once = "async" in shape.features and "cache" not in shape.features
    lines = [
        *(f.before for f in chosen),
        *(f.decorator for f in chosen),
        f"{'async ' if once else ''}def f{i}({', '.join(parameters)}) -> int:",
        f'    """Compute number {i}."""',
        *(f"    {f.body}" for f in chosen if f.body),
        f"    return {' + '.join([f'x * {shape.number}', *(f.term for f in chosen)])}",
    ]
    code = "\n".join(line for line in lines if line)
    for mark, text in (("$i", i), ("$n", shape.number), ("$f", f"f{shape.link % max(i, 1)}")):
        code = code.replace(mark, str(text))
    return code


def program(family: list[Shape]) -> str:
    """Return the code of a family, which an agent might write in one step."""
    head = ["import asyncio, inspect", CALL]
    if any("annotations" in shape.features for shape in family):
        head.insert(0, "from __future__ import annotations")
    return "\n\n".join([*head, *(function(shape, i) for i, shape in enumerate(family))])
