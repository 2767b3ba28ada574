"""`treeact plan`: a planner on a task of a simulated world, and the tree that it grew."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.agents.registry import make_planner
from treeact.benchmarks.environments.worlds import PlanTask, find_task, plan_tasks
from treeact.benchmarks.oracle import ORACLE, Policy, is_oracle, make_oracle
from treeact.cli.display import make_display
from treeact.cli.lines import Lines
from treeact.cli.run import exit_status, on_interrupt
from treeact.errors import ConfigError, SearchExhausted
from treeact.planners.export import read_trees
from treeact.planners.export.drawing import draw
from treeact.planners.protocols import Planner, Solution
from treeact.trace.budget import Budget
from treeact.trace.runs import new_run_directory

if TYPE_CHECKING:
    from treeact.agents.plans.agent import PlanAgent
    from treeact.agents.run import Result, Run
    from treeact.cli.models import ModelChoice
    from treeact.models.base import Model


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The options of `treeact plan`, as `treeact plan --help` describes them."""

    suite: str
    task: str
    planner: str
    model: ModelChoice
    max_steps: int
    budget_tokens: int | None
    record: Path | None
    display: str
    runs: Path | None


def list_tasks(suite: str, *, as_json: bool) -> None:
    """Print the tasks of a world, a line each."""
    for task in plan_tasks(suite).values():
        row = {"id": task.id, "task": task.question}
        sys.stdout.write(json.dumps(row) + "\n" if as_json else f"{task.id}  {task.question}\n")


def run_plan(options: PlanOptions) -> int:
    """Run a planner on one task, print its tree and how it went, and return the exit status."""
    return asyncio.run(_run_plan(options))


async def _run_plan(options: PlanOptions) -> int:
    from treeact.agents.task import Task

    task = find_task(options.suite, options.task)
    planner = make_planner(options.planner)
    model, policy = _choose_model(options, task, planner)
    try:
        run = _agent(options, task, planner, model, policy).start(
            Task(task.question),
            budget=Budget(tokens=options.budget_tokens),
            trace=new_run_directory(f"plan {options.suite} {task.id}", folder=options.runs),
        )
        with on_interrupt(run.cancel):
            result = await _show(run, options.display)
    finally:
        await model.aclose()
    _print_end(run, result, task, simulated=policy is not None)
    return exit_status(result)


def _choose_model(
    options: PlanOptions, task: PlanTask, planner: Planner
) -> tuple[Model, Policy | None]:
    """Return the model, and the simulated policy that takes its place, if one was asked for."""
    from treeact.models import ScriptedModel

    name = options.model.name
    if is_oracle(name):
        policy = make_oracle(name, task, planner)
        return ScriptedModel([], name=f"simulated, {name}"), policy
    if options.model.is_empty:
        raise ConfigError(
            f"no model: name one with --model, or a simulated policy with --model {ORACLE}"
        )
    return options.model.open(record=options.record), None


def _agent(
    options: PlanOptions,
    task: PlanTask,
    planner: Planner,
    model: Model,
    policy: Policy | None,
) -> PlanAgent:
    from treeact.agents.plans.agent import PlanAgent

    return PlanAgent(
        model,
        world=task.world,
        planner=planner,
        policy=policy,
        max_steps=options.max_steps,
    )


async def _show(run: Run, name: str) -> Result:
    display = make_display(name, run.log.blobs)
    async for event in run.events():
        display.show(event)
    return await run.result()


def _print_end(run: Run, result: Result, task: PlanTask, *, simulated: bool) -> None:
    """Print the tree that was grown, and what the path is worth."""
    trees = read_trees(list(run.log.events()), run.log.blobs)
    console = Lines()
    for line in draw(trees):
        console.line(line.text, style=line.style)
    stopped = None if result.reason == "answered" else SearchExhausted(result.message)
    solution = Solution(path=result.path, stopped=stopped)
    measures = task.measure(solution, trees[-1])
    if simulated:
        console.line("of a simulated policy: not a model's score", style="yellow")
    console.line(", ".join(f"{name} {value:g}" for name, value in measures.items()), style="bold")
    console.line(f"trace: {result.directory}")
