"""Tree-Planner: one sampling call, grounded deciding, and steps back to live state and history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planners.planning import Choices, Plans, World, call, plan
from treeact.agents.run import stop_reason
from treeact.benchmarks.environments.household.household import Household, homes_along
from treeact.benchmarks.environments.household.metrics import measure
from treeact.benchmarks.environments.household.programs import action, parse_line
from treeact.benchmarks.environments.household.tasks import household_tasks
from treeact.errors import BudgetExceeded, ConfigError, ModelError, SearchExhausted
from treeact.planners import TreePlanner
from treeact.planners.protocols import (
    NoAction,
    Observation,
    Path,
    Planner,
    Proposal,
    Solution,
)
from treeact.planners.tree import ActionTree
from treeact.trace import events as ev
from treeact.trace.budget import Budget
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger, Usage


@dataclass
class Outcome:
    """What came of a search, and what was asked on the way."""

    solution: Solution
    tree: ActionTree
    world: World
    plans: Plans
    choices: Choices
    events: list[Any] = field(default_factory=list)

    @property
    def actions(self) -> list[str]:
        return [
            step.proposal.actions[0].text.removesuffix("()")
            for step in self.solution.path
            if step.proposal
        ]

    @property
    def steps(self) -> list[str]:
        """Every action that was carried out, failed ones too, in order."""
        return [text.removesuffix("()") for _, text in self.world.log]


async def search(
    samplings: Sequence[Sequence[Proposal]],
    *,
    fails: Sequence[str] = (),
    choices: Sequence[str | int | None] | None = None,
    budget: Budget | None = None,
    **options: Any,
) -> Outcome:
    world, plans, decider = World(*fails), Plans(samplings), Choices(choices or [])
    log = EventLog()
    tree = ActionTree(log=log)
    planner = TreePlanner(decider=decider if choices is not None else None, **options)
    solution = await planner.solve(world, plans, budget or Budget(), tree=tree)
    return Outcome(solution, tree, world, plans, decider, list(log.events()))


def events(outcome: Outcome, kind: type[Any]) -> list[Any]:
    return [event for event in outcome.events if isinstance(event, kind)]


async def test_settings_are_the_papers() -> None:
    planner: Planner = TreePlanner()
    assert planner == TreePlanner(N=25, max_corrections=10, resamples=1, decider=None)
    assert planner.forks and planner.name == "tree-planner"


@pytest.mark.parametrize("setting", [{"N": 0}, {"max_corrections": -1}, {"resamples": -1}])
def test_numbers_that_are_too_small_are_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is .*: give [01] or more"):
        TreePlanner(**setting)


async def test_one_call_samples_all_plans() -> None:
    outcome = await search([[plan("a b", votes=20), plan("a c", votes=5)]], N=25)
    assert outcome.plans.asked == [("run/root", 25, ())]
    assert (outcome.solution.answer, outcome.actions) == ("done", ["a", "b", "done"])
    assert outcome.solution.stopped is None
    assert outcome.world.taken == ("a", "b")


async def test_nobody_is_asked_where_there_is_one_way() -> None:
    outcome = await search([[plan("a b c")]], choices=[])
    assert outcome.actions == ["a", "b", "c", "done"] and outcome.choices.asked == []


async def test_the_decider_is_asked_exactly_where_plans_part() -> None:
    plans = [plan("a b c"), plan("a b d e", votes=3), plan("x")]
    outcome = await search([plans], choices=["a", "d"])
    assert outcome.choices.asked == [
        ("run/root/decision-1", (), ("a", "x"), ""),
        ("run/1.1/decision-1", ("a", "b"), ("c", "d"), ""),
    ]
    assert outcome.actions == ["a", "b", "d", "e", "done"]


async def test_options_carry_the_support_of_their_plans() -> None:
    seen = []

    class Look(Choices):
        async def choose(
            self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
        ) -> int | None:
            seen.append([option.votes for option in options])
            return 0

    planner = TreePlanner(decider=Look([]))
    plans = Plans([[plan("a b", votes=2), plan("c", votes=7), plan("a d", votes=3)]])
    await planner.solve(World(), plans, Budget())
    assert seen == [[5, 7], [2, 3]]


@pytest.mark.parametrize("choice", [None, 2, 99, -1])
async def test_no_usable_choice_falls_back_to_the_support_of_plans(choice: int | None) -> None:
    outcome = await search([[plan("a"), plan("b", votes=2)]], choices=[choice])
    assert outcome.actions == ["b", "done"]


async def test_without_a_decider_the_support_of_plans_decides_and_ties_go_to_the_first() -> None:
    plans = [plan("a b", votes=2), plan("c d", votes=2), plan("a e", votes=3)]
    assert (await search([plans])).actions == ["a", "e", "done"]
    assert (await search([[plan("a"), plan("b")]])).actions == ["a", "done"]


async def test_a_failed_action_is_pruned_and_a_sibling_tried_from_the_same_state() -> None:
    plans = [plan("a b c"), plan("a d e")]
    outcome = await search([plans], fails=["a b"], choices=["b"])
    assert outcome.actions == ["a", "d", "e", "done"]
    assert outcome.steps == ["a", "b", "d", "e", "done"]
    assert outcome.world.taken == ("a", "d", "e")
    [asked] = outcome.choices.asked  # one sibling was left, so nobody was asked again
    assert asked[1] == ("a",)
    pruned = [node for node in outcome.tree if node.status == "pruned"]
    assert [(node.id, node.reason) for node in pruned] == [("run/1.1", "failed: no b here")]


async def test_it_is_asked_again_at_the_same_node_and_told_what_went_wrong() -> None:
    plans = [plan("a b"), plan("a c"), plan("a d")]
    outcome = await search([plans], fails=["a b"], choices=["b", "d"])
    assert [asked[0] for asked in outcome.choices.asked] == [
        "run/1/decision-1",
        "run/1/decision-2",
    ]
    _, history, options, note = outcome.choices.asked[1]
    assert (history, options) == (("a",), ("c", "d"))
    assert note == ("These sub-tasks were undone, as the last of them failed: b()\nno b here")


async def test_an_ancestor_is_taken_up_with_its_state_and_history() -> None:
    plans = [plan("a b c d"), plan("a b c e"), plan("a x y"), plan("a z y")]
    outcome = await search([plans], fails=["a b c d", "a b c e"], choices=["b", "d", "x"])
    assert outcome.actions == ["a", "x", "y", "done"]
    assert outcome.world.taken == ("a", "x", "y")
    id, history, options, note = outcome.choices.asked[2]
    assert (id, history, options) == ("run/1/decision-2", ("a",), ("x", "z"))
    assert "failed: d()\nno d here" in note  # what failed before is not forgotten
    assert note.endswith("failed: b() | c() | e()\nno e here")
    back = [(event.id, event.undone) for event in events(outcome, ev.SteppedBack)]
    assert back == [("run/1.1.1", "run/1.1.1.1"), ("run/1", "run/1.1")]
    reasons = {event.id: event.reason for event in events(outcome, ev.NodePruned)}
    assert reasons["run/1.1"] == reasons["run/1.1.1"] == "nothing left to try after it"


async def test_an_end_that_is_refused_is_a_failure_like_any_other() -> None:
    class Strict(World):
        async def step(self, action: Any, *, id: str) -> Observation:
            if action.kind == "answer":
                return Observation(text="not yet", ok=False)
            return await super().step(action, id=id)

        async def fork(self, *, id: str) -> Strict:
            twin = Strict(log=self.log)
            twin.taken = self.taken
            return twin

    solution = await TreePlanner(resamples=0).solve(Strict(), Plans([[plan("a")]]), Budget())
    assert isinstance(solution.stopped, SearchExhausted) and solution.answer is None


async def test_what_fails_in_every_state_is_pruned_everywhere() -> None:
    plans = [plan("x a"), plan("b x"), plan("c d x"), plan("c e"), plan("f", votes=1)]
    outcome = await search([plans], fails=["* x"], choices=["x", "c"])
    assert outcome.steps == ["x", "c", "e", "done"]  # x was tried once
    assert outcome.choices.asked[1][2] == ("c", "f")  # b leads to x only
    reasons = {node.id: node.reason for node in outcome.tree if node.status == "pruned"}
    assert reasons == {
        "run/1": "failed: no x anywhere",
        "run/2": "every plan through it fails",
        "run/2.1": "fails in every state: no x anywhere",
        "run/3.1": "every plan through it fails",
        "run/3.1.1": "fails in every state: no x anywhere",
    }


async def test_without_correction_the_first_failure_ends() -> None:
    outcome = await search(
        [[plan("a b"), plan("a c")]], fails=["a b"], choices=["b"], max_corrections=0
    )
    assert outcome.actions == ["a", "b"] and not outcome.solution.path[-1].observation.ok
    assert isinstance(outcome.solution.stopped, SearchExhausted)
    assert "no b here" in str(outcome.solution.stopped)
    assert "max_corrections (0) is reached" in str(outcome.solution.stopped)
    assert stop_reason(outcome.solution.stopped) == "search exhausted"
    assert outcome.world.taken == ("a",)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_corrections_are_bounded(limit: int) -> None:
    names = "abcdef"
    outcome = await search(
        [[plan(name) for name in names]], fails=list(names), max_corrections=limit
    )
    assert outcome.steps == list(names[: limit + 1])
    assert f"max_corrections ({limit}) is reached" in str(outcome.solution.stopped)
    assert len(events(outcome, ev.SteppedBack)) == limit


async def test_an_exhausted_tree_is_sampled_again_with_what_failed() -> None:
    outcome = await search(
        [[plan("a b"), plan("c")], [plan("a d", votes=4), plan("c e", votes=9)]],
        fails=["a b", "c"],
        N=7,
    )
    [first, second] = outcome.plans.asked
    assert first == ("run/root", 7, ())
    assert second[:2] == ("run/root/sampling-2", 7)
    assert second[2] == (
        "b()\nfailed: no b here",
        "c()\nfailed: no c here",
    )
    assert outcome.actions == ["a", "d", "done"]
    # c failed in this state before: it is not tried again, for all its support
    assert outcome.steps == ["a", "b", "c", "a", "d", "done"]
    assert [node.id for node in outcome.tree.root.children] == [f"run/{n}" for n in (1, 2, 3, 4)]
    assert outcome.tree.root.children[3].status == "pruned"


async def test_a_tree_exhausted_for_good_stops_with_a_typed_reason_and_the_remedy() -> None:
    outcome = await search([[plan("a")], [plan("b c")]], fails=["a", "b c"])
    assert isinstance(outcome.solution.stopped, SearchExhausted)
    assert "no plan of 2 samplings is left: raise N or resamples" in str(outcome.solution.stopped)
    assert outcome.actions == ["b", "c"]  # the progress, and the failure that ended it
    assert len(outcome.plans.asked) == 2


async def test_new_plans_that_are_all_known_to_fail_end_the_search_at_the_root() -> None:
    outcome = await search([[plan("a b")], [plan("a b"), plan("x")]], fails=["a b", "* x"])
    assert outcome.solution.stopped is None or "samplings" in str(outcome.solution.stopped)
    assert outcome.steps == ["a", "b", "x"]
    again = await search([[plan("a b")], [plan("a b")]], fails=["a b"])
    assert "every plan of 2 samplings failed or was empty" in str(again.solution.stopped)
    assert again.solution.path == () and again.world.taken == ()


@pytest.mark.parametrize(
    "useless",
    [
        [],
        [plan("")],
        [plan("", votes=25), plan("", votes=3)],
        [Proposal(actions=(NoAction("no action was found"),))],
    ],
    ids=["nothing", "empty", "empties", "invalid"],
)
async def test_useless_plans_are_sampled_again_and_then_end_with_an_error(
    useless: list[Proposal],
) -> None:
    outcome = await search([useless, [plan("a")]])
    assert outcome.actions == ["a", "done"]
    outcome = await search([useless, useless, useless], resamples=2)
    assert outcome.solution.path == () and len(outcome.plans.asked) == 3
    assert "every plan of 3 samplings failed or was empty" in str(outcome.solution.stopped)


async def test_an_empty_plan_among_others_is_an_end_at_the_root() -> None:
    outcome = await search([[plan("a"), plan("")]], choices=["done"])
    assert outcome.actions == ["done"] and outcome.choices.asked[0][2] == ("a", "done")


async def test_hundreds_of_options_are_no_trouble() -> None:
    outcome = await search([[plan(f"a{n} b") for n in range(300)]], choices=["a299"], N=300)
    assert outcome.actions == ["a299", "b", "done"]


async def test_steps_and_expansions_are_taken_of_the_budget() -> None:
    budget = Budget()
    await search([[plan("a b")], [plan("c")]], fails=["a b"], budget=budget)
    assert (budget.spent.expansions, budget.spent.steps) == (2, 2 + 4)


async def test_a_limit_ends_the_search_where_it_is() -> None:
    outcome = await search([[plan("a b c")]], budget=Budget(steps=3))
    assert isinstance(outcome.solution.stopped, BudgetExceeded)
    assert outcome.actions == ["a", "b"] and outcome.world.taken == ("a", "b")
    assert outcome.tree.best.id == "run/1.1"
    outcome = await search([[plan("a")], []], fails=["a"], budget=Budget(expansions=1))
    assert isinstance(outcome.solution.stopped, BudgetExceeded) and outcome.actions == []


async def test_a_decider_that_fails_ends_the_search_with_its_error() -> None:
    class Broken(Choices):
        async def choose(self, *args: object, **options: object) -> int | None:
            raise ModelError("no reply")

    planner = TreePlanner(decider=Broken([]))
    solution = await planner.solve(World(), Plans([[plan("a b"), plan("a c")]]), Budget())
    assert isinstance(solution.stopped, ModelError) and len(solution.path) == 1


async def test_an_environment_that_cannot_be_forked_is_refused() -> None:
    class Plain:
        async def step(self, action: object, *, id: str) -> Observation:
            raise AssertionError("nothing is to happen")

    with pytest.raises(ConfigError, match="cannot be forked"):
        await TreePlanner().solve(Plain(), Plans([]), Budget())


async def test_the_log_holds_the_tree_and_a_second_run_is_the_same(tmp_path: FilePath) -> None:
    def run() -> Any:
        plans = [plan("a b", votes=2), plan("a c"), plan("d")]
        return search([plans, [plan("e")]], fails=["a b", "a c", "d"], choices=["a", "b"])

    one, two = await run(), await run()

    def told(outcome: Outcome) -> list[dict[str, Any]]:
        return [event.model_dump(exclude={"seq", "time"}) for event in outcome.events]

    assert told(one) == told(two)
    added = events(one, ev.NodeAdded)
    assert [(event.id, event.votes, event.carried_out) for event in added[:3]] == [
        ("run/1", 3, False),
        ("run/2", 1, False),
        ("run/1.1", 2, False),
    ]
    observed = [(event.id, event.ok) for event in events(one, ev.NodeObserved)]
    assert observed[:4] == [
        ("run/1", True),
        ("run/1.1", False),
        ("run/1.2", False),
        ("run/2", False),
    ]
    assert [event.id for event in events(one, ev.NodeChosen)] == [one.tree.best.id]


async def test_a_search_that_was_cut_off_is_the_beginning_of_the_whole_one() -> None:
    def run(budget: Budget) -> Any:
        plans = [plan("a b", votes=2), plan("a c"), plan("d e")]
        return search([plans, [plan("f g")]], fails=["a b", "a c", "d e"], budget=budget)

    def told(outcome: Outcome) -> list[dict[str, Any]]:
        return [
            event.model_dump(exclude={"seq", "time"})
            for event in outcome.events
            if event.type != "node_chosen"
        ]

    whole = await run(Budget())
    assert whole.actions == ["f", "g", "done"]
    for steps in range(1, 10):
        cut = await run(Budget(steps=steps))
        begun = told(cut)
        assert begun == told(whole)[: len(begun)]
        assert len(cut.steps) <= steps and isinstance(cut.solution.stopped, BudgetExceeded)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=5)


@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=2, max_size=2),
    st.sets(WORDS.map(tuple), max_size=12),
    st.sets(st.sampled_from("abcd"), max_size=1),
    st.integers(0, 6),
)
def test_state_and_history_are_always_those_of_the_node(
    samplings: list[list[list[str]]],
    fails: set[tuple[str, ...]],
    never: set[str],
    corrections: int,
) -> None:
    """The world's state is the actions of the path, at every decision and at the end."""

    class Watching(World):
        async def step(self, action: Any, *, id: str) -> Observation:
            node = next(node for node in tree if node.id == id)
            assert self.taken == words(tree.path(node.parent) if node.parent else ())
            return await super().step(action, id=id)

        async def fork(self, *, id: str) -> Watching:
            twin = Watching(log=self.log)
            twin.fails, twin.taken = self.fails, self.taken
            return twin

    def words(path: Path) -> tuple[str, ...]:
        return tuple(
            step.proposal.actions[0].tool
            for step in path
            if step.proposal and step.proposal.actions[0].kind == "call" and step.observation.ok
        )

    tree = ActionTree()
    world = Watching(*(" ".join(it) for it in fails), *(f"* {it}" for it in never))
    plans = Plans([[plan(" ".join(it)) for it in sampling] for sampling in samplings])
    planner = TreePlanner(max_corrections=corrections)
    solution = asyncio.run(planner.solve(world, plans, Budget(), tree=tree))
    assert world.taken == words(solution.path)
    failures = [node for node in tree if node.observation and not node.observation.ok]
    assert len(failures) <= corrections + 1
    assert len({id for id, _ in world.log}) == len(world.log)  # no node is carried out twice
    tried = [text for _, text in world.log]
    assert all(tried.count(f"{it}()") <= 1 for it in never)
    offered = [tuple(it) for sampling in samplings for it in sampling]
    possible = [
        it
        for it in offered[: len(samplings[0])]
        if not any(it[:length] in fails for length in range(1, len(it) + 1)) and not never & {*it}
    ]
    assert not (possible and len(plans.asked) > 1)  # sampled again only when none is left
    if possible and corrections >= 6:  # six plans: at most five can fail before
        assert solution.answer == "done" and words(solution.path) in possible
    assert (solution.answer is None) == (solution.stopped is not None)


# Tokens: C_tree = P_sys + P_fewshot + P_env + sum |plan_i|
#                + sum over decisions of (P_gd + P_obs + P_hist + P_opts + V)

P_SYS, P_FEWSHOT, P_ENV, P_GD, P_OBS, PER_ACTION, V = 700, 1500, 300, 450, 60, 9, 20


class Booked:
    """A proposer and decider of stated lengths whose every call is booked."""

    def __init__(self, plans: Sequence[Proposal], choices: Sequence[str]) -> None:
        self.ledger = Ledger()
        self._plans = Plans([plans])
        self._choices = Choices(choices)

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        plans = await self._plans.propose(path, n, id=id, notes=notes)
        written = sum(PER_ACTION * len(it.actions) * it.votes for it in plans)
        usage = Usage(input_tokens=P_SYS + P_FEWSHOT + P_ENV, output_tokens=written)
        self.ledger.add("planner", "plan", usage, None)
        return plans

    async def choose(
        self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
    ) -> int | None:
        read = P_GD + P_OBS + PER_ACTION * (len(path) + len(options))
        self.ledger.add("planner", "decide", Usage(input_tokens=read, output_tokens=V), None)
        return await self._choices.choose(path, options, id=id, note=note)


async def test_the_ledger_is_the_formula_to_the_token() -> None:
    plans = [plan("a b c d", votes=10), plan("a b e f", votes=8), plan("a g h i", votes=7)]
    booked = Booked(plans, ["b", "c", "g"])
    world = World("a b c", "a b e")
    planner = TreePlanner(N=25, decider=booked)
    solution = await planner.solve(world, booked, Budget())
    assert world.taken == ("a", "g", "h", "i") and solution.answer == "done"
    # decided: b or g after a, c or e after a b; e and g were each the one way left
    decisions = [(1, 2), (2, 2)]
    sampling = P_SYS + P_FEWSHOT + P_ENV + 25 * 4 * PER_ACTION
    deciding = sum(P_GD + P_OBS + PER_ACTION * (past + ways) + V for past, ways in decisions)
    assert booked.ledger.total.usage.total_tokens == sampling + deciding
    rows = {phase: entry.calls for _, phase, entry in booked.ledger.rows()}
    assert rows == {"plan": 1, "decide": 2}


async def test_a_proposer_that_can_decide_is_the_decider_where_none_is_given() -> None:
    booked = Booked([plan("a", votes=10), plan("b", votes=15)], ["a"])
    world = World()
    await TreePlanner().solve(world, booked, Budget())
    assert world.taken == ("a",)


async def test_deciding_by_support_costs_the_sampling_alone() -> None:
    booked = Booked([plan("a b", votes=10), plan("c d", votes=15)], [])
    await TreePlanner(vote_only=True).solve(World(), booked, Budget())
    assert booked.ledger.total.usage.total_tokens == P_SYS + P_FEWSHOT + P_ENV + 25 * 2 * PER_ACTION


async def test_in_a_home_it_steps_back_to_the_very_state_and_does_the_task() -> None:
    """The first plan forgets to open the door, so that it fails deep in the home."""
    [task] = [it for it in household_tasks() if it.id == "cottage-mail"]
    good = Proposal(actions=task.program, votes=2)
    forgets = Proposal(
        actions=tuple(it for it in task.program if it.text != "open(object='door_57')"), votes=9
    )
    invalid = Proposal(actions=(action("grab", "dining_table_43"), *task.program), votes=12)
    assert len(forgets.actions) == len(good.actions) - 1

    lived: dict[str, object] = {}

    class Watched(Household):
        async def fork(self, *, id: str) -> Watched:
            parent = id.rpartition(".")[0]
            assert lived.setdefault(parent, self.home) is self.home  # the same object, not a copy
            return Watched(self.home)

    env = Watched(task.home)
    tree = ActionTree()
    plans = Plans([[invalid, forgets, good]])
    solution = await TreePlanner().solve(env, plans, Budget(), tree=tree)
    metrics = measure(task.home, task.goal, solution, tree=tree)
    assert (metrics.executable, metrics.gcr, metrics.corrections) == (True, 1.0, 2)
    assert env.home == homes_along(task.home, solution.path)[-1]
    assert [node.reason for node in tree if node.status == "pruned"] == [
        "failed: dining_table_43 cannot be grabbed.",
        "failed: The way to dining_table_43 is closed by door_57.",
    ]
    assert parse_line("[grab] <letter> (5)") in [
        step.proposal.actions[0] for step in solution.path if step.proposal
    ]
    assert call("walk").text == "walk()"
