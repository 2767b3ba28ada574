"""Where a person writes: several lines, of which ctrl+j begins a new one in any terminal."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea


class Writing(TextArea):
    """A text of several lines."""

    def on_mount(self) -> None:
        """Let the cursor stand still where nothing is to move."""
        self.cursor_blink = self.app.animation_level != "none"

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "ctrl+j":
            event.prevent_default()
            event.stop()
            self.insert("\n")
        else:
            await super()._on_key(event)


class Prompt(Writing):
    """A text that enter sends."""

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, prompt: Prompt) -> None:
            super().__init__()
            self.prompt = prompt

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self.post_message(self.Submitted(self))
        else:
            await super()._on_key(event)
