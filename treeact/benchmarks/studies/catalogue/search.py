"""Searches with an equal budget of samples and verdicts, under a noisy verifier."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

from treeact.benchmarks.simulation import Lengths, Oracle, Rates
from treeact.benchmarks.statistics import Estimate, mean, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.baselines import AideLike, Beam, WholeBest
from treeact.benchmarks.studies.study import Measures, Results, Settings, Study, Table, Value, sweep
from treeact.benchmarks.studies.worlds import RIGHT, AbstractEnvironment, Decisions, Place
from treeact.planners.best_of_n import BestOfN
from treeact.planners.greedy import Greedy
from treeact.planners.mcts import MCTS
from treeact.planners.protocols import Path, Planner, Score
from treeact.trace.budget import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH, BREADTH, HARD = 6, 5, 2
"""Decisions of a task, options of each, and how many decisions are hard."""
EASY_RATE, HARD_RATE = 0.8, 1 / BREADTH
"""How often a sample is right. At a hard decision it is a guess, so that votes tell nothing."""
ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
"""How often the verifier ranks a path above the same path with one more wrong decision."""
BUDGETS = (60, 240)
"""Samples of an action plus verdicts."""
ENDLESS = 10_000

Make = Callable[[Oracle, int, int], Planner]


class _NoVerdict:
    """Scores all alike, so that votes decide."""

    async def score(self, path: Path, *, id: str) -> Score:
        return Score(value=0.5)


def _all_of(budget: int) -> int:
    """Return the n with which best of n, scoring all options at each step, uses the budget up."""
    return max(1, (budget - DEPTH * BREADTH) // (DEPTH + 1))


def _width(budget: int, n: int) -> int:
    """Return the width with which a beam uses the budget up."""
    return max(1, budget // ((n + min(n, BREADTH)) * DEPTH))


METHODS: dict[str, Make] = {
    "greedy": lambda oracle, budget, seed: Greedy(),
    "votes only": lambda oracle, budget, seed: BestOfN(
        n=budget // (DEPTH + 1), scorer=_NoVerdict(), concurrency=1
    ),
    "best of 4 a step": lambda oracle, budget, seed: BestOfN(n=4, concurrency=1),
    "best of all a step": lambda oracle, budget, seed: BestOfN(n=_all_of(budget), concurrency=1),
    "best of whole paths": lambda oracle, budget, seed: WholeBest(scorer=oracle),
    "beam, n = 5": lambda oracle, budget, seed: Beam(n=5, width=_width(budget, 5)),
    "beam, n = 12": lambda oracle, budget, seed: Beam(n=12, width=_width(budget, 12)),
    "MCTS, n = 5": lambda oracle, budget, seed: MCTS(n=5, iterations=ENDLESS, concurrency=1),
    "MCTS, n = 12": lambda oracle, budget, seed: MCTS(n=12, iterations=ENDLESS, concurrency=1),
    "AIDE-like": lambda oracle, budget, seed: AideLike(scorer=oracle, seed=seed),
}


async def run(settings: Settings, seed: int) -> Measures:
    """Let one search do one task with one budget."""
    budget, method = int(settings["budget"]), str(settings["method"])
    margin = math.sqrt(2) * NormalDist().inv_cdf(float(settings["accuracy"]))
    world = Decisions(depth=DEPTH, breadth=BREADTH, seed=seed, margin=margin)
    hard = random.Random(f"{seed}/hard").sample(range(DEPTH), HARD)

    def rate(state: Place) -> float:
        return HARD_RATE if state[0] in hard else EASY_RATE

    limit = Budget(tokens=budget)
    oracle = Oracle(
        world,
        rates=Rates(act=rate, value=1.0),
        lengths=Lengths(action=1, verdict=1),  # so that tokens count samples and verdicts
        seed=f"{seed}/{settings}",
        budget=limit,
        ahead="plan" if method == "AIDE-like" else "nothing",
    )
    planner = METHODS[method](oracle, budget, seed)
    solution = await planner.solve(AbstractEnvironment(world), oracle, limit)
    return {
        "success": float(solution.answer == RIGHT),
        "spent": float(oracle.ledger.total.usage.total_tokens),
    }


def tables(results: Results) -> list[Table]:
    """Return success by accuracy for each budget, and what was spent."""
    return [_table(results, budget) for budget in BUDGETS]


def _table(results: Results, budget: int) -> Table:
    rows: list[tuple[str | Estimate, ...]] = []
    for method in METHODS:
        point: dict[str, Value] = {"method": method, "budget": budget}
        success = [share(results.values("success", accuracy=a, **point)) for a in ACCURACIES]
        spent = mean(results.values("spent", accuracy=0.9, **point))
        rows.append((method, *success, spent))
    return Table(
        title=f"Success with {budget} samples and verdicts",
        columns=("search", *(f"verifier {accuracy}" for accuracy in ACCURACIES), "spent at 0.9"),
        rows=rows,
        note="The head of a column is how often the verifier ranks a path above the same path with "
        "one more wrong decision; 0.5 is chance.",
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw success over the verifier's accuracy, for each budget."""
    panels = figure.subplots(1, len(BUDGETS), sharey=True)
    for axes, budget in zip(panels, BUDGETS, strict=True):
        for method in METHODS:
            points = [
                share(results.values("success", method=method, budget=budget, accuracy=accuracy))
                for accuracy in ACCURACIES
            ]
            plots.line(axes, ACCURACIES, points, method)
        axes.set(title=f"{budget} samples and verdicts", xlabel="verifier's accuracy", ylim=(0, 1))
    panels[0].set_ylabel("success")
    panels[0].legend(loc="upper left")


STUDY = Study(
    name="search",
    question="With an equal budget, when does a search pay, given how good the verifier is?",
    version=1,
    settings=tuple(sweep(budget=BUDGETS, accuracy=ACCURACIES, method=list(METHODS))),
    run=run,
    tables=tables,
    draw=draw,
)
