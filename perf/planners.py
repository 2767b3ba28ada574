"""What an expansion costs besides the model and the environment: selection, costs, tree, states.

Proposer and environment answer at once, and nobody solves the task early, so that each search takes
all the steps that it may. A sample is the processor's time for one search over its steps, which are
expansions, or actions where the planner does not branch; setting it up is included.

- Every planner that `treeact.planners` names is measured with its defaults, in memory, and
  ToolChain also with its trace written to a file. TreePlanner is given 25 plans of 100 calls.
- Growth with the tree: ToolChain without plans, 10 new nodes an expansion. The target is that of
  n log n: the time of an expansion may grow as the logarithm of the number of nodes.
- Growth with the memory: ToolChain over plans of 5 to 20 random calls among 200, each path of 10
  calls and new to the memory's rows; then plans of 64 calls, the longest that there are.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import Bench, Measure, Subject, plain
from support.report import Target

from treeact import Budget, planners
from treeact.planners import ActionTree, PlanMemory, Planner, ToolChain
from treeact.planners.protocols import Action, Answer, Call, Observation, Proposal
from treeact.planners.protocols import Path as Steps
from treeact.trace.log import EventLog

ROUNDS = 15
EXPANSIONS = 100
K = 10
SIZES = (10, 100, 1_000, 10_000, 100_000)
MEMORIES = (0, 10, 100, 1_000, 10_000)
NAMES = [f"call_{number}" for number in range(200)]


class Instant:
    """Proposes the same `n` calls everywhere, at once."""

    def __init__(self, calls: Sequence[str] = NAMES) -> None:
        self._proposals = [Proposal(actions=(Call(name),)) for name in calls]

    async def propose(
        self, path: Steps, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        return self._proposals[:n]


class Wandering:
    """Proposes other calls at each node, the first with most votes, so that paths get deep."""

    async def propose(
        self, path: Steps, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        names = random.Random(id).sample(NAMES, n)
        votes = [10 * n, *[1] * (n - 1)]
        return [Proposal(actions=(Call(c),), votes=v) for c, v in zip(names, votes, strict=True)]


class Plans:
    """Proposes whole plans with an end, which part after each fifth call."""

    async def propose(
        self, path: Steps, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        return [Proposal(actions=self._plan(random.Random(number))) for number in range(n)]

    def _plan(self, rng: random.Random) -> tuple[Action, ...]:
        calls = (rng.choice(NAMES[:2]) if i % 5 == 4 else NAMES[i] for i in range(EXPANSIONS))
        return (*map(Call, calls), Answer("done"))


class Nothing:
    """An environment in which every call does nothing, and which is its own copy."""

    async def step(self, action: Action, *, id: str) -> Observation:
        return Observation(text="", answer=action.text) if action.kind == "answer" else DONE

    async def fork(self, *, id: str) -> Nothing:
        return self

    async def choose(self, fork: Nothing, *, commit: bool = True) -> str:
        return ""

    async def close(self) -> None:
        pass


DONE = Observation(text="done")


async def search(planner: Planner, proposer: Any, expansions: int, tree: ActionTree) -> float:
    """Return the processor's seconds for one step of a search."""
    budget = Budget(steps=expansions, expansions=expansions)
    began = time.process_time()
    await planner.solve(Nothing(), proposer, budget, tree=tree)
    took = time.process_time() - began
    return took / budget.spent.steps


def by_default(name: str) -> Measure:
    """Return the measure of a planner as it comes."""

    async def measure() -> float:
        settings = {"T": EXPANSIONS} if name == "ToolChain" else {}
        planner = getattr(planners, name)(**settings)
        proposer = Plans() if name == "TreePlanner" else Instant()
        return await search(planner, proposer, EXPANSIONS, ActionTree())

    return measure


async def traced() -> float:
    """Measure ToolChain with a trace on disk."""
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "run")
        try:
            tree = ActionTree(log=log)
            return await search(ToolChain(T=EXPANSIONS), Instant(), EXPANSIONS, tree)
        finally:
            log.close()


async def to_size(nodes: int, **settings: Any) -> float:
    """Measure a search that ends with so many nodes."""
    expansions = nodes // K
    planner = ToolChain(k=K, T=expansions, **settings)
    return await search(planner, Instant(), expansions, ActionTree())


def with_memory(plans: int, lengths: tuple[int, int] = (5, 20)) -> Measure:
    """Return the measure of a search over so many plans."""
    rng = random.Random(plans)
    drawn = [rng.choices(NAMES, k=rng.randint(*lengths)) for _ in range(plans)]
    made: list[PlanMemory] = []

    async def measure() -> float:
        if not made:
            made.append(PlanMemory(demonstrations=drawn))
        [memory] = made
        scores = memory.scores()
        scores._rows.clear()
        scores._matches.clear()
        planner = ToolChain(k=K, T=10, memory=memory, learn=False)
        return await search(planner, Wandering(), 10, ActionTree())

    return measure


def every_planner() -> list[Subject]:
    names = [name for name in planners.__all__ if name != "Planner"]
    names = [name for name in names if hasattr(getattr(planners, name), "solve")]
    rows = [Subject(name=name, open=plain(by_default(name)), baseline="Greedy") for name in names]
    blind = Subject(
        name="ToolChain, execute=False",
        open=plain(partial(to_size, EXPANSIONS * K, execute=False)),
        baseline="Greedy",
    )
    on_disk = Subject(name="ToolChain, traced", open=plain(traced), baseline="ToolChain")
    return [*rows, blind, on_disk]


def growth(sizes: Sequence[int], row: Callable[[int], str]) -> list[Subject]:
    return [
        Subject(
            name=row(size),
            open=plain(partial(to_size, size)),
            baseline=row(1_000),
            target=Target(at_most=round(math.log(size) / math.log(1_000), 2))
            if size > 1_000
            else None,
        )
        for size in sizes
    ]


def memories() -> list[Subject]:
    rows = [
        Subject(
            name=f"memory of {plans:,} plans",
            open=plain(with_memory(plans)),
            baseline="memory of 0 plans",
            target=Target(at_most=50, unit="ms") if plans == MEMORIES[-1] else None,
        )
        for plans in MEMORIES
    ]
    longest = Subject(
        name="10,000 plans of 64 calls",
        open=plain(with_memory(10_000, (64, 64))),
        baseline="memory of 0 plans",
        target=Target(at_most=50, unit="ms"),
    )
    return [*rows, longest]


async def main() -> None:
    bench = Bench.from_command_line("planners", __doc__)
    await bench.group(every_planner(), rounds=ROUNDS)
    await bench.group(growth(SIZES, lambda size: f"tree of {size:,} nodes"), rounds=ROUNDS)
    await bench.group(memories(), rounds=ROUNDS)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
