"""From text to plan and back, and into English."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.planners.codified.support import PLANS
from treeact.planners.codified import nodes
from treeact.planners.codified.narrate import narrate_plan
from treeact.planners.codified.parser import parse_plan
from treeact.planners.codified.render import render_plan

PLAN = """\
task("the region that sold most", answer=str)
class Sale:
    region: str
    price: float | None
@can(python, weather)
def reviewer(claim: str, facts: list[str]) -> bool:
    "Say whether the facts support the claim."
    assert result in [True, False], "neither"
sales: list[Sale] = solver("Read the sales", file=files[0])
temps: list[float] = [weather(city) for city in cities if city != ""]
sums: dict[str, float] = {}
for sale in sales:
    if not sale.price is None and sale["price"] > 2.5:
        sums[sale.region] = sums.get(sale.region, 0.0) + sale.price
    elif len(sums) > 100:
        break
    else:
        continue
tries = 0
while limit(3) and tries < 2:
    tries += 1
names: list[str] = []
names.append(f"{tries} of {{n}}: {sums['a']:.2f}")
send("done")
assert len(names) == 1 and (1 < 2 or 3 > 4), "odd"
answer(names[0][1:] if -2 ** 2 < 0 else "none")
"""


def test_a_plan_is_read_and_written_as_it_was() -> None:
    plan, findings = parse_plan(PLAN)
    assert not findings
    assert render_plan(plan) == PLAN


@settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
)
@given(PLANS)
def test_every_plan_survives_its_text(plan: nodes.Plan) -> None:
    text = render_plan(plan)
    read, findings = parse_plan(text)
    assert not findings
    assert read == plan
    assert render_plan(read) == text
    assert narrate_plan(plan).strip() or not plan.steps


def test_layout_comments_and_quotes_do_not_matter() -> None:
    one, _ = parse_plan("x: int = 1 # one\n\nif (x>0) :\n  answer( 'a' )\n")
    other, _ = parse_plan('x: int = 1\nif x > 0:\n    answer("a")')
    assert one == other
    assert one != parse_plan('x: int = True\nif x > 0:\n    answer("a")')[0]


def test_a_generator_is_a_list() -> None:
    plan, findings = parse_plan("x = sum(row for row in rows)")
    assert not findings
    assert render_plan(plan) == "x = sum([row for row in rows])\n"


def test_the_same_plan_in_english_says_everything() -> None:
    english = narrate_plan(parse_plan(PLAN)[0])
    for words in (
        "The task is: the region that sold most. The answer is a text.",
        "A Sale is a record with these fields: region, which is a text and price, which is a "
        "number, or nothing.",
        "There is a helper called reviewer.",
        "It may use python and weather.",
        '1. Call solver with "Read the sales" and the entry 0 of files as the file and keep the '
        "result as sales, which is a list of Sale records.",
        '2. For each city in cities for which city is not equal to "", call weather with city',
        "4.1. If (it is not true that (the price of sale) is equal to nothing) and ((the entry "
        '"price" of sale) is greater than 2.5), do the following:',
        "4.1.1. In the table sums, set the entry for the region of sale to",
        "4.1. Otherwise:",
        "6. Repeat the following at most 3 times, as long as tries is less than 2:",
        "6.1. Add 1 to tries.",
        "Make sure that (",
        'if not, stop and say "odd".',
        "as the answer and stop.",
    ):
        assert words in english, words


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("x = (", (1, 5), "no Python syntax"),
        ("import os", (1, 1), "nothing can be imported"),
        ("x: int = 1\ny = open('f').read()", (2, 5), "there is no method read"),
        ("x = a.__class__", (1, 5), "begins with _"),
        ("x = f(g(1))", (1, 7), "g is called within an expression"),
        ("while x:\n  pass", (1, 1), "the loop is unbounded"),
        ("while True:\n  pass", (1, 1), "the loop is unbounded"),
        ("while limit(n):\n  pass", (1, 1), "the loop is unbounded"),
        ("while limit(10**9):\n  pass", (1, 1), "the loop is unbounded"),
        ("while limit(99999999):\n  pass", (1, 1), "a limit is from 1 to"),
        ("while limit(0):\n  pass", (1, 1), "a limit is from 1 to"),
        ("for x in y:\n  pass\nelse:\n  pass", (1, 1), "no else"),
        ("return 3", (1, 1), "does not return"),
        ("x = lambda: 1", (1, 5), "Lambda"),
        ("x = [a for b in c for a in b]", (1, 5), "one `for` and one `if`"),
        ("x = {a for a in b}", (1, 5), "SetComp"),
        ("with a as b:\n  pass", (1, 1), "With"),
        ("try:\n  pass\nexcept: pass", (1, 1), "Try"),
        ("async def f(): pass", (1, 1), "AsyncFunctionDef"),
        ("del x", (1, 1), "Delete"),
        ("global x", (1, 1), "Global"),
        ("x = y = 1", (1, 1), "this assignment"),
        ("x, y = 1, 2", (1, 1), "this assignment"),
        ("x.y = 1", (1, 1), "this assignment"),
        ("x: int", (1, 1), "this assignment"),
        ("x = 1 @ 2", (1, 5), "MatMult"),
        ("x = ~1", (1, 5), "~"),
        ("x = y is z", (1, 5), "`is` compares with None"),
        ("x = b'a'", (1, 5), "no plain data"),
        ("x = 1j", (1, 5), "no plain data"),
        ("x = ...", (1, 5), "no plain data"),
        ("x = 1e999", (1, 5), "too large"),
        ("x = " + "9" * 999, (1, 5), "bits"),
        ("x = '\\ud800'", (1, 5), "half a character"),
        ("x = f'{a:{b}}'", (1, 5), "format"),
        ("x = f'{a:1000000000d}'", (1, 5), "format"),
        ("x = f'{a!s}'", (1, 5), "conversion"),
        ("x = sorted(a, key=b)", (1, 5), "named arguments"),
        ("x = len()", (1, 5), "len takes 1 arguments"),
        ("x = len", (1, 5), "len is a function"),
        ("len = 1", (1, 1), "len is a function"),
        ("x = a[::2]", (1, 5), "no step"),
        ("x = {**a}", (1, 5), "** is not"),
        ("f(*a)", (1, 3), "Starred"),
        ("f(**a)", (1, 1), "** is not"),
        ("(f)(1)(2)", (1, 1), "this step does nothing"),
        ("3", (1, 1), "this step does nothing"),
        ("x: set[int] = y", (1, 4), "no type"),
        ("x: dict[int, int] = y", (1, 4), "no type"),
        ("x = 'äöü😀' + open('f')", (1, 14), "open is called within an expression"),
        ("answer(1, 2)", (1, 1), "answer is a word"),
        ("x: int = answer(1)", (1, 10), "answer is a word"),
        ("class A(B):\n  a: int", (1, 1), "typed fields alone"),
        ("class A:\n  def f(self): pass", (2, 3), "typed fields alone"),
        ("def f(a) -> int:\n  'x'", (1, 7), "has no type"),
        ("def f(a: int):\n  'x'", (1, 1), "no type of result"),
        ("def f(a: int) -> int:\n  return 1", (2, 3), "not told what to do"),
        ("def f(a: int) -> int:\n  'x'\n  b = 1", (3, 3), "has code"),
        ("@cache\ndef f(a: int) -> int:\n  'x'", (1, 2), "@can"),
        ("task(goal)", (1, 1), "not declared as it should be"),
        ("task('a', answer=int)\ntask('b', answer=int)", (2, 1), "declared twice"),
        ("-" * 40 + "x", (1, 1), "Nothing"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_language_is_refused_with_its_place(
    text: str, place: tuple[int, int], problem: str
) -> None:
    _, findings = parse_plan(text)
    found = [(finding.line, finding.column) for finding in findings]
    if problem == "Nothing":
        assert findings
        return
    assert place in found, findings
    assert any(problem in finding.problem for finding in findings), findings
    assert all(finding.remedy for finding in findings)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "x = " + "-" * 9000 + "1",
        "x = " + "+1" * 9000,
        "x = " + "[" * 150 + "]" * 150,
        "x = a" + ".b" * 9000,
        "if a:\n" + "".join(" " * n + "if a:\n" for n in range(1, 90)) + " " * 90 + "pass",
        "x = " + "not " * 4000 + "a",
        "x" * 30_000,
        "x = '\x00'",
        "\x00",
        "x = '\ud800'",
        "﻿x = 1",
        "\t x = 1\n  y = 2",
        "",
    ],
    ids=range(14),
)  # fmt: skip
def test_no_text_breaks_the_parser(text: str) -> None:
    plan, findings = parse_plan(text)
    assert findings or len(plan.steps) <= 1
