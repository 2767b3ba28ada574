"""ToolChain* against other searches over the API catalogue, its memory the plans of other tasks."""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import TYPE_CHECKING

from treeact.benchmarks.environments.apis.environment import DOMAINS
from treeact.benchmarks.environments.apis.tasks import ApiTask, api_tasks
from treeact.benchmarks.environments.apis.truth import ChainTruth, CheckedApis
from treeact.benchmarks.simulation import Oracle, Rates
from treeact.benchmarks.statistics import mean, quantile, ratio, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.baselines import Uninformed
from treeact.benchmarks.studies.study import Measures, Results, Settings, Study, Table, sweep
from treeact.planners.mcts import MCTS
from treeact.planners.memory import PlanMemory
from treeact.planners.protocols import Planner
from treeact.planners.toolchain import ToolChain
from treeact.trace.budget import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES, RATE, LENGTH_NOISE = 10, 0.45, 1.0
ACCURACY = 0.9
"""How often the verifier of MCTS ranks a path that may end well above one that may not."""
CAP, DEPTH = 200, 15
"""Expansions after which a search is given up, and most actions of a path of MCTS."""

LED, RANDOM, NONE, FLAT = (
    "ToolChain*, plans of other tasks",
    "ToolChain*, random plans",
    "ToolChain*, no memory",
    "ToolChain*, constant h",
)
BREADTH_FIRST, DEPTH_FIRST, TREE_SEARCH = "breadth first", "depth first", "MCTS, verifier 0.9"
METHODS = (BREADTH_FIRST, DEPTH_FIRST, TREE_SEARCH, LED, RANDOM, NONE, FLAT)


async def run(settings: Settings, seed: int) -> Measures:
    """Let one search do one task, until its answer is accepted or the cap is reached."""
    method, tasks = str(settings["method"]), api_tasks()
    task = tasks[seed * 7 % len(tasks)]  # a step that takes every domain in turn
    oracle = Oracle(
        ChainTruth(task, margin=math.sqrt(2) * NormalDist().inv_cdf(ACCURACY)),
        rates=Rates(act=RATE, value=1.0, length=LENGTH_NOISE),
        seed=f"{seed}/{settings}",
        ahead="nothing" if method == FLAT else "sketch",
    )
    budget = Budget(expansions=CAP)
    planner = _planner(method, _memory(method, task, seed))
    solution = await planner.solve(CheckedApis(task), oracle, budget)
    expansions, solved = budget.spent.expansions, solution.answer is not None
    return {
        "solved": float(solved),
        "expansions": float(expansions),
        "needed": float(expansions if solved else CAP + 1),
        "calls": float(oracle.ledger.total.calls),
    }


def _planner(method: str, memory: PlanMemory | None) -> Planner:
    if method in (BREADTH_FIRST, DEPTH_FIRST):
        return Uninformed(order="breadth" if method == BREADTH_FIRST else "depth", n=SAMPLES)
    if method == TREE_SEARCH:
        return MCTS(n=SAMPLES, iterations=10_000, depth=DEPTH, threshold=0)
    beta = 0.0 if method == FLAT else 0.5
    return ToolChain(k=SAMPLES, T=CAP, beta=beta, memory=memory or "", learn=False)


def _memory(method: str, task: ApiTask, seed: int) -> PlanMemory | None:
    """Return the plans of the other tasks of the domain, or random ones of their lengths."""
    if method in (NONE, BREADTH_FIRST, DEPTH_FIRST, TREE_SEARCH):
        return None
    others = [other for other in api_tasks(task.domain) if other.id != task.id]
    plans = [[call.call for call in other.chain] for other in others]
    if method == RANDOM:
        rng, names = random.Random(f"{seed}/memory"), task.environment().names
        plans = [rng.choices(names, k=len(plan)) for plan in plans]
    return PlanMemory(demonstrations=plans)


def tables(results: Results) -> list[Table]:
    """Return what each search took."""
    rows = []
    led = results.values("expansions", method=LED)
    for method in METHODS:
        solved, expansions, needed, calls = (
            results.values(measure, method=method)
            for measure in ("solved", "expansions", "needed", "calls")
        )
        rows.append(
            (
                *(method, share(solved), mean(expansions), quantile(needed, 0.8), mean(calls)),
                ratio(expansions, led),
            )
        )
    return [
        Table(
            title=f"Expansions to an accepted answer, {len(api_tasks())} tasks in {len(DOMAINS)} "
            "domains",
            columns=(
                *("search", "solved", "expansions", "for 80 %", "calls"),
                "expansions / plans of other tasks",
            ),
            rows=rows,
            note=f"A search is given up after {CAP} expansions, and they count in its mean. The "
            f"column for 80 % says how many expansions solve 80 % of the tasks; {CAP + 1} is more "
            "than the cap.",
        )
    ]


def draw(results: Results, figure: Figure) -> None:
    """Draw the expansions and the solved tasks of each search."""
    for axes, measure in zip(
        figure.subplots(1, 2, sharey=True), ("expansions", "solved"), strict=True
    ):
        estimate = mean if measure == "expansions" else share
        points = [estimate(results.values(measure, method=method)) for method in METHODS]
        plots.bars(axes, METHODS, points, ["tab:gray"] * 3 + ["tab:blue"] * 4)
        axes.set_xlabel(measure)


STUDY = Study(
    name="toolchain-apis",
    question="What do the plans of other tasks save ToolChain* in a catalogue of APIs?",
    version=1,
    settings=tuple(sweep(method=METHODS)),
    run=run,
    tables=tables,
    draw=draw,
)
