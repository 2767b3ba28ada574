"""Searches that studies compare the planners with. They are planners too, but nobody's default."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from treeact.errors import BudgetExceeded, SearchExhausted, TreeActError
from treeact.planners.greedy import Greedy
from treeact.planners.protocols import (
    Action,
    Environment,
    Forkable,
    Path,
    Proposal,
    Proposer,
    Scorer,
    Solution,
    Step,
)
from treeact.planners.search import Search, as_forkable
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget


@dataclass(frozen=True, kw_only=True)
class Uninformed:
    """Breadth-first or depth-first search, to the first answer that is accepted.

    Args:
        order: which node of the frontier is expanded next: the first or the last that was added.
            Depth first goes down the child with most votes.
        n: samples of one expansion.
    """

    order: Literal["breadth", "depth"]
    n: int

    name: ClassVar[str] = "uninformed"
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
        """Expand node after node; see `Planner.solve`."""
        search = Search(env, proposer, budget, tree or ActionTree(), concurrency=1)
        frontier = [search.tree.root]
        try:
            while frontier:
                node = frontier.pop(0 if self.order == "breadth" else -1)
                children = await search.expand(node, self.n, keep_failed=False)
                for child in children:
                    if child.status == "answered":
                        return await search.finish(child)
                frontier += children if self.order == "breadth" else reversed(children)
        except TreeActError as stop:
            return Solution(path=search.tree.path(search.tree.root), stopped=stop)
        return Solution(path=(), stopped=SearchExhausted("nothing is left to try: raise n"))


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Beam search, level by level (Yao et al. 2023, arXiv 2305.10601, section 3, "ToT-BFS").

    Args:
        width: nodes that are kept of each level, the best scored.
        n: samples of one expansion.
        scorer: who scores nodes; None takes the proposer where it can score.
    """

    width: int
    n: int
    scorer: Scorer | None = None

    name: ClassVar[str] = "beam"
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
        """Go down level by level until all that are kept are answers; see `Planner.solve`."""
        tree = tree or ActionTree()
        search = Search(env, proposer, budget, tree, scorer=self.scorer, concurrency=1)
        level = [tree.root]
        stopped: TreeActError | None = None
        try:
            while any(node.status != "answered" for node in level):
                level = await self._next(search, level)
        except TreeActError as stop:
            stopped = stop
        answers = [node for node in level if node.status == "answered"]
        if not answers:
            stopped = stopped or SearchExhausted("the beam is empty: raise its width or n")
            return Solution(path=(), stopped=stopped)
        return await search.finish(max(answers, key=lambda node: node.worth), stopped)

    async def _next(self, search: Search, level: Sequence[Node]) -> list[Node]:
        kept = [node for node in level if node.status == "answered"]
        for node in level:
            if node.status != "answered":
                children = await search.expand(node, self.n, keep_failed=False)
                await search.score(children)
                kept += children
        kept.sort(key=lambda node: -node.worth)  # stable: of equals, the first
        for node in kept[self.width :]:
            await search.prune(node, "outside the beam")
        return kept[: self.width]


@dataclass(frozen=True, kw_only=True)
class WideningBeam:
    """Beam search again and again, each time twice as wide, to the first accepted answer.

    Args:
        n: samples of one expansion.
        width: of the first beam.
        scorer: who scores nodes; None takes the proposer where it can score.
    """

    n: int
    width: int = 2
    scorer: Scorer | None = None

    name: ClassVar[str] = "widening-beam"
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
        """Search with beam after beam; see `Planner.solve`."""
        run, forkable, width = (tree or ActionTree()).run, as_forkable(env), self.width
        while True:
            id = f"{run}/width-{width}"
            fork = await forkable.fork(id=id)
            beam = Beam(width=width, n=self.n, scorer=self.scorer)
            solution = await beam.solve(fork, proposer, budget, tree=ActionTree(run=id))
            if solution.answer is not None or isinstance(solution.stopped, BudgetExceeded):
                await forkable.choose(fork)
                return solution
            width *= 2


@dataclass(frozen=True, kw_only=True)
class StepByStep:
    """The planners that Tree-Planner is compared with (Hu et al. 2024, section 4).

    One call proposes each action, and is told all that happened. After a failure the next call goes
    on from there (local replanning), or everything is undone and planned anew from the start
    (global replanning). Without corrections it is the iterative planner.

    Args:
        corrections: failures after which it goes on; one more ends it.
        restart: whether it goes on from the start.
    """

    corrections: int = 0
    restart: bool = False

    name: ClassVar[str] = "step-by-step"
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
        """Take step after step, to the answer or one failure too many; see `Planner.solve`."""
        tree, start = tree or ActionTree(), as_forkable(env)
        at, state = tree.root, await start.fork(id=tree.root.id)
        told: Path = ()
        failures = 0
        try:
            while at.status != "answered":
                budget.take("steps")
                id = f"{at.id}/try-{len(at.children) + 1}"
                proposal = (await proposer.propose(told, 1, id=id))[0]
                observation = await state.step(proposal.actions[0], id=id)
                child = tree.add(at, proposal, observation)
                told = (*told, Step(id=id, proposal=proposal, observation=observation))
                if observation.ok:
                    at = child
                    continue
                tree.prune(child, f"failed: {observation.text}")
                failures += 1
                if failures > self.corrections:
                    stop = SearchExhausted(f"failure {failures}: allow more corrections")
                    return Solution(path=tree.path(child), stopped=stop)
                if self.restart:
                    tree.return_to(tree.root, (at.lineage or [child])[0])
                    at, told, state = tree.root, (), await start.fork(id=f"{id}/restart")
        except TreeActError as stop:
            return Solution(path=tree.path(at), stopped=stop)
        await start.choose(state)
        return Solution(path=tree.path(at))


@dataclass(frozen=True, kw_only=True)
class WholeBest:
    """Best of n as it is mostly meant: whole paths, of which the end that scores best is taken.

    Args:
        scorer: who scores the ends.
    """

    scorer: Scorer

    name: ClassVar[str] = "whole-best"
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
        """Draw path after path until the budget ends; see `Planner.solve`."""
        run, forkable = (tree or ActionTree()).run, as_forkable(env)
        pool = _Pool(self.scorer)
        while pool.stopped is None:
            id = f"{run}/path-{len(pool.ends) + 1}"
            fork = await forkable.fork(id=id)
            solution = await Greedy().solve(fork, proposer, budget, tree=ActionTree(run=id))
            await pool.add(fork, solution, id)
        return await pool.best(forkable)


@dataclass(frozen=True, kw_only=True)
class AideLike:
    """Whole programs, drafted and then improved (the policy of AIDE, Jiang et al. 2025).

    The first `drafts` programs are drawn afresh. Each later one copies the best so far, up to
    an action that is drawn again, and behind it. The proposer has to propose whole plans; what it
    writes of them counts, copied or not. Here no program crashes, so that AIDE's debugging, which
    is for those, has nothing to do.

    Args:
        scorer: who measures a program.
        drafts: programs that are drawn afresh. 5 in AIDE's code.
        seed: where the choice of the action that is changed comes from.
    """

    scorer: Scorer
    drafts: int = 5
    seed: int | str = 0

    name: ClassVar[str] = "aide-like"
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
        """Write program after program until the budget ends; see `Planner.solve`."""
        run, forkable = (tree or ActionTree()).run, as_forkable(env)
        pool = _Pool(self.scorer)
        while pool.stopped is None:
            id = f"{run}/program-{len(pool.ends) + 1}"
            fork = await forkable.fork(id=id)
            try:
                program = await self._write(pool, proposer, id)
                path = await _carry_out(program, fork, id)
                await pool.add(fork, Solution(path=path), id)
            except TreeActError as stop:
                pool.stopped = stop
        return await pool.best(forkable)

    async def _write(self, pool: _Pool, proposer: Proposer, id: str) -> Sequence[Action]:
        if len(pool.ends) < self.drafts:
            return (await proposer.propose((), 1, id=id))[0].actions
        best = pool.best_path()
        actions = [step.proposal.actions[0] for step in best if step.proposal]
        place = random.Random(f"{self.seed}/{id}").randrange(len(actions) - 1)
        redrawn = await proposer.propose(best[:place], 1, id=id)
        return [*actions[:place], redrawn[0].actions[0], *actions[place + 1 : -1], *actions[-1:]]


class _Pool:
    """Whole paths and how they score."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.ends: list[tuple[float, Path, Forkable]] = []
        self.stopped: TreeActError | None = None

    async def add(self, state: Forkable, solution: Solution, id: str) -> None:
        try:
            if solution.stopped is not None:
                raise solution.stopped
            score = await self._scorer.score(solution.path, id=id)
            self.ends.append((score.value, solution.path, state))
        except TreeActError as stop:
            self.stopped = stop

    def best_path(self) -> Path:
        return max(self.ends, key=lambda end: end[0])[1]

    async def best(self, env: Forkable) -> Solution:
        """Return the path that scores best, having gone to its end; of equals, the first."""
        if not self.ends:
            return Solution(path=(), stopped=self.stopped)
        _, path, state = max(self.ends, key=lambda end: end[0])
        await env.choose(state)
        return Solution(path=path, stopped=self.stopped)


async def _carry_out(program: Sequence[Action], env: Environment, id: str) -> Path:
    """Take the actions of a program, which is all that it is."""
    path: list[Step] = []
    for number, action in enumerate(program, start=1):
        taken = f"{id}/{number}"
        observation = await env.step(action, id=taken)
        proposal = Proposal(actions=(action,))
        path.append(Step(id=taken, proposal=proposal, observation=observation))
    return tuple(path)
