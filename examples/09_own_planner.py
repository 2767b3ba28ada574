"""A planner of your own, in thirty lines: several whole attempts, and the answer that most give.

This is self-consistency (Wang et al. 2023, arXiv 2203.11171) over agents: each attempt goes on in a
fork of its own.

python examples/09_own_planner.py [--model openai/gpt-5-mini]
"""

from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from treeact import CodeAct, ScriptedModel
from treeact.errors import TreeActError
from treeact.models import Request
from treeact.planners import ActionTree, Environment, Proposer
from treeact.planners.protocols import Solution
from treeact.planners.search import Search
from treeact.planners.tree import Node
from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class Majority:
    """Follow `n` first steps to their ends, and keep the answer that most of them reach."""

    n: int = 3
    name: ClassVar[str] = "majority"
    forks: ClassVar[bool] = True
    imagines: ClassVar[bool] = False

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        tree = tree or ActionTree()
        search = Search(env, proposer, budget, tree, concurrency=self.n)
        answers: list[Node] = []
        stopped: TreeActError | None = None
        try:
            ends = await search.expand(tree.root, self.n)
            while ends:
                answers += [node for node in ends if node.status == "answered"]
                going = [node for node in ends if node.status != "answered"]
                ends = [child for node in going for child in await search.expand(node, 1)]
        except TreeActError as limit:
            stopped = limit
        if not answers:
            return await search.finish(tree.best, stopped)
        votes = Counter(told(node) for node in answers)
        return await search.finish(max(answers, key=lambda node: votes[told(node)]))


def told(node: Node) -> str | None:
    return node.observation.answer if node.observation else None


def reply(request: Request) -> list[str]:
    """Three ways to count the letters, one of which forgets the capital."""
    if request.path == "run/root/propose":
        ways = ["word.count('r')", "word.lower().count('r')", "sum(c in 'rR' for c in word)"]
        code = [f"```python\nword = 'Raspberry'\nprint({way})\n```" for way in ways]
        return code[: request.n]
    seen = request.messages[-1].content
    return [f"<answer>{3 if '3' in seen else 2}</answer>"]


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(reply), help="by default a script")
agent = CodeAct(arguments.parse_args().model, planner=Majority(n=3))
result = agent.run_sync("How many r are in Raspberry, capitals included?")
print(f"answer: {result.answer}, after {result.steps} expansions")
