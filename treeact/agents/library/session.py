"""A library at work in one run: what is kept, what is tried again, what is given out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from treeact.agents.library.harvest import Harvest
from treeact.agents.library.library import ActionLibrary
from treeact.agents.library.loading import units
from treeact.agents.library.records import StoredAction
from treeact.agents.library.rows import Saved
from treeact.agents.task import Task
from treeact.errors import LibraryError, SandboxError, ToolError
from treeact.sandbox.base import Sandbox
from treeact.tools import Tool
from treeact.tools.function import make_tool
from treeact.trace.events import ActionSaved, ActionsRetrieved, ActionVerified, Noticed
from treeact.trace.log import EventLog

SEARCH = "search_actions"
MOST_FOUND = 20
"""Actions that one search of the agent's can find."""


class LibrarySession:
    """What one run shares of its library.

    Args:
        library: where actions are.
        task: what the run is about.
        log: where everything is written.
        open_sandbox: opens the fresh sandboxes in which actions are tried again.
    """

    def __init__(
        self,
        library: ActionLibrary,
        *,
        task: Task,
        log: EventLog,
        open_sandbox: Callable[[], Awaitable[Sandbox]],
    ) -> None:
        self.library = library
        self.written: set[str] = set()
        """Names of the actions that the run has written, and need not be shown."""
        self._task = task
        self._log = log
        self._open_sandbox = open_sandbox
        self._tried: set[int] = set()
        self._trials: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    # Keeping --------------------------------------------------------------------------------

    async def keep(self, harvest: Harvest) -> None:
        """Store what a step of the chosen path is worth, and have it verified in the background.

        A library that cannot be written costs the run its actions, not its answer.
        """
        if self.library.frozen or not (harvest.definitions or harvest.uses):
            return
        try:
            saved = await asyncio.to_thread(
                self.library.keep, harvest, task=self._task.question[:1000]
            )
        except LibraryError as error:
            self.notice(f"nothing was saved: {error}")
            return
        self._announce(saved)
        used = [use.action for use in harvest.uses if isinstance(use.action, int)]
        for action in [*(item.action for item in saved), *self.library.by_id(used)]:
            self._have_verified(action)

    def _announce(self, saved: Iterable[Saved]) -> None:
        for item in saved:
            action = item.action
            self.written.add(action.name)
            if item.new:
                self._log.emit(
                    ActionSaved(
                        id=self._id(action),
                        name=action.name,
                        version=action.version,
                        signature=self._log.text(action.header),
                        status=action.status,
                        uses=tuple(sorted(action.uses)),
                    )
                )

    def _id(self, action: StoredAction) -> str:
        return f"{self._task.id}/library/{action.name}-v{action.version}"

    def notice(self, text: str) -> None:
        """Write down something about the library that is worth saying."""
        self._log.emit(Noticed(id=f"{self._task.id}/library", text=text))

    # Verifying ------------------------------------------------------------------------------

    def _have_verified(self, action: StoredAction) -> None:
        if action.status != "exercised" or not action.examples or action.id in self._tried:
            return
        self._tried.add(action.id)
        trial = asyncio.get_running_loop().create_task(self._verify(action))
        self._trials.add(trial)
        trial.add_done_callback(self._trials.discard)

    async def _verify(self, action: StoredAction) -> None:
        try:
            async with self._one_at_a_time:
                verdict = await self.library.verify(
                    action.name,
                    self._open_sandbox,
                    version=action.version,
                    files=self._task.files,
                )
        except (LibraryError, SandboxError) as error:
            self.notice(f"{action.label} was not verified: {error}")
            return
        self._log.emit(
            ActionVerified(
                id=self._id(action),
                name=action.name,
                version=action.version,
                ok=verdict.ok,
                reason=verdict.reason,
            )
        )

    async def settle(self, seconds: float) -> None:
        """Wait until what was saved has been tried again, but no longer than so many seconds."""
        if self._trials:
            await asyncio.wait(self._trials, timeout=seconds)

    async def close(self) -> None:
        """Give up what is still being tried."""
        trials = list(self._trials)
        for trial in trials:
            trial.cancel()
        await asyncio.gather(*trials, return_exceptions=True)

    # Giving out -----------------------------------------------------------------------------

    def named(self, names: Collection[str]) -> list[StoredAction]:
        """Return the actions that code means by these names, none where that cannot be told."""
        try:
            return self.library.offered(names)
        except LibraryError as error:
            self.notice(str(error))
            return []

    async def find(self, query: str, k: int) -> list[StoredAction]:
        """Return at most `k` actions for a query, none where the library cannot be searched."""
        try:
            return await self.library.search(query, k)
        except LibraryError as error:
            self.notice(str(error))
            return []

    def note_given(self, how: Any, actions: Sequence[StoredAction], query: str = "") -> None:
        """Write down that actions were given out."""
        self._log.emit(
            ActionsRetrieved(
                id=f"{self._task.id}/library",
                how=how,
                actions=tuple(action.label for action in actions),
                query=self._log.text(query),
            )
        )

    def search_tool(self) -> Tool:
        """Return the tool by which code searches the library."""

        async def search_actions(query: str, k: int = 5) -> list[Any]:
            """Search your library for functions that you wrote in earlier tasks.

            It returns a list, empty where nothing fits. Print it to read the signatures. What is in
            it can be called: `search_actions("roman numerals")[0]("XIV")`, or by its own name.

            Args:
                query: What you need, in a few words.
                k: How many functions at most.
            """
            return await self._search(query, k)  # type: ignore[return-value]

        return make_tool(search_actions, effects="read", name=SEARCH)

    async def _search(self, query: str, k: int) -> dict[str, Any]:
        """Return what the sandbox makes callable functions of; see `prelude.offer_search`."""
        try:
            found = await self.library.search(query, min(max(k, 1), MOST_FOUND))
            closure = self.library.closure(found)
        except LibraryError as error:
            raise ToolError(str(error)) from error
        self.note_given("searched", found, query)
        return {
            "found": [[action.id, action.stub()] for action in found],
            "names": {action.name: action.id for action in found},
            "units": units(closure),
        }


def digests(actions: Iterable[StoredAction]) -> Mapping[str, str]:
    """Return the digests of actions by their names."""
    return {action.name: action.digest for action in actions}
