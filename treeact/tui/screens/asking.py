"""Asking a person for a line of text, or for a yes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A small screen over another one. It can be left as any screen can."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "app.quit", "Quit", show=False)]


class YesScreen(Dialog[bool]):
    """Asks for a yes; enter alone gives none, so that nothing is confirmed by habit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(self._question, id="confirm-question", markup=False)
            yield Static("y yes   n no", classes="keys")

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)


class LineScreen(Dialog[str | None]):
    """Asks for a line of text; returns it, or nothing.

    Args:
        question: what is asked for.
        value: what stands there at first.
        choices: lines to choose from instead of writing.
        fault: returns what is wrong with a text, or nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        choices: Sequence[str] = (),
        fault: Callable[[str], str] = lambda text: "",
    ) -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._choices = choices
        self._fault = fault

    def compose(self) -> ComposeResult:
        """Lay out the title, the line and the choices."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield Static("", id="line-fault", classes="fault", markup=False)
            yield Input(self._value, id="line", select_on_focus=False)
            if self._choices:
                yield OptionList(*self._choices, id="line-choices", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, unless something is wrong with it."""
        if fault := self._fault(event.value):
            self.query_one("#line-fault", Static).update(f"! {fault}")
        else:
            self.dismiss(event.value.strip())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take a choice as the line."""
        self.dismiss(self._choices[event.option_index])

    def action_leave(self) -> None:
        """Ask no more."""
        self.dismiss(None)
