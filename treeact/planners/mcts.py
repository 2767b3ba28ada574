"""Language agent tree search: MCTS over actions that are really carried out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.errors import SearchExhausted, TreeActError
from treeact.planners.protocols import Environment, Proposer, Scorer, Solution
from treeact.planners.search import Search
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class MCTS:
    """Monte Carlo tree search over executed actions (LATS, Zhou et al. 2024, arXiv 2310.04406).

    An iteration selects a leaf by UCT, expands it with `n` samples, scores the children, rolls out
    from the best of them, and backs the outcome up (section 4). What differs from the paper's code:
    each expansion starts from the live state of its node instead of a shared environment; the nodes
    of a rollout stay in the tree; subtrees with nothing left to try are never selected again; what
    the scorer has against a wrong answer serves as the reflection, without another call.

    Args:
        n: samples of one expansion. 5 in the paper.
        w: exploration weight of UCT. 1 in the paper.
        iterations: most rollouts. 30 in the paper's code; 50 by default of its command line.
        depth: most actions of a path. 7 in the paper's code.
        rollout: most expansions of one rollout after the first. 4 in the paper's code.
        threshold: an answer with at least this score ends the search at once. Ours: a model rarely
            scores 1.
        reflections: criticisms of wrong answers that proposals are told, the newest. 3 in the
            paper's code.
        scorer: who scores nodes; None takes the proposer where it can score, else what came of the
            actions.
        concurrency: candidates that are carried out at once; the tree does not depend on it.
    """

    n: int = 5
    w: float = 1.0
    iterations: int = 30
    depth: int = 7
    rollout: int = 4
    threshold: float = 0.9
    reflections: int = 3
    scorer: Scorer | None = None
    concurrency: int = 5

    name: ClassVar[str] = "mcts"
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
        """Search until a good answer, a limit, or nothing is left; see `Planner.solve`."""
        tree = tree or ActionTree()
        search = Search(
            env,
            proposer,
            budget,
            tree,
            scorer=self.scorer,
            concurrency=self.concurrency,
            lessons=self.reflections,
        )
        return await _Run(self, search).to_the_end()


class _Run:
    """One search in progress."""

    def __init__(self, settings: MCTS, search: Search) -> None:
        self._settings = settings
        self._search = search
        self._tree = search.tree
        self._closed: set[Node] = set()

    async def to_the_end(self) -> Solution:
        stopped: TreeActError | None = None
        try:
            await self._iterate()
        except TreeActError as stop:
            stopped = stop
        best = max(self._search.held(), key=_merit)
        if best.status != "answered" and stopped is None:
            stopped = SearchExhausted(
                f"no answer after {self._tree.expansions} expansions: allow more iterations or "
                "depth, or ask a simpler question"
            )
        return await self._search.finish(best, stopped)

    async def _iterate(self) -> None:
        for _ in range(self._settings.iterations):
            if self._tree.root in self._closed or self._is_good_enough():
                return
            end = await self._roll_out(self._select(self._tree.root))
            self._tree.back_up(end, end.worth)

    def _is_good_enough(self) -> bool:
        best = self._tree.best
        return best.status == "answered" and best.worth >= self._settings.threshold

    def _select(self, node: Node) -> Node:
        """Descend to a node that was not expanded, by UCT (section 4, selection)."""
        while node.children:
            node = max(self._open(node), key=self._uct)
        return node

    def _open(self, node: Node) -> list[Node]:
        return [child for child in node.children if child not in self._closed]

    def _uct(self, node: Node) -> float:
        """Return V + w sqrt(ln N(parent) / N); a node without visits has its score as V."""
        parent = node.parent
        visits = max(1, node.visits)
        value = node.value if node.visits else node.worth
        above = max(1, parent.visits) if parent else 1
        return value + self._settings.w * math.sqrt(math.log(above) / visits)

    async def _roll_out(self, node: Node) -> Node:
        """Expand `node` and then the best child again and again; return where that ends."""
        for _ in range(self._settings.rollout + 1):
            children = await self._expand(node)
            node = max(children, key=lambda child: child.worth)  # the first of equals
            if node in self._closed:
                break
        return node

    async def _expand(self, node: Node) -> list[Node]:
        children = await self._search.expand(node, self._settings.n)
        await self._search.score(children)
        self._closed.update(child for child in node.children if self._is_end(child))
        for child in children:
            if _merit(child) > _merit(self._tree.best):
                self._tree.best = child
            if child.status == "answered" and child.worth < self._settings.threshold:
                self._search.learn_from(child)
        self._close_if_done(node)
        return children

    def _is_end(self, node: Node) -> bool:
        return node.status in ("pruned", "answered") or node.depth >= self._settings.depth

    def _close_if_done(self, node: Node) -> None:
        """Take a node out of the selection that has nothing left to try, and so those above it."""
        if not self._open(node):
            self._closed.add(node)
            if node.parent:
                self._close_if_done(node.parent)


def _merit(node: Node) -> tuple[bool, float, int]:
    return node.status == "answered", node.worth, node.depth
