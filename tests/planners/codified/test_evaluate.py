"""Expressions have Python's values, or none; and none of them can hurt the host."""

import ast
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planners.codified.support import EXPRESSIONS
from treeact.planners.codified import nodes
from treeact.planners.codified.evaluate import Scope, evaluate
from treeact.planners.codified.expressions import read_expression
from treeact.planners.codified.render import render
from treeact.planners.codified.values import (
    MAX_DEPTH,
    MAX_WEIGHT,
    Fuel,
    Halt,
    SizedList,
    adopt,
    show,
    weigh,
)

ROW = {"n": 1, "name": "Ann", "tags": ["a", "b"]}
VARIABLES = {"row": ROW, "rows": [ROW, {**ROW, "n": 2}], "text": "a-b-c", "n": 7, "x": 2.5}


def expression(text: str) -> nodes.Expr:
    return read_expression(ast.parse(text, mode="eval").body)


def value(text: str, **variables: Any) -> Any:
    scope = Scope({name: adopt(v) for name, v in {**VARIABLES, **variables}.items()})
    return evaluate(expression(text), scope, Fuel())


@pytest.mark.parametrize(
    "text",
    [
        "1 + 2 * 3 - 4 / 5 // 6 % 7 ** 2",
        "-n ** 2",
        "'a' + text",
        "[1] + [n]",
        "1 < 2 < 3 and not 2 > 3",
        "1 < 2 > 3",
        "n in [1, 7] or 'b' not in text",
        "row['name'] if n > 3 else None",
        "rows[0]['tags'][-1]",
        "text[1:3] + text[:-1]",
        "[r['n'] * 2 for r in rows if r['n'] > 1]",
        "sum(r['n'] for r in rows) / len(rows)",
        "[k + str(v) for k, v in {'a': 1}.items()]",
        "f'{x:.2f} of {n:>5d}: {row[\"name\"]} {{}} {rows}'",
        "sorted([3, 1, 2])",
        "sorted(['b', 'a'])",
        "min(3, 1, 2) + max([4, 5])",
        "round(2.567, 1) + round(2.5)",
        "abs(-3) + int('12') + float('1.5')",
        "list(reversed(range(2, 9, 3)))",
        "[[i, c] for i, c in enumerate('ab', 1)]",
        "[a * b for a, b in zip([1, 2], [3, 4])]",
        "any([False, n > 1]) and all([])",
        "'  A b '.strip().lower().split()",
        "'-'.join(['a', 'b']).replace('-', '+').title()",
        "text.count('-') + [1, 1].count(1) + text.find('b') + [1, 2].index(2)",
        "text.startswith('a') and 'ab'.removeprefix('a').endswith('b')",
        "{'a': 1}.get('b', 3)",
        "list({'a': 1}) + {'b': 2}.keys()",
        "'' or 'default'",
        "[] and 1",
        "bool([]) or bool('a')",
        "str([1, 'a', None, True]) + str({'a': 1.5})",
        "None == None and row != None",
        "'3'.isdigit()",
        "'x\\ny'.splitlines()",
        "2 ** -1",
        "'a' * 0 if False else 'b'",
    ],
)
def test_values_are_those_of_python(text: str) -> None:
    def plain(found: Any) -> Any:
        return [*found] if not isinstance(found, bool | int | float | str | None) else found

    python = eval(text.replace(" + {'b': 2}.keys()", " + ['b']"), {}, {**VARIABLES})
    assert value(text) == plain(python)


def test_fields_are_keys_and_nothing_else() -> None:
    assert value("row.name") == "Ann"
    for text in ("text.upper", "rows.append", "x.real", "row.keys", "row.missing"):
        with pytest.raises(Halt):
            value(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "division by zero"),
        ("rows[9]", "there is no item 9 among 2"),
        ("row['m']", "there is no key 'm'; the keys are n, name, tags"),
        ("row[0]", "there is no key 0"),
        ("rows['a']", "is no position"),
        ("rows[True]", "is no position"),
        ("n[0]", "has no items"),
        ("missing", "has no value yet"),
        ("True + 1", "is no number"),
        ("'a' + 1", "is no number"),
        ("'a' * 3", "is no number"),
        ("'a' < 1", "not supported"),
        ("1 in n", "has nothing in it"),
        ("[a for a in 3]", "needs a list"),
        ("[a for a, b in [[1]]]", "does not hold 2 values"),
        ("int('x')", "invalid literal"),
        ("int([1])", "takes a text or a number"),
        ("float('nan')", "which no value can be"),
        ("1e308 * 10", "which no value can be"),
        ("(-8) ** 0.5", "root of a negative"),
        ("sum(['a'])", "takes a list of numbers"),
        ("min([])", "of nothing"),
        ("sorted([1, 'a'])", "not supported"),
        ("text.count(3)", "must be str"),
        ("text.split('')", "empty separator"),
        ("(3).upper()", "has no method upper"),
        ("'-'.join('ab')", "takes a list"),
        ("{n: 1}", "is no text"),
        ("row.get([1])", "unhashable"),
        ("f'{text:.2f}'", "format"),
        ("round(1.5, 99)", "30 digits"),
        ("range(1.5)", "whole numbers"),
        ("range(1, 5, 0)", "must not be zero"),
        ("text[x:]", "whole numbers"),
        ("len(n)", "no len"),
    ],
)
def test_what_has_no_value_says_why(text: str, why: str) -> None:
    with pytest.raises(Halt, match=why.replace("(", r"\(")):
        value(text)


BOMBS = [
    "2 ** 10 ** 9",
    "9 ** 9 ** 9 ** 9",
    "(2 ** 1000) * (2 ** 1000)",
    "10 ** 300 * 10 ** 300",
    "range(10 ** 9)",
    "range(10 ** 200)",
    "[0 for a in range(10000) for_ in range(10000)]".replace("for_", "if a == a and a"),
    "[[b for b in range(5000)] for a in range(5000)]",
    "[[[c for c in range(999)] for b in range(999)] for a in range(999)]",
    "sum([sum([b for b in range(9999)]) for a in range(9999)])",
    "big.replace('', big)",
    "big.replace('a', 'aaaaaaaaaa')",
    "big + big + big + big",
    "','.join([big for a in range(9999)])",
    "f'{big}{big}{big}{big}{big}'",
    "[big for a in range(10000)]",
    "[f'{big}{a}' for a in range(10000)]",
    "[str(wide) for a in range(10000)]",
    "[sorted(wide) for a in range(10000)]",
    "[wide + wide for a in range(10000)]",
    "[big == big + '' for a in range(10000)]",
    "[a in wide for a in range(10000)]",
    "[big.count('a') for a in range(10000)]",
    "[big.upper() for a in range(10000)]",
    "int(big)",
    "float(big)",
    "round(5, -10 ** 9)",
    "big.split('a')",
    "enumerate(big)",
]


@pytest.mark.parametrize("text", BOMBS)
def test_no_expression_hurts_the_host(text: str) -> None:
    # it ends by its own limits, or the test does by its time limit
    try:
        made = value(text, big="a" * 1_500_000, wide=[*range(9999)])
    except Halt:
        made = None
    assert weigh(made) <= MAX_WEIGHT


def test_doubling_in_a_loop_ends() -> None:
    scope, fuel = Scope({"x": adopt([1])}), Fuel()
    with pytest.raises(Halt, match=r"larger than|nested deeper"):
        for _ in range(100):
            scope["x"] = evaluate(expression("[x, x]"), scope, fuel)
    assert scope["x"].depth <= MAX_DEPTH
    assert len(json.dumps(scope["x"])) < 10 * MAX_WEIGHT


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(EXPRESSIONS)
def test_every_expression_has_a_value_or_none(node: nodes.Expr) -> None:
    scope = Scope({"a": 2, "b": "x", "rows": adopt([ROW]), "total": 1.5, "result": None})
    try:
        made = evaluate(node, scope, Fuel(20_000))
    except Halt:
        return
    assert json.loads(json.dumps(made)) == made
    assert adopt(json.loads(json.dumps(made))) == made
    assert render(node)


@settings(max_examples=50, deadline=None)
@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=150)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=9), inner)),
    max_leaves=20,
))  # fmt: skip
def test_long_values_are_shown_by_reference(made: Any) -> None:
    made = adopt(made)
    text = show(made, 100)
    whole = json.dumps(made, ensure_ascii=False)
    if len(whole) <= 100:
        assert text == whole
    else:
        assert text.startswith("<") and len(text) < 400
        assert whole not in text


def test_a_reference_names_type_size_and_head() -> None:
    rows = adopt([{"city": f"city {n}", "degrees": n / 2} for n in range(412)])
    text = show(rows, 100)
    assert text.startswith("<list[dict[str, Any]], 412 items, begins [{")
    assert '"city 0"' in text
    assert show(adopt("a" * 999), 100).startswith('<str, 999 characters, begins "aaa')
    assert show(adopt({str(n): n for n in range(99)}), 50).startswith("<dict[str, int], 99 keys,")


def test_what_comes_from_outside_keeps_to_the_caps() -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    for bad in (deep, "a" * (MAX_WEIGHT + 1), 2**2000, float("inf"), {1, 2}, object()):
        with pytest.raises(Halt):
            adopt(bad)
    assert adopt({1: (True, None)}) == {"1": [True, None]}
    assert isinstance(adopt([1]), SizedList)
