"""ToolChain* against other searches for the first accepted answer, and without what leads it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from treeact.benchmarks.simulation import Oracle, Rates
from treeact.benchmarks.statistics import Estimate, mean, quantile, ratio, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.baselines import Uninformed, WideningBeam
from treeact.benchmarks.studies.study import (
    Measures,
    Results,
    Settings,
    Study,
    Table,
    Value,
    sweep,
)
from treeact.benchmarks.studies.worlds import AbstractEnvironment, Decisions
from treeact.planners.mcts import MCTS
from treeact.planners.memory import PlanMemory
from treeact.planners.protocols import Path, Planner, Score
from treeact.planners.toolchain import ToolChain
from treeact.trace.budget import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = {"small": (4, 4), "large": (6, 8)}
"""Decisions of a task and options of each."""
SAMPLES = 10
"""Samples of one expansion, for every search."""
RATE, LENGTH_NOISE = 0.45, 1.0
PLANS = 5
"""Plans of a memory."""
CAP = 300
"""Expansions after which a search is given up."""
ENDLESS = 10_000
WEIGHTS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A search, and what it has to go by."""

    tagged: bool = True
    """Whether the decisions have tools of different names."""
    quality: float | None = 0.7
    """Probability that a call of a plan in the memory is right: None has no plans, and 0 draws them
    at random."""
    imagines: bool = True
    """Whether proposals come with an imagined rest."""
    alpha: float = 0.5
    beta: float = 0.5
    scaled: bool = False
    accuracy: float = 0.5
    """How often a verifier ranks a path above the same with one more wrong decision."""
    explore: float = 1.0
    """The exploration weight of MCTS, w."""


BASELINES = {
    "breadth first": Method(),
    "depth first": Method(),
    "beam, verifier 0.7": Method(accuracy=0.7),
    "MCTS, no verifier": Method(),
    "MCTS, verifier 0.7": Method(accuracy=0.7),
    "MCTS, verifier 0.9": Method(accuracy=0.9),
    "MCTS, verifier 0.9, w = 0.1": Method(accuracy=0.9, explore=0.1),
}
VARIANTS = {
    "ToolChain*": Method(),
    "ToolChain*, untagged": Method(tagged=False),
    "ToolChain*, random memory": Method(quality=0),
    "ToolChain*, untagged random memory": Method(tagged=False, quality=0),
    "ToolChain*, no memory": Method(quality=None),
    "ToolChain*, constant h": Method(imagines=False, beta=0),
    "ToolChain*, h scaled": Method(scaled=True),
}
WEIGHTED = {
    f"alpha {alpha:g}, beta {beta:g}, untagged": Method(alpha=alpha, beta=beta, tagged=False)
    for alpha in WEIGHTS
    for beta in WEIGHTS
}
METHODS = {**BASELINES, **VARIANTS, **WEIGHTED}


class _NoVerdict:
    async def score(self, path: Path, *, id: str) -> Score:
        return Score(value=0.5)


async def run(settings: Settings, seed: int) -> Measures:
    """Let one search do one task, until its answer is accepted or the cap is reached."""
    name = str(settings["method"])
    method, (depth, breadth) = METHODS[name], SIZES[str(settings["size"])]
    world = Decisions(
        depth=depth,
        breadth=breadth,
        seed=seed,
        margin=math.sqrt(2) * NormalDist().inv_cdf(method.accuracy),
        checked=True,
        tagged=method.tagged,
    )
    oracle = Oracle(
        world,
        rates=Rates(act=RATE, value=1.0, length=LENGTH_NOISE),
        seed=f"{seed}/{settings}",
        ahead="sketch" if method.imagines else "nothing",
    )
    budget = Budget(expansions=CAP)
    planner = _planner(name, method, depth + 1, oracle, _memory(world, method, seed))
    solution = await planner.solve(AbstractEnvironment(world), oracle, budget)
    solved = solution.answer is not None
    return {
        "solved": float(solved),
        "expansions": float(budget.spent.expansions),
        "needed": float(budget.spent.expansions if solved else CAP + 1),
        "calls": float(oracle.ledger.total.calls),
    }


def _planner(
    name: str, method: Method, depth: int, oracle: Oracle, memory: PlanMemory | None
) -> Planner:
    if name in ("breadth first", "depth first"):
        return Uninformed(order="breadth" if name == "breadth first" else "depth", n=SAMPLES)
    if name.startswith("beam"):
        return WideningBeam(n=SAMPLES)
    if name.startswith("MCTS"):
        scorer = _NoVerdict() if method.accuracy == 0.5 else oracle
        return MCTS(
            n=SAMPLES, w=method.explore, iterations=ENDLESS, depth=depth, threshold=0, scorer=scorer
        )
    return ToolChain(
        alpha=method.alpha,
        beta=method.beta,
        h_scaled=method.scaled,
        k=SAMPLES,
        T=CAP,
        memory=memory or "",
        learn=False,
    )


def _memory(world: Decisions, method: Method, seed: int) -> PlanMemory | None:
    """Return a memory of plans for tasks that are like this one as far as its quality says."""
    if method.quality is None:
        return None
    rng = random.Random(f"{seed}/memory")
    return PlanMemory(
        demonstrations=[
            [
                right if rng.random() < method.quality else rng.choice(world.tools(decision))
                for decision, right in enumerate(world.solution)
            ]
            for _ in range(PLANS)
        ]
    )


def tables(results: Results) -> list[Table]:
    """Return the comparison for both sizes, and the weights."""
    note = (
        f"A search is given up after {CAP} expansions, and they count in its mean. The column for "
        f"90 % says how many expansions solve 90 % of the tasks; {CAP + 1} is more than the cap."
    )
    return [
        *(
            Table(
                title=f"Expansions to an accepted answer, {depth} decisions of {breadth} options",
                columns=(
                    *("search", "solved", "expansions", "for 90 %", "calls"),
                    "expansions / ToolChain*",
                ),
                rows=[_row(results, size, name) for name in (*BASELINES, *VARIANTS)],
                note=note,
            )
            for size, (depth, breadth) in SIZES.items()
        ),
        Table(
            title="Weights of the memory in ToolChain*, large tasks",
            columns=("weights", "solved", "expansions", "for 90 %"),
            rows=[_row(results, "large", name)[:4] for name in WEIGHTED],
            note=note,
        ),
    ]


def _row(results: Results, size: str, name: str) -> Sequence[Value | Estimate]:
    def values(measure: str, method: str = name) -> list[float]:
        return results.values(measure, size=size, method=method)

    return (
        name,
        share(values("solved")),
        mean(values("expansions")),
        quantile(values("needed"), 0.9),
        mean(values("calls")),
        ratio(values("expansions"), values("expansions", "ToolChain*")),
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw the expansions of each search, for each size."""
    for axes, size in zip(figure.subplots(1, len(SIZES), sharey=True), SIZES, strict=True):
        names = [*BASELINES, *VARIANTS]
        points = [mean(results.values("expansions", size=size, method=name)) for name in names]
        colors = ["tab:gray"] * len(BASELINES) + ["tab:blue"] * len(VARIANTS)
        plots.bars(axes, names, points, colors)
        decisions, options = SIZES[size]
        axes.set(title=f"{decisions} decisions of {options} options")
        axes.set_xlabel(f"expansions, given up after {CAP}")


STUDY = Study(
    name="toolchain",
    question="How many expansions does ToolChain* take to an accepted answer, and what leads it?",
    version=1,
    settings=tuple(
        [
            *sweep(size=list(SIZES), method=[*BASELINES, *VARIANTS]),
            *sweep(size=["large"], method=list(WEIGHTED)),
        ]
    ),
    run=run,
    tables=tables,
    draw=draw,
)
