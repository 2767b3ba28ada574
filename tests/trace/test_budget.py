import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.errors import BudgetExceeded, ConfigError
from treeact.trace.budget import Amounts, Budget


@pytest.mark.parametrize("limit", ["usd", "tokens", "steps", "expansions", "seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_allows_nothing_is_refused(limit: str, value: float) -> None:
    with pytest.raises(ConfigError, match=limit):
        Budget(**{limit: value})


def test_steps_are_counted_in_every_ancestor() -> None:
    group = Budget(steps=3)
    first, second = group.child(steps=2), group.child()
    first.take("steps")
    first.take("steps")
    with pytest.raises(BudgetExceeded) as stop:
        first.take("steps")
    assert stop.value.limit == "steps"
    second.take("steps")
    with pytest.raises(BudgetExceeded):
        second.take("steps")
    assert (first.spent.steps, second.spent.steps, group.spent.steps) == (2, 1, 3)


async def test_a_call_is_refused_before_it_could_overspend() -> None:
    budget = Budget(tokens=100)
    held = await budget.reserve(Amounts(tokens=80))
    held.settle(Amounts(tokens=30))
    with pytest.raises(BudgetExceeded, match="next call may take up to 71"):
        await budget.reserve(Amounts(tokens=71))
    (await budget.reserve(Amounts(tokens=70))).release()
    assert budget.spent.tokens == 30


async def test_settling_twice_counts_once() -> None:
    budget = Budget(tokens=100)
    held = await budget.reserve(Amounts(tokens=50))
    held.settle(Amounts(tokens=10))
    held.settle(Amounts(tokens=10))
    held.release()
    assert budget.spent.tokens == 10
    (await budget.reserve(Amounts(tokens=90))).release()


async def test_a_reservation_waits_for_calls_in_flight() -> None:
    budget = Budget(tokens=100)
    first = await budget.reserve(Amounts(tokens=80))
    waiting = asyncio.ensure_future(budget.child().reserve(Amounts(tokens=60)))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.settle(Amounts(tokens=20))
    assert (await waiting).amounts.tokens == 60


async def test_a_limit_that_is_raised_lets_what_waits_go_on() -> None:
    budget = Budget(tokens=10)
    held = await budget.reserve(Amounts(tokens=10))
    waiting = asyncio.ensure_future(budget.reserve(Amounts(tokens=10)))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.change("tokens", 20)
    (await asyncio.wait_for(waiting, 5)).release()
    held.release()


async def test_a_wait_that_cannot_be_served_ends() -> None:
    budget = Budget(tokens=100)
    first = await budget.reserve(Amounts(tokens=80))
    waiting = asyncio.ensure_future(budget.reserve(Amounts(tokens=60)))
    await asyncio.sleep(0)
    first.settle(Amounts(tokens=80))
    with pytest.raises(BudgetExceeded):
        await waiting


async def test_room_set_aside_is_nothing_to_wait_for() -> None:
    budget = Budget(tokens=100)
    aside = budget.set_aside(Amounts(tokens=50))
    with pytest.raises(BudgetExceeded):
        await budget.reserve(Amounts(tokens=60))
    aside.resize(Amounts(tokens=40))
    (await budget.reserve(Amounts(tokens=60))).release()


async def test_a_limit_of_an_ancestor_holds() -> None:
    group = Budget(usd=1.0, name="suite")
    run = group.child(usd=5.0)
    with pytest.raises(BudgetExceeded, match="suite"):
        await run.reserve(Amounts(usd=1.5))
    assert run.limits_money()


def test_the_time_left_is_the_least_of_the_chain() -> None:
    for outer, inner in ((5.0, 90.0), (90.0, 5.0)):
        assert Budget(seconds=outer).child(seconds=inner).seconds_left() == 5.0


def test_time_is_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    budget = Budget(seconds=10)
    assert budget.seconds_left() == 10
    budget.child().start()
    now[0] += 9
    assert budget.seconds_left() == pytest.approx(1)
    budget.take("steps")
    now[0] += 2
    assert budget.seconds_left() == 0
    with pytest.raises(BudgetExceeded) as stop:
        budget.take("steps")
    assert stop.value.limit == "seconds"


@given(
    limit=st.integers(50, 500),
    seed=st.integers(0, 10_000),
    runs=st.integers(1, 8),
)
def test_concurrent_runs_never_overspend(limit: int, seed: int, runs: int) -> None:
    asyncio.run(_spend_concurrently(limit, seed, runs))


async def _spend_concurrently(limit: int, seed: int, runs: int) -> None:
    chance = random.Random(seed)
    budget = Budget(tokens=limit)
    billed = 0

    async def run(own: Budget) -> None:
        nonlocal billed
        with pytest.raises(BudgetExceeded):
            while True:
                bound = chance.randint(1, 60)
                held = await own.reserve(Amounts(tokens=bound))
                await asyncio.sleep(0)
                fate = chance.random()
                used = bound if fate < 0.1 else 0 if fate < 0.2 else chance.randint(0, bound)
                billed += used
                held.settle(Amounts(tokens=used))

    await asyncio.gather(*(run(budget.child()) for _ in range(runs)))
    assert billed == budget.spent.tokens <= limit
