"""Sandboxes whose branches load actions, watch calls, and keep what a chosen branch defined.

Wrappers: what is wrapped may be any sandbox of the driver's, and planners that fork and commit
branches need not know. A branch that is only tentative keeps nothing; when it is chosen, what its
whole path defined is kept, and what was defined on other branches never is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from treeact.agents.library.extraction import KNOWN
from treeact.agents.library.harvest import Harvest, Taken, harvest
from treeact.agents.library.loading import PRELUDE, load_code, search_code, take_code
from treeact.agents.library.records import StoredAction
from treeact.agents.library.reports import Report, read_literal, read_report
from treeact.agents.library.session import SEARCH, LibrarySession, digests
from treeact.agents.library.statements import names_used
from treeact.errors import LibraryError, SandboxError
from treeact.sandbox.base import (
    Branch,
    Execution,
    FileInfo,
    HostTool,
    OutputCallback,
    Sandbox,
    ToolCall,
    ToolCallback,
)

OWN_TIMEOUT = 20.0
"""Seconds for code of the library's own."""
MOST_NOTES = 5
"""Functions that cannot be kept of which the agent is told after a step."""


def with_library(
    open_sandbox: Callable[[], Awaitable[Sandbox]], session: LibrarySession, *, room: int
) -> Callable[[], Awaitable[Sandbox]]:
    """Return what opens the same sandboxes, with a library at work in their branches.

    Args:
        open_sandbox: opens a started sandbox.
        session: the library as the run uses it.
        room: characters that an echoed value may have, as in `Limits.value`.
    """

    async def open_one() -> Sandbox:
        return LibrarySandbox(await open_sandbox(), session, room)

    return open_one


class LibrarySandbox:
    """A sandbox whose branches have a library."""

    def __init__(self, sandbox: Sandbox, session: LibrarySession, room: int) -> None:
        self._sandbox = sandbox
        self._session = session
        self._room = room

    @property
    def kind(self) -> str:
        """The kind of the sandbox."""
        return self._sandbox.kind

    async def __aenter__(self) -> LibrarySandbox:
        await self._sandbox.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._sandbox.__aexit__(*exc)

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> LibraryBranch:
        """Return a new root branch, made ready for the library.

        Raises:
            SandboxError: it cannot be made ready.
        """
        branch = await self._sandbox.branch(tools=tools)
        names = frozenset(tool.name for tool in tools)
        for code in (PRELUDE, *([search_code(SEARCH)] if SEARCH in names else [])):
            execution = await branch.run(code, timeout=OWN_TIMEOUT)
            if not execution.ok:
                why = execution.error.traceback if execution.error else execution.outcome
                raise SandboxError(f"the sandbox cannot hold an action library: {why}")
        return LibraryBranch(branch, self._session, names, self._room)


class LibraryBranch:
    """A branch that loads the actions its code names, and keeps those its code defines."""

    def __init__(
        self,
        branch: Branch,
        session: LibrarySession,
        tools: frozenset[str],
        room: int,
        *,
        chosen: bool = True,
    ) -> None:
        self._branch, self._session, self._tools, self._room = branch, session, tools, room
        self._chosen = chosen
        self._path: tuple[Taken, ...] = ()
        self._stored: Mapping[str, str] = {}
        self._waiting: tuple[Harvest, ...] = ()
        self._watches = False

    @property
    def id(self) -> str:
        """The branch's logical id."""
        return self._branch.id

    async def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_call: ToolCallback | None = None,
        recorded: Sequence[ToolCall] = (),
        whole: bool = False,
    ) -> Execution:
        """Load what `code` names, run it, and see what it defined and called."""
        notes = await self._load(code)
        execution = await self._branch.run(
            code,
            timeout=timeout,
            on_output=on_output,
            on_call=on_call,
            recorded=recorded,
            whole=whole,
        )
        notes += await self._look(code, execution)
        return replace(execution, notes=execution.notes + notes)

    # Loading --------------------------------------------------------------------------------

    async def _load(self, code: str) -> tuple[str, ...]:
        """Load the stored actions that `code` names and nobody has defined; return notes."""
        names = names_used(code) - KNOWN - self._tools - self._stored.keys() - self._bound()
        actions = self._session.named(names) if names else []
        if not actions:
            return ()
        try:
            closure = self._session.library.closure(actions)
        except LibraryError as error:
            self._session.notice(str(error))
            return ()
        wanted = {action.name: action.id for action in actions}
        execution = await self._branch.run(load_code(closure, wanted), timeout=OWN_TIMEOUT)
        failed = _failures(execution)
        loaded = [action for action in actions if execution.ok and action.id not in failed]
        self._give("named", loaded)
        return tuple(
            f"{action.label} of your library could not be loaded: {failed.get(action.id, '?')}"
            for action in actions
            if action not in loaded
        )

    def _give(self, how: str, actions: Sequence[StoredAction]) -> None:
        if actions:
            self._stored = {**self._stored, **digests(actions)}
            self._watches = True
            self._session.note_given(how, actions)

    def _bound(self) -> set[str]:
        return {name for taken in self._path for s in taken.statements for name in s.binds}

    # Watching -------------------------------------------------------------------------------

    async def _look(self, code: str, execution: Execution) -> tuple[str, ...]:
        """Take notice of a run; return what its author should know."""
        if execution.rolled_back:
            return ()
        self._note_searches(execution.calls)
        traceback = execution.error.traceback if execution.error else ""
        taken = Taken(code=code, ok=execution.ok, traceback=traceback)
        if self._session.library.frozen:
            self._path = (*self._path, taken)
            return ()
        self._watches = self._watches or any(s.function for s in taken.statements)
        self._path = (*self._path, replace(taken, report=await self._report(execution.calls)))
        kept = harvest(self._path, tools=self._tools, stored=self._stored)
        self._waiting = (*self._waiting, kept)
        if self._chosen:
            await self._keep()
        told = islice(kept.left_out.items(), MOST_NOTES)
        return tuple(f"{name} was not kept in your library: {why}" for name, why in told)

    def _note_searches(self, calls: Sequence[ToolCall]) -> None:
        found = [
            id
            for call in calls
            if call.tool == SEARCH and call.status in ("done", "replayed")
            for id in call.result["names"].values()
        ]
        if found:
            self._stored = {**digests(self._session.library.by_id(found)), **self._stored}
            self._watches = True

    async def _report(self, calls: Sequence[ToolCall]) -> Report:
        """Ask what the code defined and called, if it can have done either."""
        if not self._watches:
            return Report()
        execution = await self._branch.run(take_code(self._room), timeout=OWN_TIMEOUT)
        return read_report(execution.value if execution.ok else None, calls)

    async def _keep(self) -> None:
        waiting, self._waiting = self._waiting, ()
        for kept in waiting:
            await self._session.keep(kept)

    # Forking --------------------------------------------------------------------------------

    async def fork(self) -> LibraryBranch:
        """Return an independent, tentative copy, which keeps nothing until it is chosen."""
        twin = LibraryBranch(
            await self._branch.fork(), self._session, self._tools, self._room, chosen=False
        )
        twin._path, twin._stored, twin._watches = self._path, self._stored, self._watches
        twin._waiting = self._waiting
        return twin

    async def commit(self, *, recorded: Sequence[ToolCall] = ()) -> tuple[ToolCall, ...]:
        """Choose this branch: keep what its path defined, and let its tools go ahead."""
        made = await self._branch.commit(recorded=recorded)
        self._chosen = True
        await self._keep()
        return made

    # Everything else is the branch's own ------------------------------------------------------

    async def put(self, name: str, data: bytes) -> None:
        """Write a file into the working folder."""
        await self._branch.put(name, data)

    async def get(self, name: str) -> bytes:
        """Read a regular file of the working folder."""
        return await self._branch.get(name)

    async def list(self) -> list[FileInfo]:
        """List the regular files of the working folder, sorted by name."""
        return await self._branch.list()

    async def interrupt(self) -> None:
        """Stop the run in progress, keeping the state if the code allows it."""
        await self._branch.interrupt()

    async def close(self) -> None:
        """Kill the branch's processes and remove its files."""
        await self._branch.close()


def _failures(execution: Execution) -> dict[int, str]:
    """Return why actions could not be loaded, by id."""
    try:
        said = read_literal(execution.value or "{}")
    except ValueError:
        return {}
    return {int(id): str(why)[:300] for id, why in said.items()} if isinstance(said, dict) else {}
