"""The first screen where no question was given yet."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static

from treeact.tui.widgets.prompt import Prompt

EXAMPLES = (
    "How many Sundays fell on the first of a month between 1950 and 1999?",
    "How high does the Collatz sequence get that begins with 27? Draw it.",
    "Which of the attached files has the most duplicate rows?",
)


class StartScreen(Screen[str]):
    """Asks what is to be done; returns it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"f{number + 2}", f"example({number})", f"Example {number + 1}")
        for number in range(len(EXAMPLES))
    ]

    def __init__(self, about: str) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """Lay out the examples and the prompt."""
        with Vertical(id="start"):
            yield Static("TreeAct: what is to be done?", id="start-title")
            yield Static(self._about, markup=False)
            lines = [f"f{number + 2}  {text}" for number, text in enumerate(EXAMPLES)]
            yield Static("\n".join(["", "for example", *lines]), markup=False)
            yield Prompt(id="prompt")
            yield Static("enter begins, ctrl+j begins a new line, ctrl+q quits")
        yield Footer()

    def on_mount(self) -> None:
        """Let the question be typed at once."""
        self.query_one(Prompt).focus()

    def action_example(self, number: int) -> None:
        """Take an example as the question."""
        self.query_one(Prompt).text = EXAMPLES[number]

    def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        """Begin, if there is a question."""
        if text := message.prompt.text.strip():
            self.dismiss(text)
