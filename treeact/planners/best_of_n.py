"""The planner that tries several next actions side by side and goes on from the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.errors import TreeActError
from treeact.planners.protocols import Environment, Proposer, Scorer, Solution
from treeact.planners.search import Search
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """At each step carry out `n` candidates in forks of the state, and keep the best.

    The best has the highest score; among equals the one with more votes, then the one that was
    proposed first. What the others did is undone.

    Args:
        n: candidates of one step; they come from one call.
        scorer: who scores what came of them; None takes the proposer where it can score, else
            what came of the actions.
        concurrency: candidates that are carried out at once; the result does not depend on it.
    """

    n: int = 4
    scorer: Scorer | None = None
    concurrency: int = 4

    name: ClassVar[str] = "best-of-n"
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
        """Take best steps until an answer or a limit; see `Planner.solve`."""
        tree = tree or ActionTree()
        search = Search(
            env, proposer, budget, tree, scorer=self.scorer, concurrency=self.concurrency
        )
        node = tree.root
        try:
            while node.status != "answered":
                candidates = await search.expand(node, self.n)
                node = await self._keep_best(search, candidates)
        except TreeActError as stop:
            return Solution(path=tree.path(node), stopped=stop)
        return Solution(path=tree.path(node))

    async def _keep_best(self, search: Search, candidates: Sequence[Node]) -> Node:
        if len(candidates) > 1:
            await search.score(candidates)
        best = max(candidates, key=_rank)  # the first of equals
        for node in candidates:
            if node is not best:
                await search.prune(node, f"{best.id} is better")
        await search.settle(best)
        return best


def _rank(node: Node) -> tuple[float, int]:
    return node.worth, node.proposal.votes if node.proposal else 0
