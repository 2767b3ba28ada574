"""The chat-completions format: requests written, replies and streams read, whatever they hold.

LiteLLM and the OpenAI client both speak it. Replies are read as untrusted data: a server may leave
out, rename or misuse any field, and a reply that was billed is settled even if it is unusable.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from treeact.models.base import FinishReason, Message, Request, Usage
from treeact.models.retry import Fault

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "tool_calls": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


@dataclass(kw_only=True)
class ChatReply:
    """What a server answered, before it becomes a completion."""

    texts: tuple[str, ...]
    finish_reasons: tuple[FinishReason, ...]
    usage: Usage | None
    model: str | None


def chat_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return `messages` as the format has them, pictures as data URLs."""
    return [{"role": message.role, "content": _content(message)} for message in messages]


def _content(message: Message) -> str | list[dict[str, Any]]:
    text = clean(message.content)
    if not message.images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for image in message.images:
        data = base64.b64encode(image.data).decode()
        url = f"data:{image.media_type};base64,{data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def chat_options(request: Request) -> dict[str, Any]:
    """Return the options of `request` as the format has them, without those that are unset."""
    options: dict[str, Any] = {"max_tokens": request.max_output_tokens}
    if request.n > 1:
        options["n"] = request.n
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.stop:
        options["stop"] = list(request.stop)
    if request.schema is not None:
        described = {"name": "reply", "schema": request.schema, "strict": _closed(request.schema)}
        options["response_format"] = {"type": "json_schema", "json_schema": described}
    return options


def _closed(schema: Any) -> bool:
    """Return whether every object in `schema` is closed and requires all it has, as strict asks."""
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        names = set(schema.get("properties", {}))
        if (
            schema.get("additionalProperties") is not False
            or set(schema.get("required", ())) != names
        ):
            return False
    return all(map(_closed, schema.values()))


def clean(text: str) -> str:
    """Replace what UTF-8 cannot hold, so that no text can break a request, trace or recording."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def read_reply(raw: Any) -> ChatReply:
    """Read a whole reply.

    Raises:
        Fault: there is no choice in it; it carries the usage, if the reply has any.
    """
    usage = read_usage(get(raw, "usage"))
    choices = get(raw, "choices")
    if not isinstance(choices, list) or not choices:
        error = get(raw, "error")
        detail = f": {error_message(error)}" if error else ""
        raise Fault(f"the reply has no choices{detail}", retryable=True, usage=usage)
    read = [_read_choice(choice) for choice in choices]
    return ChatReply(
        texts=tuple(text for text, _ in read),
        finish_reasons=tuple(reason for _, reason in read),
        usage=usage,
        model=_text_or_none(get(raw, "model")),
    )


def _read_choice(choice: Any) -> tuple[str, FinishReason]:
    message = get(choice, "message")
    reason = read_reason(get(choice, "finish_reason"))
    text = _read_content(get(message, "content"))
    refusal = get(message, "refusal") or get(get(message, "provider_specific_fields"), "refusal")
    if not text and isinstance(refusal, str) and refusal:
        return clean(refusal), "content_filter"
    return text, reason


def _read_content(content: Any) -> str:
    """Return the text of a message; some servers send it in parts, and null means none."""
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list):
        return "".join(_read_content(get(part, "text")) for part in content)
    return ""


def read_reason(reason: Any) -> FinishReason:
    """Return why a text ended."""
    return _REASONS.get(reason, "unknown") if isinstance(reason, str) else "unknown"


def read_usage(raw: Any) -> Usage | None:
    """Return the usage a server reports, or None if it reports none that makes sense."""
    read, written = _count(get(raw, "prompt_tokens")), _count(get(raw, "completion_tokens"))
    if read is None or written is None or read == written == 0:
        return None
    total = _count(get(raw, "total_tokens")) or 0
    written = max(written, total - read)  # some servers leave reasoning out of the completion
    prompt_details = get(raw, "prompt_tokens_details")
    reasoning = _count(get(get(raw, "completion_tokens_details"), "reasoning_tokens")) or 0
    cached = _first_count(
        get(prompt_details, "cached_tokens"),
        get(raw, "cache_read_input_tokens"),
        get(raw, "prompt_cache_hit_tokens"),
    )
    stored = _first_count(
        get(raw, "cache_creation_input_tokens"), get(prompt_details, "cache_creation_tokens")
    )
    cached = min(cached, read)
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=min(stored, read - cached),
        reasoning_tokens=min(reasoning, written),
    )


def _count(value: Any) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
    return value if usable else None


def _first_count(*values: Any) -> int:
    return next((count for count in map(_count, values) if count), 0)


def model_names(listing: Any) -> list[str]:
    """Return the names in a server's answer to `GET /models`, those that only embed left out."""
    models = get(listing, "data")
    names = [get(model, "id") for model in models] if isinstance(models, list) else []
    return [name for name in names if isinstance(name, str) and "embed" not in name]


def get(raw: Any, name: str) -> Any:
    """Return a field of a JSON object or of a client's object, or None."""
    return raw.get(name) if isinstance(raw, dict) else getattr(raw, name, None)


def error_message(error: Any) -> str:
    """Return the text of an error object, in any of the forms servers use."""
    message = get(error, "message") if not isinstance(error, str) else error
    return message if isinstance(message, str) else str(error)


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@dataclass
class _StreamedChoice:
    pieces: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    reason: FinishReason | None = None

    def read(self) -> tuple[str, FinishReason]:
        if not self.pieces and self.refusal:
            return "".join(self.refusal), "content_filter"
        return "".join(self.pieces), self.reason or "unknown"


class StreamReader:
    """Folds the chunks of a stream into a reply, and passes the first sample's text on."""

    def __init__(
        self,
        on_text: Callable[[str], None] | None,
        stop: Sequence[str],
        *,
        max_bytes: int,
    ) -> None:
        self._choices: dict[int, _StreamedChoice] = {}
        self._usage: Usage | None = None
        self._model: str | None = None
        self._on_text = on_text
        self._filter = StopFilter(stop)
        self._bytes_left = max_bytes

    def add(self, chunk: Any) -> None:
        """Take in one chunk.

        Raises:
            Fault: the chunk is an error.
        """
        if get(chunk, "error"):
            message = error_message(get(chunk, "error"))
            raise Fault(f"the stream ended with an error: {message}", retryable=True)
        self._usage = read_usage(get(chunk, "usage")) or self._usage
        self._model = _text_or_none(get(chunk, "model")) or self._model
        choices = get(chunk, "choices")
        for choice in choices if isinstance(choices, list) else ():
            self._add_choice(choice)

    def reply(self) -> ChatReply:
        """Return the whole reply.

        Raises:
            Fault: the stream ended before the reply did.
        """
        ordered = [self._choices[index] for index in sorted(self._choices)]
        said = any(choice.pieces or choice.refusal for choice in ordered)
        if not ordered or (not said and self._usage is None):
            raise Fault("the stream held no reply", retryable=True, usage=self._usage)
        if any(choice.reason is None for choice in ordered):
            raise Fault("the stream broke off", retryable=True, usage=self._usage)
        if self._on_text is not None and (rest := self._filter.rest()):
            self._on_text(rest)
        read = [choice.read() for choice in ordered]
        return ChatReply(
            texts=tuple(text for text, _ in read),
            finish_reasons=tuple(reason for _, reason in read),
            usage=self._usage,
            model=self._model,
        )

    def _add_choice(self, raw: Any) -> None:
        index = _count(get(raw, "index")) or 0
        choice = self._choices.setdefault(index, _StreamedChoice())
        delta = get(raw, "delta")
        text = _read_content(get(delta, "content"))
        if text:
            choice.pieces.append(text)
            self._bytes_left -= len(text)
            if self._bytes_left < 0:
                raise Fault("the reply is too long", usage=self._usage)
            if index == 0 and self._on_text is not None and (shown := self._filter.add(text)):
                self._on_text(shown)
        refusal = get(delta, "refusal") or get(get(delta, "provider_specific_fields"), "refusal")
        if isinstance(refusal, str):
            choice.refusal.append(clean(refusal))
        if get(raw, "finish_reason") is not None:
            choice.reason = read_reason(get(raw, "finish_reason"))


class StopFilter:
    """Passes text on up to the first stop string, which may arrive in pieces."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [string for string in stop if string]
        self._held = ""
        self._ended = False

    def add(self, text: str) -> str:
        """Take in a piece; return what can be shown."""
        if self._ended:
            return ""
        held = self._held + text
        ends = [end for end in (held.find(string) for string in self._stop) if end >= 0]
        if ends:
            self._ended, self._held = True, ""
            return held[: min(ends)]
        keep = self._possible_start(held)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def rest(self) -> str:
        """Return what was held back, at the end of the stream."""
        rest, self._held = self._held, ""
        return rest

    def _possible_start(self, text: str) -> int:
        """Return the length of the longest end of `text` that may begin a stop string."""
        longest = max((len(string) - 1 for string in self._stop), default=0)
        for size in range(min(longest, len(text)), 0, -1):
            if any(string.startswith(text[-size:]) for string in self._stop):
                return size
        return 0
