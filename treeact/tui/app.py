"""The terminal interface of one run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.events import Event, Key
from textual.filter import LineFilter
from textual.screen import Screen

from treeact.errors import TreeActError
from treeact.tui.characters import AsciiOnly, needs_ascii
from treeact.tui.keys import NamedKeys, key, keymap
from treeact.tui.rounds import after
from treeact.tui.screens.asking import YesScreen
from treeact.tui.screens.base import CommonScreen, RunBoundScreen
from treeact.tui.screens.compare_runs import CompareRunsScreen
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
LEAST = (60, 15)
"""Columns and lines below which there is room for the head alone."""

SCREENS: dict[str, Callable[[Session], RunBoundScreen]] = {
    "run": RunScreen,
    "trace": TraceScreen,
    "search": SearchScreen,
    "library": LibraryScreen,
    "usage": UsageScreen,
}

Start = Callable[[str], Session]
"""Starts a run on a question, and returns it."""
GoOn = Callable[[Session, str, str | None], Session]
"""Starts a run that goes on from a node of one that is shown, with the same model or the one that
is named, and returns it."""


class RunApp(NamedKeys):
    """Shows one run and steers it.

    Args:
        session: the run; or who starts one, when the question is known; None where a subclass
            says later which runs are shown.
        about: with what a run is started, for the screen that asks for the question.
        go_on: how to go on from a node; None where that cannot be done from here.
        first: the screen to begin with.
        theme: name of a theme.
        keys: other keys, by the names of what they do; see `keymap`.
        reduced_motion: animate nothing, and let no cursor blink.

    Raises:
        ConfigError: a key or its name is unknown, or a key would mean two things.
    """

    ELSEWHERE: ClassVar[frozenset[str]] = frozenset({"bench"})
    """Where keys have names that only another app has."""
    CSS_PATH = "styles.tcss"
    TITLE = "TreeAct"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (LEAST[0], "-narrow"), (NARROW, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (LEAST[1], "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        key("all", "1", "screen('run')", "Run"),
        key("all", "2", "screen('trace')", "Trace"),
        key("all", "3", "screen('search')", "Search tree"),
        key("all", "4", "screen('library')", "Action library"),
        key("all", "5", "screen('usage')", "Usage"),
        key("all", "ctrl+t", "next_theme", "Theme"),
        key("all", "f1,question_mark", "toggle_help", "Help", show=True),
        key("all", "ctrl+q", "quit", "Quit", show=True),
    ]

    def __init__(
        self,
        session: Session | Start | None,
        *,
        about: str = "",
        go_on: GoOn | None = None,
        first: str = "run",
        theme: str = "safe-dark",
        keys: Mapping[str, str] = MappingProxyType({}),
        reduced_motion: bool = False,
    ) -> None:
        self._colours = os.environ.get("NO_COLOR")  # Textual takes it out of the environment
        super().__init__()
        if self._colours is not None:
            os.environ["NO_COLOR"] = self._colours
        self._ascii = [AsciiOnly()] if needs_ascii(os.environ) else []
        self._go_on = go_on
        self._leaving: YesScreen | None = None
        self._first = first
        if reduced_motion:
            self.animation_level = "none"
        for known in THEMES:
            self.register_theme(known)
        self.theme = "mono" if self._colours else theme
        self._about = about
        self._start = None if isinstance(session, Session) else session
        self.use_keys(self._own_keys(keys), self.bindings_by_screen())
        if isinstance(session, Session):
            self.show_session(session)

    @classmethod
    def check_keys(cls, keys: Mapping[str, str]) -> None:
        """Check a person's keys, before anything begins that they are to steer.

        Raises:
            ConfigError: a name or a key is unknown, or a key would mean two things on one screen.
        """
        keymap(cls._own_keys(keys), cls.bindings_by_screen())

    @classmethod
    def _own_keys(cls, keys: Mapping[str, str]) -> dict[str, str]:
        return {n: it for n, it in keys.items() if n.partition(".")[0] not in cls.ELSEWHERE}

    @classmethod
    def bindings_by_screen(cls) -> dict[str, list[BindingType]]:
        """Return the bindings that are in force together, by screen."""
        shared = [*CommonScreen.BINDINGS, *RunApp.BINDINGS]
        screens = {name: [*_own(screen), *shared] for name, screen in SCREENS.items()}
        return screens | {"compare": [*CompareRunsScreen.BINDINGS, *RunApp.BINDINGS]}

    def get_line_filters(self) -> list[LineFilter]:
        """Return what each line goes through before it is drawn."""
        return [*super().get_line_filters(), *self._ascii]

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
            self.notify(str(error), severity="error", markup=False)
            self.push_screen(StartScreen(self._about), self._begin)
            return
        self.push_screen(self._screen(self._first))

    def _screen(self, name: str) -> RunBoundScreen:
        if name not in self._made:
            self._made[name] = SCREENS[name](self.session)
        return self._made[name]

    def action_screen(self, name: str) -> None:
        """Show another screen of the run."""
        if isinstance(self.screen, RunBoundScreen) and self.screen is not self._screen(name):
            self.switch_screen(self._screen(name))

    def action_next_theme(self) -> None:
        """Take the next of our themes."""
        names = [theme.name for theme in THEMES]
        self.theme = after(self.theme, names) if self.theme in names else names[0]

    def action_toggle_help(self) -> None:
        """Show the keys of this screen, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    @property
    def _ends_with_us(self) -> bool:
        """Whether the run that is shown goes on in this process."""
        if self._go_on is None or isinstance(self.screen, StartScreen):
            return False
        return self.session.view.state != "ended"

    async def on_event(self, event: Event) -> None:
        """Take an event, but for a key that comes too early to mean anything."""
        if isinstance(event, Key) and self.screen_stack:
            shown = self.screen
            if isinstance(shown, RunBoundScreen) and shown.ignores(event):
                return
        await super().on_event(event)

    async def action_quit(self) -> None:
        """Leave; where that ends a run, ask first. Another press is a yes."""
        if self.screen is self._leaving or not self._ends_with_us:
            self.exit()
            return
        self._leaving = YesScreen("The run goes on here and ends with this program. Leave?")
        self.push_screen(self._leaving, lambda yes: self.exit() if yes else None)

    def on_run_bound_screen_go_on(self, message: RunBoundScreen.GoOn) -> None:
        """Start a run that goes on from a node, and show it; ask where that ends another."""
        if self._go_on is None:
            at = f" --at {message.node}" if message.node else ""
            self.notify(
                "this run is only looked at; what goes on from there is `treeact tui --resume "
                f"{self.session.directory.name}{at}`",
                markup=False,
            )
        elif self._ends_with_us:
            self.push_screen(
                YesScreen(f"This ends the run, and another goes on from {message.node}. Do it?"),
                lambda yes: self._continue(message) if yes else None,
            )
        else:
            self._continue(message)

    def _continue(self, message: RunBoundScreen.GoOn) -> None:
        assert self._go_on is not None
        try:
            session = self._go_on(self.session, message.node, message.model)
        except TreeActError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.show_session(session)
        self.action_screen("run")

    async def on_run_bound_screen_show_event(self, message: RunBoundScreen.ShowEvent) -> None:
        """Show an event in the trace."""
        trace = self._screen("trace")
        assert isinstance(trace, TraceScreen)
        trace.wanted = message.number
        self.action_screen("trace")

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


def _own(screen: object) -> list[BindingType]:
    bindings: list[BindingType] = vars(screen).get("BINDINGS", [])
    return bindings
