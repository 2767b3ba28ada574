"""What a run did with the actions of a library, told from its events."""

from __future__ import annotations

import re
from dataclasses import dataclass

from treeact.errors import TraceError
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore


@dataclass(frozen=True, kw_only=True)
class Use:
    """One place in the trace where an action comes up."""

    event: int
    """Number of the event."""
    id: str
    """Logical id of what happened."""
    how: str

    def line(self) -> str:
        """Return it for people."""
        return f"{self.id}  {self.how}"


class Uses:
    """Collects where actions come up; code is read only when it is asked about.

    Args:
        blobs: where big texts are.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._told: list[tuple[str, Use]] = []
        """Names of actions, and what events say of them."""
        self._codes: list[tuple[int, str, ev.Text]] = []

    def take(self, number: int, event: ev.Event) -> None:
        """Take the next event in."""
        match event:
            case ev.ActionSaved():
                self._tell(event.name, number, event.id, f"saved as v{event.version}")
            case ev.ActionVerified():
                verdict = "verified" if event.ok else f"not verified: {event.reason}"
                self._tell(event.name, number, event.id, verdict)
            case ev.ActionsRetrieved():
                for label in event.actions:
                    self._tell(label.rpartition(" v")[0], number, event.id, event.how)
            case ev.Proposed(action="code") | ev.NodeAdded(action="code"):
                self._codes.append((number, event.id, event.text))

    def _tell(self, name: str, number: int, id: str, how: str) -> None:
        self._told.append((name, Use(event=number, id=id, how=how)))

    def of(self, name: str) -> list[Use]:
        """Return where an action comes up, in order: in events, and in code that calls it."""
        call = re.compile(rf"(?<![\w.]){re.escape(name)}\s*\(")
        calls = [
            Use(event=number, id=id, how="called")
            for number, id, text in self._codes
            if call.search(self._read(text))
        ]
        told = [use for known, use in self._told if known == name]
        return sorted([*told, *calls], key=lambda use: use.event)

    def _read(self, text: ev.Text) -> str:
        try:
            return self._blobs.read_text(text)
        except TraceError:
            return ""
