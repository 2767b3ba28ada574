"""Tree-Planner against planners that ask for each step, in the household, with one oracle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from treeact.benchmarks.environments.household.metrics import measure
from treeact.benchmarks.environments.household.tasks import household_tasks
from treeact.benchmarks.environments.household.truth import HouseholdTruth
from treeact.benchmarks.simulation import Ahead, Lengths, Oracle, Rates
from treeact.benchmarks.statistics import Estimate, difference, mean, ratio, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.baselines import StepByStep
from treeact.benchmarks.studies.study import (
    Measures,
    Results,
    Settings,
    Study,
    Table,
    Value,
    sweep,
)
from treeact.planners.protocols import Planner
from treeact.planners.tree import ActionTree
from treeact.planners.tree_planner import TreePlanner
from treeact.trace.budget import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.8, 0.9, 0.95)
"""Probability that a proposed action, or a choice among options, is right."""
PLANS = (5, 10, 25, 50, 100, 200, 400)
"""Plans that are sampled, N."""
CORRECTIONS = 10
PLANNING, DECIDING = 2700, 550
"""Tokens of the prompt for planning (instruction, examples, what is seen) and for deciding."""
STEP, ACTION, OPTION, VOTES = 9, 9, 12, 20
"""Tokens of a step of the history, a written action, an option, and the votes of a decision."""

BASELINES: dict[str, Planner] = {
    "iterative": StepByStep(),
    "local replanning": StepByStep(corrections=CORRECTIONS),
    "global replanning": StepByStep(corrections=CORRECTIONS, restart=True),
}
DECIDED, UNCORRECTED, VOTED = "tree", "tree, no correction", "tree, votes of plans"
TREES = (UNCORRECTED, DECIDED, VOTED)


async def run(settings: Settings, seed: int) -> Measures:
    """Let one planner do one task of the household."""
    method, tasks = str(settings["method"]), household_tasks()
    task = tasks[seed % len(tasks)]
    ahead: Ahead = "plan" if method in TREES else "nothing"
    oracle = Oracle(
        _truth(seed % len(tasks)),
        rates=Rates(act=float(settings["rate"]), choose=float(settings["rate"])),
        lengths=Lengths(
            propose=PLANNING, choose=DECIDING, step=STEP, action=ACTION, option=OPTION, vote=VOTES
        ),
        seed=f"{seed}/{settings}",
        ahead=ahead,
    )
    planner = BASELINES.get(method) or TreePlanner(
        N=int(settings["N"]),
        max_corrections=0 if method == UNCORRECTED else CORRECTIONS,
        resamples=0,
        decider=None if method == VOTED else oracle,
    )
    tree = ActionTree()
    solution = await planner.solve(task.environment(), oracle, Budget(), tree=tree)
    metrics = measure(task.home, task.goal, solution, tree=tree)
    return {
        "executable": float(metrics.executable),
        "success": float(metrics.success),
        "recall": metrics.gcr,
        "corrections": float(metrics.corrections),
        **_booked(oracle),
    }


@cache
def _truth(number: int) -> HouseholdTruth:
    """Return the truth of a task, with all that was found out about it in this process."""
    return HouseholdTruth(household_tasks()[number])


def _booked(oracle: Oracle) -> Measures:
    rows = {phase: entry for _, phase, entry in oracle.ledger.rows()}
    act, choose = rows["act"], rows.get("choose")
    return {
        "tokens": float(oracle.ledger.total.usage.total_tokens),
        "proposals": float(act.calls),
        "written": float(act.usage.output_tokens),
        "decisions": float(choose.calls if choose else 0),
        "deciding": float(choose.usage.total_tokens if choose else 0),
    }


def tables(results: Results) -> list[Table]:
    """Return for each rate what the planners come to, and where the tree stops saving."""
    return [
        *(_outcomes(results, rate) for rate in RATES),
        _break_even(results),
    ]


def _outcomes(results: Results, rate: float) -> Table:
    points = [*((name, 0) for name in BASELINES), *((name, n) for name in TREES for n in PLANS)]
    return Table(
        title=f"Household, right with {rate}",
        columns=(
            *("planner", "N", "EXEC", "SR", "GCR", "tokens", "corrections", "decisions"),
            *("tokens / iterative", "tokens / local", "tokens / global"),
            "corrections - global",
        ),
        rows=[_row(results, rate, name, n) for name, n in points],
        note=f"Up to {CORRECTIONS} corrections, none for iterative and without correction.",
    )


def _row(results: Results, rate: float, name: str, n: int) -> Sequence[Value | Estimate]:
    def values(measure: str, method: str = name, n: int = n) -> list[float]:
        return results.values(measure, method=method, N=n, rate=rate)

    tokens = values("tokens")
    return (
        name,
        n or "",
        *(share(values(measure)) for measure in ("executable", "success")),
        *(mean(values(name)) for name in ("recall", "tokens", "corrections", "decisions")),
        *(ratio(tokens, values("tokens", baseline, 0)) for baseline in BASELINES),
        difference(values("corrections"), values("corrections", "global replanning", 0)),
    )


def _break_even(results: Results) -> Table:
    baselines = ("local replanning", "global replanning")
    rows = [
        (
            rate,
            name,
            _round(derived_break_even(results, rate, name)),
            _measured(results, rate, name),
        )
        for rate in RATES
        for name in baselines
    ]
    return Table(
        title="Number of plans at which the tree takes as many tokens",
        columns=("right with", "against", "N* derived", "N* measured"),
        rows=rows,
        note="Derived: from the mean calls of the baseline, plan length, and decisions of the tree "
        "at the nearest N of the sweep. Measured: where the ratio of tokens, interpolated, is 1.",
    )


def derived_break_even(results: Results, rate: float, baseline: str) -> float:
    """Return the N at which C_tree = P + N |plan| + deciding is what the baseline takes.

    The decisions depend on N: those of the nearest N of the sweep are taken.
    """
    budget = _mean(results, "tokens", baseline, 0, rate)
    candidates = []
    for n in PLANS:
        plan = _mean(results, "written", DECIDED, n, rate) / n
        deciding = _mean(results, "deciding", DECIDED, n, rate)
        candidates.append((n, (budget - PLANNING - deciding) / plan))
    return min(candidates, key=lambda pair: abs(pair[0] - pair[1]))[1]


def _measured(results: Results, rate: float, baseline: str) -> Value:
    budget = _mean(results, "tokens", baseline, 0, rate)
    ratios = [_mean(results, "tokens", DECIDED, n, rate) / budget for n in PLANS]
    for place in range(len(PLANS) - 1):
        low, high = ratios[place : place + 2]
        if low <= 1 < high:
            step = PLANS[place + 1] - PLANS[place]
            return _round(PLANS[place] + step * (1 - low) / (high - low))
    return f"over {PLANS[-1]}" if ratios[-1] <= 1 else f"under {PLANS[0]}"


def _mean(results: Results, measure: str, method: str, n: int, rate: float) -> float:
    values = results.values(measure, method=method, N=n, rate=rate)
    return sum(values) / len(values)


def _round(number: float) -> int:
    return round(number)


def draw(results: Results, figure: Figure) -> None:
    """Draw tokens and corrections over the number of plans."""
    rate = RATES[1]
    panels = figure.subplots(1, 3)
    shown = (("tokens", mean), ("corrections", mean), ("success", share))
    for axes, (measured, estimate) in zip(panels, shown, strict=True):
        for name in TREES:
            values = (results.values(measured, method=name, N=n, rate=rate) for n in PLANS)
            plots.line(axes, PLANS, [estimate(it) for it in values], name)
        for name in BASELINES:
            point = estimate(results.values(measured, method=name, N=0, rate=rate))
            plots.line(axes, (PLANS[0], PLANS[-1]), (point, point), name)
        axes.set(xlabel="plans sampled, N", ylabel=measured, xscale="log")
    panels[0].set(yscale="log", title=f"right with {rate}")
    panels[0].legend(loc="lower right")


STUDY = Study(
    name="tree-planner",
    question="How many tokens and corrections does a tree of sampled plans save, and up to what N?",
    version=1,
    settings=tuple(
        [
            *sweep(rate=RATES, method=list(BASELINES), N=[0]),
            *sweep(rate=RATES, method=TREES, N=PLANS),
        ]
    ),
    run=run,
    tables=tables,
    draw=draw,
)
