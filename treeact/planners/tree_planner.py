"""The planner that samples whole plans once, and decides among them by what it sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.errors import ConfigError, SearchExhausted, TreeActError
from treeact.planners.plan_tree import (
    Keys,
    grow,
    keys,
    options,
    prune_failed,
    prune_invalid,
    read_plans,
)
from treeact.planners.protocols import Decider, Environment, Observation, Proposer, Solution
from treeact.planners.search import MAX_NOTES, Search
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class TreePlanner:
    """Tree-Planner: plan sampling, action tree, grounded deciding (Hu et al. 2024, section 3).

    One call samples `N` plans, which are merged into a tree by their shared prefixes. From the root
    on, actions are carried out; where plans part, the decider chooses by what it sees, and where
    there is one way only nobody is asked. When an action fails, its branch is pruned, the state
    before the last open choice is taken up again, and another branch is tried from there.

    Beyond the paper: an action that fails in every state is pruned everywhere, what failed on other
    branches stays in the notes, and when no plan is left new ones are sampled with those notes.
    Whether the goal is reached is never looked at: a plan ends the search with its answer.

    Args:
        N: plans sampled by one call; the paper has 25 and 50.
        max_corrections: failures after which another branch is tried; 0 ends at the first failure.
        resamples: times that new plans are sampled when none is left; the paper has 0.
        decider: who chooses where plans part; None takes the proposer where it can decide, else
            what most plans do.
        vote_only: take what most plans do, without any call (Vote-Tree-Planner, arXiv 2502.09749).

    Raises:
        ConfigError: a number is too small.
    """

    N: int = 25
    max_corrections: int = 10
    resamples: int = 1
    decider: Decider | None = None
    vote_only: bool = False

    name: ClassVar[str] = "tree-planner"
    forks: ClassVar[bool] = True
    imagines: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for setting, least in (("N", 1), ("max_corrections", 0), ("resamples", 0)):
            if (value := getattr(self, setting)) < least:
                raise ConfigError(f"{setting} is {value}: give {least} or more")

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        """Follow plans to their end; see `Planner.solve`.

        Without an end, the solution holds the path to the failure that could not be corrected.
        """
        tree = tree or ActionTree()
        search = Search(env, proposer, budget, tree, concurrency=1)
        descent = _Descent(self, search, budget, self._choose_decider(proposer))
        try:
            await descent.to_the_end()
        except TreeActError as stop:
            return await search.finish(tree.best, stop)
        return await search.finish(tree.best)

    def _choose_decider(self, proposer: Proposer) -> Decider | None:
        if self.vote_only:
            return None
        return self.decider or (proposer if isinstance(proposer, Decider) else None)


class _Descent:
    """One way down the tree in progress. The node it is at is the best of the tree."""

    def __init__(
        self, planner: TreePlanner, search: Search, budget: Budget, decider: Decider | None
    ) -> None:
        self._planner = planner
        self._decider = decider
        self._search = search
        self._tree = search.tree
        self._budget = budget
        self._samplings = 0
        self._corrections = 0
        self._decisions: Counter[Node] = Counter()
        self._failed: list[Keys] = []
        self._undone: list[str] = []

    async def to_the_end(self) -> None:
        await self._sample()
        while self._tree.best.status != "answered":
            parent = self._tree.best
            child = await self._decide(parent)
            self._budget.take("steps")
            observation = await self._search.take(child)
            if not observation.ok:
                await self._correct(child, observation)
                continue
            self._tree.best = child
            if not options(parent) and parent is not self._tree.root:
                await self._search.drop([parent])  # nobody steps back to it

    async def _sample(self) -> None:
        """Sample plans at the root until there is one that may succeed.

        Raises:
            SearchExhausted: they may not be sampled once more.
        """
        root = self._tree.root
        while not options(root):
            if self._samplings > self._planner.resamples:
                raise SearchExhausted(
                    f"every plan of {self._samplings} samplings failed or was empty: raise N or "
                    "resamples, or take another model"
                )
            self._samplings += 1
            again = f"{root.id}/sampling-{self._samplings}" if self._samplings > 1 else None
            proposals = await self._search.propose(root, self._planner.N, id=again)
            if any(proposal.actions for proposal in proposals):
                planned = grow(self._tree, root, read_plans(proposals))
                prune_invalid(self._tree, planned, self._search.invalid)
                prune_failed(self._tree, root, self._failed)

    async def _decide(self, node: Node) -> Node:
        """Return the child to go on to; where there is one only, nobody is asked."""
        children = options(node)
        choice = None
        if self._decider and len(children) > 1:
            self._decisions[node] += 1
            choice = await self._decider.choose(
                self._tree.path(node),
                [child.proposal for child in children if child.proposal],
                id=f"{node.id}/decision-{self._decisions[node]}",
                note="\n\n".join(self._undone[-MAX_NOTES:]),
            )
        if choice is not None and 0 <= choice < len(children):
            return children[choice]
        return max(children, key=_support)  # the first of equals

    async def _correct(self, failed: Node, observation: Observation) -> None:
        """Step back from a failed node to the last choice that is open.

        Raises:
            SearchExhausted: that was one failure too many, or nothing is left to try.
        """
        self._failed.append(keys(failed))
        if observation.invalid:
            prune_invalid(self._tree, list(self._tree), self._search.invalid)
        choice = _last_choice(failed)
        self._check_may_go_on(failed, choice, observation)
        self._corrections += 1
        target = choice or self._tree.root
        undone = failed.lineage[target.depth :]
        self._undone.append(_undone_text(undone, observation))
        await self._search.prune(failed, f"failed: {observation.text}")
        for node in reversed(undone[:-1]):
            await self._search.prune(node, "nothing left to try after it")
        self._tree.return_to(target, undone[0])
        self._tree.best = target
        if choice is None:
            await self._sample()

    def _check_may_go_on(self, failed: Node, choice: Node | None, observation: Observation) -> None:
        limit = self._planner.max_corrections
        if self._corrections < limit and (choice or self._samplings <= self._planner.resamples):
            return
        self._tree.best = failed
        raise SearchExhausted(
            f"an action failed ({observation.text}), and "
            + (
                f"no plan of {self._samplings} samplings is left: raise N or resamples"
                if self._corrections < limit
                else f"max_corrections ({limit}) is reached: raise it"
            )
            + ", or take another model"
        )


def _last_choice(failed: Node) -> Node | None:
    """Return the nearest node above with another child to try."""
    node = failed.parent
    while node and not options(node):
        node = node.parent
    return node


def _undone_text(undone: list[Node], observation: Observation) -> str:
    texts = " | ".join(node.action.text for node in undone if node.action)
    return f"These sub-tasks were undone, as the last of them failed: {texts}\n{observation.text}"


def _support(node: Node) -> int:
    return node.proposal.votes if node.proposal else 0
