"""ToolChain*: best-first search over tool calls, led by plans that worked before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from treeact.errors import ConfigError, PlanMemoryError, SearchExhausted, TreeActError
from treeact.planners.costs import Costs, calls_to
from treeact.planners.planned import PlannedSearch
from treeact.planners.protocols import (
    Action,
    Environment,
    Observation,
    Proposal,
    Proposer,
    Solution,
)
from treeact.planners.search import Search
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.planners.memory import PlanMemory
    from treeact.trace.budget import Budget

SameAction = Callable[[Action, Action], bool]
"""Whether two actions that are written differently mean the same."""


@dataclass(frozen=True, kw_only=True)
class ToolChain:
    """A* over action sequences (ToolChain*, Zhuang et al. 2024, arXiv 2310.13227, section 3).

    Each round takes the node of least f = g + h off the frontier, draws `k` samples of its next
    action in one call, and adds the distinct ones as its children:

    - g adds up over the path. A step costs (1 - g1)^alpha (1 - g2)^(1 - alpha), where g1 is the
      best `lcs_score` of the calls so far with a plan of the memory, and g2 the share of the
      samples that propose it.
    - h is (1 - h1)^beta (1 - h2)^(1 - beta), where h1 is the mean position of the node's last call
      in the plans of the memory (see `PlanScores.position`), and h2 the node's depth over that of
      the imagined end.
    - Scores are averages and clamped (`costs.EPS`), which the printed formulas leave open.

    Among equal f the deeper node goes first, then the one that was added earlier. A node is
    expanded once at most. The imagined plan of a child is the rest of its proposal,
    `proposal.actions[1:]`, so that it takes no further call; where a proposal carries none, h2 is
    unknown and counts as 0, as all scores of an empty memory do. An `Answer` completes a path, and
    its h is 0: nothing is left.

    The search ends when the cheapest node of the frontier is complete, after `T` expansions, or at
    a limit. The result is the cheapest complete path; without one it is the deepest, among those
    the cheapest, with what stopped the search. The costs are not admissible: the first answer need
    not be the cheapest that there is.

    A search sees the memory as it was when it began; to resume one exactly, give it the same plans.

    Args:
        alpha: weight of the memory in g, from 0 to 1. The paper's value is unconfirmed; 0.5 is
            ours.
        beta: weight of the memory in h, from 0 to 1. Likewise.
        k: samples of one expansion. The paper's value is unconfirmed; 10 is ours.
        T: expansions at most. The paper's value is unconfirmed; 20 is ours.
        memory: the plans that paths are scored against, or the file that holds them; an empty name
            is no file: there are no plans, and none are learnt.
        learn: whether the calls of a path that ends with an answer are added to the memory.
        execute: True carries each candidate out in a fork of its parent's state and prunes what
            fails; a failed candidate is gone on from only where nothing else is left. False is the
            paper's form: actions are planned without a look at what they do, and the chosen plan is
            carried out at the end, up to its first failure. An environment that cannot fork will
            do then. A plan without an answer is not carried out.
        h_scaled: ours, since h is at most 1 while g grows with the depth: estimate what is left as
            the steps left, imagined or by position, times the mean cost of a step so far.
        same: says which actions with different keys mean the same, so that their votes are joined,
            as the paper does for free text by entailment; None trusts `Action.key`.
        concurrency: candidates that are carried out at once; the result does not depend on it.

    Raises:
        ConfigError: a weight is not from 0 to 1, or a count is not positive.
    """

    alpha: float = 0.5
    beta: float = 0.5
    k: int = 10
    T: int = 20
    memory: PlanMemory | str | Path = ""
    learn: bool = True
    execute: bool = True
    h_scaled: bool = False
    same: SameAction | None = None
    concurrency: int = 4

    name: ClassVar[str] = "toolchain"
    imagines: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for weight in ("alpha", "beta"):
            if not 0 <= getattr(self, weight) <= 1:
                raise ConfigError(f"{weight} is {getattr(self, weight)}: give a weight from 0 to 1")
        for count in ("k", "T", "concurrency"):
            if getattr(self, count) < 1:
                raise ConfigError(f"{count} is {getattr(self, count)}: give 1 or more")

    @property
    def forks(self) -> bool:
        """Whether candidates are carried out while the search goes on."""
        return self.execute

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        """Search for the cheapest path to an answer; see `Planner.solve`.

        Raises:
            PlanMemoryError: the memory cannot be read.
        """
        tree = tree or ActionTree()
        search = self._search(env, proposer, budget, tree)
        memory = await self._open_memory()
        costs = await self._costs(memory)
        frontier = Frontier([tree.root])
        stopped: TreeActError | None = None
        try:
            for _ in range(self.T):
                if not frontier or is_complete(frontier.cheapest):
                    break
                await self._expand(search, costs, frontier)
        except TreeActError as error:
            stopped = error
        best = frontier.best(tree.root)
        if not is_complete(best):
            stopped = stopped or self._exhausted(frontier)
        elif not self.execute:
            stopped = None  # the plan is complete, and is still to be carried out
        solution = await search.finish(best, stopped)
        if memory is None or not self.learn or solution.answer is None:
            return solution
        return await _remember(memory, solution, best)

    def _search(
        self, env: Environment, proposer: Proposer, budget: Budget, tree: ActionTree
    ) -> Search | PlannedSearch:
        if self.execute:
            return Search(env, proposer, budget, tree, concurrency=self.concurrency)
        return PlannedSearch(env, proposer, budget, tree)

    async def _open_memory(self) -> PlanMemory | None:
        if not isinstance(self.memory, str | Path):
            return self.memory
        if self.memory == "":
            return None
        from treeact.planners.memory import PlanMemory

        return await asyncio.to_thread(PlanMemory, self.memory)

    async def _costs(self, memory: PlanMemory | None) -> Costs:
        scores = None if memory is None else await asyncio.to_thread(memory.scores)
        return Costs(alpha=self.alpha, beta=self.beta, scaled=self.h_scaled, scores=scores)

    async def _expand(
        self, search: Search | PlannedSearch, costs: Costs, frontier: Frontier
    ) -> None:
        node = frontier.cheapest
        proposals = distinct(await search.propose(node, self.k), self.same)
        frontier.pop()
        before, samples = calls_to(node), sum(proposal.votes for proposal in proposals)

        def cost(proposal: Proposal, observation: Observation | None) -> tuple[float, float]:
            action = proposal.actions[0]
            calls = before + action.calls
            g = costs.g(node, calls, proposal.votes / samples)
            if action.kind == "answer" or (observation and observation.done):
                return g, 0.0
            return g, costs.h(g, node.depth + 1, calls, proposal)

        children = await search.carry_out(node, proposals, keep_failed=not frontier, cost=cost)
        for child in children:
            frontier.add(child)
            search.tree.best = min(search.tree.best, child, key=_standing)

    def _exhausted(self, frontier: Frontier) -> SearchExhausted:
        if frontier:
            return SearchExhausted(
                f"no answer was found in {self.T} expansions: raise T, or give a memory with plans "
                "for such tasks"
            )
        return SearchExhausted(
            "nothing is left to try: every action that was proposed failed; raise k, or give "
            "a proposer that varies its proposals more"
        )


class Frontier:
    """The nodes that may be expanded, the cheapest at hand; complete ones among them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._heap: list[tuple[float, int, int, Node]] = []
        self._added = 0
        for node in nodes:
            self.add(node)

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def cheapest(self) -> Node:
        """The node of least f; among equals the deepest, then the one added first."""
        return self._heap[0][-1]

    def add(self, node: Node) -> None:
        """Add a node whose costs are known."""
        self._added += 1
        heappush(self._heap, (node.f, -node.depth, self._added, node))

    def pop(self) -> Node:
        """Take the cheapest node off."""
        return heappop(self._heap)[-1]

    def best(self, default: Node) -> Node:
        """Return the cheapest complete node, or else the deepest, among those the cheapest."""
        if not self._heap:
            return default
        return min(self._heap, key=lambda entry: (*_standing(entry[-1]), entry[2]))[-1]


def is_complete(node: Node) -> bool:
    """Return whether a path ends with an answer, be it given or planned."""
    if node.status == "planned":
        return node.action is not None and node.action.kind == "answer"
    return node.status == "answered"


def distinct(proposals: Sequence[Proposal], same: SameAction | None = None) -> list[Proposal]:
    """Return the proposals whose first actions differ; equal ones are one, with all their votes."""
    kept: list[Proposal] = []
    places: dict[str, int] = {}
    for proposal in proposals:
        action = proposal.actions[0]
        place = places.get(action.key)
        if place is None and same is not None:
            alike = (i for i, other in enumerate(kept) if same(other.actions[0], action))
            place = next(alike, None)
        if place is None:
            place = len(kept)
            kept.append(proposal)
        else:
            votes = kept[place].votes + proposal.votes
            kept[place] = replace(kept[place], votes=votes)
        places[action.key] = place
    return kept


def _standing(node: Node) -> tuple[bool, float, float]:
    if is_complete(node):
        return False, node.f, -float(node.depth)
    return True, -float(node.depth), node.f


async def _remember(memory: PlanMemory, solution: Solution, node: Node) -> Solution:
    """Remember the calls of a success, without those that failed on the way."""
    calls = [
        call
        for step in node.lineage
        if step.action and step.observation and step.observation.ok
        for call in step.action.calls
    ]
    try:
        await asyncio.to_thread(memory.add, calls)
    except PlanMemoryError as error:  # the answer is worth more than the memory of it
        return replace(solution, stopped=error)
    return solution
