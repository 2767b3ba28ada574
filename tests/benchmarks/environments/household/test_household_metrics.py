"""EXEC, GCR, SR and corrections on hand-made paths and trees."""

import pytest

from tests.benchmarks.environments.household.small_home import act, small_home
from treeact.benchmarks.environments.household.home import Condition, Relation
from treeact.benchmarks.environments.household.household import take_action
from treeact.benchmarks.environments.household.metrics import Fact, changes, facts, measure
from treeact.benchmarks.environments.household.programs import action
from treeact.errors import ConfigError, SearchExhausted, TreeActError
from treeact.planners.protocols import Observation, Proposal, Solution, Step
from treeact.planners.tree import ActionTree

HOME = small_home()
OPEN: Fact = (4, Condition.OPEN)
HELD: Fact = (3, Relation.HOLDS_RH, 9)
GOAL = frozenset[Fact]({OPEN, HELD})


def solution(*lines: str, stopped: TreeActError | None = None) -> Solution:
    home, path = HOME, []
    for number, line in enumerate(lines, start=1):
        call = action(*line.split())
        home, observation = take_action(home, call)
        path.append(
            Step(id=f"run/{number}", proposal=Proposal(actions=(call,)), observation=observation)
        )
    return Solution(path=tuple(path), stopped=stopped)


FETCH = ("walk fridge_4", "open fridge_4", "grab milk_9")


def test_the_recall_of_the_final_state() -> None:
    assert measure(HOME, GOAL, solution()).gcr == 0
    assert measure(HOME, GOAL, solution(*FETCH[:2])).gcr == 0.5
    done = measure(HOME, GOAL, solution(*FETCH))
    assert (done.executable, done.gcr, done.success) == (True, 1.0, True)


def test_the_best_state_on_the_way_counts_only_where_it_is_asked_for() -> None:
    undone = solution(*FETCH, "putobjback milk_9", "close fridge_4")
    assert measure(HOME, GOAL, undone).gcr == 0
    assert measure(HOME, GOAL, undone, over="any state").gcr == 1


def test_what_is_not_executable_recalls_nothing() -> None:
    failed = solution(*FETCH, "grab milk_9")
    stopped = solution(*FETCH, stopped=SearchExhausted("no plan is left"))
    for bad in (failed, stopped):
        for over in ("final state", "any state"):
            metrics = measure(HOME, GOAL, bad, over=over)  # type: ignore[arg-type]
            assert (metrics.executable, metrics.gcr, metrics.success) == (False, 0.0, False)


def test_who_is_close_to_what_does_not_count() -> None:
    home, _ = act(HOME, "walk book_15")
    assert home != HOME and changes(HOME, home) == frozenset()
    assert not any(Relation.CLOSE in fact for fact in facts(home))


def test_an_empty_goal_is_refused() -> None:
    with pytest.raises(ConfigError, match="without a fact"):
        measure(HOME, frozenset(), solution(*FETCH))


def test_corrections_are_failures_off_the_path() -> None:
    tree = ActionTree()
    for ok in (True, False, False):
        tree.add(
            tree.root,
            Proposal(actions=(action("walk", "fridge_4"),)),
            Observation(text="", ok=ok),
        )
    tree.add(tree.root, Proposal(actions=(action("walk", "sofa_12"),)))  # never carried out
    assert measure(HOME, GOAL, solution("walk fridge_4"), tree=tree).corrections == 2
    ended = Solution(path=tree.path(tree.root.children[1]), stopped=SearchExhausted("over"))
    assert measure(HOME, GOAL, ended, tree=tree).corrections == 1
