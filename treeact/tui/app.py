"""The terminal interface of one run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from treeact.tui.screens.run import RunScreen
from treeact.tui.session import Session
from treeact.tui.themes import THEMES


class RunApp(App[None]):
    """Shows one run and steers it.

    Args:
        session: the run.
        detach: whether leaving lets the run go on; else leaving a run that goes on ends it.
    """

    CSS_PATH = "styles.tcss"
    TITLE = "TreeAct"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "next_theme", "Theme", show=False),
        Binding("f1,question_mark", "show_help_panel", "Help"),
        Binding("ctrl+q", "quit", "Quit"),
    ]

    def __init__(self, session: Session, *, detach: bool = False) -> None:
        super().__init__()
        self.session = session
        self.detach = detach

    def on_mount(self) -> None:
        """Register the themes and show the run."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "safe-dark"
        self.push_screen(RunScreen(self.session))

    def action_next_theme(self) -> None:
        """Take the next of our themes."""
        names = [theme.name for theme in THEMES]
        here = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(here + 1) % len(names)]
