"""Plans at work: control flow, concurrency, failures, and what a replanner finds."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planners.codified.support import CALLEES, TASK, World, checked, execute
from treeact.planners.codified.dependencies import dependency_graph
from treeact.planners.codified.evaluate import Scope
from treeact.planners.codified.render import render_steps
from treeact.planners.codified.scheduler import CallFailed, Invocation
from treeact.planners.codified.signatures import read_signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import INT
from treeact.trace.events import Event, PlanStepFinished, PlanStepStarted


async def answer(text: str, world: World | None = None) -> Any:
    outcome, _, _ = await execute(TASK + text, world)
    assert outcome.answered, outcome.feedback
    return outcome.answer


async def failure(text: str, world: World | None = None) -> str:
    outcome, _, _ = await execute(TASK + text, world)
    assert not outcome.answered
    return str(outcome.feedback[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: int = 1\nif x > 1:\n    answer('a')\nelif x == 1:\n    answer('b')\nanswer('c')", "b"),
        (
            "t = 0\nfor i in range(5):\n    if i == 1:\n        continue\n"
            "    if i == 3:\n        break\n    t += i\nanswer(t)",
            2,
        ),
        ("t = 0\nwhile limit(4):\n    t += 1\nanswer(t)", 4),
        ("t = 0\nwhile limit(9) and t < 3:\n    t += 1\nanswer(t)", 3),
        ("t = 1\nwhile t < 100 and limit(50):\n    t *= 2\nanswer(t)", 128),
        (
            "xs: list[int] = []\nfor a in [1, 2]:\n    for b in [10, 20]:\n"
            "        xs.append(a * b)\nanswer(xs)",
            [10, 20, 20, 40],
        ),
        (
            "d: dict[str, int] = {}\nfor w in 'a b a'.split():\n"
            "    d[w] = d.get(w, 0) + 1\nanswer(d)",
            {"a": 2, "b": 1},
        ),
        ("a: list[int] = [1]\nb: list[int] = a\na.append(2)\nanswer([a, b])", [[1, 2], [1]]),
        (
            "for i in [1, 2, 3]:\n    for j in [1, 2]:\n        if i * j == 4:\n"
            "            answer([i, j])\nanswer([])",
            [2, 2],
        ),
        ("x: int = double(4)\ny: int = double(x)\nassert y == 16, 'no'\nanswer(y)", 16),
        ("answer([1] if not (1 > 2 or 'a' == 'b') and True else [])", [1]),
        ("ns: list[int] = [double(n) for n in range(5) if n % 2 == 1]\nanswer(ns)", [2, 6]),
        (
            "temps: dict[str, float] = {}\nfor city in ['Oslo', 'Rome']:\n"
            "    t: float = weather(city)\n    temps[city] = t\nanswer(temps)",
            {"Oslo": 3.5, "Rome": 25.0},
        ),
        ("pass\nsend('a')\n[send(t) for t in ['b']]\nanswer(None)", None),
    ],
)  # fmt: skip
async def test_control_flow(text: str, expected: Any) -> None:
    assert await answer(text) == expected


@pytest.mark.parametrize(
    ("text", "feedback"),
    [
        (
            "x: int = double(2)\nassert x > 4, f'{x} is small'\nanswer(x)",
            'Feedback(step="2", kind="assertion", expression="x > 4", got="x = 4", '
            'message="4 is small")',
        ),
        (
            "city: str = 'Bonn'\nx: float = weather(city)\nanswer(x)",
            'Feedback(step="2", kind="tool error", expression="weather(city)", '
            "got=\"city = \\\"Bonn\\\"\", message=\"there is no 'Bonn'\")",
        ),
        (
            "r: dict[str, Any] = look('a')\nn: int = r['key']\nanswer(n)",
            'Feedback(step="2", kind="type mismatch", expression="n: int = r[\\"key\\"]", '
            'got="r = {\\"key\\": \\"a\\"}", message="n is \'a\' of type str, not int")',
        ),
        (
            "xs: list[int] = [1, 0]\nfor x in xs:\n    y = 1 / x\nanswer(1)",
            'Feedback(step="2.2.1", kind="evaluation error", expression="y = 1 / x", got="x = 0", '
            'message="division by zero")',
        ),
        ("x: int = 2\ny: int = x ** -1\nanswer(y)", 'kind="type mismatch"'),
        ("n = 2\nfor i in range(9999):\n    n *= n\nanswer(n)", 'kind="limit"'),
        ("n: int = double(3)\nfor i in range(n * 9999):\n    pass\nanswer(n)", 'kind="limit"'),
        ("for i in range(201):\n    x: int = double(i)\nanswer(1)", "makes more than 200 calls"),
    ],
)  # fmt: skip
async def test_failures_are_structured_feedback(text: str, feedback: str) -> None:
    assert feedback in await failure(text)


async def test_long_loops_over_rows_are_within_the_limits() -> None:
    text = (
        "rows: list[list[int]] = [[n, n % 7] for n in range(9000)]\nkept: list[int] = []\n"
        "sums: dict[str, int] = {}\nfor n, rest in rows:\n    if rest == 3:\n"
        "        kept.append(n)\n    sums[str(rest)] = sums.get(str(rest), 0) + n\n"
        "answer([len(kept), sum(sums.values()) == 9000 * 8999 // 2])"
    )
    assert await answer(text) == [1286, True]


async def test_what_is_new_in_a_list_or_dict_is_checked() -> None:
    start = "r: dict[str, Any] = look('a')\nxs: list[int] = []\nd: dict[str, int] = {}\n"
    assert "xs[-1] is 'a' of type str, not int" in await failure(
        f"{start}xs.append(r['key'])\nanswer(xs)"
    )
    assert "d['n'] is 'a' of type str, not int" in await failure(
        f"{start}d['n'] = r['key']\nanswer(d)"
    )


async def test_a_wrong_type_from_a_tool_is_a_mismatch() -> None:
    world = World({"double": lambda n: "four"})
    told = await failure("x: int = double(2)\nanswer(x)", world)
    assert 'kind="type mismatch"' in told
    assert "the result is 'four' of type str, not int" in told


async def test_long_values_are_not_inlined_in_feedback() -> None:
    world = World({"look": lambda key: {"rows": [*range(5000)]}})
    told = await failure(
        "r: dict[str, Any] = look('a')\nassert len(r) > 1, 'one'\nanswer(1)", world
    )
    assert 'got="r = <dict[str, list[int]], 1 keys, begins {' in told
    assert len(told) < 600


class Slow(World):
    """Takes a while for each call, longer for some."""

    def delay(self, call: Invocation) -> float:
        return 0.02


async def test_independent_steps_run_at_the_same_time() -> None:
    world = Slow()
    text = "a: int = double(1)\nb: int = double(2)\nc: int = double(a + b)\nanswer(c)"
    assert await answer(text, world) == 12
    assert world.most == 2
    world = Slow()
    await execute(TASK + text, world, concurrency=1)
    assert world.most == 1
    world = Slow()
    assert await answer("x: list[int] = [double(n) for n in range(9)]\nanswer(x[8])", world) == 16
    assert world.most == 4


async def test_writes_keep_the_order_and_wait_for_all_before() -> None:
    world = Slow()
    await execute(
        TASK + "a: float = weather('Oslo')\nsend('1')\nb: float = weather('Rome')\n"
        "[send(t) for t in ['2', '3', '4']]\nanswer(b)",
        world,
    )
    assert world.made == [
        ("weather", "Oslo"),
        ("send", "1"),
        ("weather", "Rome"),
        ("send", "2"),
        ("send", "3"),
        ("send", "4"),
    ]
    world = Slow()
    outcome, _, _ = await execute(TASK + "a: float = weather('X')\nsend('1')\nanswer(a)", world)
    assert not outcome.answered
    assert world.made == [("weather", "X")]  # what follows a failure is not sent


def edges(text: str) -> set[tuple[int, int, str]]:
    graph = dependency_graph(checked(TASK + text).plan.steps, CALLEES)
    return {(before + 1, after + 1, data["why"]) for before, after, data in graph.edges(data=True)}


def test_the_dependency_graph_says_who_waits_and_why() -> None:
    assert edges(
        "a: int = double(1)\nb: int = double(2)\nassert a > 0, 'a'\nc = a + 1\nb = 3\nanswer(c)"
    ) == {
        (1, 3, "reads a"),
        (3, 4, "relies on a"),
        (2, 5, "sets b"),
        (4, 6, "reads c"),
        (5, 6, "keeps the order"),
    }
    loops = "for x in [1]:\n    y = x\nfor x in [2]:\n    z = x\nanswer(1)"
    assert edges(loops) == {(1, 3, "keeps the order"), (2, 3, "keeps the order")}


async def test_a_failed_step_leaves_no_trace_and_others_are_still_carried_out() -> None:
    text = (
        "total = 0\nseen: list[str] = []\n"
        "for city in ['Oslo', 'Bonn', 'Rome']:\n"
        "    seen.append(city)\n    t: float = weather(city)\n    total += 1\n"
        "other: int = double(3)\n"
        "both = total + other\n"
        "answer(both)"
    )
    outcome, state, _ = await execute(TASK + text)
    assert state.variables() == [
        "total: int = 0",
        "seen: list[str] = []",
        "other: int = 6",
    ]
    assert [type(step).__name__ for step in state.executed] == ["Assign"] * 3
    assert render_steps(state.remaining).startswith("for city in")
    assert render_steps(state.remaining).endswith("both = total + other\nanswer(both)")
    assert [feedback.step for feedback in outcome.feedback] == ["3.2.2"]
    assert 'city = "Bonn"' in outcome.feedback[0].got


async def test_a_patch_goes_on_from_what_was_executed_and_calls_nothing_again() -> None:
    world = World()
    text = "a: int = double(4)\nassert a < 5, 'large'\nsend(f'{a}')\nanswer(a)"
    outcome, state, _ = await execute(TASK + text, world)
    assert outcome.feedback[0].kind == "assertion"
    executed = list(state.executed)
    outcome, state, _ = await execute(
        "b: int = a + 1\nanswer(b)", world, state=state, id="run/step-2"
    )
    assert outcome.answer == 9
    assert world.made == [("double", "4")]
    assert state.executed[: len(executed)] == executed
    assert state.values["a"] == 8


async def test_all_failures_are_told_in_the_plans_order() -> None:
    text = (
        "a: float = weather('A')\nb: float = weather('B')\nns: list[float] = "
        "[weather(c) for c in ['C', 'Oslo', 'D']]\nanswer(a + b + sum(ns))"
    )
    outcome, state, _ = await execute(TASK + text, Slow())
    assert [feedback.step for feedback in outcome.feedback] == ["1", "2", "3.1", "3.3"]
    assert len(state.remaining) == 4


async def test_an_interruption_begins_no_further_step() -> None:
    async def interrupted(call: Invocation) -> Any:
        raise CallFailed("stopped", kind="interrupted", halts=True)

    text = "a: int = double(1)\nb: int = double(2)\nx = 3\nanswer(x)"
    outcome, state, _ = await execute(TASK + text, interrupted, concurrency=1)  # type: ignore[arg-type]
    assert {feedback.kind for feedback in outcome.feedback} == {"interrupted"}
    assert not state.executed or len(state.executed) == 1
    assert len(state.remaining) >= 3


async def test_a_fault_of_the_run_ends_the_plan_and_what_runs_beside() -> None:
    ended = asyncio.Event()

    async def call(invocation: Invocation) -> Any:
        if invocation.arguments == (1,):
            raise RuntimeError("no budget")
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(RuntimeError, match="no budget"):
        text = (
            "t = 1\nfor i in [1]:\n    t = 2\n    a: int = double(1)\nb: int = double(2)\nanswer(b)"
        )
        await asyncio.wait_for(execute(TASK + text, call), 10)  # type: ignore[arg-type]
    assert ended.is_set()


def shape(events: list[Event]) -> list[Any]:
    return sorted((event.id, type(event).__name__, event.text) for event in events)  # type: ignore[attr-defined]


async def test_steps_are_events_with_logical_ids() -> None:
    text = (
        "x: int = 1\nfor n in [1, 2]:\n    y: int = double(n)\n    z = y\n"
        "assert x > 1, 'no'\nanswer(x)"
    )
    _, _, events = await execute(TASK + text)
    begun = [e.id for e in events if isinstance(e, PlanStepStarted)]
    assert begun == ["run/step-1/2", "run/step-1/2.1.1", "run/step-1/2.2.1"]
    ended = {e.id: e for e in events if isinstance(e, PlanStepFinished)}
    ids = ("1", "2.1.1", "2.2.1", "2", "3")
    assert set(ended) == {f"run/step-1/{id}" for id in ids}
    assert ended["run/step-1/1"].text == "x: int = 1"
    assert ended["run/step-1/2.2.1"].text == "y: int = 4"
    assert not ended["run/step-1/3"].ok


# Serial and parallel runs of plans over six variables, in which calls fail and take any time.

NUMBERS = st.integers(-3, 9)


@st.composite
def plans(draw: Any) -> str:
    names: list[str] = ["v0"]
    lines = [f"v0: int = {draw(st.integers(0, 9))}"]
    for number in range(1, draw(st.integers(2, 8))):
        old = st.sampled_from(names)
        a, b, name = draw(old), draw(old), f"v{number}"
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"{name}: int = double({a})",
                        f"{name}: int = {a} + {b}",
                        f"{name}: int = weigh({a}, {b})",
                        f"{name}: int = 10 // {a}",
                        f"{name} = 0\nfor n in range({b} % 4):\n    {name} += n\n"
                        f"    w{number}: int = weigh(n, {a})\n    {name} += w{number}",
                        f"{name}s: list[int] = [weigh(n, {a}) for n in range({b} % 4)]\n"
                        f"{name}: int = sum({name}s)",
                        f"{name}: int = {a}\nif {a} > {b}:\n    {name} = double({b})\nelse:\n    "
                        f"{name} -= 1",
                        f"assert {a} < 15, 'much'\n{name}: int = {b}",
                        f"note(f'{{{a}}}')\n{name}: int = {b}",
                    ]
                )
            )
        )
        names.append(name)
    return TASK + "\n".join([*lines, f"answer([{', '.join(names)}])"])


class Erratic(World):
    """Fails for some arguments, and takes another time for each call."""

    def __init__(self, seed: int) -> None:
        super().__init__({"weigh": self.weigh, "note": lambda text: None})
        self.random = random.Random(seed)

    def weigh(self, a: int, b: int) -> int:
        if (a + b) % 5 == 4:
            raise KeyError(f"{a} and {b}")
        return a * b % 7

    def delay(self, call: Invocation) -> float:
        return self.random.choice([0, 0, 0.001, 0.003])


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(0, 3))
def test_serial_and_parallel_runs_are_the_same(text: str, seed: int) -> None:
    callees = {
        **CALLEES,
        "weigh": read_signature("weigh(a: int, b: int) -> int"),
        "note": read_signature("note(text: str) -> None", effects="write"),
    }

    async def run(concurrency: int, seed: int) -> Any:
        world = Erratic(seed)
        outcome, state, events = await execute(
            text, world, state=PlanState(callees=callees), concurrency=concurrency
        )
        notes = [made for made in world.made if made[0] == "note"]
        left = render_steps(state.remaining)
        return outcome, state.variables(), left, shape(events), notes, sorted(world.made)

    async def both() -> None:
        serial = await run(1, seed)
        assert await run(8, seed) == serial
        assert await run(3, seed + 1) == serial

    asyncio.run(both())


def test_a_scope_without_a_value_says_so() -> None:
    state = PlanState()
    state.set("x", 1, INT)
    assert Scope({"y": 2}, state.values)["x"] == 1
