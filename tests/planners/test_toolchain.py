"""ToolChain*: selection, costs, ends, memory, and both ways of carrying plans out."""

import asyncio
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact import Budget
from treeact.agents.registry import make_planner
from treeact.benchmarks.environments.apis import ApiTask, api_tasks, score
from treeact.errors import (
    BudgetExceeded,
    ConfigError,
    ModelError,
    PlanMemoryError,
    SearchExhausted,
)
from treeact.planners import ActionTree, PlanMemory, ToolChain
from treeact.planners.costs import EPS, Costs, blend, calls_to, clamped, done_share, steps_left
from treeact.planners.plan_scores import PlanScores
from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Code,
    NoAction,
    Observation,
    Path,
    Proposal,
    Sketch,
    Solution,
)
from treeact.planners.toolchain import distinct
from treeact.planners.tree import Node
from treeact.trace import events as ev
from treeact.trace.log import EventLog, read_events

FREE = {"steps": 100_000}


def budget(**limits: Any) -> Budget:
    return Budget(**{**FREE, **limits})


def action(name: str) -> Action:
    """A name as an action: `=x` answers, `?x` is no action, all else is a call."""
    if name.startswith("="):
        return Answer(name[1:])
    return NoAction(name) if name.startswith("?") else Call(name)


def names(path: Path) -> str:
    """The actions of a path, with a space between."""
    texts = [step.proposal.actions[0] for step in path if step.proposal]
    return " ".join(f"={a.text}" if isinstance(a, Answer) else "".join(a.calls) for a in texts)


class World:
    """Remembers the calls that led here; calls that begin with `bad` fail, `never` always."""

    open = 0

    def __init__(self, past: tuple[str, ...] = (), waits: random.Random | None = None) -> None:
        self.past = past
        self.waits = waits

    async def step(self, action: Action, *, id: str) -> Observation:
        if self.waits:
            await asyncio.sleep(self.waits.random() / 500)
        if isinstance(action, Answer):
            return Observation(text="", answer=action.text)
        name = action.text.partition("(")[0]
        if name.startswith(("bad", "never", "?")):
            return Observation(text=f"{name} fails", ok=False, invalid=name == "never")
        self.past = (*self.past, name)
        return Observation(text=f"after {name}")

    async def fork(self, *, id: str) -> "World":
        World.open += 1
        return World(self.past, self.waits)

    async def choose(self, fork: "World", *, commit: bool = True) -> str:
        World.open -= 1  # it is used up
        self.past = fork.past
        return ""

    async def close(self) -> None:
        World.open -= 1


class Plain:
    """An environment that cannot fork."""

    def __init__(self) -> None:
        self.world = World()

    async def step(self, action: Action, *, id: str) -> Observation:
        return await self.world.step(action, id=id)


class Script:
    """Proposes by what the path ends with; unknown ends are answered.

    Args:
        replies: for each path of names, the names that are proposed, each with its votes and the
            names imagined to follow.
    """

    def __init__(self, replies: Mapping[str, Sequence[tuple[str, int, str] | tuple[str, int]]]):
        self.replies = replies
        self.asked: list[str] = []

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> list[Proposal]:
        self.asked.append(names(path))
        replies = self.replies.get(names(path), [("=end", n)])
        return [
            Proposal(
                actions=(action(name), *(Sketch(text) for text in "".join(imagined).split())),
                votes=votes,
            )
            for name, votes, *imagined in replies
        ]


class Noisy:
    """Proposes calls at random, by the id alone, and now and then an answer."""

    def __init__(self, seed: int, *, fails: float = 0.2, ends: float = 0.1) -> None:
        self.seed, self.fails, self.ends = seed, fails, ends
        self.notes: list[Sequence[str]] = []

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> list[Proposal]:
        self.notes.append(notes)
        rng = random.Random(f"{self.seed}/{id}")
        drawn: dict[str, int] = {}
        for _ in range(n):
            roll = rng.random()
            kind = "bad" if roll < self.fails else "=" if roll < self.fails + self.ends else ""
            name = f"{kind}{rng.choice('abcde')}"
            drawn[name] = drawn.get(name, 0) + 1
        return [
            Proposal(actions=(action(name), *[Sketch("later")] * rng.randint(0, 3)), votes=votes)
            for name, votes in drawn.items()
        ]


class CheckedTree(ActionTree):
    """Checks at each expansion that the node is the cheapest of the frontier, and is new."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[Node] = []
        self.added: dict[Node, int] = {self.root: 0}

    def add(self, parent: Node, *args: Any, **kwargs: Any) -> Node:
        node = super().add(parent, *args, **kwargs)
        self.added[node] = len(self.added)
        return node

    def expand(self, node: Node, *, samples: int) -> None:
        frontier = [n for n in self if n.status in ("open", "planned", "answered")]
        assert node is min(frontier, key=lambda n: (n.f, -n.depth, self.added[n]))
        assert node not in self.order
        self.order.append(node)
        super().expand(node, samples=samples)


async def search(
    planner: ToolChain,
    proposer: Any,
    env: Any = None,
    spend: Budget | None = None,
    tree: ActionTree | None = None,
) -> Solution:
    return await planner.solve(
        env or World(), proposer, spend or budget(), tree=tree or ActionTree()
    )


def shape(tree: ActionTree) -> list[tuple[Any, ...]]:
    return [
        (node.id, node.status, node.reason, node.g, node.h, node.action and node.action.key)
        for node in tree
    ]


# costs


def costs(*plans: str, alpha: float = 0.5, beta: float = 0.5, scaled: bool = False) -> Costs:
    return Costs(alpha=alpha, beta=beta, scaled=scaled, scores=PlanScores(plans))


def test_a_step_costs_by_memory_and_votes() -> None:
    root = Node("run/root", None, g=1.0)
    half = costs("ab").g(root, ("a", "x"), 0.2)
    assert half == pytest.approx(1.0 + (1 - 0.5) ** 0.5 * (1 - 0.2) ** 0.5)


def test_alpha_weighs_memory_against_votes() -> None:
    root = Node("run/root", None)
    assert costs("ab", alpha=0).g(root, ("a",), 0.3) == pytest.approx(0.7)
    assert costs("ab", alpha=1).g(root, ("a", "x"), 0.3) == pytest.approx(0.5)
    assert costs("ab", alpha=1).g(root, ("x",), 0.3) == pytest.approx(1 - EPS)


def test_without_plans_only_votes_count() -> None:
    root = Node("run/root", None)
    for empty in (costs(), Costs(alpha=0.5, beta=0.5, scaled=False, scores=None)):
        assert empty.g(root, ("a",), 0.36) == pytest.approx(0.8, abs=EPS)
        assert empty.h(0.0, 1, ("a",), Proposal(actions=(Call("a"),))) == pytest.approx(1, abs=EPS)


def test_h_is_by_position_and_imagined_plan() -> None:
    later = Proposal(actions=(Call("b"), Sketch("c"), Sketch("d")))
    last = Proposal(actions=(Call("b"),))
    assert costs("abcd", beta=1).h(0, 2, ("a", "b"), later) == pytest.approx(0.5)
    assert costs("abcd", beta=0).h(0, 2, ("a", "b"), later) == pytest.approx(0.5)
    assert costs("abcd").h(0, 2, ("a", "b"), last) == pytest.approx(0.5**0.5, abs=EPS)


def test_h_scaled_is_in_the_unit_of_g() -> None:
    later = Proposal(actions=(Call("b"), Sketch("c"), Sketch("d"), Sketch("e")))
    last = Proposal(actions=(Call("b"),))
    scaled = costs("abcd", scaled=True)
    assert scaled.h(0.8, 2, ("a", "b"), later) == pytest.approx(3 * 0.4)
    assert scaled.h(0.8, 2, ("a", "b"), last) == pytest.approx(2 * 0.4), "half of the plan is left"
    assert scaled.h(0.8, 2, ("x", "y"), last) == pytest.approx(1 * 0.4)
    assert steps_left(3, 0, 1.0) == pytest.approx(0, abs=0.01)


def test_the_share_of_an_imagined_plan() -> None:
    assert done_share(2, 2) == 0.5
    assert done_share(3, 0) == 0.0, "nothing imagined is not known"


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_no_step_is_free_and_none_costs_more_than_one(a: float, b: float, weight: float) -> None:
    assert EPS * 0.99 <= blend(a, b, weight) <= 1
    assert EPS <= clamped(a) <= 1 - EPS


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    execute=st.booleans(),
    h_scaled=st.booleans(),
    alpha=st.floats(0, 1),
    plans=st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), max_size=4),
)
async def test_the_tree_of_any_search(
    seed: int, execute: bool, h_scaled: bool, alpha: float, plans: list[list[str]]
) -> None:
    """The cheapest is expanded, once; f adds up; T is kept; the result is the cheapest answer."""
    tree, scores = CheckedTree(), PlanScores(plans)
    planner = ToolChain(
        T=12,
        alpha=alpha,
        execute=execute,
        h_scaled=h_scaled,
        memory=PlanMemory(demonstrations=plans),
    )
    before = World.open
    solution = await search(planner, Noisy(seed), tree=tree)
    assert World.open == before, "no state is left behind"
    assert tree.expansions == len(tree.order) <= 12
    for node in tree:
        if node.parent is None:
            continue
        votes = sum(sibling.proposal.votes for sibling in node.parent.children)  # type: ignore[union-attr]
        agreed = node.proposal.votes / votes  # type: ignore[union-attr]
        step = blend(scores.match(calls_to(node)), agreed, alpha)
        assert node.g == pytest.approx(node.parent.g + step)
        assert node.h >= 0
    answers = [n for n in tree if n.action and n.action.kind == "answer"]
    if not answers:
        assert isinstance(solution.stopped, SearchExhausted)
        assert solution.answer is None
        return
    best = min(answers, key=lambda n: (n.f, -n.depth, tree.added[n]))
    assert tree.best is best
    assert best.h == 0
    if execute:
        assert solution.answer == best.action.text  # type: ignore[union-attr]


# selection and ends


async def test_the_first_answer_that_is_the_cheapest_ends_the_search() -> None:
    script = Script({"": [("a", 1), ("b", 9)], "b": [("=yes", 10)]})
    solution = await search(ToolChain(), script)
    assert (solution.answer, solution.stopped) == ("yes", None)
    assert script.asked == ["", "b"]


async def test_of_equal_costs_the_deeper_and_then_the_earlier_goes_first() -> None:
    script = Script({"": [("a", 5), ("b", 5)]})
    await search(ToolChain(T=2), script)
    assert script.asked == ["", "a"]


async def test_expansions_are_counted_and_the_deepest_path_is_flagged() -> None:
    tree = ActionTree()
    solution = await search(ToolChain(T=3), Noisy(1, ends=0), tree=tree)
    assert tree.expansions == 3
    assert solution.answer is None
    assert isinstance(solution.stopped, SearchExhausted)
    assert "raise T" in str(solution.stopped)
    deepest = max(node.depth for node in tree if node.status == "open")
    assert len(solution.path) == tree.best.depth == deepest


async def test_a_dearer_answer_is_the_result_when_the_expansions_are_used_up() -> None:
    script = Script({"": [("=late", 1), ("a", 99)], "a": [("b", 1)], "a b": [("c", 1)]})
    solution = await search(ToolChain(T=1), script)
    assert (solution.answer, solution.stopped) == ("late", None)


async def test_failed_candidates_leave_the_frontier_with_the_reason() -> None:
    tree = ActionTree()
    script = Script({"": [("a", 5), ("b", 5)], "a": [("bad1", 5), ("bad2", 5)]})
    solution = await search(ToolChain(), script, tree=tree)
    assert names(solution.path) == "b =end"
    assert script.asked == ["", "a", "b"]
    pruned = {names(tree.path(n)): n.reason for n in tree if n.status == "pruned"}
    assert pruned == {"a bad1": "failed: bad1 fails", "a bad2": "failed: bad2 fails"}


async def test_a_failure_is_gone_on_from_where_nothing_else_is_left() -> None:
    script = Script({"": [("bad", 9)], "bad": [("a", 9)]})
    solution = await search(ToolChain(), script)
    assert names(solution.path) == "bad a =end"
    assert [step.observation.ok for step in solution.path] == [False, True, True]


async def test_a_search_that_fails_for_ever_ends_at_t() -> None:
    script = Script({" ".join(["bad"] * depth): [("bad", 10)] for depth in range(4)})
    solution = await search(ToolChain(T=4), script)
    assert isinstance(solution.stopped, SearchExhausted)


async def test_nothing_proposed_exhausts_the_search() -> None:
    solution = await search(ToolChain(), Script({"": []}))
    assert isinstance(solution.stopped, SearchExhausted)
    assert "nothing is left" in str(solution.stopped)
    assert solution.path == ()


async def test_paths_of_almost_free_steps_come_to_an_end() -> None:
    """All agree on `a` and the memory knows it: only the clamp lets its path ever cost more."""
    loop = {" ".join("a" * depth): [("a", 10)] for depth in range(1, 400)}
    script = Script({"": [("a", 9), ("b", 1)], **loop})
    memory = PlanMemory(demonstrations=[["a"], ["b"]])
    solution = await search(ToolChain(T=400, memory=memory), script)
    assert names(solution.path) == "b =end"
    assert 5 < len(script.asked) < 400


async def test_what_is_wrong_in_every_state_is_tried_once() -> None:
    class Counting(World):
        tried = 0

        async def step(self, action: Action, *, id: str) -> Observation:
            Counting.tried += action.text.startswith("never")
            return await super().step(action, id=id)

        async def fork(self, *, id: str) -> World:
            World.open += 1
            return Counting(self.past)

    script = Script({"": [("a", 5), ("b", 5)], "a": [("never", 10)], "b": [("never", 1), ("c", 9)]})
    tree = ActionTree()
    solution = await search(ToolChain(), script, Counting(), tree=tree)
    assert names(solution.path) == "b c =end"
    assert Counting.tried == 1
    assert sum(node.reason == "failed: never fails" for node in tree) == 2


async def test_causes_of_failures_are_told_on_other_paths() -> None:
    proposer = Noisy(3, fails=0.4, ends=0)
    await search(ToolChain(T=6), proposer)
    assert proposer.notes[0] == []
    assert any("fails" in note for note in proposer.notes[-1])
    assert all(len(notes) <= 5 for notes in proposer.notes)


# duplicates


def test_equal_actions_collapse_with_their_votes() -> None:
    proposals = [
        Proposal(actions=(Code("x=1"),), votes=2),
        Proposal(actions=(Code("y = 1"),)),
        Proposal(actions=(Code("x  =  1  # one"),), votes=3),
    ]
    assert [(p.actions[0].text, p.votes) for p in distinct(proposals)] == [("x=1", 5), ("y = 1", 1)]


async def test_votes_are_shares_of_all_samples() -> None:
    tree = ActionTree()
    script = Script({"": [("a", 1), ("b", 2), ("a", 2)]})
    await search(ToolChain(T=1, alpha=0), script, tree=tree)
    shares = [1 - node.g for node in tree.root.children]
    assert shares == pytest.approx([0.6, 0.4])
    assert sum(shares) == pytest.approx(1)


async def test_equal_meanings_are_joined_by_a_plug_in() -> None:
    def same(first: Action, second: Action) -> bool:
        return first.text.lower() == second.text.lower()

    script = Script({"": [("a", 1), ("b", 1), ("A", 1), ("A", 1)]})
    tree = ActionTree()
    await search(ToolChain(T=1, same=same), script, tree=tree)
    joined = [child.proposal for child in tree.root.children if child.proposal]
    assert [(p.actions[0].text, p.votes) for p in joined] == [("a()", 3), ("b()", 1)]


# memory


async def order(memory: PlanMemory | str) -> list[str]:
    script = Script({"": [("a", 5), ("b", 5)], "a": [("c", 5)], "b": [("d", 5)]})
    await search(ToolChain(memory=memory, learn=False), script)
    return script.asked


async def test_without_the_memory_the_order_of_expansion_changes() -> None:
    assert await order("") == await order(PlanMemory()) == ["", "a", "b", "a c"]
    assert await order(PlanMemory(demonstrations=[["b", "d"]])) == ["", "b", "b d"]


async def test_the_memory_leads_over_code_by_the_tools_that_it_calls() -> None:
    class Coder:
        asked: list[str]

        def __init__(self) -> None:
            self.asked = []

        async def propose(self, path: Path, n: int, **_: Any) -> list[Proposal]:
            self.asked.append("|".join(s.proposal.actions[0].text for s in path if s.proposal))
            if path:
                return [Proposal(actions=(Answer("done"),))]
            codes = ("x = weather('Oslo')", "hotels = rooms('Oslo')")
            return [Proposal(actions=(Code(c, tools=("weather", "rooms")),)) for c in codes]

    for plans, first in (([["weather"]], "x = weather"), ([["rooms"]], "hotels = rooms")):
        coder = Coder()
        memory = PlanMemory(demonstrations=plans)
        await search(ToolChain(memory=memory, learn=False), coder)
        assert coder.asked[1].startswith(first)


async def test_a_success_is_remembered_without_what_failed() -> None:
    memory = PlanMemory()
    script = Script({"": [("bad", 9)], "bad": [("a", 9)], "bad a": [("b", 9)]})
    await search(ToolChain(memory=memory), script)
    assert memory.plans() == (("a", "b"),)


async def test_a_memory_may_be_named_by_its_file(tmp_path: FilePath) -> None:
    for planner in (
        ToolChain(memory=tmp_path / "plans.db"),
        make_planner(f"toolchain:T=9,memory={tmp_path / 'plans.db'}"),
    ):
        await search(planner, Script({"": [("a", 1)]}))
        assert PlanMemory(tmp_path / "plans.db").plans() == (("a",),)
    assert make_planner("toolchain:execute=false,alpha=1") == ToolChain(execute=False, alpha=1)


async def test_only_answers_are_remembered_and_only_where_it_learns() -> None:
    memory = PlanMemory()
    await search(ToolChain(memory=memory, T=3), Noisy(1, ends=0))
    await search(ToolChain(memory=memory, learn=False), Script({"": [("a", 1)]}))
    await search(ToolChain(memory=memory), Script({"": [("=at once", 1)]}))
    assert memory.plans() == ()


async def test_a_memory_that_cannot_be_written_costs_no_answer(tmp_path: FilePath) -> None:
    memory = PlanMemory(tmp_path / "plans.db")

    class Spoiling(World):
        async def choose(self, fork: World, *, commit: bool = True) -> str:
            (tmp_path / "plans.db").write_bytes(b"spoilt" * 1000)
            return ""

    solution = await search(ToolChain(memory=memory), Script({"": [("a", 1)]}), Spoiling())
    assert solution.answer == "end"
    assert isinstance(solution.stopped, PlanMemoryError)
    with pytest.raises(PlanMemoryError, match="move it away"):
        await search(ToolChain(memory=memory), Script({"": [("a", 1)]}))


GOLD = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6)
OTHERS = st.lists(st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=6), max_size=4)


@settings(deadline=None)
@given(gold=GOLD, others=OTHERS, share=st.floats(0.05, 0.95), imagined=st.integers(0, 3))
def test_the_gold_plan_in_the_memory_lowers_f_along_its_path(
    gold: list[str], others: list[list[str]], share: float, imagined: int
) -> None:
    def along(scores: PlanScores) -> list[float]:
        weigh = Costs(alpha=0.5, beta=0.5, scaled=False, scores=scores)
        node, costs_of_path = Node("run/root", None), []
        for depth, call in enumerate(gold, start=1):
            proposal = Proposal(actions=(Call(call), *[Sketch("later")] * imagined))
            g = weigh.g(node, tuple(gold[:depth]), share)
            node = Node("run/1", node, proposal, depth=depth, g=g)
            costs_of_path.append(g + weigh.h(g, depth, tuple(gold[:depth]), proposal))
        return costs_of_path

    before, after = along(PlanScores(others)), along(PlanScores([*others, gold]))
    assert all(new < old for new, old in zip(after, before, strict=True))


# the same tree, however it is run


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6))
async def test_serial_and_parallel_searches_give_the_same_tree(seed: int) -> None:
    trees = []
    for concurrency in (1, 8):
        tree = ActionTree()
        env = World(waits=random.Random(concurrency))
        await search(ToolChain(T=6, k=5, concurrency=concurrency), Noisy(seed), env, tree=tree)
        trees.append(shape(tree))
    assert trees[0] == trees[1]


def traced(folder: FilePath) -> list[tuple[Any, ...]]:
    return [
        tuple(sorted(event.model_dump(exclude={"seq", "time"}).items(), key=str))
        for event in read_events(folder)
        if isinstance(event, ev.NodeAdded | ev.NodeExpanded | ev.NodePruned | ev.NodeChosen)
    ]


async def logged(folder: FilePath, spend: Budget) -> tuple[Solution, list[tuple[Any, ...]]]:
    log = EventLog(folder)
    try:
        solution = await search(
            ToolChain(T=8), Noisy(6, ends=0.03), spend=spend, tree=ActionTree(log=log)
        )
    finally:
        log.close()
    return solution, traced(folder)


async def test_a_search_that_is_stopped_is_a_part_of_the_whole(tmp_path: FilePath) -> None:
    whole, all_events = await logged(tmp_path / "whole", budget())
    part, events = await logged(tmp_path / "part", budget(expansions=2))
    assert isinstance(part.stopped, BudgetExceeded)
    assert part.stopped.limit == "expansions"
    assert all_events[: len(events) - 1] == events[:-1]
    again, same_events = await logged(tmp_path / "again", budget())
    assert same_events == all_events
    assert names(again.path) == names(whole.path)


async def test_a_failing_model_ends_the_search_with_the_best_so_far() -> None:
    class Failing(Script):
        async def propose(self, path: Path, n: int, **options: Any) -> list[Proposal]:
            if len(self.asked) == 2:
                raise ModelError("the model is gone")
            return await super().propose(path, n, **options)

    env, tree = World(), ActionTree()
    script = Failing({"": [("a", 5), ("b", 5)], "a": [("c", 5)]})
    solution = await search(ToolChain(), script, env, tree=tree)
    assert isinstance(solution.stopped, ModelError)
    assert names(solution.path) == "a c"
    assert env.past == ("a", "c"), "the environment is in the state at the end of the path"
    assert tree.expansions == 2, "what was not expanded is as before"


async def test_the_best_so_far_is_seen_at_any_moment() -> None:
    tree, seen = ActionTree(), []

    class Watched(Script):
        async def propose(self, path: Path, n: int, **options: Any) -> list[Proposal]:
            seen.append(names(tree.path(tree.best)))
            return await super().propose(path, n, **options)

    script = Watched({"": [("a", 5), ("b", 5)], "a": [("=dear", 1), ("c", 99, "then this")]})
    memory = PlanMemory(demonstrations=[["a", "c"]])
    await search(ToolChain(memory=memory), script, tree=tree)
    assert seen == ["", "a", "a =dear"]


# planning first, acting after


async def test_a_plan_is_carried_out_at_the_end_alone() -> None:
    plain, spend = Plain(), budget()
    acted: list[int] = []

    class Watched(Script):
        async def propose(self, path: Path, n: int, **options: Any) -> list[Proposal]:
            acted.append(len(plain.world.past))
            return await super().propose(path, n, **options)

    script = Watched({"": [("a", 9), ("b", 1)], "a": [("c", 9)]})
    tree = ActionTree()
    solution = await search(ToolChain(execute=False), script, plain, spend, tree)
    assert names(solution.path) == "a c =end"
    assert solution.stopped is None
    assert plain.world.past == ("a", "c")
    assert acted == [0, 0, 0]
    assert (spend.spent.expansions, spend.spent.steps) == (3, 3 + 3)
    assert [n.status for n in tree.root.children] == ["open", "planned"]
    assert ToolChain().forks and not ToolChain(execute=False).forks


async def test_a_blind_plan_may_fail_where_a_search_that_acts_does_not() -> None:
    replies = {"": [("bad", 9), ("a", 1)], "bad": [("=wrong", 1)], "a": [("=right", 1)]}
    memory = PlanMemory()
    blind = await search(ToolChain(execute=False, memory=memory), Script(replies), Plain())
    assert isinstance(blind.stopped, SearchExhausted)
    assert "bad fails" in str(blind.stopped)
    assert len(blind.path) == 1 and memory.plans() == ()
    assert (await search(ToolChain(), Script(replies))).answer == "right"


async def test_a_plan_without_an_answer_is_not_carried_out() -> None:
    plain, tree = Plain(), ActionTree()
    solution = await search(ToolChain(execute=False, T=2), Noisy(1, ends=0), plain, tree=tree)
    assert solution.path == () and plain.world.past == ()
    assert isinstance(solution.stopped, SearchExhausted)
    assert tree.best.depth == 2


async def test_what_cannot_be_carried_out_is_no_plan() -> None:
    tree = ActionTree()
    script = Script({"": [("?nothing", 9), ("a", 1)]})
    solution = await search(ToolChain(execute=False), script, Plain(), tree=tree)
    assert names(solution.path) == "a =end"
    assert tree.root.children[0].reason == "nothing to carry out: ?nothing"


async def test_a_limit_may_end_the_carrying_out() -> None:
    script = Script({"": [("a", 9)], "a": [("b", 9)]})
    plain = Plain()
    solution = await search(ToolChain(execute=False), script, plain, budget(steps=4))
    assert isinstance(solution.stopped, BudgetExceeded)
    assert names(solution.path) == "a" and plain.world.past == ("a",)


# settings


@pytest.mark.parametrize(
    "wrong", [{"alpha": -0.1}, {"alpha": 1.1}, {"beta": float("nan")}, {"k": 0}, {"T": 0}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ToolChain(**wrong)


async def test_an_environment_that_cannot_fork_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be forked"):
        await search(ToolChain(), Script({}), Plain())


async def test_planners_load_numpy_and_sqlite_only_when_they_are_used() -> None:
    program = (
        "import sys, treeact.planners\n"
        "from treeact.planners import ToolChain\nToolChain()\n"
        "print({'numpy', 'sqlite3', 'networkx'} & set(sys.modules))\n"
        "from treeact.planners import PlanMemory\n"
        "PlanMemory(demonstrations=['ab']).scores()\nprint('numpy' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert said.split() == [b"set()", b"True"]


# over the API catalogue


class Guesser:
    """Knows the task's chain while on it, but proposes calls of other chains as often as not."""

    def __init__(self, task: ApiTask, seed: int) -> None:
        self.task, self.seed = task, seed
        self.others = [t for t in api_tasks(task.domain) if t != task]

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> list[Proposal]:
        rng = random.Random(f"{self.seed}/{id}")
        done = [step.proposal.actions[0].key for step in path if step.proposal]
        on_course = done == [action.key for action in self.task.gold[: len(done)]]
        right = Proposal(actions=self.task.gold[len(done) :]) if on_course else None
        wrong = (Proposal(actions=(self.guess(rng),)) for _ in range(n))
        return distinct([right if right and rng.random() < 0.5 else other for other in wrong])

    def guess(self, rng: random.Random) -> Action:
        return rng.choice(rng.choice(self.others).gold[:-1])


@pytest.mark.parametrize("domain", ["homes", "trips", "sheets", "office", "kitchen"])
async def test_tasks_of_the_catalogue_are_searched(domain: str) -> None:
    first, second, *others = api_tasks(domain)
    memory = PlanMemory(demonstrations=[[call.call for call in t.chain] for t in others])
    for task in (first, second):
        tree = CheckedTree()
        planner = ToolChain(memory=memory, T=60, h_scaled=True, learn=False)
        solution = await planner.solve(task.environment(), Guesser(task, 1), budget(), tree=tree)
        assert solution.answer is not None
        result = score(task, solution.path)
        assert result.errors == 0
        assert result.success
