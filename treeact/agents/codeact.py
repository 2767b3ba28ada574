"""CodeAct: executable Python as the action space (Wang et al. 2024, arXiv 2402.01030)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.run import Context, Parts


@dataclass(frozen=True)
class CodeAct(Agent):
    """An agent whose actions are Python code, run in a sandbox where state stays between steps.

    The loop is that of section 2 of the paper: code, observation, code, to an answer, with
    self-repair from tracebacks. Replies are read tolerantly, and what cannot be read is told to
    the model. See `Agent` for the arguments.
    """

    name: ClassVar[str] = "codeact"

    def assemble(self, context: Context) -> Parts:
        """Put together a workspace, a code environment and a model that writes code."""
        from treeact.agents.assembly import assemble_code_agent

        return assemble_code_agent(self, context)
