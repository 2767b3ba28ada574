"""An agent that acts by single typed calls in a world that can be searched, such as a simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.agents.agent import Agent
from treeact.errors import ConfigError
from treeact.planners.protocols import Action, Call, Forkable, Path, Proposer

if TYPE_CHECKING:
    from treeact.agents.run import Context, Parts
    from treeact.trace.budget import Budget
    from treeact.trace.usage import Ledger


@dataclass(frozen=True, kw_only=True)
class World:
    """A world that takes calls, and how it is told to whoever acts in it."""

    name: str
    start: Callable[[], Forkable]
    """Returns the world as it is at first."""
    calls: str
    """The calls and their arguments, as prompts show them."""
    situation: str
    """What is to be known of the world at first; may be empty."""
    read: Callable[[str], Call]
    """Reads one line as a call; raises TreeActError, with the form, where it is none."""
    look: Callable[[Path, Sequence[Action]], str] | None = None
    """Returns what is seen at the end of a path that matters for some next actions."""


@dataclass(frozen=True)
class PlanAgent(Agent):
    """An agent whose actions are the calls of a `World`.

    With a planner that makes use of later actions (`TreePlanner`, `ToolChain`) each reply is a
    whole plan, else it is the next call. Besides the arguments of `Agent`, of which `tools` and
    `sandbox` have no use here:

    Args:
        world: where the calls act.
        votes: samples of one decision among plans (Tree-Planner has 20).
        policy: makes the proposer of a run, in the place of the model: a simulated policy, say. It
            is given the run's budget and ledger.
    """

    world: World | None = None
    votes: int = 20
    policy: Callable[[Budget, Ledger], Proposer] | None = None

    name: ClassVar[str] = "plan"

    def assemble(self, context: Context) -> Parts:
        """Put together a world, and a model that plans in it.

        Raises:
            ConfigError: there is no world, or the task has files or the agent tools.
        """
        from treeact.agents.plans.parts import assemble_plan_agent

        if self.world is None:
            raise ConfigError("a plan agent needs a world: give PlanAgent(..., world=...)")
        if context.task.files or self.tools:
            raise ConfigError("a plan agent has the calls of its world, and no files or tools")
        return assemble_plan_agent(self, self.world, context)
