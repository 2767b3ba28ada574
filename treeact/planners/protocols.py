"""What planners stand on: actions and observations, the environment, and who proposes.

Plain dataclasses and protocols; a planner never knows whether a model, a simulator or a person is
behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from treeact.errors import TreeActError
from treeact.planners.normalise import code_calls, code_key, python_call

if TYPE_CHECKING:
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


Action = Code | Call | Answer | NoAction


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an action brought about, as its author is told."""

    text: str
    ok: bool = True
    """False when the action failed or was refused."""
    answer: str | None = None
    """The final answer, when the action gave it."""
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


class Environment(Protocol):
    """What actions act on."""

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take `action`; failures of the action are observations, not errors.

        Raises:
            SandboxError: the environment itself is gone.
        """
        ...


class Proposer(Protocol):
    """Who proposes actions: a model, retrieval, or a simulated policy."""

    async def propose(self, path: Path, n: int, *, id: str) -> Sequence[Proposal]:
        """Return at most `n` distinct proposals from the end of `path`, at least one.

        Raises:
            ModelError: the model behind it failed for good.
            BudgetExceeded: there is no room for the call.
        """
        ...


class Planner(Protocol):
    """What decides which step to take, expand or take back."""

    @property
    def name(self) -> str:
        """The name users choose it by."""

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        path: Path = (),
        root: str = "run",
    ) -> Solution:
        """Search for an answer, from the end of `path` on.

        A limit or failure that ends the search comes back in the solution, with the best path.
        """
        ...
