"""The baseline that CodeAct is compared with: the same tools, one JSON call per turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.run import Context, Parts


@dataclass(frozen=True)
class JsonAgent(Agent):
    """An agent whose action is one tool call, written as a JSON object (`{"tool": ...}`).

    It is the "JSON as action" mode of the CodeAct paper (Wang et al. 2024, section 2.3): equal
    tools, loop and limits, so that only the form of the action differs. It runs no code, and needs
    no sandbox. See `Agent` for the arguments.
    """

    name: ClassVar[str] = "json"

    def assemble(self, context: Context) -> Parts:
        """Put together a tool environment and a model that writes JSON calls."""
        from treeact.agents.assembly import assemble_json_agent

        return assemble_json_agent(self, context)
