"""Tools of a toy world, plans as hypothesis makes them, and how a plan is run."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from treeact.planners.codified import nodes
from treeact.planners.codified.checker import Checked, check_plan
from treeact.planners.codified.functions import FUNCTIONS, METHODS
from treeact.planners.codified.scheduler import CallFailed, Invocation, Outcome, Scheduler
from treeact.planners.codified.signatures import Signature, read_signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import (
    PLAIN,
    DictOf,
    ListOf,
    Maybe,
    Named,
)
from treeact.trace.events import Event
from treeact.trace.log import EventLog

CALLEES: dict[str, Signature] = {
    signature.name: signature
    for signature in (
        read_signature("weather(city: str) -> float", effects="read"),
        read_signature("double(n: int) -> int", effects="none"),
        read_signature("send(text: str, to: str = 'all') -> None", effects="write"),
        read_signature("look(key: str) -> dict[str, Any]", effects="read"),
    )
}
TASK = 'task("?", answer=Any)\n'


def checked(text: str, **prior: Any) -> Checked:
    return check_plan(text, CALLEES, PlanState(**prior).prior)


def findings(text: str) -> list[str]:
    return [str(finding) for finding in checked(TASK + text).findings]


class World:
    """Answers calls, after a while, and notes when each began and ended."""

    def __init__(self, answers: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self.answers = {
            "weather": lambda city: {"Oslo": 3.5, "Rome": 25.0}[city],
            "double": lambda n: 2 * n,
            "send": lambda text, to="all": None,
            "look": lambda key: {"key": key},
            **(answers or {}),
        }
        self.made: list[tuple[str, ...]] = []
        self.running = 0
        self.most = 0

    async def __call__(self, call: Invocation) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.delay(call))
            self.made.append((call.callee.name, *map(str, call.arguments)))
            return self.answers[call.callee.name](*call.arguments, **call.named)
        except KeyError as error:
            raise CallFailed(f"there is no {error}") from error
        finally:
            self.running -= 1

    def delay(self, call: Invocation) -> float:
        return 0.0


async def execute(
    text: str,
    world: World | None = None,
    *,
    state: PlanState | None = None,
    concurrency: int = 4,
    id: str = "run/step-1",
) -> tuple[Outcome, PlanState, list[Event]]:
    """Check and run a plan that has to check."""
    state = state if state is not None else PlanState(callees=CALLEES)
    plan = check_plan(text, state.callees, state.prior)
    assert not plan.findings, plan.findings
    state.accept(plan)
    log = EventLog()
    scheduler = Scheduler(
        state, plan.types, world or World(), id=id, log=log, concurrency=concurrency
    )
    outcome = await scheduler.run(plan.plan.steps)
    return outcome, state, list(log.events())


# Plans as syntax: whatever the renderer may be given.

NAMES = st.sampled_from(["a", "b", "rows", "total", "naïve", "result"])
CALLEE_NAMES = st.sampled_from(["solver", "weather", "send"])
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PLAIN_WORDS = st.text(st.sampled_from("abc é#:!="), max_size=5)
TYPES = st.recursive(
    st.sampled_from([*PLAIN.values(), Named("Row")]),
    lambda inner: st.one_of(
        st.builds(ListOf, inner),
        st.builds(DictOf, inner),
        st.builds(Maybe, inner.filter(lambda kind: not isinstance(kind, Maybe))),
    ),
    max_leaves=3,
)
CONSTANTS = st.builds(
    nodes.Constant,
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(0, 10**30),
        st.floats(0, allow_infinity=False, allow_nan=False),
        WORDS,
    ),
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
SPECS = st.sampled_from(["", ".2f", ",d", ">10s", "%"])
TARGETS = st.lists(NAMES, min_size=1, max_size=2, unique=True).map(tuple)


def tuples(inner: Any, least: int = 0, most: int = 2) -> Any:
    return st.lists(inner, min_size=least, max_size=most).map(tuple)


def maybe(inner: Any) -> Any:
    return st.one_of(st.none(), inner)


def _compound(inner: Any) -> Any:
    functions = st.sampled_from(sorted(FUNCTIONS)).flatmap(
        lambda name: st.builds(
            nodes.Apply,
            st.just(name),
            tuples(inner, FUNCTIONS[name].least, min(3, FUNCTIONS[name].most)),
        )
    )
    methods = st.sampled_from(sorted(METHODS)).flatmap(
        lambda name: st.builds(
            nodes.Method,
            inner,
            st.just(name),
            tuples(inner, METHODS[name][1].least, METHODS[name][1].most),
        )
    )
    simple = st.one_of(
        st.builds(nodes.Name, NAMES),
        st.builds(nodes.Constant, PLAIN_WORDS),
        st.builds(nodes.Item, st.builds(nodes.Name, NAMES), st.builds(nodes.Constant, PLAIN_WORDS)),
        st.builds(
            nodes.Pairs,
            tuples(st.tuples(st.builds(nodes.Name, NAMES), st.builds(nodes.Name, NAMES))),
        ),
        st.builds(
            nodes.Compare,
            st.builds(nodes.Name, NAMES),
            tuples(st.tuples(COMPARISONS, st.builds(nodes.Name, NAMES)), 1),
        ),
    )
    return st.one_of(
        functions,
        methods,
        st.builds(nodes.Items, tuples(inner)),
        st.builds(nodes.Pairs, tuples(st.tuples(inner, inner))),
        st.builds(nodes.Text, texts(simple)),
        st.builds(nodes.Unary, st.sampled_from(["not", "-"]), inner),
        st.builds(nodes.Binary, OPERATORS, inner, inner),
        st.builds(nodes.Compare, inner, tuples(st.tuples(COMPARISONS, inner), 1)),
        st.builds(nodes.Logic, st.sampled_from(["and", "or"]), tuples(inner, 2, 3)),
        st.builds(nodes.Choice, inner, inner, inner),
        st.builds(nodes.Item, inner, inner),
        st.builds(nodes.Slice, inner, maybe(inner), maybe(inner)),
        st.builds(nodes.Field, inner, NAMES),
        st.builds(nodes.Comprehension, inner, TARGETS, inner, maybe(inner)),
    )


def texts(inner: Any) -> Any:
    """Slots, with words between them that are never empty and never side by side."""
    parts = st.lists(st.one_of(WORDS.filter(bool), st.builds(nodes.Slot, inner, SPECS)), max_size=4)
    return parts.map(_merged)


def _merged(parts: list[Any]) -> tuple[Any, ...]:
    made: list[Any] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        else:
            made.append(part)
    return tuple(made)


EXPRESSIONS = st.recursive(
    st.one_of(CONSTANTS, st.builds(nodes.Name, NAMES)), _compound, max_leaves=6
)
CALLS = st.builds(
    nodes.Call,
    CALLEE_NAMES,
    tuples(EXPRESSIONS, 0, 1),
    st.lists(st.tuples(NAMES, EXPRESSIONS), max_size=2, unique_by=lambda pair: pair[0]).map(tuple),
)
ANY_CALLS = st.one_of(
    CALLS, st.builds(nodes.CallEach, CALLS, TARGETS, EXPRESSIONS, maybe(EXPRESSIONS))
)
ASSERTS = st.builds(nodes.Assert, EXPRESSIONS, maybe(EXPRESSIONS))
SIMPLE_STEPS = st.one_of(
    st.builds(nodes.Assign, NAMES, maybe(TYPES), st.one_of(EXPRESSIONS, ANY_CALLS)),
    st.builds(nodes.Update, NAMES, OPERATORS, EXPRESSIONS),
    st.builds(nodes.Append, NAMES, EXPRESSIONS),
    st.builds(nodes.SetItem, NAMES, EXPRESSIONS, EXPRESSIONS),
    st.builds(nodes.Do, ANY_CALLS),
    ASSERTS,
    st.builds(nodes.Answer, EXPRESSIONS),
    st.builds(nodes.Leave, st.sampled_from(["break", "continue"])),
    st.just(nodes.Pass()),
)
STEPS = st.recursive(
    SIMPLE_STEPS,
    lambda inner: st.one_of(
        st.builds(nodes.If, EXPRESSIONS, tuples(inner, 1), tuples(inner)),
        st.builds(nodes.For, TARGETS, EXPRESSIONS, tuples(inner, 1)),
        st.builds(nodes.While, st.integers(1, 99), maybe(EXPRESSIONS), tuples(inner, 1)),
    ),
    max_leaves=4,
)
FIELDS = st.lists(st.tuples(NAMES, TYPES), min_size=1, max_size=2, unique_by=lambda p: p[0])
PLANS = st.builds(
    nodes.Plan,
    maybe(st.builds(nodes.TaskDeclaration, WORDS, TYPES)),
    tuples(st.builds(nodes.RecordDeclaration, st.sampled_from(["Row", "Sale"]), FIELDS.map(tuple))),
    tuples(
        st.builds(
            nodes.RoleDeclaration,
            CALLEE_NAMES,
            FIELDS.map(tuple),
            TYPES,
            WORDS.map(str.strip),
            st.lists(st.sampled_from(["python", "weather"]), unique=True, max_size=2).map(tuple),
            tuples(ASSERTS),
        )
    ),
    tuples(STEPS, 0, 3),
)
