"""CodeAgents: plans in typed pseudo-code, carried out by roles and tools (arXiv 2507.03254)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.run import Context, Parts
    from treeact.models.base import Model


@dataclass(frozen=True, kw_only=True)
class Role:
    """One of the models that work on a task, and what it is told.

    `planner` writes the first plan and `replanner` the patches; every other role can be called in
    plans, by its name.
    """

    name: str
    """The Python identifier under which plans call it."""
    instructions: str = ""
    """What it is for; plans are shown this, and so is the role."""
    signature: str = ""
    """Its parameters and result, such as `(claim: str, rows: list[str]) -> bool`. Without one it
    takes a goal and any named values, and gives what the plan declares."""
    model: Model | str | None = None
    """Its own model; None is the agent's."""
    prompt: str = ""
    """Its own system prompt as a Jinja template: the text, or the name of one in `prompts/`."""
    python: bool = False
    """Whether it may run Python in the run's sandbox; its values are variables there."""
    tools: tuple[str, ...] | None = None
    """Tools that its code may call; None are all."""
    inline: int = 2000
    """Characters of a value up to which its prompt shows it whole, and not as a reference."""
    max_turns: int = 8
    """Replies in one call."""


PLANNER = Role(name="planner", prompt="codified_planner")
REPLANNER = Role(name="replanner", prompt="codified_replanner")
SOLVER = Role(
    name="solver",
    instructions="Reaches a goal by writing Python: reads files, computes, calls tools in loops.",
    prompt="codified_solver",
    python=True,
)


@dataclass(frozen=True)
class CodeAgents(Agent):
    """An agent that plans in typed pseudo-code, which is checked and then carried out.

    A planner writes a plan in the language of `treeact.planners.codified`; a plan that does not
    check goes back to it with the findings. Steps call tools and roles; their results stay in typed
    variables, and prompts show long ones by reference. When a step fails, a replanner is told why,
    and replaces the steps that are left; what was executed stays.

    A reconstruction from the paper's description, of which little code is public. See `Agent` for
    the arguments that all agents have.

    Args:
        roles: further roles, or other settings of `planner`, `replanner` and `solver`.
        max_rejections: plans in a row that may fail the check.
        max_replans: patches of one run.
        concurrency: calls of roles and tools at the same time.
        inline: characters of a value up to which the planners' prompts show it whole.
    """

    roles: Sequence[Role] = ()
    max_rejections: int = 3
    max_replans: int = 6
    concurrency: int = 4
    inline: int = 300

    name: ClassVar[str] = "codeagents"

    def assemble(self, context: Context) -> Parts:
        """Put together the roles, the tools, the sandbox, and what carries plans out."""
        from treeact.agents.codified.assembly import assemble_codeagents

        return assemble_codeagents(self, context)

    def describe(self) -> dict[str, Any]:
        """Return the settings that a trace records."""
        return {
            **super().describe(),
            "roles": [role.name for role in self.roles],
            "max_rejections": self.max_rejections,
            "max_replans": self.max_replans,
            "inline": self.inline,
        }
