"""What simulated policies take for true of the tasks of the environments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.benchmarks.environments.apis.tasks import api_tasks
from treeact.benchmarks.environments.apis.truth import ChainTruth, CheckedApis
from treeact.benchmarks.environments.household.metrics import changes
from treeact.benchmarks.environments.household.tasks import household_tasks
from treeact.benchmarks.environments.household.truth import HouseholdTruth
from treeact.planners.protocols import Answer

HOUSEHOLD, APIS = household_tasks(), api_tasks()


def to_the_end(truth, state, limit=40):
    """Follow what is right until the answer, and return the state there."""
    for _ in range(limit):
        [action] = truth.right(state)
        if isinstance(action, Answer):
            return state
        state = truth.after(state, action)
    raise AssertionError(f"no end after {limit} actions")


@pytest.mark.parametrize("task", HOUSEHOLD, ids=lambda task: task.id)
def test_what_is_right_in_a_home_reaches_the_goal(task):
    truth = HouseholdTruth(task)
    assert task.goal <= changes(task.home, to_the_end(truth, truth.start()).home)


@pytest.mark.parametrize("task", APIS[::5], ids=lambda task: task.id)
async def test_what_is_right_in_a_catalogue_is_accepted_and_nothing_less(task):
    truth, env = ChainTruth(task, margin=1.0), CheckedApis(task)
    state = truth.start()
    early = "no idea" if task.goal.answer else task.answer
    assert not (await env.step(Answer(early), id="run/1")).ok
    while (action := truth.right(state)[0]).kind != "answer":
        assert (await env.step(action, id="run/2")).ok
        state = truth.after(state, action)
    assert (await env.step(action, id="run/3")).answer == task.answer


@given(
    task=st.sampled_from(HOUSEHOLD),
    picks=st.lists(st.integers(min_value=0, max_value=9), max_size=6),
)
@settings(deadline=None, max_examples=40)
def test_after_mistakes_the_plan_still_reaches_the_goal_or_is_given_up(task, picks):
    truth = HouseholdTruth(task)
    state = truth.start()
    for pick in picks:
        wrong = truth.wrong(state)
        assert {action.key for action in truth.right(state)}.isdisjoint(a.key for a in wrong)
        state = truth.after(state, [*truth.right(state), *wrong][pick % (1 + len(wrong))])
    end = to_the_end(truth, state)
    assert end.plan is None or task.goal <= changes(task.home, end.home)
