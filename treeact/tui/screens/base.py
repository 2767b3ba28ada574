"""What the screens share: the head, refreshing, search, copying."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Key
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from treeact.errors import ConfigError
from treeact.printable import printable
from treeact.tui.keys import key
from treeact.tui.outside import show_in_pager, write_text
from treeact.tui.widgets.gauges import status_line

if TYPE_CHECKING:
    from treeact.agents.remote import Order
    from treeact.tui.session import Session

REFRESH = 0.1
"""Seconds between two looks for news: ten a second is what an eye follows."""


class CommonScreen(Screen[None]):
    """A screen with a head, something to search in, and something to copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("all", "slash", "search", "Search"),
        key("all", "n", "again(True)", "Next hit"),
        key("all", "N", "again(False)", "Hit before"),
        key("all", "y", "copy", "Copy"),
        key("all", "Y", "write", "Write to a file"),
        key("all", "o", "page", "Open in the pager"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._aside = False
        """Whether the pager has the terminal."""

    def compose(self) -> ComposeResult:
        """Lay out the head, the body and the line to search by."""
        yield Static("", id="status", markup=False)
        yield Static("enlarge the terminal: this needs 60 columns and 15 lines", id="enlarge")
        with Container(id="body"):
            yield from self.compose_body()
            yield Footer()
        search = Input(placeholder="search", id="search")
        search.display = False
        yield search

    def compose_body(self) -> ComposeResult:
        """Lay out what the screen is about."""
        raise NotImplementedError

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next place with some words; return whether there is one."""
        return False

    def ignores(self, key: Key) -> bool:
        """Return whether a key comes too early to mean anything."""
        return False

    def copied(self) -> str:
        """Return what `y` copies, `Y` writes and `o` opens."""
        return ""

    @property
    def too_small(self) -> bool:
        """Whether the terminal has no room for more than the head."""
        return self.has_class("-tiny") or self.has_class("-low")

    def action_search(self) -> None:
        """Ask for words to search for."""
        search = self.query_one("#search", Input)
        search.display = True
        search.value = ""
        search.focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for what was typed."""
        if event.input.id != "search":
            return
        event.input.display = False
        self._words = event.value
        self.focus_next()
        await self.action_again(True)

    async def action_again(self, forward: bool) -> None:
        """Go to the next hit, or the one before."""
        if self._words and not await self.find(self._words, forward=forward):
            self.notify(f"nothing holds {self._words!r}", markup=False)

    def _chosen(self) -> str:
        """Return what is in focus, and say so where nothing is."""
        text = self.copied()
        if not text:
            self.notify("nothing is chosen here")
        return text

    def action_copy(self) -> None:
        """Copy what is in focus."""
        if text := self._chosen():
            self.app.copy_to_clipboard(text)
            self.notify(f"copied {len(text)} characters")

    def action_write(self) -> None:
        """Write what is in focus into a file, as some terminals do not let programs copy."""
        if text := self._chosen():
            try:
                self.notify(f"written to {write_text(text, Path.cwd())}", markup=False)
            except ConfigError as error:
                self.notify(str(error), severity="error", markup=False)

    async def action_page(self) -> None:
        """Open what is in focus in the pager."""
        text = self._chosen()
        if not text:
            return
        self._aside = True
        try:
            said = await show_in_pager(self.app, printable(text))
        finally:
            self._aside = False
        if said:
            self.notify(said, severity="warning", markup=False)


class RunBoundScreen(CommonScreen):
    """A screen about one run. Subclasses lay out a body and draw their view."""

    class GoOn(Message):
        """A person wants the run to go on from a step or node, perhaps with another model."""

        def __init__(self, node: str, model: str | None = None) -> None:
            super().__init__()
            self.node = node
            self.model = model

    class ShowEvent(Message):
        """A person wants to see an event in the trace."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._drawn = -1

    async def update_view(self) -> None:
        """Draw what is new."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Look for news from now on."""
        self.set_interval(REFRESH, self.refresh_run)
        self.call_after_refresh(self.refresh_run)

    async def refresh_run(self) -> None:
        """Take news in and draw them; a screen that is not shown does nothing."""
        if not self.is_current or self._aside:
            return
        changed = self.session.refresh()
        second = int(self.session.now())
        if changed or second != self._drawn:  # the clock goes on where nothing else does
            self._drawn = second
            self._draw_status()
            await self.update_view()

    def _draw_status(self) -> None:
        line = status_line(
            self.session.view, self.session.now(), width=max(20, self.size.width - 2)
        )
        problem = self.session.problem or self.session.damage
        self.query_one("#status", Static).update(f"! {printable(problem)}" if problem else line)

    async def give(self, order: Order) -> bool:
        """Give the run an order, and say what came of it where it was not taken."""
        said = await self.session.give(order)
        if said:
            self.notify(said, severity="warning")
        return not said
