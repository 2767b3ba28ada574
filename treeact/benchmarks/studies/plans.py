"""Tasks with a plan in the language of CodeAgents, made up from a seed, and the tools they need."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from treeact.errors import ToolError
from treeact.planners.codified.parser import parse_plan
from treeact.planners.codified.render import render_plan
from treeact.tools import Tool
from treeact.tools.function import make_tool

PLACES = ("Oslo", "Bergen", "Rome", "Lyon", "Porto", "Turku", "Vienna", "Gdansk", "Malmo", "Ghent")
TOPICS = (
    ("rainfall", "rain", "millimetres"),
    ("loads", "load of the grid", "megawatts"),
    ("prices", "price of timber", "euros"),
    ("speeds", "wind", "metres per second"),
    ("arrivals", "arrivals of trains", "passengers"),
)
SUMMARIES = (
    ("sum(values)", "in total"),
    ("max(values)", "at most"),
    ("sum(values) / len(values)", "on average"),
    ("max(values) - min(values)", "as its range"),
)


@dataclass(frozen=True)
class PlannedTask:
    """A question, the plan that answers it, and the tools that the plan calls."""

    question: str
    thought: str
    """What a planner says before the plan."""
    plan: str
    tools: Sequence[Tool]


def make_task(seed: int, *, places: int, values: int, failing: bool) -> PlannedTask:
    """Return the task of a seed.

    Args:
        seed: where the topic, the shape of the plan and the data come from.
        places: how many places data is fetched of.
        values: numbers in each observation.
        failing: whether one call fails the first time that it is made.
    """
    rng = random.Random(seed)
    name, topic, unit = rng.choice(TOPICS)
    summary, words = rng.choice(SUMMARIES)
    chosen = rng.sample(PLACES, places)
    converts, reviews, looks_up = (rng.random() < 0.5 for _ in range(3))
    least = rng.choice((10, 50, 100, 500))
    who = "keeper" if looks_up else "place"
    question = (
        f"Of {', '.join(chosen)}, which {who} has the highest {topic} {words}? Answer 'none' if "
        f"that is not above {least} {unit}."
    )
    source = "scaled" if converts else name
    lines = [
        f'task("the {who} with the highest {topic} {words}, above {least}", answer=str)',
        f"places: list[str] = {chosen!r}",
        f"{name}: list[list[float]] = [get_{name}(place) for place in places]",
        f'assert min([len(values) for values in {name}]) > 0, "a place has no values"',
        *([f"scaled: list[list[float]] = [scale(v, 1.5) for v in {name}]"] * converts),
        f"results: list[float] = [{summary} for values in {source}]",
        *([*_review(topic, source)] if reviews else []),
        *(["keepers: list[str] = [get_keeper(place) for place in places]"] * looks_up),
        'best: str = ""',
        f"top: float = {least}",
        f"for {who}, result in zip({who}s, results):",
        "    if result > top:",
        "        top = result",
        f"        best = {who}",
        'if best == "":',
        '    answer("none")',
        "else:",
        "    answer(best)",
    ]
    plan, findings = parse_plan("\n".join(lines))
    assert not findings, findings
    called = [f"get_{name}", *["scale"] * converts, *["get_keeper"] * looks_up]
    fails = {rng.choice(called)} if failing else set()
    return PlannedTask(
        question=question,
        thought=f"The {topic} of each place has to be fetched, and the highest found.",
        plan=render_plan(plan),
        tools=_tools(seed, name, topic, unit, values, fails),
    )


def _review(topic: str, source: str) -> Sequence[str]:
    return (
        f'fine: bool = reviewer("These are values of the {topic}", facts={source})',
        'assert fine, "the reviewer doubts the values"',
    )


def _tools(
    seed: int, name: str, topic: str, unit: str, values: int, fails: set[str]
) -> Sequence[Tool]:
    """Return the tools of a task; those of one run, as a call fails once only."""

    def fail_once(tool: str) -> None:
        if tool in fails:
            fails.discard(tool)
            raise ToolError("the service is busy, try again")

    def get(place: str) -> list[float]:
        fail_once(f"get_{name}")
        rng = random.Random(f"{seed}/{name}/{place}")
        return [round(rng.lognormvariate(2, 1), 2) for _ in range(values)]

    def scale(values: list[float], factor: float) -> list[float]:
        """Return values times a factor, rounded to two decimals.

        Args:
            values: what to scale.
            factor: by how much.
        """
        fail_once("scale")
        return [round(value * factor, 2) for value in values]

    def get_keeper(place: str) -> str:
        """Return the name of the person who keeps the records of a place.

        Args:
            place: name of the place.
        """
        fail_once("get_keeper")
        return f"keeper of {place}"

    get.__doc__ = (
        f"Return the {topic} of a place, hour by hour, in {unit}.\n\nArgs:\n    place: name."
    )
    named: dict[str, Callable[..., object]] = {f"get_{name}": get}
    named |= {"scale": scale, "get_keeper": get_keeper}
    return [make_tool(function, effects="read", name=key) for key, function in named.items()]
