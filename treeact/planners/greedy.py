"""The planner that takes each first proposal: the plain agent loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treeact.errors import TreeActError
from treeact.planners.protocols import Environment, Path, Proposer, Solution, Step

if TYPE_CHECKING:
    from treeact.planners.tree import ActionTree
    from treeact.trace.budget import Budget


class Greedy:
    """Propose one action, take it, look, and go on until there is an answer.

    Over code actions this is CodeAct's multi-turn loop (Wang et al. 2024, section 2).
    """

    name = "greedy"
    forks = False
    imagines = False

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        """Take steps until an answer or a limit; see `Planner.solve`."""
        if tree is None:
            from treeact.planners.tree import ActionTree

            tree = ActionTree()
        try:
            while not (tree.trunk and tree.trunk[-1].observation.done):
                budget.take("steps")
                id = f"{tree.run}/step-{len(tree.trunk) + 1}"
                tree.extend_trunk(await self._step(env, proposer, tree.trunk, id))
        except TreeActError as stop:
            return Solution(path=tree.trunk, stopped=stop)
        return Solution(path=tree.trunk)

    async def _step(self, env: Environment, proposer: Proposer, path: Path, id: str) -> Step:
        proposal = (await proposer.propose(path, 1, id=id))[0]
        observation = await env.step(proposal.actions[0], id=id)
        return Step(id=id, proposal=proposal, observation=observation)
