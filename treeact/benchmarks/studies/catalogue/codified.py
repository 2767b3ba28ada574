"""Plans in pseudo-code against English and single calls: where the tokens are saved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from treeact.benchmarks.statistics import Estimate, mean, ratio
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.plan_runs import (
    Tokens,
    call_by_call,
    plan_whole,
    tokens_of_calls,
    tokens_of_plans,
    tokens_of_steps,
    unroll,
)
from treeact.benchmarks.studies.plans import PlannedTask, make_task
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

PLACES = (1, 3, 8)
"""Of how many places data is fetched: turns of a loop."""
VALUES = (5, 50, 200)
"""Numbers of one observation."""
FAILING = (0, 1)
"""Calls that fail once."""
CENTRE = {"places": 3, "values": 50, "failing": 1}

STRUCTURES = ("call by call", "whole plan")
SYNTAXES = ("English", "codified")
OBSERVATIONS = ("pasted", "in variables")
FACTORS = {"structure": STRUCTURES, "syntax": SYNTAXES, "variables": OBSERVATIONS}
"""What makes the difference, with the plain and the codified way."""
JSON = "call by call, JSON, pasted"
FORMS = tuple(", ".join(ways) for ways in product(*FACTORS.values()))
NONE, ALL = FORMS[0], FORMS[-1]
"""Nothing of CodeAgents, and all of it."""
WITHOUT_VARIABLES = "whole plan, codified, pasted"


async def run(settings: Settings, seed: int) -> Measures:
    """Do one task in every form, and count the tokens of each."""
    forms = await _forms(settings, seed)
    return {
        f"{measure} {form}": float(getattr(tokens, measure))
        for form, tokens in forms.items()
        for measure in ("input", "output", "calls", "language")
    }


async def _forms(settings: Settings, seed: int) -> dict[str, Tokens]:
    def task(failing: object = settings["failing"]) -> PlannedTask:
        places, values = int(settings["places"]), int(settings["values"])
        return make_task(seed, places=places, values=values, failing=bool(failing))

    calls, answer = await unroll(task(failing=False))
    single = await call_by_call(task(), calls, answer)
    forms = {JSON: tokens_of_calls(single)}
    for observed in OBSERVATIONS:
        kept = observed == OBSERVATIONS[1]
        whole = await plan_whole(task(), kept=kept)
        for syntax in SYNTAXES:
            narrated = syntax == SYNTAXES[0]
            forms[f"whole plan, {syntax}, {observed}"] = tokens_of_plans(whole, narrated=narrated)
            forms[f"call by call, {syntax}, {observed}"] = tokens_of_steps(
                single, calls, answer, narrated=narrated, kept=kept
            )
    return forms


def tables(results: Results) -> list[Table]:
    """Return the tokens of each form, and what each factor saves of input and of output."""
    return [
        _forms_table(results),
        _overall(results),
        _factors(results, "input"),
        _factors(results, "output"),
    ]


def _forms_table(results: Results) -> Table:
    def row(form: str) -> Sequence[Value | Estimate]:
        def values(measure: str, form: str = form) -> list[float]:
            return results.values(f"{measure} {form}", **CENTRE)

        return (
            form,
            *(mean(values(measure)) for measure in ("calls", "input", "language", "output")),
            *(ratio(values(measure), values(measure, NONE)) for measure in ("input", "output")),
        )

    places, values, _ = CENTRE.values()
    return Table(
        title=f"Tokens of a task: {places} places, {values} numbers each, one failing call",
        columns=(
            *("form", "calls", "input", "of it the language", "output"),
            *("input / first", "output / first"),
        ),
        rows=[row(form) for form in (*FORMS, JSON)],
        note="The last row is the JSON agent, as it is; 'whole plan, codified, in variables' is "
        "CodeAgents, as it is.",
    )


def _overall(results: Results) -> Table:
    rows = []
    for point in sweep(failing=FAILING, places=PLACES, values=VALUES):
        rows.append(
            (
                *point.values(),
                *(
                    ratio(*(results.values(f"{measure} {form}", **point) for form in (top, NONE)))
                    for measure in ("input", "output")
                    for top in (ALL, WITHOUT_VARIABLES)
                ),
            )
        )
    return Table(
        title="Tokens of CodeAgents over those of English, call by call, observations pasted",
        columns=(
            *("failing", "places", "numbers", "input", "input without variables"),
            *("output", "output without variables"),
        ),
        rows=rows,
    )


def _factors(results: Results, measure: str) -> Table:
    rows = [
        (
            *point.values(),
            *(
                factor_ratio(results, measure, factor, last=last, **point)
                for factor in FACTORS
                for last in (False, True)
            ),
        )
        for point in sweep(failing=FAILING, places=PLACES, values=VALUES)
    ]
    columns = [f"{factor}, {when}" for factor in FACTORS for when in ("first", "last")]
    return Table(
        title=f"What is left of the {measure} tokens by each factor",
        columns=("failing", "places", "numbers", *columns),
        rows=rows,
        note="First: that alone over nothing of CodeAgents. Last: all of it over all but that.",
    )


def factor_ratio(
    results: Results, measure: str, factor: str, *, last: bool, **where: Value
) -> Estimate:
    """Return what one factor leaves of the tokens, added to nothing (first) or to all the others.

    Args:
        results: what the study came to.
        measure: `input` or `output`.
        factor: one of `FACTORS`.
        last: whether the others are codified already.
        where: the setting.
    """
    others = {name: ways[last] for name, ways in FACTORS.items()}
    plain, codified = (", ".join({**others, factor: way}.values()) for way in FACTORS[factor])
    return ratio(
        results.values(f"{measure} {codified}", **where),
        results.values(f"{measure} {plain}", **where),
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw input and output over the size of observations, and what each factor leaves."""
    panels = figure.subplots(1, 3)
    where = {name: CENTRE[name] for name in ("places", "failing")}
    shown = (JSON, NONE, "call by call, codified, pasted", "whole plan, English, in variables")
    for axes, measure in zip(panels, ("input", "output"), strict=False):
        for form in (*shown, WITHOUT_VARIABLES, ALL):
            points = [
                mean(results.values(f"{measure} {form}", values=values, **where))
                for values in VALUES
            ]
            plots.line(axes, VALUES, points, form)
        axes.set(
            xlabel="numbers of an observation",
            ylabel=f"{measure} tokens",
            xscale="log",
            yscale="log",
        )
    panels[0].legend(fontsize=6)
    panels[0].set_title(f"{where['places']} places, one failing call")
    added = [(factor, last) for factor in FACTORS for last in (False, True)]
    plots.bars(
        panels[2],
        [f"{factor}, {'last' if last else 'first'}" for factor, last in added],
        [factor_ratio(results, "input", f, last=last, **CENTRE) for f, last in added],
        [f"C{place // 2}" for place in range(len(added))],
    )
    panels[2].set(title="left of the input tokens")
    panels[2].axvline(1, color="black", linewidth=0.8)


STUDY = Study(
    name="codified",
    question="Where do plans in pseudo-code save tokens: syntax, variables or structure?",
    version=1,
    settings=tuple(sweep(failing=FAILING, places=PLACES, values=VALUES)),
    run=run,
    tables=tables,
    draw=draw,
)
