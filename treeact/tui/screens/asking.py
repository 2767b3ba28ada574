"""Asking a person for a line of text, or for a yes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class LineScreen(ModalScreen[str | None]):
    """Asks for a line; returns it, or nothing.

    Args:
        question: what is asked.
        value: what stands in the line before anything is typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        """Lay out the question and the line."""
        with Vertical(classes="asking"):
            yield Static(self._question, markup=False)
            yield Input(self._value, id="line", select_on_focus=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return what was typed."""
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        """Return nothing."""
        self.dismiss(None)


class YesScreen(ModalScreen[bool]):
    """Asks for a yes; no key but `y` is one.

    Args:
        question: what is asked.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say(True)", "Yes"),
        Binding("n,escape", "say(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question and its keys."""
        with Vertical(classes="asking"):
            yield Static(self._question, markup=False)
            yield Static("y yes   n no", classes="asking-keys")

    def action_say(self, yes: bool) -> None:
        """Return the answer."""
        self.dismiss(yes)
