"""What searches share: expansion in forks, pruning with reasons, causes told, limits."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planners.support import (
    Chance,
    Judge,
    Table,
    World,
    add,
    answer,
    logged,
    numbers,
    shape,
    state_at,
)
from treeact.errors import BudgetExceeded, ConfigError, ModelError, SandboxError
from treeact.planners import MCTS, BestOfN, Planner
from treeact.planners.protocols import Call, Observation
from treeact.planners.replayed import Replayed
from treeact.planners.tree import ActionTree
from treeact.trace.budget import Budget
from treeact.trace.events import NodeAdded, NodeExpanded, NodePruned
from treeact.trace.log import EventLog

PLANNERS = [BestOfN(n=3), MCTS(n=3, depth=5, iterations=8)]


async def search(
    planner: Planner, seed: int, *, slow: bool = False, expansions: int = 12
) -> tuple[ActionTree, EventLog, World]:
    tree, log = logged()
    world = World(slow=random.Random(seed) if slow else None)
    await planner.solve(world, Chance(seed), Budget(expansions=expansions), tree=tree)
    return tree, log, world


@pytest.mark.parametrize("planner", PLANNERS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
async def test_every_node_saw_the_state_of_its_own_path(planner: Planner, seed: int) -> None:
    tree, log, world = await search(planner, seed)
    for node in tree:
        if node.observation and node.observation.text.startswith("sum"):
            assert node.observation.text == state_at(tree, node)
    expanded = [event.id for event in log.events() if isinstance(event, NodeExpanded)]
    assert len(expanded) == len(set(expanded))
    assert len(world.stepped) == len(set(world.stepped))
    assert list(world.numbers) == numbers(tree.path(tree.best))
    assert world.live == [world]


@pytest.mark.parametrize("planner", [BestOfN, MCTS])
async def test_a_seed_gives_the_same_tree_serial_and_parallel(planner: type) -> None:
    for seed in range(12):
        _, serial, _ = await search(planner(n=4, concurrency=1), seed)
        _, parallel, _ = await search(planner(n=4, concurrency=4), seed, slow=True)
        assert shape(serial) == shape(parallel)


@pytest.mark.parametrize("planner", PLANNERS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 11))
async def test_a_search_that_was_cut_off_is_the_beginning_of_the_whole(
    planner: Planner, seed: int, cut: int
) -> None:
    _, whole, _ = await search(planner, seed)
    _, part, _ = await search(planner, seed, expansions=cut)
    steps = [event for event in shape(part) if event["type"] != "node_chosen"]
    assert steps == [e for e in shape(whole) if e["type"] != "node_chosen"][: len(steps)]


async def test_a_failed_candidate_is_pruned_and_its_cause_told_on_other_paths() -> None:
    proposer = Table(
        lambda path, id: [add(13), add(2)] if not path else [answer("2")],
    )
    tree, log = logged()
    solution = await BestOfN(n=2).solve(World(), proposer, Budget(), tree=tree)
    assert solution.answer == "2"
    failed = next(event for event in log.events() if isinstance(event, NodePruned))
    assert (failed.id, failed.reason) == ("run/1", "failed: 13 brings bad luck")
    assert proposer.notes["run/root"] == []
    assert proposer.notes["run/2"] == ["add(number=13)\nfailed: 13 brings bad luck"]


async def test_a_path_is_not_told_of_its_own_failures() -> None:
    proposer = Table(lambda path, id: [add(13)] if not path else [answer("?")])
    await BestOfN(n=1).solve(World(), proposer, Budget())
    assert proposer.notes["run/1"] == []


async def test_where_every_candidate_failed_the_search_goes_on_from_the_failures() -> None:
    proposer = Table(lambda path, id: [add(13), add(-1)] if not path else [answer("saved")])
    solution = await BestOfN(n=2).solve(World(), proposer, Budget())
    assert [step.id for step in solution.path] == ["run/1", "run/1.1"]


async def test_an_action_that_can_never_work_is_tried_once() -> None:
    proposer = Table(lambda path, id: [add(-5), add(1)] if len(path) < 3 else [answer("x")])
    tree, log = logged()
    world = World()
    await BestOfN(n=2).solve(world, proposer, Budget(), tree=tree)
    added = [e for e in log.events() if isinstance(e, NodeAdded) and "-5" in str(e.text)]
    assert [event.observation for event in added] == ["-5 is no number"] * 3
    assert world.stepped.count("run/1") == 1
    assert "run/2.1" not in world.stepped


async def test_the_best_of_equals_has_more_votes_and_then_came_first() -> None:
    proposer = Table(
        lambda path, id: [add(1), add(2, votes=2), add(3, votes=2)] if not path else [answer("x")]
    )
    solution = await BestOfN(n=3).solve(World(), proposer, Budget())
    assert numbers(solution.path) == [2]


async def test_a_scorer_overrules_votes() -> None:
    proposer = Table(lambda path, id: [add(1, votes=5), add(2)] if not path else [answer("x")])
    judge = Judge(lambda path: numbers(path)[-1] / 10)
    solution = await BestOfN(n=2, scorer=judge).solve(World(), proposer, Budget())
    assert numbers(solution.path) == [2]


@pytest.mark.parametrize("planner", PLANNERS)
async def test_a_limit_ends_a_search_with_the_best_path(planner: Planner) -> None:
    proposer = Table(lambda path, id: [add(1), add(2)])
    world = World()
    solution = await planner.solve(world, proposer, Budget(expansions=3))
    assert isinstance(solution.stopped, BudgetExceeded)
    assert solution.stopped.limit == "expansions"
    assert solution.path
    assert list(world.numbers) == numbers(solution.path)


async def test_writes_stay_put_off_where_no_answer_was_found() -> None:
    world = World()
    await MCTS(n=1).solve(world, Table(lambda path, id: [add(1)]), Budget(expansions=2))
    assert world.committed is False
    found = World()
    await MCTS(n=1).solve(found, Table(lambda path, id: [answer("x")]), Budget())
    assert found.committed is True


@pytest.mark.parametrize("planner", PLANNERS)
async def test_a_model_that_fails_ends_the_search(planner: Planner) -> None:
    def fail(path: object, id: str) -> list:
        if id != "run/root":
            raise ModelError("gone")
        return [add(1)]

    solution = await planner.solve(World(), Table(fail), Budget())
    assert isinstance(solution.stopped, ModelError)
    assert numbers(solution.path) == [1]


class Fragile(World):
    """Loses its state when 7 is added."""

    async def fork(self, *, id: str) -> "Fragile":
        twin = Fragile(self.numbers)
        twin.stepped, twin.live = self.stepped, self.live
        self.live.append(twin)
        return twin

    async def step(self, action: object, *, id: str) -> Observation:
        if isinstance(action, Call) and action.arguments["number"] == 7:
            raise SandboxError("gone")
        return await super().step(action, id=id)  # type: ignore[arg-type]


async def test_a_state_that_is_lost_costs_its_candidate_alone() -> None:
    proposer = Table(lambda path, id: [add(7), add(2)] if not path else [answer("x")])
    tree, log = logged()
    solution = await BestOfN(n=2).solve(Fragile(), proposer, Budget(), tree=tree)
    assert numbers(solution.path) == [2]
    assert any(isinstance(e, NodePruned) and "gone" in e.reason for e in log.events())


async def test_where_every_state_is_lost_the_search_ends() -> None:
    solution = await BestOfN(n=1).solve(Fragile(), Table(lambda path, id: [add(7)]), Budget())
    assert isinstance(solution.stopped, SandboxError)


class Unforkable:
    async def step(self, action: object, *, id: str) -> Observation:
        return Observation(text="")


@pytest.mark.parametrize("planner", PLANNERS)
async def test_an_environment_that_cannot_be_forked_is_refused(planner: Planner) -> None:
    with pytest.raises(ConfigError, match="wrap it in Replayed"):
        await planner.solve(Unforkable(), Table(lambda path, id: []), Budget())


async def test_an_environment_without_forks_is_searched_by_replay() -> None:
    made: list[World] = []

    async def make() -> World:
        made.append(World())
        return made[-1]

    tree, log = logged()
    await MCTS(n=3, depth=4).solve(Replayed(make), Chance(3), Budget(expansions=8), tree=tree)
    direct, direct_log = logged()
    await MCTS(n=3, depth=4).solve(World(), Chance(3), Budget(expansions=8), tree=direct)
    assert shape(log) == shape(direct_log)
    assert len(made) > 8


async def test_a_replay_with_another_outcome_is_an_error() -> None:
    worlds = iter([World(), World((5,))])

    async def make() -> World:
        return next(worlds)

    env = Replayed(make)
    await env.step(Call("add", {"number": 1}), id="run/1")
    with pytest.raises(SandboxError, match="another outcome"):
        await env.fork(id="run/1.1")
