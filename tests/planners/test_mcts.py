"""MCTS: its tree policy, its statistics, and that it ends (the faults known of LATS's code)."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planners.support import Chance, Judge, Table, World, add, answer, logged, numbers
from treeact.errors import SearchExhausted
from treeact.planners import MCTS
from treeact.planners.protocols import Path, Proposal
from treeact.planners.tree import ActionTree
from treeact.trace.budget import Budget
from treeact.trace.events import NodeExpanded, ValueBackedUp


@pytest.mark.parametrize("score", [1.0, 0.9])
async def test_an_answer_that_scores_well_ends_the_search(score: float) -> None:
    proposer = Table(lambda path, id: [add(1), add(2)] if len(path) < 2 else [answer("good")])
    planner = MCTS(n=2, scorer=Judge(lambda path: score if path[-1].observation.done else 0.4))
    solution = await planner.solve(World(), proposer, Budget())
    assert solution.answer == "good"
    assert solution.stopped is None
    assert len(proposer.asked) == 3


async def test_the_search_goes_on_past_a_doubtful_answer_and_says_why() -> None:
    def propose(path: Path, id: str) -> Sequence[Proposal]:
        if not path:
            return [answer("hasty"), add(4)]
        return [answer("right")]

    def judge(path: Path) -> float:
        return {"hasty": 0.2, "right": 0.95, None: 0.1}[path[-1].observation.answer]

    proposer = Table(propose)
    planner = MCTS(n=2, scorer=Judge(judge, "it was not computed"))
    solution = await planner.solve(World(), proposer, Budget())
    assert solution.answer == "right"
    assert proposer.notes["run/2"] == [
        "The answer 'hasty' was given and got 2 of 10 points: it was not computed"
    ]


async def test_selection_ends_when_every_child_holds_an_answer() -> None:
    proposer = Table(lambda path, id: [answer("a"), answer("b")])
    planner = MCTS(n=2, scorer=Judge(lambda path: 0.3), iterations=1000)
    solution = await planner.solve(World(), proposer, Budget())
    assert proposer.asked == ["run/root"]
    assert solution.answer == "a"


async def test_a_tree_that_is_used_up_without_an_answer_says_so() -> None:
    proposer = Table(lambda path, id: [add(1), add(2)])
    solution = await MCTS(n=2, depth=2, iterations=50).solve(World(), proposer, Budget())
    assert isinstance(solution.stopped, SearchExhausted)
    assert "3 expansions" in str(solution.stopped)
    assert len(solution.path) == 2


async def test_values_stay_with_their_children_when_some_hold_answers() -> None:
    proposer = Table(lambda path, id: [add(1), answer("x"), add(3)] if not path else [answer("y")])
    worth = {(1,): 0.1, (3,): 0.6, (): 0.0}
    planner = MCTS(
        n=3,
        iterations=1,
        rollout=0,
        scorer=Judge(lambda path: 0.2 if path[-1].observation.done else worth[*numbers(path)]),
    )
    tree = ActionTree()
    await planner.solve(World(), proposer, Budget(), tree=tree)
    assert [child.worth for child in tree.root.children] == [0.1, 0.2, 0.6]


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 4.0])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
async def test_visits_and_values_add_up(w: float, seed: int) -> None:
    tree, log = logged()
    await MCTS(n=3, w=w, depth=4, iterations=10).solve(
        World(), Chance(seed, answers=0.1), Budget(expansions=25), tree=tree
    )
    backed_up = [event for event in log.events() if isinstance(event, ValueBackedUp)]
    assert tree.root.visits == len(backed_up)
    assert math.isclose(tree.root.total, sum(event.value for event in backed_up))
    for node in tree:
        below = sum(child.visits for child in node.children)
        ended_here = sum(event.id == node.id for event in backed_up)
        assert node.visits == below + ended_here
        assert 0.0 <= node.value <= 1.0


async def test_exploration_comes_back_to_a_neglected_child() -> None:
    """With w = 0 only the better-looking child is ever expanded; with w = 1 both are."""

    def propose(path: Path, id: str) -> Sequence[Proposal]:
        return [add(1), add(2)] if len(path) < 6 else [answer("x")]

    async def expanded(w: float) -> set[str]:
        judge = Judge(lambda path: 0.8 if numbers(path)[0] == 1 else 0.5)
        tree, log = logged()
        planner = MCTS(n=2, w=w, depth=7, rollout=0, iterations=12, scorer=judge)
        await planner.solve(World(), Table(propose), Budget(), tree=tree)
        return {event.id[:5] for event in log.events() if isinstance(event, NodeExpanded)}

    assert "run/2" not in await expanded(0.0)
    assert {"run/1", "run/2"} <= await expanded(1.0)


async def test_the_nodes_of_a_rollout_stay_in_the_tree() -> None:
    proposer = Table(lambda path, id: [add(1), add(2)])
    tree = ActionTree()
    await MCTS(n=2, depth=9, rollout=3, iterations=1).solve(World(), proposer, Budget(), tree=tree)
    assert max(node.depth for node in tree) == 4
    assert tree.expansions == 4
