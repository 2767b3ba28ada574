"""ToolChain* and Tree-Planner in a simulated home, each step a typed call that may fail.

Without a model a simulated policy proposes, which is right nine times of ten: what comes of it is a
property of the planners, and no model's score.

python examples/07_plan_in_a_world.py [--model openai/gpt-5-mini]
"""

import asyncio
from argparse import ArgumentParser

from treeact import ScriptedModel
from treeact.agents.plans.agent import PlanAgent
from treeact.benchmarks.environments.worlds import find_task
from treeact.benchmarks.oracle import make_oracle
from treeact.planners import Greedy, Planner, ToolChain, TreePlanner
from treeact.planners.export import read_trees
from treeact.planners.protocols import Solution

PLANNERS: list[Planner] = [Greedy(), ToolChain(k=5), TreePlanner(N=10)]


async def main(model: str | None) -> None:
    task = find_task("household", "flat-milk-glass")
    print(task.question)
    for planner in PLANNERS:
        policy = None if model else make_oracle("oracle:act=0.9,choose=0.9,seed=4", task, planner)
        agent = PlanAgent(
            model or ScriptedModel([], name="simulated"),
            world=task.world,
            planner=planner,
            policy=policy,
            max_steps=60,
        )
        run = agent.start(task.question)
        result = await run.result()
        tree = read_trees(list(run.log.events()), run.log.blobs)[-1]
        measured = task.measure(Solution(path=result.path), tree)
        calls = result.ledger.total.calls
        print(
            f"{planner.name:<13} {result.reason:<18} success {measured['success']!s:<6}"
            f"{len(result.path)} actions, {calls} calls of the policy"
        )


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", help="by default a simulated policy")
asyncio.run(main(arguments.parse_args().model))
