"""Hostile plans: none runs unchecked, hangs, or touches the host."""

import asyncio
import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planners.codified.support import CALLEES, PLANS, World
from tests.planners.codified.test_language import PLAN
from treeact.planners.codified import nodes
from treeact.planners.codified.checker import check_plan
from treeact.planners.codified.dependencies import dependency_graph
from treeact.planners.codified.parser import parse_plan
from treeact.planners.codified.render import render_plan
from treeact.planners.codified.scheduler import Scheduler
from treeact.planners.codified.signatures import read_signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import STR, ListOf
from treeact.planners.codified.values import Fuel

KNOWN = {**CALLEES, "solver": read_signature("solver(goal: str, **values: Any) -> Any")}
PIECES = [
    *("x", "=", ":", "(", ")", "[", "]", "{", "}", "\n", "    ", ".", ",", "'", '"', "#", "\\"),
    *("for ", "in ", "while ", "if ", "else:", "assert ", "answer(", "limit(3)", "and ", "not "),
    *("int", "str", "list[int]", "9" * 30, "1e9", "-", "**", "+", "f'{", "}'", "\x00", "é", "😀"),
    *("__import__('os').system('touch /tmp/x')", "open('/etc/passwd')", "exec('1')", "eval("),
    *("().__class__.__bases__[0].__subclasses__()", "lambda: 1", "import os", "getattr(x, 'a')"),
    *("weather(", "send('a')", "solver('a')", "x.append(x)", "x += x", "range(10**9)", "yield"),
]
LINES = PLAN.splitlines()

dependency_graph(
    parse_plan(PLAN)[0].steps, {**KNOWN, "reviewer": KNOWN["solver"]}
)  # networkx builds itself by `exec`


@contextmanager
def no_host() -> Iterator[None]:
    """Make an error of whatever would run a text as Python, or open a file."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise AssertionError(f"a plan reached the host: {args[:1]}")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("eval", "exec", "open", "input"):
            patch.setattr(builtins, name, refuse)
        yield


async def run(text: str) -> str:
    """Check a text and, where it checks, run it with little fuel; return what came of it."""
    state = PlanState(callees=KNOWN)
    state.set("files", ["a.csv"], ListOf(STR))
    state.set("cities", ["Oslo"], ListOf(STR))
    with no_host():
        checked = check_plan(text, KNOWN, state.prior)
        if checked.findings:
            return "rejected"
        state.accept(checked)
        world = World({"solver": lambda goal, **values: []})
        scheduler = Scheduler(state, checked.types, world, id="run", fuel=Fuel(5000))
        outcome = await asyncio.wait_for(scheduler.run(checked.plan.steps), 20)
    assert outcome.answered or outcome.feedback
    return "answered" if outcome.answered else "failed"


FUZZ = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@FUZZ
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=40))
def test_random_pieces_of_syntax(pieces: list[str]) -> None:
    assert asyncio.run(run("".join(pieces))) in ("rejected", "answered", "failed")


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(PLAN)), st.integers(0, 12), st.sampled_from(["", *PIECES, *LINES])
        ),
        max_size=4,
    )
)
def test_mutations_of_a_right_plan(cuts: list[tuple[int, int, str]]) -> None:
    text = PLAN
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    assert asyncio.run(run(text)) in ("rejected", "answered", "failed")


@FUZZ
@given(PLANS)
def test_generated_plans(plan: nodes.Plan) -> None:
    assert asyncio.run(run(render_plan(plan))) in ("rejected", "answered", "failed")


async def test_the_plan_that_is_mutated_is_right() -> None:
    assert await run(PLAN) == "failed"  # it checks, and its assertion about no sales fails


@pytest.mark.parametrize(
    "attack",
    [
        "x: str = ().__class__.__mro__[1].__subclasses__()\nanswer(x)",
        "x: str = f'{files.__class__}'\nanswer(x)",
        "x: str = '{0.__class__}'.format(files)\nanswer(x)",
        "x: str = '%s' % files\nanswer(x)",
        "x: str = files.copy()\nanswer(x)",
        "x: Any = __builtins__\nanswer(x)",
        "x: Any = __import__('os')\nanswer(x)",
        "x: Any = open('/etc/passwd')\nanswer(x)",
        "x: Any = type(files)\nanswer(x)",
        "x: Any = vars()\nanswer(x)",
        "x: str = str.upper('a')\nanswer(x)",
        "def f(a: int = __import__('os').getpid()) -> int:\n    'x'\nanswer(1)",
        "class A(__import__('os')):\n    a: int\nanswer(1)",
        "class A:\n    a: __import__('os')\nanswer(1)",
        "x: __import__('os').system('id') = 1\nanswer(x)",
        "@__import__('os').system\ndef f(a: int) -> int:\n    'x'\nanswer(1)",
        "answer((lambda: 1)())",
        "answer([x for x in files if (y := x)])",
        "import os; answer(os.getpid())",
        "match files:\n    case _:\n        answer(1)",
        "exec('1')\nanswer(1)",
    ],
)
async def test_ways_out_are_findings(attack: str) -> None:
    assert await run('task("?", answer=Any)\n' + attack) == "rejected"
