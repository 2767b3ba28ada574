"""The static check: every fault is found before anything runs, with its place and a remedy."""

from pathlib import Path

import pytest

from tests.planners.codified.support import CALLEES, checked, findings
from treeact.planners.codified.checker import check_plan
from treeact.planners.codified.signatures import read_signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import FLOAT, INT, STR, ListOf


def test_a_right_plan_has_no_findings() -> None:
    assert not findings(
        """\
class Row:
    city: str
    degrees: float | None
def judge(city: str, degrees: float) -> bool:
    \"\"\"Say whether that can be.\"\"\"
    assert result in [True, False]
cities: list[str] = ["Oslo", "Rome"]
temps: list[float] = [weather(city) for city in cities]
rows: list[Row] = [{"city": c, "degrees": t} for c, t in zip(cities, temps)]
hot = 0
best: Row = rows[0]
for number, row in enumerate(rows):
    fine: bool = judge(row.city, degrees=temps[number])
    if fine and row.degrees > 20 and row["city"] != "Oslo":
        hot += 1
        best = row
    elif not fine:
        break
    else:
        continue
found: dict[str, Any] = look("x")
facts: dict[str, int] = {}
facts["a"] = len(found) + facts.get("b", 0)
send(f"{hot} of {len(rows)}: {best.city.upper()}", to="me")
assert hot >= 0 or facts, f"hot is {hot}"
answer([best.city, str(hot)])
"""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # variables
        ("answer(x)", "line 2, column 8: the variable x is not defined"),
        ("cities = ['a']\nanswer(citys)", "did you mean cities?"),
        ("if question == 1:\n    x = 1\nanswer(x)", "not defined"),
        ("a = 1\nif a > 0:\n    x = 1\nanswer(x)", "line 5, column 8: the variable x may"),
        ("for i in range(3):\n    x = i\nanswer(x)", "line 4, column 8: the variable x may"),
        ("x: int = 1\nx: str = 'a'\nanswer(x)", "line 3, column 1: x is int, and cannot be str"),
        ("x = 1\nx = 'a'\nanswer(x)", "x is of type str, and has to be int"),
        ("x: int = 'a'\nanswer(x)", "line 2, column 10: x is of type str, and has to be int"),
        ("x: int = 1.5\nanswer(x)", "x is of type float, and has to be int"),
        ("x: bool = 1\nanswer(x)", "x is of type int, and has to be bool"),
        ("x: list[int] = [1, 'a']\nanswer(x)", "an item of x is of type str"),
        ("x = 1\nx += 'a'\nanswer(x)", "+ does not join int and str"),
        ("x = 1\nx /= 2\nanswer(x)", "x is int, and this makes it float"),
        ("x = []\nanswer(x)", "the type of x is not known"),
        ("x = look('a')['b']\nanswer(x)", "look is called within an expression"),
        ("r: dict[str, Any] = look('a')\nx = r['b']\nanswer(x)", "the type of x is not known"),
        ("for city in ['a']:\n    city = 'b'\nanswer(1)", "city is the variable of a loop"),
        ("a = 1\nfor a in [1]:\n    pass\nanswer(a)", "a is a variable already"),
        ("weather = 1\nanswer(weather)", "weather is a role or tool"),
        ("x: Row = look('a')\nanswer(x)", "the type Row is not known"),
        ("x = 1\nx.append(2)\nanswer(x)", "x is int, and no list"),
        ("x: list[int] = []\nx.append('a')\nanswer(x)", "an item of x is of type str"),
        ("x: list[int] = []\nx['a'] = 1\nanswer(x)", "x is list[int], and no dict"),
        ("x: dict[str, int] = {}\nx[1] = 1\nanswer(x)", "a key is of type int"),
        # calls
        ("x: float = wether('Oslo')\nanswer(x)", "column 12: there is no role, tool or"),
        ("x: float = weather()\nanswer(x)", "the argument city is missing"),
        ("x: float = weather(town='Oslo')\nanswer(x)", "weather has no argument town"),
        ("x: float = weather('a', 'b')\nanswer(x)", "weather takes at most 1 arguments"),
        ("x: float = weather('a', city='b')\nanswer(x)", "the argument city is given twice"),
        ("x: float = weather(3)\nanswer(x)", "column 20: the argument city is of type int, and"),
        ("x: str = weather('a')\nanswer(x)", "x is str, and this call gives float"),
        ("x: list[str] = [weather(c) for c in ['a']]\nanswer(x)", "this call gives list[float]"),
        # expressions
        ("answer('a' - 1)", "- does not apply to str"),
        ("answer('a' < 1)", "< does not compare str and int"),
        ("answer('a' in 3)", "nothing is in int"),
        ("answer(1 in 'a')", "int is in no text"),
        ("answer(len(3))", "int has no length"),
        ("answer((3).upper())", "int has no method upper"),
        ("answer({'a': 1}.a)", "has no field a"),
        ("answer([1]['a'])", "a position is of type str"),
        ("answer([1].upper())", "list[int] has no method upper"),
        ("answer(f'{question:.2f}')", "the variable question is not defined"),
        ("answer(f\"{'a':.2f}\")", "str has no format .2f"),
        # records
        ("class R:\n    a: int\nx: R = {'a': 1, 'b': 2}\nanswer(x)", "R has not the field 'b'"),
        ("class R:\n    a: int\nx: R = {}\nanswer(x)", "x lacks the field 'a' of R"),
        ("class R:\n    a: int\nx: R = {'a': 1}\nanswer(x.b)", "R has no field 'b'"),
        ("class R:\n    a: S\nanswer(1)", "the type S is not known"),
        # flow
        ("answer(1)\nx = 2", "line 3, column 1: this step can never be reached"),
        ("for i in [1]:\n    break\n    x = 1\nanswer(1)", "line 4, column 5: this step can never"),
        ("a = 1\nif a > 0:\n    answer(1)\nelse:\n    answer(2)\na = 3", "can never be reached"),
        ("if False:\n    answer(1)\nanswer(2)", "the condition is always False"),
        ("while limit(3) and True:\n    pass\nanswer(2)", "the condition is always True"),
        ("x = 1", "line 2, column 1: the plan can end without an answer"),
        ("", "the plan can end without an answer"),
        ("a = 1\nif a > 0:\n    answer(1)", "line 3, column 1: the plan can end without an answer"),
        ("for i in [1]:\n    answer(1)", "the plan can end without an answer"),
        ("break\nanswer(1)", "break is in no loop"),
        # roles
        ("def weather(a: int) -> int:\n    'x'\nanswer(1)", "weather exists already"),
        ("@can(fly)\ndef f(a: int) -> int:\n    'x'\nanswer(1)", "the role can call no tool fly"),
        ("def f(a: int) -> R:\n    'x'\nanswer(1)", "the type R is not known"),
        ("def f(a: int) -> int:\n    'x'\n    assert b > 1\nanswer(1)", "the variable b is not"),
    ],
)  # fmt: skip
def test_faults_are_found_with_place_and_remedy(text: str, expected: str) -> None:
    found = findings(text)
    assert any(expected in finding for finding in found), found
    assert all(finding.count(": ") >= 2 for finding in found)


def test_an_unbounded_loop_is_a_finding_and_what_hangs_on_it_is_not() -> None:
    found = findings("while True:\n    x: int = 1\nanswer(x)")
    assert len(found) == 1
    assert "the loop is unbounded: say how many rounds" in found[0]


def test_the_task_is_declared_and_its_type_is_that_of_the_answer() -> None:
    assert "declares no task" in str(checked("answer(1)").findings[0])
    wrong = checked('task("?", answer=int)\nanswer("a")').findings
    assert [str(finding) for finding in wrong] == [
        "line 2, column 8: the answer is of type str, and has to be int: change the value or the "
        "declared type"
    ]
    assert not checked('task("?", answer=float)\nanswer(1)').findings
    assert "the type Row is not known" in str(checked('task("?", answer=Row)\nanswer(1)').findings)


def test_a_patch_cannot_redefine_the_past() -> None:
    state = PlanState(callees=CALLEES)
    state.accept(checked('task("?", answer=int)\nclass Row:\n    n: int\nx: int = 1\nanswer(x)'))
    state.set("x", 1, INT)
    state.set("rows", [{"n": 1}], ListOf(FLOAT))

    def patch(text: str) -> list[str]:
        return [str(found) for found in check_plan(text, state.callees, state.prior).findings]

    assert not patch("y = x + 1\nanswer(y)")  # no task is needed, and what exists may be used
    for change in ("x = 2", "x: int = 2", "x += 1", "rows.append(1.5)", "rows['a'] = 2"):
        assert "which cannot be changed: use a new variable" in patch(f"{change}\nanswer(1)")[0]
    assert "x is a variable already" in patch("for x in [1]:\n    pass\nanswer(1)")[0]
    assert "the class Row exists already" in patch("class Row:\n    a: int\nanswer(1)")[0]
    assert "another type than before" in patch('task("?", answer=str)\nanswer("a")')[0]
    assert not patch('task("the same", answer=int)\nanswer(1)')


def test_what_only_a_run_can_tell_is_no_finding() -> None:
    assert not findings("r: dict[str, Any] = look('a')\nx: int = r['n']\nanswer(x)")
    assert not findings("x: int | None = {'a': 1}.get('a')\ny: int = x\nanswer(y)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("f(a: int, b: str = 'x') -> list[str]", "f(a: int, b: str = ...) -> list[str]"),
        (
            "f(a: tuple[int, int], *, b: Literal['x', 'y']) -> {'n': int}",
            "f(a: list[Any], b: str) -> dict[str, Any]",
        ),
        ("f(a: datetime.date | str, /, **more: Any) -> None", "f(a: Any, **values: Any) -> None"),
        ("f(a: list[set[int]] | None = None)", "f(a: list[Any] | None = ...) -> Any"),
    ],
)  # fmt: skip
def test_signatures_of_tools_are_read_as_far_as_the_language_goes(text: str, shown: str) -> None:
    assert str(read_signature(text)) == shown


def test_the_example_of_the_documentation_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "codified.md").read_text()
    example = page.split("```plan\n")[1].split("```")[0]
    callees = {
        signature.name: signature
        for signature in (
            read_signature("solver(goal: str, **values: Any) -> Any"),
            read_signature("rate(region: str) -> float"),
            read_signature("lookup(key: str) -> str"),
        )
    }
    state = PlanState(callees=callees)
    state.set("files", ["a.csv"], ListOf(STR))
    assert check_plan(example, callees, state.prior).findings == ()
