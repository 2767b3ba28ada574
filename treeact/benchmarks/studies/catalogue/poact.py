"""PoAct with catalogues of many sizes, selectors that miss, and reviewers that err."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from treeact.benchmarks.statistics import Estimate, mean, ratio, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.hops import make_task
from treeact.benchmarks.studies.policies import STEPS, Rates, run_poact
from treeact.benchmarks.studies.study import (
    Measures,
    Results,
    Settings,
    Study,
    Table,
    Value,
    sweep,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (10, 30, 100, 300, 1000)
SHOWN = 8
"""Tools that a step is shown, k: the default of PoAct."""
SELECTED, EVERYTHING = "selected", "all"
TOLD = (1.0, 0.8)
"""How often a thought names both words of the tool that it needs; else one."""

RECALLS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
HOPS = (1, 2, 3, 5)
BLIND, REVIEWED, ASKING = "rules only", "with a reviewer", "asks for hidden tools"
HANDLINGS = (BLIND, REVIEWED, ASKING)

FOUND = (0.0, 0.5, 0.8, 1.0)
ALARMS = (0.0, 0.1, 0.3)
OFF = -1.0
"""In the place of a recall: BM25 as it is; or no reviewer."""

CATALOGUE, HOPS_OF_IT, SELECTOR_RECALL, ACT = 100, 3, 0.9, 0.9
"""The setting of the sweeps that are not about it."""
REVIEWER, ALARM = 0.8, 0.1
"""Of the reviewer in the sweep of recalls."""


def _settings() -> list[dict[str, Value]]:
    plain: dict[str, Value] = {
        "tools": CATALOGUE,
        "shown": SELECTED,
        "told": 1.0,
        "recall": OFF,
        "hops": HOPS_OF_IT,
        "act": 1.0,
        "asks": 0.0,
        "reviewer": OFF,
        "alarm": 0.0,
    }
    handled = {
        BLIND: {},
        REVIEWED: {"reviewer": REVIEWER, "alarm": ALARM},
        ASKING: {"asks": 1.0},
    }
    sizes = [
        {**plain, "part": "size", **point}
        for point in (
            *sweep(tools=SIZES, told=TOLD, shown=[SELECTED]),
            *sweep(tools=SIZES, told=[1.0], shown=[EVERYTHING]),
        )
    ]
    recalls = [
        {**plain, "part": "recall", "handling": name, **handled[name], **point}
        for name in HANDLINGS
        for point in sweep(hops=HOPS, recall=RECALLS)
    ]
    reviewers = [
        {**plain, "part": "review", "act": ACT, "recall": SELECTOR_RECALL, **point}
        for point in (
            *sweep(reviewer=[OFF], alarm=[0.0]),
            *sweep(reviewer=FOUND, alarm=ALARMS),
        )
    ]
    return [*sizes, *recalls, *reviewers]


async def run(settings: Settings, seed: int) -> Measures:
    """Let PoAct do one task."""
    tools, hops = int(settings["tools"]), int(settings["hops"])
    recall, reviewer = float(settings["recall"]), float(settings["reviewer"])
    trial = await run_poact(
        make_task(seed, hops=hops, tools=tools),
        tools=tools,
        shown=SHOWN if settings["shown"] == SELECTED else tools,
        rates=Rates(
            act=float(settings["act"]),
            told=float(settings["told"]),
            asks=float(settings["asks"]),
            reviewer_recall=max(reviewer, 0.0),
            false_alarm=float(settings["alarm"]),
        ),
        reviews=0 if reviewer == OFF else STEPS,
        recall=None if recall == OFF else recall,
        seed=str(seed),  # the same luck in all settings, so that they can be compared
    )
    counts = trial.counts
    return {
        "success": float(trial.right),
        "answered": float(trial.answered),
        "steps": float(trial.steps),
        "calls": float(counts.calls),
        "input": float(counts.input),
        "output": float(counts.output),
        "shown": float(counts.shown),
        "written": float(counts.written),
        "found": float(counts.found),
        "raised": float(counts.raised),
        "rightly": float(counts.rightly),
    }


def tables(results: Results) -> list[Table]:
    """Return what came of the size, of the selector's recall, and of the reviewer."""
    return [_size_table(results), _recall_table(results), _review_table(results)]


def _size_table(results: Results) -> Table:
    ways = [(SELECTED, 1.0), (SELECTED, 0.8), (EVERYTHING, 1.0)]
    return Table(
        title=f"Catalogue of S tools, {SHOWN} of them shown to a step or all; {HOPS_OF_IT} hops",
        columns=(
            *("S", "shown", "told", "prompt tokens a call", "over S = 10", "input of a run"),
            *("over all shown", "recall", "success"),
        ),
        rows=[_size_row(results, tools, *way) for way in ways for tools in SIZES],
        note="Told: how often a thought names both words of the tool it needs. Recall: how often "
        "the tool that code needs is shown to it, by BM25.",
    )


def _size_row(results: Results, tools: int, shown: str, told: float) -> Sequence[Value | Estimate]:
    def values(measure: str) -> list[float]:
        return _of_size(results, measure, tools, shown, told)

    prompts, smallest = (_prompts(results, size, shown, told) for size in (tools, SIZES[0]))
    return (
        *(tools, shown, told),
        mean(prompts),
        ratio(prompts, smallest),
        mean(values("input")),
        ratio(values("input"), _of_size(results, "input", tools, EVERYTHING, 1.0)),
        ratio(values("found"), values("written")),
        share(values("success")),
    )


def _of_size(results: Results, measure: str, tools: int, shown: str, told: float) -> list[float]:
    return results.values(measure, part="size", tools=tools, shown=shown, told=told)


def _prompts(results: Results, tools: int, shown: str, told: float) -> list[float]:
    """Return the mean input tokens of a call, for each seed."""
    measured = (_of_size(results, name, tools, shown, told) for name in ("input", "calls"))
    return [tokens / calls for tokens, calls in zip(*measured, strict=True)]


def _recall_table(results: Results) -> Table:
    def row(hops: int, recall: float) -> Sequence[Value | Estimate]:
        def of(measure: str, handling: str) -> list[float]:
            return results.values(
                measure, part="recall", hops=hops, recall=recall, handling=handling
            )

        return (
            *(hops, recall, round(recall**hops, 3)),
            *(share(of("success", handling)) for handling in HANDLINGS),
            *(ratio(of("input", name), of("input", BLIND)) for name in (REVIEWED, ASKING)),
        )

    return Table(
        title="Success by the selector's recall r; code that sees the tool it needs is right",
        columns=(
            *("hops", "r", "r^hops", *HANDLINGS),
            *(f"input, {name} / {BLIND}" for name in (REVIEWED, ASKING)),
        ),
        rows=[row(hops, recall) for hops in HOPS for recall in RECALLS],
        note=f"The reviewer finds {REVIEWER} of the wrong steps, and drops {ALARM} of the right "
        "ones. What asks calls the tool that it needs by its name although it is not shown.",
    )


def _review_table(results: Results) -> Table:
    def row(reviewer: float, alarm: float) -> Sequence[Value | Estimate]:
        def of(measure: str, reviewer: float = reviewer, alarm: float = alarm) -> list[float]:
            return results.values(measure, part="review", reviewer=reviewer, alarm=alarm)

        raised = sum(of("raised"))
        off = of("input", OFF, 0.0)
        return (
            *("off" if reviewer == OFF else reviewer, "" if reviewer == OFF else alarm),
            ratio(of("rightly"), of("raised")) if raised else "",
            *(share(of(measure)) for measure in ("success", "answered")),
            *(mean(of("steps")), mean(of("input")), ratio(of("input"), off)),
        )

    return Table(
        title=f"A reviewer that errs: r = {SELECTOR_RECALL}, code right with {ACT}, "
        f"{HOPS_OF_IT} hops, {CATALOGUE} tools",
        columns=(
            *("recall", "false alarms", "precision", "success", "answered", "steps"),
            *("input", "input / off"),
        ),
        rows=[row(OFF, 0.0), *(row(found, alarm) for found in FOUND for alarm in ALARMS)],
        note="Recall: of the steps that called a wrong tool. Precision: of the alarms, measured.",
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw the prompt over the size, success over recall, and success over the reviewer."""
    sizes, recalls, reviews = figure.subplots(1, 3)
    for shown, told in ((EVERYTHING, 1.0), (SELECTED, 1.0), (SELECTED, 0.8)):
        points = [mean(_prompts(results, tools, shown, told)) for tools in SIZES]
        plots.line(sizes, SIZES, points, f"{shown}, told {told}")
    sizes.set(xlabel="tools, S", ylabel="prompt tokens of a call", xscale="log", yscale="log")
    for hops in HOPS:
        points = [
            share(results.values("success", part="recall", hops=hops, handling=BLIND, recall=r))
            for r in RECALLS
        ]
        plots.line(recalls, RECALLS, points, f"{hops} hops")
        recalls.plot(RECALLS, [r**hops for r in RECALLS], color="black", ls=":", lw=0.8)
    recalls.set(xlabel="selector recall, r", ylabel="success, rules only; dotted: r^hops")
    for alarm in ALARMS:
        points = [
            share(results.values("success", part="review", reviewer=found, alarm=alarm))
            for found in FOUND
        ]
        plots.line(reviews, FOUND, points, f"false alarms {alarm}")
    off = share(results.values("success", part="review", reviewer=OFF))
    plots.line(reviews, (FOUND[0], FOUND[-1]), (off, off), "off")
    reviews.set(xlabel="reviewer recall", ylabel="success", ylim=(0, 1))
    for axes in (sizes, recalls, reviews):
        axes.legend(fontsize=6)


STUDY = Study(
    name="poact",
    question="What do a bounded action space and a review come to, given how good they are?",
    version=1,
    settings=tuple(_settings()),
    run=run,
    tables=tables,
    draw=draw,
)
