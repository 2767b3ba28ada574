"""The panel in which an action waits for a yes. It cannot be approved by keys typed ahead."""

from __future__ import annotations

import math
import time

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static, TextArea

from treeact.agents.remote import Order
from treeact.printable import printable
from treeact.trace.blobs import BlobStore
from treeact.tui.keys import shown_key
from treeact.tui.views.reasons import reasons
from treeact.tui.views.run import RunView, Waiting
from treeact.tui.widgets.blocks import read_text
from treeact.tui.widgets.long_text import LongText
from treeact.tui.widgets.prompt import Writing

GUARD = 0.4
"""Seconds after the panel has come in which no key decides anything."""

_CHOICES = {
    "approve": "once",
    "this_kind_always": "this kind",
    "edit_then_run": "edit",
    "reject_saying_why": "reject, saying why",
    "reject": "reject",
    "stop_the_run": "stop the run",
}
"""What keys of the run screen decide, and in which words."""


class ApprovalPanel(Vertical):
    """Shows the action that waits, and a text to edit where that is asked for."""

    class Decided(Message):
        """A person has decided."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    def __init__(self, blobs: BlobStore) -> None:
        super().__init__(id="approval")
        self._blobs = blobs
        self._since = 0.0
        self._writing: str | None = None
        self.waiting: Waiting | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static("", id="approval-head", markup=False)
        with VerticalScroll(id="approval-body"):
            yield LongText(id="approval-text")
        yield Writing("", id="approval-edit", language=None)
        yield Static("", id="approval-keys", markup=False)

    def show(self, waiting: Waiting | None, view: RunView) -> None:
        """Show what waits in a run and why, or nothing."""
        if waiting == self.waiting:
            return
        self.waiting = waiting
        self.display = waiting is not None
        self._since = math.inf
        self.call_after_refresh(self._begin)
        self._write(None)
        if waiting is None:
            return
        text = read_text(waiting.text, self._blobs)
        why = " · ".join(reasons(waiting.what, text, view))
        self.query_one("#approval-head", Static).update(
            printable(f"! this {waiting.what} waits for your yes   {waiting.id}   {why}")
        )
        self.query_one("#approval-text", LongText).show(text, "python")
        self.app.bell()

    def _begin(self) -> None:
        self._since = time.monotonic()

    def is_typed_ahead(self, pressed: float) -> bool:
        """Return whether a key was pressed before anybody can have read what waits.

        Args:
            pressed: when, by the monotonic clock: a busy program hears it later.
        """
        return self.waiting is not None and pressed - self._since < GUARD

    @property
    def open(self) -> bool:
        """Whether keys decide now: something waits, and was seen for long enough."""
        return self.waiting is not None and not self.is_typed_ahead(time.monotonic())

    @property
    def writing(self) -> bool:
        """Whether a text is being written."""
        return self._writing is not None

    def edit(self) -> None:
        """Let the code be edited."""
        if self.waiting is not None and self.waiting.what == "code":
            self._write("edit", read_text(self.waiting.text, self._blobs))

    def instruct(self) -> None:
        """Let instructions be written that go with a rejection."""
        self._write("reject")

    def _write(self, what: str | None, text: str = "") -> None:
        self._writing = what
        editor = self.query_one("#approval-edit", TextArea)
        editor.display = what is not None
        self.query_one("#approval-body").display = what != "edit"
        keys = f"ctrl+s {'run this' if what == 'edit' else 'reject'}   escape back"
        self.query_one("#approval-keys", Static).update(self._choices() if what is None else keys)
        if what is not None:
            editor.text = text
            editor.focus()

    def _choices(self) -> str:
        keys = ((shown_key(self.app, f"run.{name}"), word) for name, word in _CHOICES.items())
        return "   ".join(f"{key} {word}" for key, word in keys)

    def submit(self) -> None:
        """Decide by the text that was written."""
        text = self.query_one("#approval-edit", TextArea).text
        if self._writing == "edit":
            self.post_message(self.Decided(Order(command="edit", text=text)))
        elif self._writing == "reject":
            self.post_message(self.Decided(Order(command="reject", text=text)))

    def back(self) -> None:
        """Leave the text."""
        self._write(None)
