"""Searches of a person who read the prompts and answered by hand, replayed over the real stack.

Each was recorded with `treeact run` or `treeact plan`, `--model human --record`. A change of what
the prompts of searches say shows here as a departure: then let somebody read and record them anew.
"""

import json
from pathlib import Path

import pytest

from tests.agents.support import of_type
from treeact import CodeAct, Result, Run
from treeact.agents.agent import Agent
from treeact.agents.plans.agent import PlanAgent
from treeact.agents.task import Task
from treeact.benchmarks.environments.worlds import find_task
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.models import ReplayModel
from treeact.planners import MCTS, BestOfN, Greedy, ToolChain, TreePlanner
from treeact.planners.export import read_trees
from treeact.planners.protocols import Planner, Solution
from treeact.trace.events import ModelCalled, Noticed

FOLDER = Path(__file__).parents[1] / "data" / "recordings" / "search"
SUITE = load_suite("mini")


async def replay(agent: Agent, task: Task) -> tuple[Run, Result]:
    run = agent.start(task)
    result = await run.result()
    events = list(run.log.events())
    assert of_type(events, Noticed) == []
    assert {event.author for event in of_type(events, ModelCalled)} == {"hand"}
    return run, result


def asked(name: str) -> str:
    """Return all that the prompts of a recording say."""
    rows = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()[1:]]
    texts = [message["content"] for row in rows for message in row["added"]]
    assert all(texts), "some servers refuse empty messages"
    return "\n".join(texts)


@pytest.mark.jail
@pytest.mark.parametrize(
    ("name", "id", "planner", "said"),
    [
        ("huts-best-of-n", "mini-3-huts", BestOfN(n=2), "failed at `print(best["),
        ("parcels-toolchain", "mini-3-parcels", ToolChain(k=2), "failed at `weight = float("),
        ("loans-mcts", "mini-2-loans", MCTS(n=2, depth=6, iterations=4), "got 8 of 10 points"),
    ],
)
async def test_a_search_over_code(name: str, id: str, planner: Planner, said: str) -> None:
    [sample] = [sample for sample in SUITE.samples if sample.task.id == id]
    model = ReplayModel(FOLDER / f"{name}.jsonl")
    agent = CodeAct(model, sandbox="jail", planner=planner)
    _, result = await replay(agent, Task(sample.task.question, sample.task.files))
    assert gaia_score(result.answer, sample.truth)
    assert said in asked(name)


@pytest.mark.parametrize(
    ("name", "suite", "id", "planner", "said"),
    [
        ("salmon-tree-planner", "household", "flat-salmon", TreePlanner(N=3), "tried and undone"),
        ("trips-toolchain", "apis", "trips-01", ToolChain(k=2), "the whole plan"),
        ("office-greedy", "apis", "office-01", Greedy(), "next call alone"),
    ],
)
async def test_a_search_in_a_world(
    name: str, suite: str, id: str, planner: Planner, said: str
) -> None:
    task = find_task(suite, id)
    model = ReplayModel(FOLDER / f"{name}.jsonl")
    agent = PlanAgent(model, world=task.world, planner=planner, max_steps=100)
    run, result = await replay(agent, Task(task.question))
    [tree] = read_trees(list(run.log.events()), run.log.blobs)
    assert task.measure(Solution(path=result.path), tree)["success"]
    assert said in asked(name)
