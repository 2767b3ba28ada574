"""The suites whose tasks are done in a simulated world."""

from __future__ import annotations

from pathlib import Path

from treeact.agents.plans.agent import World
from treeact.agents.task import Task
from treeact.benchmarks.environments.worlds import PlanTask, plan_tasks
from treeact.benchmarks.scorers.worlds import WorldScorer
from treeact.benchmarks.suite import Sample, Suite, check_split
from treeact.errors import ConfigError


def world_suite(name: str, data: Path | None, split: str | None) -> Suite:
    """Return the tasks of a world as a suite.

    Args:
        name: one of `environments.worlds.SUITES`.
        data: nothing; the tasks come with the package.
        split: nothing; there is none to choose.

    Raises:
        ConfigError: data or a split is named, or a packaged file is damaged.
    """
    check_split(name, split, ())
    if data is not None:
        raise ConfigError(f"{name} comes with its tasks and reads no data: leave {data} out.")
    samples = tuple(_sample(task) for task in plan_tasks(name).values())
    return Suite(name, samples, WorldScorer(name), world=_world)


def _sample(task: PlanTask) -> Sample:
    place = task.id.partition("-")[0]  # the home, or the domain
    return Sample(Task(task.question, id=task.id), task, tags=(place,))


def _world(sample: Sample) -> World:
    task: PlanTask = sample.truth
    return task.world
