"""What searches over forked states share: expansion, pruning, and how they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from treeact.errors import ConfigError, SandboxError, TreeActError
from treeact.planners.protocols import (
    Environment,
    Forkable,
    Observation,
    Path,
    Proposal,
    Proposer,
    Score,
    Scorer,
    Solution,
)
from treeact.planners.tree import ActionTree, Node

if TYPE_CHECKING:
    from treeact.trace.budget import Budget

MAX_NOTES = 5
"""Causes of failures that a proposer is told at once: the newest."""
NOTE_LENGTH = 300
"""Characters of an action or a cause in a note."""

Cost = Callable[[Proposal, Observation | None], tuple[float, float]]
"""Returns g and h of a child, given what came of it where it was carried out."""


class Search:
    """One search in progress: its tree, and the live state at each node that may be gone on from.

    Args:
        env: the state at the root; it is chosen already.
        proposer: who proposes actions.
        budget: what may be spent; an expansion is also a step.
        tree: where the search is written down.
        scorer: who scores nodes; None takes the proposer where it can score, else `outcome_score`.
        lessons: criticisms of wrong answers that proposals are told, the newest.
        concurrency: candidates of one expansion that are carried out at once. Nodes are added in
            the order of the proposals, so that it does not change the tree.

    Raises:
        ConfigError: `env` cannot be forked.
    """

    def __init__(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        tree: ActionTree,
        *,
        scorer: Scorer | None = None,
        lessons: int = 0,
        concurrency: int,
    ) -> None:
        self.tree = tree
        self._env = as_forkable(env)
        self._proposer = proposer
        self._scorer = scorer or (proposer if isinstance(proposer, Scorer) else None)
        self._budget = budget
        self._slots = asyncio.Semaphore(concurrency)
        self._at = tree.root
        self._states: dict[Node, Forkable] = {tree.root: self._env}
        self._lessons: deque[str] = deque(maxlen=lessons)
        self._causes: dict[str, str] = {}
        self.invalid: dict[str, str] = {}
        """Why actions fail in every state, by key."""

    async def propose(
        self, node: Node, samples: int, *, id: str | None = None
    ) -> Sequence[Proposal]:
        """Spend an expansion on `node` and return what is proposed there, best supported first.

        Args:
            node: where to propose.
            samples: how many samples to draw.
            id: logical id of the call; that of the node unless it was asked there before.

        Raises:
            TreeActError: a limit or failure ends the search; the node is as it was.
        """
        self._budget.take("expansions")
        self._budget.take("steps")
        path = self.tree.path(node)
        proposals = await self._proposer.propose(
            path, samples, id=id or node.id, notes=self.notes(path)
        )
        self.tree.expand(node, samples=samples)
        return proposals

    async def carry_out(
        self,
        node: Node,
        proposals: Sequence[Proposal],
        *,
        keep_failed: bool = True,
        cost: Cost | None = None,
    ) -> list[Node]:
        """Carry out `proposals`, each in a fork of `node`, and return the children to go on from.

        A candidate that failed is pruned when another succeeded; where all failed they are kept,
        since repairing one is then the only way on, unless their state is lost. The state of `node`
        is dropped.

        Args:
            node: where the proposals were made.
            proposals: the candidates, distinct.
            keep_failed: False prunes failed candidates also where all failed.
            cost: what the children cost, in searches that weigh it.

        Raises:
            SandboxError: the state was lost for every candidate.
        """
        first = len(node.children) + 1
        ids = [self.tree.child_id(node, number) for number, _ in enumerate(proposals, first)]
        trials = await self._try_all(node, proposals, ids)
        children = [
            self._add(node, proposal, *trial, cost)
            for proposal, trial in zip(proposals, trials, strict=True)
        ]
        await self._let_go(node)
        succeeded = any(child.observation and child.observation.ok for child in children)
        if succeeded or not keep_failed:
            await self._prune_failed(children)
        return [child for child in children if child in self._states]

    async def take(self, node: Node) -> Observation:
        """Carry out the planned `node` in a fork of its parent's state, which is kept.

        Raises:
            SandboxError: the state was lost.
        """
        assert node.parent and node.proposal
        state, observation = await self._try(node.parent, node.proposal, node.id)
        if state is not None:
            self._states[node] = state
        self.tree.observe(node, observation)
        if not observation.ok:
            self._learn(node.proposal, observation)
        return observation

    async def expand(self, node: Node, samples: int, *, keep_failed: bool = True) -> list[Node]:
        """Propose at `node` and carry the proposals out; see `propose` and `carry_out`."""
        proposals = await self.propose(node, samples)
        return await self.carry_out(node, proposals, keep_failed=keep_failed)

    def notes(self, path: Path) -> list[str]:
        """Return why answers, and actions on other paths than `path`, failed; newest last."""
        own = {step.proposal.actions[0].key for step in path if step.proposal}
        causes = (self._causes[key] for key in reversed(self._causes) if key not in own)
        return [*self._lessons, *[*islice(causes, MAX_NOTES)][::-1]]

    def learn_from(self, node: Node) -> None:
        """Remember what the scorer had against an answer, for all later proposals."""
        if node.observation and node.score and node.score.reason:
            answer, reason = _cut(node.observation.answer or ""), _cut(node.score.reason)
            self._lessons.append(f"The answer {answer!r} was judged doubtful: {reason}")

    def has_state(self, node: Node) -> bool:
        """Return whether `node` can be expanded or chosen: its state is still held."""
        return node in self._states or node is self._at

    def held(self) -> list[Node]:
        """Return the nodes whose state is held, so that they can be chosen or expanded."""
        return [self._at, *(node for node in self._states if node is not self._at)]

    async def score(self, nodes: Iterable[Node]) -> None:
        """Have `nodes` scored, at once, by the scorer or else by what came of their actions."""
        nodes = list(nodes)
        scores = await asyncio.gather(*(self._score(node) for node in nodes))
        for node, score in zip(nodes, scores, strict=True):
            self.tree.score(node, score)

    async def _score(self, node: Node) -> Score:
        if self._scorer is None:
            return outcome_score(node)
        return await self._scorer.score(self.tree.path(node), id=node.id)

    async def prune(self, node: Node, reason: str) -> None:
        """Give `node` up and drop its state."""
        self.tree.prune(node, reason)
        await self._let_go(node)

    async def settle(self, node: Node, *, commit: bool = True) -> None:
        """Make the state at `node` that of the environment, and drop all others.

        Args:
            node: where to go on, or to end.
            commit: whether the writes that were put off on the way there are made now.

        Raises:
            SandboxError: its state is lost.
        """
        if node is not self._at:
            said = await self._env.choose(self._states.pop(node), commit=commit)
            if said and node.observation:
                node.observation = _with_text(node.observation, said)
        await self.drop(list(self._states))
        self._at, self._states = node, {node: self._env}
        self.tree.choose(node)

    async def finish(self, node: Node, stopped: TreeActError | None = None) -> Solution:
        """End the search at `node` and return its path as the solution.

        Without an answer there, the path is only the best so far, and its writes stay put off.
        """
        try:
            await self.settle(node, commit=node.status == "answered")
        except SandboxError as lost:
            stopped = stopped or lost
        return Solution(path=self.tree.path(node), stopped=stopped)

    async def drop(self, nodes: Iterable[Node]) -> None:
        """Drop the states of `nodes`."""
        for node in nodes:
            await self._let_go(node)

    async def _try_all(
        self, node: Node, proposals: Sequence[Proposal], ids: Sequence[str]
    ) -> list[tuple[Forkable | None, Observation]]:
        trials = [
            asyncio.ensure_future(self._try(node, proposal, id))
            for proposal, id in zip(proposals, ids, strict=True)
        ]
        try:
            outcomes = await asyncio.gather(*trials, return_exceptions=True)
        except asyncio.CancelledError:
            for trial in trials:
                trial.cancel()
            await asyncio.gather(*trials, return_exceptions=True)
            raise
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for error in errors:
            if not isinstance(error, SandboxError) or len(errors) == len(outcomes):
                raise error
        return [_lost(o) if isinstance(o, BaseException) else o for o in outcomes]

    async def _try(
        self, node: Node, proposal: Proposal, id: str
    ) -> tuple[Forkable | None, Observation]:
        action = proposal.actions[0]
        async with self._slots:
            fork = await self._states[node].fork(id=id)
            if cause := self.invalid.get(action.key):  # no need to see it fail once more
                return fork, Observation(text=cause, ok=False, invalid=True)
            try:
                return fork, await fork.step(action, id=id)
            except BaseException:
                await fork.close()
                raise

    def _add(
        self,
        node: Node,
        proposal: Proposal,
        state: Forkable | None,
        observation: Observation,
        cost: Cost | None,
    ) -> Node:
        g, h = cost(proposal, observation) if cost else (0.0, 0.0)
        child = self.tree.add(node, proposal, observation, g=g, h=h)
        if state is not None:
            self._states[child] = state
        if not observation.ok:
            self._learn(proposal, observation)
        return child

    def _learn(self, proposal: Proposal, observation: Observation) -> None:
        """Remember why an action failed, for the other branches."""
        action = proposal.actions[0]
        if action.kind in ("code", "call"):
            self._causes.pop(action.key, None)
            self._causes[action.key] = f"{_cut(action.text)}\nfailed: {cause_of(observation)}"
        if observation.invalid:
            self.invalid[action.key] = observation.text

    async def _prune_failed(self, children: Iterable[Node]) -> None:
        for child in children:
            if child.observation and not child.observation.ok:
                await self.prune(child, f"failed: {cause_of(child.observation)}")

    async def _let_go(self, node: Node) -> None:
        state = self._states.pop(node, None)
        if state is not None and state is not self._env:
            await state.close()


def as_forkable(env: Environment) -> Forkable:
    """Return `env` as an environment that forks.

    Raises:
        ConfigError: it does not.
    """
    if isinstance(env, Forkable):
        return env
    raise ConfigError(
        f"{type(env).__name__} cannot be forked, so no search can step back in it: use the greedy "
        "planner, or wrap it in Replayed"
    )


def outcome_score(node: Node) -> Score:
    """Return what is known without asking anybody: an answer 1, a success 0.5, a failure 0."""
    observation = node.observation
    if observation is None or not observation.ok:
        return Score(value=0.0)
    return Score(value=1.0 if observation.done else 0.5)


def cause_of(observation: Observation) -> str:
    """Return the last line of an observation: of a traceback, what was raised."""
    lines = observation.text.strip().splitlines() or ["no reason was given"]
    return _cut(lines[-1].strip())


def _lost(error: BaseException) -> tuple[None, Observation]:
    return None, Observation(text=f"The state was lost: {error}", ok=False)


def _with_text(observation: Observation, text: str) -> Observation:
    return replace(observation, text=f"{observation.text}\n\n{text}".strip())


def _cut(text: str) -> str:
    return text if len(text) <= NOTE_LENGTH else f"{text[:NOTE_LENGTH]} [...]"
