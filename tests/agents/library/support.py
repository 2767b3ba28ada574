"""Libraries, steps and sandboxes for tests of the action library."""

from collections.abc import Sequence
from pathlib import Path

from treeact import JailSandbox, Limits, Task, UnsafeLocalSandbox
from treeact.agents.library import ActionLibrary, Definition, Taken
from treeact.agents.library.branches import LibraryBranch, LibrarySandbox
from treeact.agents.library.harvest import Harvest, harvest
from treeact.agents.library.reports import Called, Report
from treeact.agents.library.session import LibrarySession
from treeact.sandbox.base import HostTool, Sandbox
from treeact.trace.log import EventLog

LIMITS = Limits(grace=0.2, timeout=20.0)


def read(*steps: str, tools: Sequence[str] = (), stored: dict[str, str] | None = None) -> Harvest:
    """Return what is kept of the last of some steps, which all ran without error."""
    path = [Taken(code=step, ok=True) for step in steps]
    return harvest(path, tools=tools, stored=stored)


def define(*steps: str, name: str | None = None) -> Definition:
    """Return the definition of a function, by default the last one of the steps."""
    kept = read(*steps)
    assert not kept.left_out, kept.left_out
    return next(d for d in reversed(kept.definitions) if name in (None, d.name))


def exercised(library: ActionLibrary, source: str, *, task: str = "") -> None:
    """Save the functions of a step, each as if a call of it had returned."""
    names = [d.name for d in read(source).definitions]
    calls = tuple(Called(function=name, returned=True, raised=False) for name in names)
    taken = Taken(code=source, ok=True, report=Report(defined=tuple(names), calls=calls))
    library.keep(harvest([taken]), task=task)


async def open_unsafe() -> Sandbox:
    return await UnsafeLocalSandbox(limits=LIMITS).__aenter__()


async def open_jail() -> Sandbox:
    return await JailSandbox(limits=LIMITS).__aenter__()


def session(library: ActionLibrary, task: str = "What is it?") -> LibrarySession:
    return LibrarySession(library, task=Task(task), log=EventLog(None), open_sandbox=open_unsafe)


class Opened:
    """A branch with a library at work, in a fresh sandbox; an async context manager."""

    def __init__(
        self, library: ActionLibrary, *, tools: Sequence[HostTool] = (), room: int = LIMITS.value
    ) -> None:
        self.session = session(library)
        self._tools = [*tools, self.session.search_tool()]
        self._room = room

    async def __aenter__(self) -> LibraryBranch:
        self._sandbox = LibrarySandbox(await open_unsafe(), self.session, self._room)
        return await self._sandbox.branch(tools=self._tools)

    async def __aexit__(self, *exc: object) -> None:
        await self.session.settle(20)
        await self.session.close()
        await self._sandbox.__aexit__(*exc)


def library_at(folder: Path, **options: object) -> ActionLibrary:
    return ActionLibrary(folder / "actions.sqlite", **options)  # type: ignore[arg-type]
