"""The library screen: the functions that agents wrote, and what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.syntax import Syntax
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from treeact.errors import LibraryError
from treeact.tui.keys import key
from treeact.tui.screens.base import RunBoundScreen

if TYPE_CHECKING:
    from treeact.agents.library import StoredAction
    from treeact.tui.session import Session

_COLUMNS = ("name", "version", "status", "uses", "right", "born in", "signature")


class LibraryScreen(RunBoundScreen):
    """A table of the actions, and the source of the one at the cursor."""

    HELP = "Functions that agents wrote and that DynaSaur keeps. Only verified ones are offered."
    BINDINGS: ClassVar[list[BindingType]] = [
        key("library", "s", "sort", "Sort", show=True),
        key("library", "x", "disable", "Disable", show=True),
        key("library", "R", "reload", "Read again", show=True),
    ]

    def __init__(self, session: Session, path: Path | None = None) -> None:
        super().__init__(session)
        self._path = path
        self._actions: list[StoredAction] = []
        self._sort = 0
        self._loaded = False

    def compose_body(self) -> ComposeResult:
        """Lay out the table and the source."""
        yield DataTable(id="actions", cursor_type="row", zebra_stripes=True)
        with VerticalScroll(id="action-scroll"):
            yield Static("", id="action-source")

    def on_mount(self) -> None:
        """Name the columns."""
        super().on_mount()
        self.query_one(DataTable).add_columns(*_COLUMNS)

    async def update_view(self) -> None:
        """Read the library once; it is read again on request."""
        if not self._loaded:
            self._loaded = True
            self.action_reload()

    def action_reload(self) -> None:
        """Read the library."""
        from treeact.agents.library import ActionLibrary
        from treeact.agents.library.library import library_path

        path = library_path(self._path)
        try:
            if not path.exists():
                raise LibraryError(f"{path} is not there: runs of --agent dynasaur make it")
            with ActionLibrary(path, frozen=True) as library:
                self._actions = list(library.actions())
        except LibraryError as error:
            self._actions = []
            self.query_one("#action-source", Static).update(str(error))
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(DataTable)
        table.clear()
        keys = (
            lambda it: it.name,
            lambda it: it.status,
            lambda it: -(it.successes + it.failures),
        )
        self._actions.sort(key=keys[self._sort])
        for action in self._actions:
            uses = action.successes + action.failures
            share = f"{action.successes / uses:.0%}" if uses else "-"
            table.add_row(
                action.name,
                f"v{action.version}",
                action.status,
                str(uses),
                share,
                action.task or "-",
                action.header,
            )

    def action_sort(self) -> None:
        """Sort by name, status or uses in turn."""
        self._sort = (self._sort + 1) % 3
        self._draw()
        self.notify(f"sorted by {('name', 'status', 'uses')[self._sort]}")

    def _current(self) -> StoredAction | None:
        row = self.query_one(DataTable).cursor_row
        return self._actions[row] if 0 <= row < len(self._actions) else None

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the source of the action at the cursor."""
        action = self._current()
        if action is not None:
            source = Syntax(
                action.source,
                "python",
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
            self.query_one("#action-source", Static).update(source)

    def action_disable(self) -> None:
        """Take the action at the cursor out of use."""
        from treeact.agents.library import ActionLibrary
        from treeact.agents.library.library import library_path

        action = self._current()
        if action is None:
            return
        try:
            with ActionLibrary(library_path(self._path)) as library:
                library.disable(action.name, action.version)
        except LibraryError as error:
            self.notify(str(error), severity="warning")
        self.action_reload()

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next action with some words."""
        table, count = self.query_one(DataTable), len(self._actions)
        for distance in range(1, count + 1):
            at = (table.cursor_row + distance * (1 if forward else -1)) % count
            action = self._actions[at]
            if words.lower() in f"{action.header} {action.source}".lower():
                table.move_cursor(row=at)
                return True
        return False

    def copied(self) -> str:
        """Return the source of the action at the cursor."""
        action = self._current()
        return "" if action is None else action.source
