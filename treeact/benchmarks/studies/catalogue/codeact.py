"""Code against one JSON call per turn: m calls for each of n items."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from treeact.benchmarks.simulation import Lengths, Oracle, Rates
from treeact.benchmarks.statistics import difference, mean, ratio, share
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.study import Measures, Results, Settings, Study, Table, sweep
from treeact.benchmarks.studies.worlds import AbstractEnvironment
from treeact.planners.greedy import Greedy
from treeact.planners.protocols import Action, Answer, Call, Code, Observation
from treeact.trace.budget import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VISIBLE_WRONG, SILENT_WRONG = 4, 1
"""Of five wrong turns four fail with an error, and one is taken and spoils the result."""

JSON, CODE, CODE_SITES = "json", "code", "code, error per call site"
ERRORS = (0.05, 0.2)
CALLS = (1, 2, 3)
ITEMS = (1, 2, 4, 8)
LIMITS = (10, 100)
PROMPT, STEP, CALL, LOOP = 800, 60, 30, 40
"""Tokens: the prompt, a turn of the history, a written call or answer, the loop around calls."""

Place = tuple[int, bool]
"""Calls that are done, and whether one of them was silently wrong."""


class Collection:
    """A task that takes `calls` calls for each of `items` items, and then the answer.

    Args:
        calls: calls of each item, m.
        items: how many there are, n.
        code: whether one action can be code that does them all; else each is one call.
    """

    def __init__(self, *, calls: int, items: int, code: bool) -> None:
        self._total = calls * items
        self._code = code

    def start(self) -> Place:
        """Return the state before the first call."""
        return 0, False

    def after(self, state: Place, action: Action) -> Place:
        """Return the state after a turn; what fails changes nothing."""
        done, spoilt = state
        if isinstance(action, Answer) or not self.observe(state, action).ok:
            return state
        return self._total if self._code else done + 1, spoilt or _mark(action) == "silent"

    def right(self, state: Place) -> Sequence[Action]:
        """Return the next call, the code, or the answer that was computed."""
        done, spoilt = state
        if done == self._total:
            return [Answer("wrong" if spoilt else "right")]
        return [self._turn(done, "right")]

    def wrong(self, state: Place) -> Sequence[Action]:
        """Return turns that fail, and turns that silently do something else."""
        done, _ = state
        visible = [self._turn(done, f"error {number}") for number in range(VISIBLE_WRONG)]
        if done == self._total:
            return [*visible, *[Answer("wrong")] * SILENT_WRONG]
        return [*visible, *[self._turn(done, "silent")] * SILENT_WRONG]

    def left(self, state: Place) -> int:
        """Return the turns that are left."""
        return (not self._code or state[0] == 0) * (self._total - state[0]) + 1

    def value(self, state: Place) -> float:
        """Return whether all that was done is right."""
        return float(not state[1])

    def observe(self, state: Place, action: Action) -> Observation:
        """Return what a turn brings about."""
        if isinstance(action, Answer):
            return Observation(text="Done.", answer=action.text)
        return Observation(text="A result.", ok=_mark(action) in ("right", "silent"))

    def _turn(self, done: int, mark: str) -> Action:
        if self._code:
            return Code(f"# {mark}\nprint(min(chain(item) for item in items))")
        return Call("tool", {"place": done, "mark": mark})


def _mark(action: Action) -> str:
    if isinstance(action, Call):
        return str(action.arguments["mark"])
    return action.text.splitlines()[0].removeprefix("# ")


async def run(settings: Settings, seed: int) -> Measures:
    """Let one agent do one task: the plain loop, with its turns as the steps of the budget."""
    mode, calls, error = settings["mode"], int(settings["m"]), float(settings["e"])
    code = mode != JSON
    world = Collection(calls=calls, items=int(settings["n"]), code=code)

    def rate(state: Place) -> float:
        sites = calls if mode == CODE_SITES and world.right(state)[0].kind == "code" else 1
        return float((1 - error) ** sites)

    oracle = Oracle(
        world,
        rates=Rates(act=rate),
        lengths=Lengths(propose=PROMPT, step=STEP, action=partial(_length, calls=calls)),
        seed=f"{seed}/{settings}",
    )
    budget = Budget(steps=int(settings["limit"]))
    solution = await Greedy().solve(AbstractEnvironment(world), oracle, budget)
    total = oracle.ledger.total
    return {
        "success": float(solution.answer == "right"),
        "turns": float(total.calls),
        "tokens": float(total.usage.total_tokens),
    }


def _length(action: Action, *, calls: int) -> int:
    return LOOP + CALL * calls if action.kind == "code" else CALL


def tables(results: Results) -> list[Table]:
    """Return a table for each turn limit."""
    return [_table(results, limit) for limit in LIMITS]


def _table(results: Results, limit: int) -> Table:
    rows = []
    for point in sweep(e=ERRORS, m=CALLS, n=ITEMS):
        success, turns, tokens = (
            {
                mode: results.values(measure, mode=mode, limit=limit, **point)
                for mode in (JSON, CODE, CODE_SITES)
            }
            for measure in ("success", "turns", "tokens")
        )
        rows.append(
            (
                *point.values(),
                *(share(success[mode]) for mode in (JSON, CODE, CODE_SITES)),
                difference(success[CODE_SITES], success[JSON]),
                mean(turns[JSON]),
                mean(turns[CODE_SITES]),
                ratio(tokens[CODE_SITES], tokens[JSON]),
            )
        )
    return Table(
        title=f"Success within {limit} turns",
        columns=(
            *("e", "m", "n", "JSON", "code, e per turn", "code, e per call site"),
            *("code - JSON", "turns JSON", "turns code", "tokens code / JSON"),
        ),
        rows=rows,
        note="The last four columns compare with the code whose error rate grows with its calls.",
    )


def draw(results: Results, figure: Figure) -> None:
    """Draw success over the number of items, for each number of calls."""
    panels = figure.subplots(1, len(CALLS), sharey=True)
    error, limit = ERRORS[-1], LIMITS[0]
    for axes, calls in zip(panels, CALLS, strict=True):
        for mode in (JSON, CODE, CODE_SITES):
            points = [
                share(results.values("success", mode=mode, e=error, m=calls, n=n, limit=limit))
                for n in ITEMS
            ]
            plots.line(axes, ITEMS, points, mode)
        axes.set(title=f"m = {calls} calls an item", xlabel="n items", ylim=(0, 1))
    panels[0].set_ylabel(f"success within {limit} turns, e = {error}")
    panels[0].legend(loc="lower left")


STUDY = Study(
    name="codeact",
    question="Does code need fewer turns than one JSON call per turn, and does it succeed more?",
    version=1,
    settings=tuple(sweep(limit=LIMITS, e=ERRORS, m=CALLS, n=ITEMS, mode=(JSON, CODE, CODE_SITES))),
    run=run,
    tables=tables,
    draw=draw,
)
