"""PoAct with simulated replies: what the study of it measures."""

import pytest

from treeact.benchmarks.studies.hops import make_task, make_tools
from treeact.benchmarks.studies.policies import Rates, run_poact


async def trial(seed=0, *, tools=40, shown=8, reviews=0, recall=1.0, hops=3, **rates):
    return await run_poact(
        make_task(seed, hops=hops, tools=tools),
        tools=tools,
        shown=shown,
        rates=Rates(**rates),
        reviews=reviews,
        recall=recall,
        seed=str(seed),
    )


def test_a_catalogue_has_as_many_tools_as_it_says():
    assert len({tool.name for tool in make_tools(1000)}) == 1000


async def test_a_policy_that_never_errs_is_right_and_takes_a_step_a_hop():
    done = await trial()
    assert done.right and done.steps == 4
    assert done.counts.written == done.counts.found == 3


async def test_what_is_never_shown_is_never_found_unless_it_is_asked_for():
    done = await trial(recall=0.0)
    assert done.answered and not done.right and done.counts.found == 0
    assert (await trial(recall=0.0, asks=1.0)).right


@pytest.mark.parametrize("seed", range(3))
async def test_a_perfect_reviewer_has_every_wrong_step_taken_back(seed):
    done = await trial(seed, act=0.5, reviews=20, reviewer_recall=1.0)
    assert done.right
    assert done.counts.raised == done.counts.rightly


async def test_prompts_show_the_bound_or_all():
    few, every = await trial(tools=100, recall=None), await trial(tools=100, shown=100, recall=None)
    assert (few.counts.shown, every.counts.shown) == (8, 100)
    assert few.counts.input < every.counts.input / 3
