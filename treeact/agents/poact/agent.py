"""PoAct: policies that take turns, and an action space that is bounded step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.agent import Agent
from treeact.planners.poact import PoAct as Policies

if TYPE_CHECKING:
    from treeact.agents.library.library import ActionLibrary
    from treeact.agents.run import Context, Parts
    from treeact.planners.protocols import Planner
    from treeact.tools.selection import Selector

POLICIES = Policies()


@dataclass(frozen=True)
class PoAct(Agent):
    """An agent whose model plans, thinks, writes code and reviews in turn (arXiv 2501.07054).

    All policies share one conversation. The system prompt says what its messages are, and is the
    same for all; the last message says whose turn it is, and is another one each time. Of many
    tools a step is shown the best few for its thought. See docs/poact.md for what of this is known
    of the original, and what is a reconstruction. See `Agent` for the arguments that all have.

    Args:
        planner: a `treeact.planners.PoAct`, which has the limits of repairs, reviews and plans.
        tools_shown: tools, and actions of the library, that a step is shown, besides those that
            always are.
        always_shown: names of tools that every step is shown.
        selector: ranks the tools; None is BM25 over their names and docstrings.
        library: a library of actions as `DynaSaur` has it, or the path of one, which is made if it
            is not there; None is none.
        frozen: use the library as it is and write nothing.
    """

    planner: Planner = POLICIES
    tools_shown: int = 8
    always_shown: Sequence[str] = ()
    selector: Selector | None = None
    library: ActionLibrary | FilePath | str | None = None
    frozen: bool = False

    name: ClassVar[str] = "poact"

    def assemble(self, context: Context) -> Parts:
        """Put together a workspace, a code environment and a model with policies.

        Raises:
            ConfigError: the planner switches no policies, or a name of `always_shown` is no tool's.
            LibraryError: the library cannot be used.
        """
        from treeact.agents.poact.parts import assemble_poact

        return assemble_poact(self, context)

    def describe(self) -> dict[str, Any]:
        """Return the settings that a trace records."""
        return {
            **super().describe(),
            "tools_shown": self.tools_shown,
            "always_shown": list(self.always_shown),
            "library": self.library is not None,
            "frozen": self.frozen,
        }
