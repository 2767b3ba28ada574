"""What the screens share: the head, refreshing, search, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from treeact.tui.widgets.gauges import status_line

if TYPE_CHECKING:
    from treeact.agents.remote import Order
    from treeact.tui.session import Session

REFRESH = 0.1
"""Seconds between two looks for news: ten a second is what an eye follows."""


class CommonScreen(Screen[None]):
    """A screen with a head, something to search in, and something to copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", show=False),
        Binding("n", "again(True)", "Next hit", show=False),
        Binding("N", "again(False)", "Hit before", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._words = ""

    def compose(self) -> ComposeResult:
        """Lay out the head, the body and the line to search by."""
        yield Static("", id="status")
        yield from self.compose_body()
        search = Input(placeholder="search", id="search")
        search.display = False
        yield search

    def compose_body(self) -> ComposeResult:
        """Lay out what the screen is about."""
        raise NotImplementedError

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next place with some words; return whether there is one."""
        return False

    def copied(self) -> str:
        """Return what `y` copies."""
        return ""

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
            self.notify(f"nothing holds {self._words!r}")

    def action_copy(self) -> None:
        """Copy what is in focus."""
        text = self.copied()
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"copied {len(text)} characters")


class RunBoundScreen(CommonScreen):
    """A screen about one run. Subclasses lay out a body and draw their view."""

    class GoOn(Message):
        """A person wants the run to go on from a step or node."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

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
        if not self.is_current:
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
        problem = self.session.problem
        if self.session.index.damaged:
            first = self.session.index.damaged[0]
            problem = problem or f"line {first.line} of the trace is damaged: {first.reason}"
        self.query_one("#status", Static).update(f"! {problem}" if problem else line)

    async def give(self, order: Order) -> bool:
        """Give the run an order, and say what came of it where it was not taken."""
        said = await self.session.give(order)
        if said:
            self.notify(said, severity="warning")
        return not said
