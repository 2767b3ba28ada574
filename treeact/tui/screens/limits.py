"""The limits of a run, to be changed while it goes on."""

from __future__ import annotations

from typing import ClassVar, get_args

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from treeact.agents.remote import Order
from treeact.trace.budget import LimitName
from treeact.tui.screens.asking import Dialog
from treeact.tui.views.run import Gauge
from treeact.tui.widgets.gauges import gauge_line


class LimitsScreen(Dialog[Order | None]):
    """Asks for one limit and its value; returns the order, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(self, gauges: list[Gauge]) -> None:
        super().__init__()
        self._gauges = gauges

    def compose(self) -> ComposeResult:
        """Lay out the gauges and the line to type in."""
        with Vertical(classes="dialog"):
            yield Static("\n".join(map(gauge_line, self._gauges)), markup=False)
            yield Static("", id="limits-fault", classes="fault")
            yield Input(placeholder="steps=40, usd=2.5, or seconds=none", id="limits-input")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Read the limit, and say what is wrong with it."""
        try:
            self.dismiss(read_limit(event.value))
        except ValueError as error:
            self.query_one("#limits-fault", Static).update(f"! {error}")

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)


def read_limit(text: str) -> Order:
    """Return the order that a text such as `steps=40` is.

    Raises:
        ValueError: it is none; the text says what is wrong.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    known = get_args(LimitName)
    if not equals or name not in known:
        raise ValueError(f"write one of {', '.join(known)}, =, and a number or none")
    if value == "none":
        return Order(command="limit", limit=name)  # type: ignore[arg-type]
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{value!r} is no number") from None
    if not 0 < number < float("inf"):
        raise ValueError("give a number above zero, or none")
    return Order(command="limit", limit=name, value=number)  # type: ignore[arg-type]
