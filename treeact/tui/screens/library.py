"""The library screen: the functions that agents wrote, and what became of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text as Rich
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from treeact.errors import ConfigError, LibraryError, TreeActError
from treeact.printable import printable
from treeact.tui.keys import key
from treeact.tui.rounds import after, next_hit
from treeact.tui.screens.asking import LineScreen, YesScreen
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.widgets.long_text import LongText

if TYPE_CHECKING:
    from treeact.agents.library import ActionLibrary, StoredAction
    from treeact.tui.session import Session

_COLUMNS = ("name", "version", "status", "uses", "right", "size", "remarks", "born in", "signature")


class LibraryScreen(RunBoundScreen):
    """A table of the actions, and below it the one at the cursor in full."""

    HELP = (
        "Functions that agents wrote and that DynaSaur keeps. Only those are offered that were "
        "called and returned, verified ones first; a pinned version is what its name means."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        key("library", "j", "line(1)", "Down"),
        key("library", "k", "line(-1)", "Up"),
        key("library", "s", "sort", "Sort", show=True),
        key("library", "v", "changes", "Changes between versions", show=True),
        key("library", "t", "verify", "Try its calls again", show=True),
        key("library", "p", "pin", "Pin"),
        key("library", "x", "disable", "Disable"),
        key("library", "E", "export", "Export"),
        key("library", "c", "calls", "Calls in this run", show=True),
        key("library", "R", "reload", "Read again"),
    ]

    def __init__(self, session: Session, path: Path | None = None) -> None:
        from treeact.tui.views.library import SORTS, Shelf

        super().__init__(session)
        self._path = path
        self._shelf = Shelf()
        self._actions: list[StoredAction] = []
        self._sorts = SORTS
        self._sort = SORTS[0]
        self._loaded = self._changes = False

    def compose_body(self) -> ComposeResult:
        """Lay out the table, the source and what is known besides."""
        yield DataTable(id="actions", cursor_type="row", zebra_stripes=True)
        with VerticalScroll(id="action-scroll"):
            yield LongText(id="action-source")
            yield Static("", id="action-about", markup=False)

    def on_mount(self) -> None:
        """Name the columns."""
        super().on_mount()
        self.query_one(DataTable).add_columns(*_COLUMNS)

    async def update_view(self) -> None:
        """Read the library once; it is read again on request."""
        if not self._loaded:
            self._loaded = True
            await self.action_reload()

    async def action_reload(self) -> None:
        """Read the library, beside the screen."""
        from treeact.tui.views.library import Shelf, read_shelf

        try:
            self._shelf = await asyncio.to_thread(read_shelf, self._path)
        except LibraryError as error:
            self._shelf = Shelf()
            self.query_one("#action-source", LongText).show(str(error))
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(DataTable)
        here = table.cursor_row
        table.clear()
        self._actions = self._shelf.sorted(self._sort)
        for action in self._actions:
            table.add_row(*(Rich(printable(cell)) for cell in self._cells(action)))
        table.move_cursor(row=min(here, max(0, len(self._actions) - 1)))

    def _cells(self, action: StoredAction) -> tuple[str, ...]:
        from treeact.tui.views.library import rate

        return (
            action.name,
            f"v{action.version}",
            action.status,
            str(action.successes + action.failures),
            f"{rate(action):.0%}" if rate(action) >= 0 else "-",
            str(len(action.code)),
            ", ".join(self._shelf.badges(action)),
            " ".join(action.task.split())[:40] or "-",
            action.header,
        )

    def _current(self) -> StoredAction | None:
        row = self.query_one(DataTable).cursor_row
        return self._actions[row] if 0 <= row < len(self._actions) else None

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the action at the cursor."""
        self._changes = False
        self._show()

    def _show(self) -> None:
        if (action := self._current()) is not None:
            self._show_action(action)

    @work(exclusive=True)
    async def _show_action(self, action: StoredAction) -> None:
        from treeact.tui.views import library as view

        what = view.changes if self._changes else view.about
        try:
            words = await asyncio.to_thread(what, action, self._path)
        except LibraryError as error:
            words = str(error)
        text, language = (words, "diff") if self._changes else (action.code, "python")
        self.query_one("#action-source", LongText).show(text, language)
        self.query_one("#action-about", Static).update("" if self._changes else printable(words))

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        table = self.query_one(DataTable)
        table.move_cursor(row=max(0, table.cursor_row + by))

    def action_sort(self) -> None:
        """Sort by name, status, uses, rate of success or size in turn."""
        self._sort = after(self._sort, self._sorts)
        self._draw()
        self.notify(f"sorted by {self._sort}")

    def action_changes(self) -> None:
        """Show what changed from the version before, or the source again."""
        self._changes = not self._changes
        self._show()

    def action_verify(self) -> None:
        """Try the recorded calls of the action again, in a fresh sandbox."""
        if (action := self._current()) is not None:
            self.notify(f"trying {action.label} in a sandbox", markup=False)
            self._verify(action)

    @work(group="verify")
    async def _verify(self, action: StoredAction) -> None:
        from treeact.agents.agent import LIMITS
        from treeact.sandbox.select import opener
        from treeact.tui.views.library import open_library

        open_sandbox = opener(os.environ.get("TREEACT_SANDBOX", "auto"), limits=LIMITS)
        try:
            with open_library(self._path, write=True) as library:
                verdict = await library.verify(action.name, open_sandbox, version=action.version)
        except TreeActError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        result = "verified" if verdict.ok else "not tried" if verdict.untried else "failed"
        reason = f": {verdict.reason}" if verdict.reason else ""
        self.notify(f"{action.label} {result}{reason}", markup=False)
        await self.action_reload()

    async def action_pin(self) -> None:
        """Have the name mean this version, or not any more."""
        if (action := self._current()) is not None:
            await self._change(lambda it: it.pin(action.name, action.version, undo=action.pinned))

    def action_disable(self) -> None:
        """Take the action at the cursor out of use, after asking; or back into it."""
        action = self._current()
        if action is None:
            return
        off = action.status == "disabled"

        async def disable(yes: bool | None) -> None:
            if yes:
                await self._change(lambda it: it.disable(action.name, action.version, undo=off))

        question = f"Take {action.label} {'back into' if off else 'out of'} use?"
        self.app.push_screen(YesScreen(question), disable)

    async def _change(self, change: Callable[[ActionLibrary], object]) -> None:
        from treeact.tui.views.library import open_library

        try:
            with open_library(self._path, write=True) as library:
                change(library)
        except LibraryError as error:
            self.notify(str(error), severity="warning", markup=False)
        await self.action_reload()

    def action_export(self) -> None:
        """Write the action with all that it uses into a file, as lines of JSON."""
        if (action := self._current()) is not None:
            title = f"Write {action.label} and what it uses into which file?"
            self.app.push_screen(
                LineScreen(title, f"{action.name}.jsonl"), lambda file: self._export(action, file)
            )

    def _export(self, action: StoredAction, file: str | None) -> None:
        from treeact.tui.views.library import export

        if not file:
            return
        try:
            export(action, Path(file).expanduser(), self._path)
        except (ConfigError, LibraryError) as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(f"written to {file}", markup=False)

    def action_calls(self) -> None:
        """Choose one of the places where the action comes up in this run, and go there."""
        action = self._current()
        uses = self.session.uses.of(action.name) if action else []
        if action is None or not uses:
            self.notify("it does not come up in this run")
            return
        lines = [f"{use.event}  {use.line()}" for use in uses]

        def show(line: str | None) -> None:
            number = (line or "").partition(" ")[0]
            if number.isdigit():
                self.app.post_message(self.ShowEvent(int(number)))

        title = f"{action.label} in this run; choose a line, or write the number of an event"
        self.app.push_screen(LineScreen(title, choices=lines), show)

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next action with some words."""
        table = self.query_one(DataTable)

        def holds(at: int) -> bool:
            action = self._actions[at]
            return words.lower() in f"{action.header} {action.source}".lower()

        at = next_hit(table.cursor_row, len(self._actions), holds, forward=forward)
        if at is not None:
            table.move_cursor(row=at)
        return at is not None

    def copied(self) -> str:
        """Return the source of the action at the cursor."""
        action = self._current()
        return "" if action is None else action.code
