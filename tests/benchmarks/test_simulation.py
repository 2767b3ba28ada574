import asyncio
import math
from collections import Counter
from statistics import NormalDist, mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.benchmarks.simulation import EDGE, Lengths, Oracle, Rates
from treeact.benchmarks.studies.worlds import AbstractEnvironment, Decisions
from treeact.errors import BudgetExceeded, ConfigError
from treeact.planners import MCTS, ActionTree, BestOfN
from treeact.planners.protocols import Answer, Call, NoAction, Observation, Proposal, Step
from treeact.trace.budget import Budget

WORLD = Decisions(depth=4, breadth=5, seed=7)
RUNS = 2000


def path_of(*tools):
    return tuple(
        Step(
            id=f"run/{number}",
            proposal=Proposal(actions=(Call(tool),)),
            observation=Observation(text=""),
        )
        for number, tool in enumerate(tools)
    )


def agrees(hits, runs, rate, sigmas=4):
    """Whether a count is what a rate leads to expect; wrongly denied once in 16,000 cases."""
    return abs(hits - runs * rate) <= sigmas * math.sqrt(runs * rate * (1 - rate))


async def first_actions(oracle, path=(), runs=RUNS):
    ids = (f"run/{number}" for number in range(runs))
    return [(await oracle.propose(path, 1, id=id))[0].actions[0] for id in ids]


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8, 1.0])
async def test_the_right_action_is_proposed_at_the_stated_rate(rate):
    actions = await first_actions(Oracle(WORLD, rates=Rates(act=rate), seed=1))
    right = sum(action.tool == WORLD.solution[0] for action in actions)
    assert agrees(right, RUNS, rate)


async def test_wrong_actions_are_uniform():
    actions = await first_actions(Oracle(WORLD, rates=Rates(act=0.2), seed=2))
    counts = Counter(action.tool for action in actions)
    assert set(counts) == set(WORLD.tools(0))
    assert all(agrees(counts[tool], RUNS, 0.2) for tool in WORLD.tools(0))


async def test_the_rate_may_depend_on_the_state():
    rates = Rates(act=lambda state: 1.0 if state[0] == 1 else 0.0)
    oracle = Oracle(WORLD, rates=rates)
    first = await first_actions(oracle, runs=50)
    second = await first_actions(oracle, path_of(WORLD.solution[0]), runs=50)
    assert all(action.tool != WORLD.solution[0] for action in first)
    assert all(action.tool == WORLD.solution[1] for action in second)


async def test_every_action_of_a_plan_errs_at_the_stated_rate():
    oracle = Oracle(WORLD, rates=Rates(act=0.7), ahead="plan")
    plans = [(await oracle.propose((), 1, id=f"run/{n}"))[0].actions for n in range(RUNS)]
    assert all(len(plan) == 5 and isinstance(plan[-1], Answer) for plan in plans)
    for place, tool in enumerate(WORLD.solution):
        assert agrees(sum(plan[place].tool == tool for plan in plans), RUNS, 0.7)


async def test_samples_of_a_call_are_joined_by_votes_most_voted_first():
    oracle = Oracle(WORLD, rates=Rates(act=0.6))
    for number in range(50):
        proposals = await oracle.propose((), 20, id=f"run/{number}")
        votes = [proposal.votes for proposal in proposals]
        assert sum(votes) == 20 and votes == sorted(votes, reverse=True)
        assert len({proposal.actions[0].key for proposal in proposals}) == len(proposals)


async def test_imagined_steps_are_those_left_with_the_stated_noise():
    oracle = Oracle(WORLD, rates=Rates(act=1.0, length=1.5), ahead="sketch")
    left = [
        len((await oracle.propose(path_of(WORLD.solution[0]), 1, id=f"run/{n}"))[0].actions) - 1
        for n in range(RUNS)
    ]
    # after the second of four decisions two are left, and the answer; below zero is cut off
    assert mean(left) == pytest.approx(3, abs=0.15)
    assert stdev(left) == pytest.approx(1.5, abs=0.15)
    exact = Oracle(WORLD, rates=Rates(act=1.0), ahead="sketch")
    assert len((await exact.propose((), 1, id="run/root"))[0].actions) == 1 + 4


async def test_values_are_the_truth_with_normal_noise_on_the_log_odds():
    oracle = Oracle(WORLD, rates=Rates(value=0.7))
    values = [(await oracle.score((), id=f"run/{n}")).value for n in range(RUNS)]
    odds = [math.log(value / (1 - value)) for value in values]
    truth = WORLD.value(WORLD.start())
    assert mean(odds) == pytest.approx(math.log(truth / (1 - truth)), abs=4 * 0.7 / RUNS**0.5)
    assert stdev(odds) == pytest.approx(0.7, abs=0.05)
    assert (await Oracle(WORLD).score((), id="run/root")).value == pytest.approx(truth)


@pytest.mark.parametrize("accuracy", [0.5, 0.7, 0.95])
async def test_a_margin_sets_how_often_a_better_path_is_ranked_above(accuracy):
    margin = math.sqrt(2) * NormalDist().inv_cdf(accuracy)
    world = Decisions(depth=4, breadth=5, seed=7, margin=margin)
    oracle = Oracle(world, rates=Rates(value=1.0))
    better, worse = path_of(world.solution[0]), path_of(world.tools(0)[1])
    wins = 0
    for number in range(RUNS):
        first = await oracle.score(better, id=f"run/{number}.1")
        second = await oracle.score(worse, id=f"run/{number}.2")
        wins += first.value > second.value
    assert agrees(wins, RUNS, accuracy)


@pytest.mark.parametrize("value", [0.0, 1.0])
async def test_a_certain_value_stays_finite_under_great_noise(value):
    class Certain(Decisions):
        def value(self, state):
            return value

    oracle = Oracle(Certain(depth=1, breadth=2, seed=0), rates=Rates(value=1e6))
    values = [(await oracle.score((), id=f"run/{n}")).value for n in range(50)]
    assert all(0 <= value <= 1 for value in values)
    exact = await Oracle(Certain(depth=1, breadth=2, seed=0)).score((), id="run/root")
    assert exact.value == pytest.approx(value, abs=1.01 * EDGE)


async def test_votes_among_options_go_to_a_right_one_at_the_stated_rate():
    options = [Proposal(actions=(Call(tool),)) for tool in reversed(WORLD.tools(0))]
    one = Oracle(WORLD, rates=Rates(choose=0.6))
    picks = [await one.choose((), options, id=f"run/{n}") for n in range(RUNS)]
    assert agrees(sum(pick == 4 for pick in picks), RUNS, 0.6)
    many = Oracle(WORLD, rates=Rates(choose=0.6, votes=21))
    picks = [await many.choose((), options, id=f"run/{n}") for n in range(200)]
    assert sum(pick == 4 for pick in picks) > 195
    lost = options[:-1]  # no option is right: any may be taken
    picks = [await one.choose((), lost, id=f"run/{n}") for n in range(200)]
    assert set(picks) == {0, 1, 2, 3}


async def test_calls_are_booked_and_paid_to_the_token():
    lengths = Lengths(
        propose=100, choose=50, score=30, step=7, option=5, action=9, thought=2, vote=1, verdict=3
    )
    budget = Budget(tokens=10_000)
    oracle = Oracle(
        WORLD,
        rates=Rates(votes=20),
        lengths=lengths,
        budget=budget,
        ahead="plan",
    )
    path = path_of(WORLD.solution[0])
    await oracle.propose(path, 3, id="run/1")  # three plans of three decisions and the answer
    await oracle.choose(path, [Proposal(actions=(Call("a"),))] * 4, id="run/1")
    await oracle.score(path, id="run/1")
    booked = {
        phase: (entry.calls, entry.usage.input_tokens, entry.usage.output_tokens)
        for role, phase, entry in oracle.ledger.rows()
        if role == "simulated"
    }
    assert booked == {
        "act": (1, 107, 3 * (2 + 4 * 9)),
        "choose": (1, 50 + 7 + 4 * 5, 20),
        "score": (1, 37, 3),
    }
    assert budget.spent.tokens == oracle.ledger.total.usage.total_tokens


async def test_a_budget_without_room_refuses_the_call_and_nothing_is_booked():
    oracle = Oracle(WORLD, lengths=Lengths(propose=11), budget=Budget(tokens=10))
    with pytest.raises(BudgetExceeded):
        await oracle.propose((), 1, id="run/root")
    assert oracle.ledger.total.calls == 0


async def test_where_nothing_is_left_there_is_no_action():
    class Over(Decisions):
        def right(self, state):
            return ()

        wrong = right

    [proposal] = await Oracle(Over(depth=1, breadth=2, seed=0)).propose((), 5, id="run/root")
    assert isinstance(proposal.actions[0], NoAction)


@pytest.mark.parametrize(
    "rates",
    [
        {"act": 1.1},
        {"act": -0.1},
        {"choose": math.nan},
        {"value": -1},
        {"length": -1},
        {"votes": 0},
    ],
)
def test_rates_that_mean_nothing_are_refused(rates):
    with pytest.raises(ConfigError, match=next(iter(rates))):
        Rates(**rates)


def shape(tree):
    return [
        (node.id, node.action.text if node.action else "", node.status, node.worth, node.visits)
        for node in tree
    ]


async def grown(planner, seed, limit=None):
    tree = ActionTree()
    budget = Budget(tokens=limit)
    oracle = Oracle(
        WORLD,
        rates=Rates(act=0.5, value=1.0),
        lengths=Lengths(action=1, verdict=1),
        seed=seed,
        budget=budget,
    )
    solution = await planner.solve(AbstractEnvironment(WORLD), oracle, budget, tree=tree)
    return shape(tree), solution.answer


@pytest.mark.parametrize("make", [MCTS, BestOfN])
async def test_one_seed_gives_one_tree_serial_or_parallel(make):
    for seed in range(5):
        serial = await grown(make(concurrency=1), seed, 150)
        assert await grown(make(concurrency=8), seed, 150) == serial
    assert await grown(make(), 0, 150) != await grown(make(), 1, 150)


@given(order=st.permutations([f"run/{number}" for number in range(6)]), seed=st.integers())
@settings(deadline=None, max_examples=30)
def test_the_order_of_calls_does_not_matter(order, seed):
    async def proposed(ids):
        oracle = Oracle(WORLD, rates=Rates(act=0.5), seed=seed)
        return {id: await oracle.propose((), 3, id=id) for id in ids}

    assert asyncio.run(proposed(order)) == asyncio.run(proposed(sorted(order)))
