"""The terminal interface of one run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from treeact.errors import TreeActError
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.screens.library import LibraryScreen
from treeact.tui.screens.run import RunScreen
from treeact.tui.screens.search import SearchScreen
from treeact.tui.screens.start import StartScreen
from treeact.tui.screens.trace import TraceScreen
from treeact.tui.screens.usage import UsageScreen
from treeact.tui.session import Session
from treeact.tui.themes import THEMES

NARROW = 100
"""Columns below which what stands at the right is left out."""

SCREENS: dict[str, Callable[[Session], RunBoundScreen]] = {
    "run": RunScreen,
    "trace": TraceScreen,
    "search": SearchScreen,
    "library": LibraryScreen,
    "usage": UsageScreen,
}

Start = Callable[[str], Session]
"""Starts a run on a question, and returns it."""
GoOn = Callable[[Session, str], Session]
"""Starts a run that goes on from a node of one that is shown, and returns it."""


class RunApp(App[None]):
    """Shows one run and steers it.

    Args:
        session: the run; or who starts one, when the question is known; None where a subclass
            says later which runs are shown.
        about: with what a run is started, for the screen that asks for the question.
        go_on: how to go on from a node; None where that cannot be done from here.
        first: the screen to begin with.
        theme: name of a theme.
    """

    CSS_PATH = "styles.tcss"
    TITLE = "TreeAct"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "screen('run')", "Run", show=False),
        Binding("2", "screen('trace')", "Trace", show=False),
        Binding("3", "screen('search')", "Search tree", show=False),
        Binding("4", "screen('library')", "Action library", show=False),
        Binding("5", "screen('usage')", "Usage", show=False),
        Binding("ctrl+t", "next_theme", "Theme", show=False),
        Binding("f1,question_mark", "toggle_help", "Help"),
        Binding("ctrl+q", "quit", "Quit"),
    ]

    def __init__(
        self,
        session: Session | Start | None,
        *,
        about: str = "",
        go_on: GoOn | None = None,
        first: str = "run",
        theme: str = "safe-dark",
    ) -> None:
        self._colours = os.environ.get("NO_COLOR")  # Textual takes it out of the environment
        super().__init__()
        if self._colours is not None:
            os.environ["NO_COLOR"] = self._colours
        self._go_on = go_on
        self._first = first
        for known in THEMES:
            self.register_theme(known)
        self.theme = "mono" if self._colours else theme
        self._about = about
        self._start = None if isinstance(session, Session) else session
        if isinstance(session, Session):
            self.show_session(session)

    def show_session(self, session: Session) -> None:
        """Show another run from now on."""
        self.session = session
        self._made: dict[str, RunBoundScreen] = {}

    def on_mount(self) -> None:
        """Begin."""
        self.show_first()

    def show_first(self) -> None:
        """Show the first screen."""
        if self._start is None:
            self.push_screen(self._screen(self._first))
        else:
            self.push_screen(StartScreen(self._about), self._begin)

    def _begin(self, question: str | None) -> None:
        if question is None or self._start is None:
            self.exit()
            return
        try:
            self.show_session(self._start(question))
        except TreeActError as error:
            self.notify(str(error), severity="error")
            self.push_screen(StartScreen(self._about), self._begin)
            return
        self.push_screen(self._screen(self._first))

    def _screen(self, name: str) -> RunBoundScreen:
        if name not in self._made:
            self._made[name] = SCREENS[name](self.session)
        return self._made[name]

    def action_screen(self, name: str) -> None:
        """Show another screen of the run."""
        if isinstance(self.screen, RunBoundScreen):
            self.switch_screen(self._screen(name))

    def action_next_theme(self) -> None:
        """Take the next of our themes."""
        names = [theme.name for theme in THEMES]
        here = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(here + 1) % len(names)]

    def action_toggle_help(self) -> None:
        """Show the keys of this screen, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def on_run_bound_screen_go_on(self, message: RunBoundScreen.GoOn) -> None:
        """Start a run that goes on from a node, and show it."""
        if self._go_on is None:
            self.notify("this run can only be looked at: start it from `treeact tui` to go on")
            return
        try:
            session = self._go_on(self.session, message.node)
        except TreeActError as error:
            self.notify(str(error), severity="error")
            return
        self.show_session(session)
        self.action_screen("run")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer everything that a key does in the palette as well."""
        yield from super().get_system_commands(screen)
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and active.node in (screen, self):
                yield SystemCommand(
                    binding.description, f"key {binding.key}", self._runner(binding.action)
                )

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, self.screen)

        return run
