"""PoAct: one policy for each part of a step, and a review of what came of it (arXiv 2501.07054).

A reconstruction: Yuan et al. 2025 describe a policy controller and an action controller, and no
code of theirs was found. The states, the table, the rules and all limits are this project's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from treeact.errors import ConfigError, SandboxError, TreeActError
from treeact.planners.path_review import Allowed, Verdict, review_newest
from treeact.planners.protocols import (
    Environment,
    Forkable,
    Path,
    Proposal,
    Proposer,
    Solution,
    Step,
)
from treeact.planners.tree import ActionTree

if TYPE_CHECKING:
    from treeact.trace.budget import Budget


class Policy(StrEnum):
    """Who has the word."""

    PLAN = "plan"
    """Divides the task into sub-goals."""
    THOUGHT = "thought"
    """Says what the next step is to find out."""
    CODE = "code"
    """Writes the code for that thought."""
    REVIEW = "review"
    """Says what is to become of the step."""
    DONE = "done"
    """Nobody: there is an answer."""


class Outcome(StrEnum):
    """How a policy ended."""

    PLANNED = "planned"
    THOUGHT = "thought"
    ACTED = "acted"
    ANSWERED = "answered"
    KEEP = "keep"
    REPAIR = "repair"
    DROP = "drop"
    REPLAN = "replan"


_TAKEN = {Outcome.ACTED: Policy.REVIEW, Outcome.ANSWERED: Policy.DONE}
"""Every policy but the review may end with an action: the user's words after an interrupt, say."""

TRANSITIONS: Mapping[Policy, Mapping[Outcome, Policy]] = MappingProxyType(
    {
        Policy.PLAN: {Outcome.PLANNED: Policy.THOUGHT, **_TAKEN},
        Policy.THOUGHT: {Outcome.THOUGHT: Policy.CODE, **_TAKEN},
        Policy.CODE: _TAKEN,
        Policy.REVIEW: {
            Outcome.KEEP: Policy.THOUGHT,
            Outcome.REPAIR: Policy.CODE,
            Outcome.DROP: Policy.THOUGHT,
            Outcome.REPLAN: Policy.PLAN,
        },
        Policy.DONE: {},
    }
)
"""Which policy follows which, by the outcome of the first. What is not here cannot happen."""


def next_policy(policy: Policy, outcome: Outcome) -> Policy:
    """Return the policy that follows.

    Raises:
        ValueError: the table has no such transition.
    """
    if outcome not in TRANSITIONS[policy]:
        raise ValueError(f"the policy {policy} cannot end with {outcome}")
    return TRANSITIONS[policy][outcome]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What policies leave to each other, besides the path."""

    plan: str = ""
    thought: str = ""
    note: str = ""
    """What the last review had to say; empty when it had nothing against the step."""
    repairs: bool = False
    """Whether the code is to be written anew for the thought that it was written for."""


@runtime_checkable
class PolicyProposer(Proposer, Protocol):
    """A proposer that has policies.

    A policy may return a proposal in the place of its text, which is then taken at once: an answer
    that needs no code, or what stands for an interruption. All of them raise what
    `Proposer.propose` does.
    """

    async def plan(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        """Return sub-goals for the task, from the end of `path` on."""
        ...

    async def think(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        """Return what the next step is to find out, and how."""
        ...

    async def write(self, path: Path, situation: Situation, *, id: str) -> Proposal:
        """Return the action for the situation's thought."""
        ...

    async def review(self, path: Path, situation: Situation, *, id: str) -> Verdict:
        """Return what is to become of the newest step."""
        ...


@dataclass(frozen=True, kw_only=True)
class PoAct:
    """Plan, think, write code, review, and switch the policy by what came of it.

    The review goes by rules first (`path_review`), and asks a model about steps that these have
    nothing against. It keeps the step, has its code repaired, drops it from the context, or has the
    plan made anew. A dropped step stays in the trace; where the environment can be forked, its
    state is rolled back too, unless it changed the world outside.

    Of each turn of a run:

    Args:
        replan_every_step: whether each step is followed by another plan.
        repairs: how often code may be written anew for one thought.
        stall: steps without progress after which the plan is made anew.
        replans: how often that, or a model's review, may have it made anew.
        reviews: how many steps a model may review; 0 leaves it to the rules.
        rollback: whether the state is kept before each step, so that it can be rolled back.
    """

    replan_every_step: bool = False
    repairs: int = 2
    stall: int = 4
    replans: int = 2
    reviews: int = 4
    rollback: bool = True

    name: ClassVar[str] = "poact"
    forks: ClassVar[bool] = False
    imagines: ClassVar[bool] = False

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        """Take steps until an answer or a limit; see `Planner.solve`.

        Raises:
            ConfigError: the proposer has no policies.
        """
        if not isinstance(proposer, PolicyProposer):
            raise ConfigError(
                "the poact planner switches policies, which this agent's proposer does not have: "
                "use the poact agent"
            )
        tree = tree or ActionTree()
        if tree.trunk and tree.trunk[-1].observation.done:
            return Solution(path=tree.trunk)
        try:
            await _Walk(self, env, proposer, budget, tree).to_the_end()
        except TreeActError as stop:
            return Solution(path=tree.trunk, stopped=stop)
        return Solution(path=tree.trunk)


class _Walk:
    """One turn: the policy that has the word, and what may still be asked for."""

    def __init__(
        self,
        planner: PoAct,
        env: Environment,
        proposer: PolicyProposer,
        budget: Budget,
        tree: ActionTree,
    ) -> None:
        self._planner = planner
        self._env = env
        self._proposer = proposer
        self._budget = budget
        self._tree = tree
        self._situation = Situation()
        self._before: Forkable | None = None
        self._begun = False
        self._planned_at = len(tree.trunk)
        self._repairs = self._replans = self._reviews = 0
        self._policies: dict[Policy, Callable[[], Awaitable[tuple[Outcome, str]]]] = {
            Policy.PLAN: self._plan,
            Policy.THOUGHT: self._think,
            Policy.CODE: self._write,
            Policy.REVIEW: self._review,
        }

    async def to_the_end(self) -> None:
        policy = Policy.PLAN
        try:
            while policy is not Policy.DONE:
                policy = await self._give_word(policy)
        finally:
            await self._forget_state()

    async def _give_word(self, policy: Policy) -> Policy:
        if policy is not Policy.REVIEW:
            self._begin()
        id = self._step_id
        outcome, text = await self._policies[policy]()
        following = next_policy(policy, outcome)
        self._tree.switch_policy(id, policy, following, outcome, text)
        return following

    @property
    def _step_id(self) -> str:
        """The id of the step that is begun, or of the newest."""
        return f"{self._tree.run}/step-{len(self._tree.trunk) + self._begun}"

    def _begin(self) -> None:
        """Take a step of the budget, once for all policies of it."""
        if not self._begun:
            self._budget.take("steps")
            self._begun = True

    async def _plan(self) -> tuple[Outcome, str]:
        plan = await self._proposer.plan(self._tree.trunk, self._situation, id=self._step_id)
        if isinstance(plan, Proposal):
            return await self._take(plan)
        self._situation = Situation(plan=plan)
        self._planned_at = len(self._tree.trunk)
        return Outcome.PLANNED, plan

    async def _think(self) -> tuple[Outcome, str]:
        thought = await self._proposer.think(self._tree.trunk, self._situation, id=self._step_id)
        if isinstance(thought, Proposal):
            return await self._take(thought)
        self._situation = replace(self._situation, thought=thought)
        self._repairs = 0
        return Outcome.THOUGHT, thought

    async def _write(self) -> tuple[Outcome, str]:
        proposal = await self._proposer.write(self._tree.trunk, self._situation, id=self._step_id)
        return await self._take(proposal)

    async def _take(self, proposal: Proposal) -> tuple[Outcome, str]:
        """Carry an action out, keeping the state before it."""
        id = self._step_id
        await self._keep_state(id)
        observation = await self._env.step(proposal.actions[0], id=id)
        self._tree.extend_trunk(Step(id=id, proposal=proposal, observation=observation))
        self._begun = False
        return (Outcome.ANSWERED if observation.done else Outcome.ACTED), ""

    async def _keep_state(self, id: str) -> None:
        await self._forget_state()
        if self._planner.rollback and isinstance(self._env, Forkable):
            with suppress(SandboxError):  # without it the step can still be taken
                self._before = await self._env.fork(id=f"{id}/before")

    async def _forget_state(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            with suppress(SandboxError):
                await before.close()

    async def _review(self) -> tuple[Outcome, str]:
        verdict = await self._verdict()
        if verdict.kind == "drop":
            await self._drop(verdict.reason)
        if verdict.kind == "repair":
            self._repairs += 1
        if verdict.kind == "replan":
            self._replans += 1
        self._situation = replace(
            self._situation, note=verdict.reason, repairs=verdict.kind == "repair"
        )
        outcome = Outcome(verdict.kind)
        unplanned = self._planner.replan_every_step or not self._situation.plan
        if unplanned and outcome in (Outcome.KEEP, Outcome.DROP):
            outcome = Outcome.REPLAN
        return outcome, f"{verdict.rule}: {verdict.reason}".removesuffix(": ")

    async def _verdict(self) -> Verdict:
        path = self._tree.trunk
        allowed = Allowed(
            repair=self._repairs < self._planner.repairs,
            replan=self._replans < self._planner.replans,
        )
        rounds = len(path) - self._planned_at
        verdict = review_newest(path, rounds=rounds, stall=self._planner.stall, allowed=allowed)
        if verdict is not None:
            return verdict
        if self._reviews == self._planner.reviews:
            return Verdict(kind="keep", rule="nothing")
        self._reviews += 1
        verdict = await self._proposer.review(path, self._situation, id=path[-1].id)
        return _within(verdict, allowed, lasting=path[-1].observation.lasting)

    async def _drop(self, reason: str) -> None:
        before, self._before = self._before, None
        self._tree.drop_newest(reason, rolled_back=await self._roll_back(before))

    async def _roll_back(self, before: Forkable | None) -> bool:
        if before is None or not isinstance(self._env, Forkable):
            return False
        try:
            await self._env.choose(before)
        except SandboxError:  # the sandbox died in that step, and its state with it
            return False
        return True


def _within(verdict: Verdict, allowed: Allowed, *, lasting: bool) -> Verdict:
    """Return a model's verdict, or to keep the step where it asks for what may not be."""
    refused = (
        (verdict.kind == "repair" and not allowed.repair)
        or (verdict.kind == "replan" and not allowed.replan)
        or (verdict.kind == "drop" and lasting)
    )
    return replace(verdict, kind="keep") if refused else verdict
