"""What planners stand on: actions and observations, the environment, and who proposes.

Plain dataclasses and protocols; a planner never knows whether a model, a simulator or a person is
behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from treeact.errors import TreeActError
from treeact.planners.normalise import code_calls, code_key, python_call

if TYPE_CHECKING:
    from treeact.planners.tree import ActionTree
    from treeact.trace.budget import Budget


@dataclass(frozen=True)
class Code:
    """An action that is Python code."""

    source: str
    tools: tuple[str, ...] = ()
    """Names of the tools that the code can call, so that `calls` knows them."""
    kind: Literal["code"] = field(default="code", init=False)

    @property
    def text(self) -> str:
        """The code."""
        return self.source

    @cached_property
    def key(self) -> str:
        """The normalised AST: code that differs in layout or comments only is equal."""
        return code_key(self.source)

    @cached_property
    def calls(self) -> tuple[str, ...]:
        """The tools that the code calls, in source order."""
        return code_calls(self.source, self.tools)


@dataclass(frozen=True)
class Call:
    """An action that is one call of one tool."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["call"] = field(default="call", init=False)

    @property
    def text(self) -> str:
        """The call as Python would write it."""
        return python_call(self.tool, self.arguments)

    @cached_property
    def key(self) -> str:
        """The call with its arguments sorted by name."""
        return python_call(self.tool, dict(sorted(self.arguments.items())))

    @property
    def calls(self) -> tuple[str, ...]:
        """The one tool."""
        return (self.tool,)


@dataclass(frozen=True)
class Answer:
    """An action that gives the answer and changes nothing."""

    text: str
    kind: Literal["answer"] = field(default="answer", init=False)
    calls: tuple[str, ...] = field(default=(), init=False)

    @property
    def key(self) -> str:
        """The answer, told from code by its first word."""
        return f"answer {self.text}"


@dataclass(frozen=True)
class NoAction:
    """A reply without an action; `text` is what its author is told about that."""

    text: str
    kind: Literal["none"] = field(default="none", init=False)
    calls: tuple[str, ...] = field(default=(), init=False)

    @property
    def key(self) -> str:
        """The feedback: replies with the same defect are the same non-action."""
        return f"none {self.text}"


@dataclass(frozen=True)
class Sketch:
    """A later step that was only imagined: never taken, but it tells how much may be left."""

    text: str
    calls: tuple[str, ...] = ()
    """The tools that it names."""
    kind: Literal["sketch"] = field(default="sketch", init=False)

    @property
    def key(self) -> str:
        """The words."""
        return f"sketch {self.text}"


Action = Code | Call | Answer | NoAction | Sketch


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an action brought about, as its author is told."""

    text: str
    ok: bool = True
    """False when the action failed or was refused."""
    invalid: bool = False
    """True when the action would fail in every state, such as a call of an unknown tool: a search
    does not try equal actions elsewhere."""
    empty: bool = False
    """True when the action succeeded and showed nothing; the text says no more than that."""
    lasting: bool = False
    """True when the step cannot be taken back: it called a tool with effects, or the user spoke."""
    answer: str | None = None
    """The final answer, when the action gave it."""
    given: Any = field(default=None, compare=False)
    """The answer as the JSON value that the action gave, where it gave one."""
    images: tuple[bytes, ...] = ()
    """Pictures (PNG) that the action drew."""

    @property
    def done(self) -> bool:
        """Whether the task has its answer."""
        return self.answer is not None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One or more actions to take from here, and the thought behind them."""

    actions: tuple[Action, ...]
    """The next action, and those that are planned or imagined to follow it."""
    thought: str = ""
    votes: int = 1
    """How many samples this proposal stands for."""
    reply: str = ""
    """The reply it was read from, word for word; empty when there was none."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One edge of a path: what was proposed, and what came of its first action."""

    id: str
    """Logical id, such as `run/step-3`."""
    proposal: Proposal | None
    """None where a user spoke: then the observation is what they said."""
    observation: Observation
    dropped: str = ""
    """Why nobody is shown it any more; empty for a step that counts."""


Path = tuple[Step, ...]
"""The steps from the root to a node."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What a planner came back with."""

    path: Path
    """The chosen path, complete or best so far."""
    stopped: TreeActError | None = None
    """What ended the search before an answer, or None."""

    @property
    def answer(self) -> str | None:
        """The answer at the end of the path, or None."""
        return self.path[-1].observation.answer if self.path else None


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good a path looks."""

    value: float
    """From 0, hopeless, to 1, certain to be right."""
    reason: str = ""
    """Why, in a sentence that helps whoever tries again; may be empty."""


class Environment(Protocol):
    """What actions act on."""

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take `action`; failures of the action are observations, not errors.

        Raises:
            SandboxError: the environment itself is gone.
        """
        ...


@runtime_checkable
class Forkable(Environment, Protocol):
    """An environment whose state can be copied, so that several actions can be tried from it.

    What cannot be forked may be wrapped in `Replayed`, or searched by planners that do not fork.
    """

    async def fork(self, *, id: str) -> Forkable:
        """Return an independent copy for the node `id`.

        The copy is tentative: what would change the world outside waits until it is chosen.

        Raises:
            SandboxError: the state is lost.
        """
        ...

    async def choose(self, fork: Any, *, commit: bool = True) -> str:
        """Take over the state of a fork, or a fork's fork, and make the writes that it put off.

        Args:
            fork: what `fork` returned; it is used up.
            commit: False leaves the writes put off, for a search that has found no answer yet.

        Returns:
            What is to be said about those writes, such as that one failed; mostly nothing.

        Raises:
            SandboxError: the state is lost.
        """
        ...

    async def close(self) -> None:
        """Drop the state: nobody goes on from here."""


class Proposer(Protocol):
    """Who proposes actions: a model, retrieval, or a simulated policy."""

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        """Return at most `n` distinct proposals from the end of `path`, at least one.

        Args:
            path: the steps so far.
            n: how many samples to draw; equal ones are one proposal with as many votes.
            id: logical id of the node. Whatever is random derives from it and the proposer's seed,
                so that the order of calls does not matter.
            notes: what was learnt on other paths, such as why an action failed there.

        Raises:
            ModelError: the model behind it failed for good.
            BudgetExceeded: there is no room for the call.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """Who says how good a path looks: a model, a rule, or a simulated verifier."""

    async def score(self, path: Path, *, id: str) -> Score:
        """Return the score of the end of `path`, the node `id`.

        Raises:
            ModelError: the model behind it failed for good.
            BudgetExceeded: there is no room for the call.
        """
        ...


@runtime_checkable
class Decider(Protocol):
    """Who chooses among actions that plans offer at a node, given what is seen there."""

    async def choose(
        self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
    ) -> int | None:
        """Return the index of the chosen option, or None when no usable choice was made.

        Args:
            path: the steps so far.
            options: at least two, each with the plans it stands for as votes.
            id: logical id of the decision.
            note: what went wrong before, such as a sub-task that was undone.

        Raises:
            ModelError: the model behind it failed for good.
            BudgetExceeded: there is no room for the call.
        """
        ...


class Planner(Protocol):
    """What decides which step to take, expand or take back. Fixed once made."""

    @property
    def name(self) -> str:
        """The name users choose it by."""

    @property
    def forks(self) -> bool:
        """Whether it tries several actions from one state, and so needs a `Forkable`."""

    @property
    def imagines(self) -> bool:
        """Whether it makes use of later actions in a proposal, so that they should be asked for."""

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        """Search for an answer, from the end of the tree's path on.

        A limit or failure that ends the search comes back in the solution, with the best path.

        Args:
            env: what actions act on; afterwards it is in the state at the end of the solution.
            proposer: who proposes them.
            budget: what may be spent; a step is one decision, be it an action or an expansion.
            tree: where the search is written down, and seen while it goes on; None makes one.

        Raises:
            ConfigError: the environment cannot do what the planner needs.
        """
        ...
