"""A library attached to a run: opened before it, at work in its sandboxes, closed behind it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.agents.agent import Agent
from treeact.agents.library.branches import with_library
from treeact.agents.library.library import ActionLibrary, library_path
from treeact.agents.library.session import LibrarySession
from treeact.agents.run import Context, Parts
from treeact.agents.workspace import OpenSandbox
from treeact.errors import ConfigError
from treeact.sandbox.select import opener

if TYPE_CHECKING:
    from treeact.planners.protocols import Environment, Planner, Proposer, Solution
    from treeact.planners.tree import ActionTree
    from treeact.trace.budget import Budget

PATIENCE = 20.0
"""Seconds at the end of a run for actions that are still being verified."""


class AttachedLibrary:
    """What a run's parts need of a library.

    Args:
        library: a library, or the path of one; None is the file `library_path()`.
        agent: the settings.
        context: the run.
        frozen: whether nothing is written.
        embeddings: LiteLLM's name of an embedding model, for a library that is opened here.

    Raises:
        ConfigError: an open library can be written, and should be frozen.
        LibraryError: the library cannot be used.
    """

    def __init__(
        self,
        library: ActionLibrary | Path | str | None,
        agent: Agent,
        context: Context,
        *,
        frozen: bool = False,
        embeddings: str | None = None,
    ) -> None:
        self._own = not isinstance(library, ActionLibrary)
        self._library = _open(library, frozen=frozen, embeddings=embeddings)
        self._room = agent.limits.value
        self.session = LibrarySession(
            self._library,
            task=context.task,
            log=context.log,
            open_sandbox=opener(agent.sandbox, limits=agent.limits),
        )

    def wrap(self, open_sandbox: OpenSandbox) -> OpenSandbox:
        """Return what opens the same sandboxes, with the library at work in them."""
        return with_library(open_sandbox, self.session, room=self._room)

    def attach(self, parts: Parts) -> Parts:
        """Return the parts of a run that ends with the library settled and closed."""
        planner = _Settling(parts.planner, self.session)
        return replace(parts, planner=planner, close=partial(self._close, parts))

    async def _close(self, parts: Parts) -> None:
        try:
            await parts.close()
        finally:
            await self.session.close()
            if self._own:
                self._library.close()


def _open(
    library: ActionLibrary | Path | str | None, *, frozen: bool, embeddings: str | None
) -> ActionLibrary:
    if isinstance(library, ActionLibrary):
        if frozen and not library.frozen:
            raise ConfigError("this library is open for writing: open it with frozen=True")
        return library
    path = library_path(None if library is None else Path(library))
    return ActionLibrary(path, frozen=frozen, embeddings=embeddings)


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
