"""DynaSaur: an agent whose functions become actions (Nguyen et al. 2024, arXiv 2411.01747)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.library.library import ActionLibrary
    from treeact.agents.run import Context, Parts


@dataclass(frozen=True)
class DynaSaur(Agent):
    """CodeAct with a library: what it defines is kept, verified, and offered in later tasks.

    The loop is CodeAct's. Functions that its code defines at the top level are stored with what
    they need (section 3 of the paper); stored ones that fit are shown with their signatures, found
    by `search_actions` from code, and loaded into the sandbox when code names them. What differs
    from the paper is told in `docs/library.md`. See `Agent` for the other arguments.

    Args:
        library: a library, or the path of one, which is made if it is not there; by default the
            file `library_path()`.
        frozen: use the library as it is and write nothing, as for a test split.
        offers: actions shown at a time.
        embeddings: LiteLLM's name of an embedding model, to search a library given by its path by
            meaning instead of by words.
    """

    library: ActionLibrary | FilePath | str | None = None
    frozen: bool = False
    offers: int = 5
    embeddings: str | None = None

    name: ClassVar[str] = "dynasaur"

    def assemble(self, context: Context) -> Parts:
        """Put together CodeAct's parts, with the library at work in sandbox and prompt.

        Raises:
            ConfigError: tools clash, or a dollar budget meets an unknown price.
            LibraryError: the library cannot be used.
        """
        from treeact.agents.assembly import assemble_code_agent
        from treeact.agents.library.attached import AttachedLibrary
        from treeact.agents.library.offers import OfferingProposer

        library = AttachedLibrary(
            self.library, self, context, frozen=self.frozen, embeddings=self.embeddings
        )
        parts = assemble_code_agent(
            self,
            context,
            template="dynasaur",
            more_tools=[library.session.search_tool()],
            wrap=library.wrap,
            proposer=partial(
                OfferingProposer,
                session=library.session,
                question=context.task.question,
                most=self.offers,
            ),
        )
        return library.attach(parts)

    def describe(self) -> dict[str, Any]:
        """Return the settings that a trace records."""
        own = {"frozen": self.frozen, "offers": self.offers, "embeddings": self.embeddings}
        return {**super().describe(), **own}
