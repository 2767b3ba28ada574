"""Planning first and acting after: a search in which nothing is carried out until its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from treeact.errors import SearchExhausted, TreeActError
from treeact.planners.protocols import (
    Environment,
    Observation,
    Path,
    Proposal,
    Proposer,
    Solution,
    Step,
)
from treeact.planners.search import Cost
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget

PLANNED = Observation(text="This step is planned; it was not carried out yet.")


class PlannedSearch:
    """A search over actions that are only planned; it has the methods of `Search` that it needs.

    Args:
        env: what the chosen plan is carried out on; it need not fork.
        proposer: who proposes actions.
        budget: what may be spent: a step and an expansion for each expansion, and a step for each
            action that is carried out at the end.
        tree: where the search is written down.
    """

    def __init__(
        self, env: Environment, proposer: Proposer, budget: Budget, tree: ActionTree
    ) -> None:
        self.tree = tree
        self._env = env
        self._proposer = proposer
        self._budget = budget

    async def propose(self, node: Node, samples: int) -> Sequence[Proposal]:
        """Spend an expansion on `node` and return what is proposed there; see `Search.propose`."""
        self._budget.take("expansions")
        self._budget.take("steps")
        proposals = await self._proposer.propose(self._path(node), samples, id=node.id)
        self.tree.expand(node, samples=samples)
        return proposals

    async def carry_out(
        self,
        node: Node,
        proposals: Sequence[Proposal],
        *,
        keep_failed: bool = True,
        cost: Cost,
    ) -> list[Node]:
        """Add planned children and return those that can be carried out later."""
        await asyncio.sleep(0)  # a proposer that never waits would keep everybody else from running
        children = []
        for proposal in proposals:
            g, h = cost(proposal, None)
            child = self.tree.add(node, proposal, g=g, h=h)
            if proposal.actions[0].kind in ("none", "sketch"):
                self.tree.prune(child, f"nothing to carry out: {proposal.actions[0].text[:300]}")
            else:
                children.append(child)
        return children

    async def finish(self, node: Node, stopped: TreeActError | None = None) -> Solution:
        """End the search: carry out the plan to `node`, unless the search was stopped before it.

        The first action that fails ends it, and so does a limit.
        """
        self.tree.choose(node)
        if stopped is None:
            try:
                await self._carry_out_plan(node)
            except TreeActError as stop:
                stopped = stop
        return Solution(path=self.tree.path(node), stopped=stopped)

    async def _carry_out_plan(self, node: Node) -> None:
        for planned in node.lineage:
            if planned.action is None:
                continue
            self._budget.take("steps")
            observation = await self._env.step(planned.action, id=planned.id)
            self.tree.observe(planned, observation)
            if not observation.ok:
                raise SearchExhausted(
                    f"the plan failed at {planned.action.text[:200]!r}: {observation.text[:300]}; "
                    "execute=True finds out during the search"
                )

    def _path(self, node: Node) -> Path:
        planned = (Step(id=n.id, proposal=n.proposal, observation=PLANNED) for n in node.lineage)
        return (*self.tree.trunk, *planned)
