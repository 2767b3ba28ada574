"""DynaSaur: an agent whose functions become actions (Nguyen et al. 2024, arXiv 2411.01747)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.agent import Agent

if TYPE_CHECKING:
    from treeact.agents.library.library import ActionLibrary
    from treeact.agents.library.session import LibrarySession
    from treeact.agents.run import Context, Parts
    from treeact.planners.protocols import Environment, Planner, Proposer, Solution
    from treeact.planners.tree import ActionTree
    from treeact.trace.budget import Budget

PATIENCE = 20.0
"""Seconds at the end of a run for actions that are still being verified."""


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
        from treeact.agents.library.branches import with_library
        from treeact.agents.library.offers import OfferingProposer
        from treeact.agents.library.session import LibrarySession
        from treeact.sandbox.select import opener

        library = self._open()
        session = LibrarySession(
            library,
            task=context.task,
            log=context.log,
            open_sandbox=opener(self.sandbox, limits=self.limits),
        )
        parts = assemble_code_agent(
            self,
            context,
            template="dynasaur",
            more_tools=[session.search_tool()],
            wrap=partial(with_library, session=session, room=self.limits.value),
            proposer=partial(
                OfferingProposer,
                session=session,
                question=context.task.question,
                most=self.offers,
            ),
        )

        async def close() -> None:
            try:
                await parts.close()
            finally:
                await session.close()
                if library is not self.library:
                    library.close()

        return replace(parts, planner=_Settling(parts.planner, session), close=close)

    def _open(self) -> ActionLibrary:
        from treeact.agents.library.library import ActionLibrary, library_path
        from treeact.errors import ConfigError

        if isinstance(self.library, ActionLibrary):
            if self.frozen and not self.library.frozen:
                raise ConfigError("this library is open for writing: open it with frozen=True")
            return self.library
        path = library_path(None if self.library is None else FilePath(self.library))
        return ActionLibrary(path, frozen=self.frozen, embeddings=self.embeddings)

    def describe(self) -> dict[str, Any]:
        """Return the settings that a trace records."""
        own = {"frozen": self.frozen, "offers": self.offers, "embeddings": self.embeddings}
        return {**super().describe(), **own}


class _Settling:
    """A planner after which what was saved gets the time to be verified."""

    def __init__(self, planner: Planner, session: LibrarySession) -> None:
        self._planner = planner
        self._session = session
        self.name = planner.name
        self.forks = planner.forks
        self.imagines = planner.imagines

    async def solve(
        self,
        env: Environment,
        proposer: Proposer,
        budget: Budget,
        *,
        tree: ActionTree | None = None,
    ) -> Solution:
        solution = await self._planner.solve(env, proposer, budget, tree=tree)
        left = budget.seconds_left()
        await self._session.settle(PATIENCE if left is None else min(PATIENCE, left / 2))
        return solution
