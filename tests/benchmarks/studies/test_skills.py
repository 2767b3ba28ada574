"""The simulated agent with the real library: what becomes of right and wrong functions."""

import random
import sys
from pathlib import Path

import pytest

from treeact.agents.library import ActionLibrary
from treeact.benchmarks.studies.skills import DATE, KINDS, Agent, Habits, family

SKILLS = family(3, random.Random(1))


def habits(**changes) -> Habits:
    usual = {"right": 1.0, "kinds": KINDS, "checks": 0.0, "recall": 1.0, "shuffled": False}
    return Habits(**{**usual, "policy": "default", "limit": 6, **changes})


async def work(library, tasks=2, needed=SKILLS[:1], **changes):
    agent = Agent(list(SKILLS), habits(**changes), library, "7")
    return [await agent.work(list(needed)) for _ in range(tasks)]


@pytest.fixture
def library():
    with ActionLibrary(Path(":memory:")) as opened:
        yield opened


async def test_what_one_task_wrote_is_verified_and_reused_in_the_next(library):
    first, second = await work(library, needed=SKILLS)
    assert (first.right, first.turns, first.reused) == (True, 3, 0)
    assert (second.right, second.turns, second.reused, second.recalled) == (True, 3, 3, 3)
    assert {(a.version, a.status) for a in library.actions()} == {(1, "verified")}


@pytest.mark.parametrize(
    ("kind", "status"), [("raises", "candidate"), ("silent", "verified"), ("fragile", "exercised")]
)
async def test_a_wrong_function_gets_the_status_that_the_library_can_know(library, kind, status):
    [tally] = await work(library, tasks=1, right=0.0, kinds=(kind,))
    assert tally.right is (kind == "fragile")
    assert {action.status for action in library.actions(all_versions=True)} == {status}


@pytest.mark.parametrize(
    ("policy", "right", "reused"),
    [("off", True, 0), ("as defined", False, 1), ("default", False, 1), ("verified only", True, 0)],
)
async def test_what_held_only_in_its_task_is_wrong_where_it_is_reused(
    library, policy, right, reused
):
    _, second = await work(library, right=0.0, kinds=("fragile",), policy=policy)
    assert (second.right, second.reused, second.reused_wrong) == (right, reused, reused)
    assert len(library.actions()) == (policy != "off")


async def test_shuffled_and_missed_retrieval(library):
    await work(library, tasks=1, needed=SKILLS)
    [shuffled] = await work(library, tasks=1, shuffled=True)
    assert (shuffled.right, shuffled.reused_wrong) == (False, 1)
    [missed] = await work(library, tasks=1, recall=0.0)
    assert (missed.right, missed.reused, missed.stored, missed.recalled) == (True, 0, 1, 0)


async def test_nothing_is_left_in_the_process(library):
    state, depth = random.getstate(), sys.getrecursionlimit()
    await work(library, needed=SKILLS, right=0.5)
    assert not [m for m in sys.modules if m == DATE or m.startswith("treeact_actions")]
    assert (random.getstate(), sys.getrecursionlimit()) == (state, depth)
