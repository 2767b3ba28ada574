"""CodeAgents: plans in typed pseudo-code, carried out by roles and tools (arXiv 2507.03254)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.codified.role import Role
    from treeact.agents.run import Context, Parts


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
