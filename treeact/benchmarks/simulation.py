"""A noisy oracle with stated error rates and token lengths: planners without a language model.

What comes of it is a property of the planner under those rates, never a model's score.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from treeact.errors import ConfigError
from treeact.planners.protocols import Action, NoAction, Path, Proposal, Score, Sketch
from treeact.trace.budget import Amounts, Budget
from treeact.trace.usage import Ledger, Usage

State = TypeVar("State")

MOST_PLANNED = 64
"""Actions of a plan at most: one that goes round in circles is cut off."""
EDGE = 0.001
"""Values are kept this far from 0 and 1, where their log-odds would be infinite."""


class Truth(Protocol[State]):
    """What is true of a task, as far as a simulated policy draws on it. States are never changed.

    `Answer` is an action like the others: where it is right to end, `right` says so.
    """

    def start(self) -> State:
        """Return the state before the first action."""

    def after(self, state: State, action: Action) -> State:
        """Return the state that `action` leads to; one that fails leads nowhere else."""

    def right(self, state: State) -> Sequence[Action]:
        """Return the actions that are right next; none where the task is lost."""

    def wrong(self, state: State) -> Sequence[Action]:
        """Return the actions that a policy may take for right."""

    def left(self, state: State) -> int:
        """Return how many right actions are left, the answer included."""

    def value(self, state: State) -> float:
        """Return how good the state is, from 0, hopeless, to 1, certain to end well."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often, and by how much, an oracle is wrong.

    Raises:
        ConfigError: a probability is not from 0 to 1, a deviation is negative, or there are no
            votes.
    """

    act: float | Callable[[Any], float] = 0.8
    """Probability that a proposed action is right; else it is uniformly one of the wrong ones. A
    function takes the state."""
    choose: float = 0.8
    """Probability that one vote among options goes to a right one, where there is one; else it goes
    uniformly to another."""
    votes: int = 1
    """Votes of one decision; most of them decide."""
    value: float = 0.0
    """Standard deviation of the normal noise on the log-odds of a value, so that it stays between 0
    and 1."""
    length: float = 0.0
    """Standard deviation of the normal noise on the number of imagined steps."""

    def __post_init__(self) -> None:
        for name in ("act", "choose"):
            rate = getattr(self, name)
            if not callable(rate) and not 0 <= rate <= 1:
                raise ConfigError(f"{name} is {rate}: give a probability from 0 to 1")
        for name in ("value", "length"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: a deviation is 0 or more")
        if self.votes < 1:
            raise ConfigError(f"votes is {self.votes}: a decision takes at least one")


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How many tokens prompts and replies have; all 0 where tokens do not matter."""

    propose: int = 0
    """Prompt of a proposal, without the history."""
    choose: int = 0
    """Prompt of a decision, without the history and the options."""
    score: int = 0
    """Prompt of a verdict, without the history."""
    step: int = 0
    """Each step of the history, in every prompt."""
    option: int = 0
    """Each option of a decision, in its prompt."""
    action: int | Callable[[Action], int] = 0
    """Each action of a reply. A function takes the action."""
    thought: int = 0
    """What a reply says before its actions."""
    vote: int = 0
    """Reply of a vote."""
    verdict: int = 0
    """Reply of a verdict."""


Ahead = Literal["nothing", "sketch", "plan"]


class Oracle:
    """A policy that knows the truth and errs at stated rates: `Proposer`, `Scorer` and `Decider`.

    Each call is booked, and its tokens are taken from the budget, as those of a model's call are:
    the prompt once, each sample of the reply for itself. All that is random derives from the seed
    and the id of the node, so that neither order nor concurrency matters. Notes are not read: the
    rates hold whatever was learnt elsewhere.

    Args:
        truth: what is right.
        rates: how often it errs.
        lengths: how long its prompts and replies are.
        seed: where its errors come from.
        budget: what its tokens are taken from; None takes none.
        ledger: where its calls are booked, as role `simulated`, phases `act`, `choose` and `score`.
        ahead: what a sample holds beside the next action: nothing; a sketch of as many further
            steps as seem left; or a whole plan to the answer, each of whose actions errs as well.
    """

    def __init__(
        self,
        truth: Truth[Any],
        *,
        rates: Rates | None = None,
        lengths: Lengths | None = None,
        seed: int | str = 0,
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        ahead: Ahead = "nothing",
    ) -> None:
        self.rates = rates or Rates()
        self.lengths = lengths or Lengths()
        self.ledger = ledger or Ledger()
        self._truth = truth
        self._seed = seed
        self._budget = budget
        self._ahead = ahead

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        """Return the distinct proposals of `n` samples, most voted first; see `Proposer.propose`.

        Samples are equal that have the same next action, or with whole plans the same plan.
        """
        state, rng = self._state(path), self._random(id, "act")
        samples = [self._sample(state, rng) for _ in range(n)]
        lengths = self.lengths
        written = sum(lengths.thought + self._written(sample) for sample in samples)
        await self._book("act", lengths.propose + lengths.step * len(path), written)
        return self._proposals(samples)

    async def choose(
        self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
    ) -> int | None:
        """Return the index of the option with most votes, the first of equals; see `Decider`."""
        rng, lengths = self._random(id, "choose"), self.lengths
        right = {action.key for action in self._truth.right(self._state(path))}
        good = [i for i, option in enumerate(options) if option.actions[0].key in right]
        bad = [i for i in range(len(options)) if i not in good]
        votes = Counter(self._vote(good, bad, rng) for _ in range(self.rates.votes))
        prompt = lengths.choose + lengths.step * len(path) + lengths.option * len(options)
        await self._book("choose", prompt, lengths.vote * self.rates.votes)
        return min(votes, key=lambda index: (-votes[index], index))

    async def score(self, path: Path, *, id: str) -> Score:
        """Return the value of the end of `path`, with noise; see `Scorer.score`."""
        value = min(max(self._truth.value(self._state(path)), EDGE), 1 - EDGE)
        if self.rates.value:
            odds = math.log(value / (1 - value))
            value = _logistic(odds + self._random(id, "score").gauss(0, self.rates.value))
        prompt = self.lengths.score + self.lengths.step * len(path)
        await self._book("score", prompt, self.lengths.verdict)
        return Score(value=value)

    def _state(self, path: Path) -> Any:
        state = self._truth.start()
        for step in path:
            if step.proposal is not None:
                state = self._truth.after(state, step.proposal.actions[0])
        return state

    def _random(self, id: str, phase: str) -> random.Random:
        return random.Random(f"{self._seed}/{id}/{phase}")

    def _sample(self, state: Any, rng: random.Random) -> tuple[Action, ...]:
        action = self._act(state, rng)
        if self._ahead == "nothing" or action.kind in ("answer", "none"):
            return (action,)
        state = self._truth.after(state, action)
        if self._ahead == "sketch":
            left = round(self._truth.left(state) + rng.gauss(0, self.rates.length))
            return (action, *[Sketch("a later step")] * max(0, left))
        plan = [action]
        while plan[-1].kind not in ("answer", "none") and len(plan) < MOST_PLANNED:
            plan.append(self._act(state, rng))
            state = self._truth.after(state, plan[-1])
        return tuple(plan)

    def _act(self, state: Any, rng: random.Random) -> Action:
        rate = self.rates.act(state) if callable(self.rates.act) else self.rates.act
        right, wrong = self._truth.right(state), self._truth.wrong(state)
        is_right = rng.random() < rate
        choices = (right or wrong) if is_right else (wrong or right)
        return rng.choice(choices) if choices else NoAction("There is nothing left to do.")

    def _vote(self, good: Sequence[int], bad: Sequence[int], rng: random.Random) -> int:
        is_right = rng.random() < self.rates.choose
        return rng.choice((good or bad) if is_right else (bad or good))

    def _written(self, sample: Sequence[Action]) -> int:
        length = self.lengths.action
        return sum(map(length, sample)) if callable(length) else length * len(sample)

    def _proposals(self, samples: Sequence[tuple[Action, ...]]) -> list[Proposal]:
        by_key: dict[tuple[str, ...], list[tuple[Action, ...]]] = {}
        for sample in samples:
            same = sample if self._ahead == "plan" else sample[:1]
            by_key.setdefault(tuple(action.key for action in same), []).append(sample)
        alike = sorted(by_key.values(), key=len, reverse=True)  # of equals, the first drawn
        return [Proposal(actions=group[0], votes=len(group)) for group in alike]

    async def _book(self, phase: str, prompt: int, reply: int) -> None:
        if self._budget is not None:
            tokens = Amounts(tokens=prompt + reply)
            (await self._budget.reserve(tokens)).settle(tokens)
        usage = Usage(input_tokens=prompt, output_tokens=reply)
        self.ledger.add("simulated", phase, usage, cost=None)


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
