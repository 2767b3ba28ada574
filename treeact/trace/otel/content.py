"""What was said and computed, for spans that are to hold it: only where that is asked for."""

from __future__ import annotations

import json
from typing import Any

from treeact.errors import TraceError
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.otel.conventions import (
    CALL_CONTENT,
    TOOL_CONTENT,
    as_message,
    content_attributes,
)
from treeact.trace.otel.spans import Attributes
from treeact.trace.prompts import Prompts

LONGEST_TEXT = 100_000
"""Characters of one text; of longer ones the end is left out."""


class Content:
    """Reads the texts of events. They are redacted as the trace is, since they are the trace's.

    Args:
        blobs: where the long ones are.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._prompts = Prompts(self._message)
        self._actions: dict[str, str] = {}

    def of_run(self, question: ev.Text, answer: ev.Text | None) -> Attributes:
        """Return what a run was asked and what it answered."""
        given = None if answer is None else [as_message("assistant", self._read(answer))]
        asked = [as_message("user", self._read(question))]
        return content_attributes(asked, given, names=CALL_CONTENT)

    def of_call(self, call: ev.ModelCalled) -> Attributes:
        """Return the whole prompt of a call, and its replies."""
        replies = [
            {**as_message("assistant", self._read(text)), "finish_reason": reason}
            for text, reason in zip(call.replies, call.finish_reasons, strict=False)
        ]
        return content_attributes([*self._prompts.take(call)], replies, names=CALL_CONTENT)

    def _message(self, message: ev.PromptMessage) -> dict[str, Any]:
        return as_message(message.role, self._read(message.content), message.images)

    def of_tool(self, call: ev.ToolCalled) -> Attributes:
        """Return the arguments of a call of a tool, and its result."""
        given: dict[str, Any] = dict(call.kwargs)
        given |= {str(place): value for place, value in enumerate(call.args)}
        arguments = json.dumps(given, ensure_ascii=False, default=str)[:LONGEST_TEXT]
        result = None if call.result is None else self._read(call.result)
        return content_attributes(arguments, result, names=TOOL_CONTENT)

    def take_action(self, proposed: ev.Proposed) -> None:
        """Remember the code that will run under an id."""
        if proposed.action == "code":
            self._actions[proposed.id] = self._read(proposed.text)

    def of_code(self, run: ev.CodeRun) -> Attributes:
        """Return the code that ran, as far as the trace tells, and what it printed."""
        printed = {
            "stdout": self._read(run.stdout),
            "stderr": self._read(run.stderr),
            "value": None if run.value is None else self._read(run.value),
        }
        source = self._actions.pop(run.id, None)
        given = None if source is None else {"code": source}
        shown = {name: text for name, text in printed.items() if text}
        return content_attributes(given, shown, names=TOOL_CONTENT)

    def _read(self, text: ev.Text) -> str:
        try:
            return self._blobs.read_text(text)[:LONGEST_TEXT]
        except TraceError as error:  # the rest of the trace is still worth showing
            return f"[{error}]"
