"""DynaSaur's library on and off: tasks that share skills, of which some are written wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from treeact.agents.library import ActionLibrary
from treeact.benchmarks.statistics import Estimate, difference, mean
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.skills import (
    KINDS,
    POLICIES,
    Agent,
    Habits,
    Kind,
    Policy,
    Skill,
    Tally,
    family,
)
from treeact.benchmarks.studies.study import Measures, Results, Settings, Study, Table, Value, sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TASKS, LATE = 10, 3
"""Tasks in a row, and how many of them are called the last ones."""
LIMIT = 12
"""Turns of a task."""
RIGHT, CHECKS = 0.4, 0.5
"""How often an attempt at a function is right, and how often a wrong value is found out."""
DEPTHS = (1, 2, 4, 8)
"""Skills that a task passes through."""
POOLS = (8, 12, 48)
"""Skills that all tasks are made of."""
RECALLS = (0.0, 0.25, 0.5, 0.75, 1.0)
RIGHTS = (0.2, 0.4, 0.8)
DEPTH, POOL = 4, 12
"""Where they are not swept."""
RAISES, MIXED = "raises", "mixed"
ON: Policy = "default"
VERIFIED: Policy = "verified only"

BASE: dict[str, Value] = {
    "depth": DEPTH,
    "q": POOL,
    "right": RIGHT,
    "recall": 1.0,
    "shuffled": 0,
    "wrong": RAISES,
    "policy": ON,
}


def points(**values: Sequence[Value]) -> list[dict[str, Value]]:
    """Return the settings of all combinations of `values`, all else being as usual."""
    return [{**BASE, **point} for point in sweep(**values)]


SETTINGS = [
    *points(depth=DEPTHS, policy=("off", ON)),
    *points(depth=DEPTHS, wrong=(MIXED,), policy=("off", ON, VERIFIED)),
    *points(q=POOLS, policy=("off", ON)),
    *points(recall=RECALLS),
    *points(shuffled=(1,)),
    *points(right=RIGHTS, policy=("off", ON)),
    *points(wrong=KINDS, policy=POLICIES),
]


async def run(settings: Settings, seed: int) -> Measures:
    """Let one agent do the tasks in a row, with one library that is empty at first."""
    rng = random.Random(f"{seed}/tasks/{settings['depth']}/{settings['q']}")
    skills = family(int(settings["q"]), rng)
    kind = str(settings["wrong"])
    habits = Habits(
        right=float(settings["right"]),
        kinds=KINDS if kind == MIXED else (cast(Kind, kind),),
        checks=CHECKS,
        recall=float(settings["recall"]),
        shuffled=bool(settings["shuffled"]),
        policy=cast(Policy, settings["policy"]),
        limit=LIMIT,
    )
    with ActionLibrary(Path(":memory:")) as library:
        agent = Agent(skills, habits, library, str(seed))
        needs = [rng.sample(skills, int(settings["depth"])) for _ in range(TASKS)]
        tallies = [await agent.work(needed) for needed in needs]
        return {**_measures(tallies), **_kept(library, skills)}


def _measures(tallies: Sequence[Tally]) -> dict[str, float]:
    def total(name: str) -> float:
        return float(sum(getattr(tally, name) for tally in tallies))

    return {
        "success": total("right") / TASKS,
        "first": float(tallies[0].right),
        "last": sum(tally.right for tally in tallies[-LATE:]) / LATE,
        "turns": total("turns") / TASKS,
        **{name: total(name) for name in ("reused", "reused_wrong", "stored", "recalled")},
    }


def _kept(library: ActionLibrary, skills: Sequence[Skill]) -> dict[str, float]:
    """Return how many versions the library holds by status, and how many of them are wrong."""
    sources = {skill.source() for skill in skills}
    kept = library.actions(all_versions=True)
    counts: dict[str, float] = {}
    for status in ("candidate", "exercised", "verified"):
        wrong = [action.source not in sources for action in kept if action.status == status]
        counts |= {status: float(len(wrong)), f"{status}_wrong": float(sum(wrong))}
    return counts


def tables(results: Results) -> list[Table]:
    """Return what depth, sharing, retrieval and wrong skills make of a library."""
    return [
        _depths(results, RAISES, "wrong functions raise"),
        _depths(results, MIXED, "wrong functions of every kind"),
        _compared(results, "q", POOLS, "Success by how many skills the tasks share"),
        _compared(results, "right", RIGHTS, "Success by how often an attempt is right"),
        _retrieval(results),
        _wrong(results),
        _statuses(results),
    ]


def _values(results: Results, measure: str, **point: Value) -> list[float]:
    return results.values(measure, **{**BASE, **point})


def _depths(results: Results, wrong: str, title: str) -> Table:
    policies = [ON] if wrong == RAISES else [ON, VERIFIED]
    rows = []
    for depth in DEPTHS:
        off, *others = (
            {
                measure: _values(results, measure, depth=depth, wrong=wrong, policy=policy)
                for measure in ("success", "last", "turns")
            }
            for policy in ("off", *policies)
        )
        row: list[Value | Estimate] = [depth, mean(off["success"]), mean(off["turns"])]
        for on in others:
            row += [mean(on["success"]), mean(on["turns"])]
            row += [difference(on[measure], off[measure]) for measure in ("success", "last")]
        rows.append(tuple(row))
    return Table(
        title=f"Success by depth, {title}",
        columns=("depth", "off", "turns off", *(c for p in policies for c in _columns(p))),
        rows=rows,
        note=f"The depth is how many skills each of {TASKS} tasks passes through, of {POOL}.",
    )


def _columns(policy: str) -> tuple[str, ...]:
    name = "on" if policy == ON else policy
    return name, f"turns {name}", f"{name} - off", f"{name} - off, last {LATE} tasks"


def _compared(results: Results, name: str, values: Sequence[Value], title: str) -> Table:
    rows = []
    for value in values:
        off, on = (
            {m: _values(results, m, policy=p, **{name: value}) for m in ("success", "last")}
            for p in ("off", ON)
        )
        gain = difference(on["success"], off["success"])
        late = difference(on["last"], off["last"])
        rows.append((value, mean(off["success"]), mean(on["success"]), gain, late))
    return Table(
        title=title,
        columns=(name, "off", "on", "on - off", f"on - off, last {LATE} tasks"),
        rows=rows,
    )


def _retrieval(results: Results) -> Table:
    off = _values(results, "success", policy="off")
    cases: list[tuple[str, dict[str, Value]]] = [
        (f"recall {recall}", {"recall": recall}) for recall in RECALLS
    ]
    cases.append(("shuffled", {"shuffled": 1}))
    rows = []
    for label, point in cases:
        success, turns = (_values(results, m, **point) for m in ("success", "turns"))
        found, stored = (sum(_values(results, m, **point)) for m in ("recalled", "stored"))
        measured: Value = round(found / stored, 3) if stored else "none"
        rows.append((label, measured, mean(success), difference(success, off), mean(turns)))
    return Table(
        title=f"Success by what retrieval finds, depth {DEPTH}",
        columns=("retrieval", "found of what is there", "success", "on - off", "turns"),
        rows=rows,
        note="Shuffled: what was found for another need is taken for fitting.",
    )


def _wrong(results: Results) -> Table:
    rows: list[tuple[Value | Estimate, ...]] = []
    for kind in KINDS:
        off = _values(results, "success", wrong=kind, policy="off")
        for policy in POLICIES:
            point: dict[str, Value] = {"wrong": kind, "policy": policy}
            success = _values(results, "success", **point)
            gain = difference(success, off)
            reused, wrong = (sum(_values(results, m, **point)) for m in ("reused", "reused_wrong"))
            bad: Value = round(wrong / reused, 3) if reused else "none"
            turns = mean(_values(results, "turns", **point))
            rows.append((kind, policy, mean(success), gain, bad, turns))
    return Table(
        title=f"Success by how wrong functions are wrong, and by what is reused, depth {DEPTH}",
        columns=(
            *("wrong ones", "reused", "success", "difference to off", "reuse that was wrong"),
            "turns",
        ),
        rows=rows,
    )


def _statuses(results: Results) -> Table:
    rows = []
    for kind in KINDS:
        row: list[Value] = [kind]
        for status in ("candidate", "exercised", "verified"):
            held, wrong = (
                mean(_values(results, m, wrong=kind)).value for m in (status, f"{status}_wrong")
            )
            row += [round(held, 2), round(wrong, 2)]
        rows.append(tuple(row))
    return Table(
        title="Versions in the library after the last task, and how many of them are wrong",
        columns=(
            *("wrong ones", "candidate", "of them wrong", "exercised"),
            *("of these wrong", "verified", "of those wrong"),
        ),
        rows=rows,
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw success over depth, over recall, and by kind of wrong function."""
    raising, every, retrieval, kinds = figure.subplots(1, 4, sharey=True)
    for axes, wrong in ((raising, RAISES), (every, MIXED)):
        for policy in ("off", ON) if wrong == RAISES else ("off", ON, VERIFIED):
            _curve(axes, results, "depth", DEPTHS, policy, wrong=wrong, policy=policy)
        axes.set(xlabel="skills that a task passes through", title=f"wrong ones: {wrong}")
    _curve(retrieval, results, "", RECALLS, "off", policy="off")
    _curve(retrieval, results, "recall", RECALLS, ON)
    _curve(retrieval, results, "", RECALLS, "shuffled", shuffled=1)
    retrieval.set(xlabel="recall", title=f"retrieval, depth {DEPTH}")
    _bars(kinds, results)
    for axes in (raising, every, retrieval, kinds):
        axes.legend(loc="upper right")
    raising.set(ylim=(0, 1.4), yticks=(0, 0.2, 0.4, 0.6, 0.8, 1), ylabel="success")


def _curve(
    axes: Axes, results: Results, name: str, x: Sequence[Value], label: str, **point: Value
) -> None:
    """Draw success over the values of a setting, or as a level where none is named."""
    where = [{**point, **({name: value} if name else {})} for value in x]
    plots.line(axes, x, [mean(_values(results, "success", **one)) for one in where], label)


def _bars(axes: Axes, results: Results) -> None:
    """Draw success for each kind of wrong function, a bar for each policy."""
    width = 0.8 / len(POLICIES)
    for number, policy in enumerate(POLICIES):
        found = [mean(_values(results, "success", wrong=kind, policy=policy)) for kind in KINDS]
        heights = [estimate.value for estimate in found]
        spread = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
        places = [kind + number * width for kind in range(len(KINDS))]
        axes.bar(places, heights, width, yerr=spread, align="edge", capsize=2, label=policy)
    axes.set_xticks([kind + 0.4 for kind in range(len(KINDS))], KINDS)
    axes.set(xlabel="how wrong functions are wrong", title=f"depth {DEPTH}")


STUDY = Study(
    name="library",
    question="When does a library of one's own functions help, and when do wrong ones in it hurt?",
    version=1,
    settings=tuple({str(sorted(point.items())): point for point in SETTINGS}.values()),
    run=run,
    tables=tables,
    draw=draw,
)
