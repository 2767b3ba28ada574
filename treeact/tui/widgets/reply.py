"""The panel in which a person answers in a model's place, with the whole prompt before them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static, TextArea

from treeact.models.base import Request
from treeact.tui.asking import Question
from treeact.tui.widgets.long_text import LongText
from treeact.tui.widgets.prompt import Writing


class ReplyPanel(Vertical):
    """Shows the prompt that waits, its newest message at the bottom, and takes the reply."""

    def __init__(self) -> None:
        super().__init__(id="reply")
        self.question: Question | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static("", id="reply-head")
        with VerticalScroll(id="reply-prompt"):
            yield LongText(id="reply-text")
        yield Writing("", id="reply-edit", language=None)
        yield Static("ctrl+s reply   escape leave the text", id="reply-keys")

    def show(self, question: Question | None) -> None:
        """Show what is asked, or nothing."""
        if question is self.question:
            return
        self.question = question
        self.display = question is not None
        if question is None:
            return
        request = question.request
        samples = f", one of {request.n} samples" if request.n > 1 else ""
        self.query_one("#reply-head", Static).update(f"? {request.path}: your reply{samples}")
        self.query_one("#reply-text", LongText).show(prompt_text(request))
        self.query_one("#reply-edit", TextArea).text = ""
        self.write()
        self.call_after_refresh(
            self.query_one("#reply-prompt", VerticalScroll).scroll_end, animate=False
        )
        self.app.bell()

    def write(self) -> bool:
        """Go to the text of the reply; return whether one is asked for."""
        if self.question is not None:
            self.query_one("#reply-edit").focus()
        return self.question is not None

    def submit(self) -> bool:
        """Give the reply that was written; return whether there was one, and it was asked for."""
        text = self.query_one("#reply-edit", TextArea).text
        if self.question is None or not text.strip():
            return False
        self.question.answer(text)
        return True


def prompt_text(request: Request) -> str:
    """Return all messages of a request."""
    parts = []
    for message in request.messages:
        pictures = f" [{len(message.images)} pictures]" if message.images else ""
        parts.append(f"--- {message.role}{pictures}\n{message.content}")
    if request.schema is not None:
        parts.append(f"--- the reply must be JSON of this schema\n{request.schema}")
    return "\n\n".join(parts)
