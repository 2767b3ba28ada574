"""One event in full: the parts in which it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from treeact.errors import TraceError
from treeact.printable import printable
from treeact.trace import events as ev
from treeact.trace.index import Entry, TraceIndex

MOST = 200_000
"""Characters of one part that are shown; all of it is in the trace."""


Language = Literal["python", "json", "text"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of an event."""

    title: str
    text: str
    language: Language = "text"


def details(index: TraceIndex, entry: Entry) -> list[Part]:
    """Return the parts of an event, at least one, however damaged it is."""
    try:
        raw = Part(title="raw", text=_pretty(index.raw(entry)), language="json")
    except TraceError as error:
        return [Part(title="error", text=str(error))]
    try:
        event = index.event(entry)
        parts = _prompt(index, event) if isinstance(event, ev.ModelCalled) else []
        parts = [*parts, *_texts(index, event)]
    except TraceError as error:
        parts = [Part(title="error", text=str(error))]
    return [*(_cut(part) for part in parts if part.text), raw]


def _prompt(index: TraceIndex, call: ev.ModelCalled) -> list[Part]:
    messages = read_prompt(index, call)
    shown = "\n\n".join(
        f"--- {message.role}\n{index.blobs.read_text(message.content)}" for message in messages
    )
    used = (
        f"{call.role}, {call.phase}: {call.input_tokens} tokens in, {call.output_tokens} out, "
        f"{call.cached_tokens} cached, {call.reasoning_tokens} of reasoning\n"
        f"cost {'n/a' if call.cost is None else f'${call.cost:.6f}'}, {call.latency:.2f} s, "
        f"{call.retries} retries, model {call.model}, author {call.author}\n"
        + "\n".join(f"{part}: {tokens} tokens" for part, tokens in call.parts.items())
    )
    replies = "\n\n--- another sample\n".join(index.blobs.read_text(it) for it in call.replies)
    return [
        Part(title="reply", text=replies),
        Part(title="prompt", text=shown),
        Part(title="usage", text=used),
    ]


def read_prompt(index: TraceIndex, call: ev.ModelCalled) -> list[ev.PromptMessage]:
    """Return all messages of a call, of which the log holds what earlier calls did not.

    Raises:
        TraceError: an earlier call is missing or damaged.
    """
    keep, base = call.prompt.keep, call.prompt.base
    kept: list[ev.PromptMessage] = []
    if base is not None:
        if not base < len(index.entries):
            raise TraceError(f"the prompt goes on from event {base}, which is not in the trace")
        earlier = index.event(index.entries[base])
        if not isinstance(earlier, ev.ModelCalled):
            raise TraceError(f"the prompt goes on from event {base}, which is no call of a model")
        kept = read_prompt(index, earlier)[:keep]
    return [*kept, *call.prompt.added]


def _texts(index: TraceIndex, event: ev.Event) -> list[Part]:
    if isinstance(event, ev.ModelCalled):
        return []
    parts = []
    for name, value in event:
        if isinstance(value, ev.Blob) and value.media_type.startswith("text/"):
            value = index.blobs.read_text(value)
        if isinstance(value, str) and name not in ("id", "parent", "type"):
            parts.append(Part(title=name, text=value, language=_language(event, name)))
    return parts


def _language(event: ev.Event, field: str) -> Language:
    is_action = isinstance(event, ev.Proposed | ev.NodeAdded | ev.ApprovalRequested)
    return "python" if is_action and field == "text" else "text"


def _cut(part: Part) -> Part:
    text = printable(part.text)
    if len(text) > MOST:
        text = f"{text[:MOST]}\n[... {len(text) - MOST} characters more ...]"
    return Part(title=part.title, text=text, language=part.language)


def _pretty(raw: bytes) -> str:
    try:
        data: Any = json.loads(raw)
    except ValueError:
        return printable(raw.decode(errors="replace"))[:MOST]
    return printable(json.dumps(data, indent=2, ensure_ascii=False))[:MOST]
