"""The terminal interface of a benchmark: its dashboard, and the screens of any of its runs."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import BindingType

from treeact.tui.app import RunApp
from treeact.tui.bench_session import BenchSession
from treeact.tui.keys import key
from treeact.tui.live_bench import LiveBench
from treeact.tui.screens.asking import YesScreen
from treeact.tui.screens.base import CommonScreen
from treeact.tui.screens.bench import REFRESH, BenchScreen
from treeact.tui.session import Session

STOP = (
    "The benchmark still runs. Stop it and leave?\n"
    "What is in progress is written down; the same command goes on later."
)


class BenchApp(RunApp):
    """Shows a benchmark and steers it, and shows the runs of its jobs.

    Args:
        bench: the benchmark.
        live: the hand on it, where it is run in this process.
        look: theme, keys and motion, as `RunApp` takes them.
    """

    ELSEWHERE: ClassVar[frozenset[str]] = frozenset()

    BINDINGS: ClassVar[list[BindingType]] = [
        key("bench", "6,escape", "dashboard", "Benchmark"),
        key("bench", "ctrl+c", "quit", "Stop and quit"),
    ]

    def __init__(self, bench: BenchSession, live: LiveBench | None = None, **look: Any) -> None:
        super().__init__(None, **look)
        self.bench = bench
        self.live = live

    @classmethod
    def bindings_by_screen(cls) -> dict[str, list[BindingType]]:
        """Return the bindings that are in force together, by screen."""
        shared = [*CommonScreen.BINDINGS, *BenchApp.BINDINGS, *RunApp.BINDINGS]
        screens = super().bindings_by_screen()
        return screens | {"bench": [*BenchScreen.BINDINGS, *shared]}

    def show_first(self) -> None:
        """Show the dashboard."""
        self.push_screen(BenchScreen(self.bench, self.live))
        if self.live is not None:
            self.set_interval(REFRESH, self._leave_at_the_end)

    def on_bench_screen_opened(self, message: BenchScreen.Opened) -> None:
        """Show the trace of a job."""
        self.show_session(Session(message.trace))
        self.push_screen(self._screen("trace"))

    def action_dashboard(self) -> None:
        """Go back to the benchmark."""
        while not isinstance(self.screen, BenchScreen):
            self.pop_screen()

    async def action_quit(self) -> None:
        """Leave; where the benchmark runs here, ask before."""
        if self.live is None or not self.live.running or self.live.stop.is_set():
            self.exit()
        elif not isinstance(self.screen, YesScreen):
            self.push_screen(YesScreen(STOP), self._stop)

    def _stop(self, yes: bool | None) -> None:
        if yes and self.live is not None:
            self.live.stop.set()
            self.notify("stopping: what is in progress is written down")

    def _leave_at_the_end(self) -> None:
        """Leave where the benchmark could not be run, or was told to stop and has."""
        live = self.live
        if live is not None and (live.failed or (live.stop.is_set() and not live.running)):
            self.exit()
