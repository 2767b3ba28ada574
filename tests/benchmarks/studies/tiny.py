"""Studies that are small, slow or broken on purpose, named as `...tiny:DICE`."""

import asyncio
import random

from treeact.benchmarks.statistics import mean
from treeact.benchmarks.studies import plots
from treeact.benchmarks.studies.study import Study, Table, sweep

SIDES = (4, 6, 20)


async def throw(settings, seed):
    return {"eyes": random.Random(f"{seed}/{settings}").randint(1, settings["sides"])}


async def throw_slowly(settings, seed):
    await asyncio.sleep(0.02)
    return await throw(settings, seed)


async def fall(settings, seed):
    if settings["sides"] == 6 and seed == 27:
        raise RuntimeError("it rolled off the table")
    return await throw(settings, seed)


async def vanish(settings, seed):
    return {"eyes": float("nan")}


def tables(results):
    rows = [(sides, mean(results.values("eyes", sides=sides))) for sides in SIDES]
    return [Table(title="Mean of a die", columns=("sides", "eyes"), rows=rows)]


def draw(results, figure):
    points = [mean(results.values("eyes", sides=sides)) for sides in SIDES]
    plots.line(figure.subplots(), SIDES, points, "mean")


def study(name, run):
    return Study(
        name=name,
        question="How many eyes does a die show?",
        version=1,
        settings=tuple(sweep(sides=SIDES)),
        run=run,
        tables=tables,
        draw=draw,
    )


DICE = study("dice", throw)
SLOW = study("slow", throw_slowly)
FALLING = study("falling", fall)
VANISHING = study("vanishing", vanish)
