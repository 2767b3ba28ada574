"""What the models behind a chat-completions interface share: one attempt, whole or streamed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from treeact.errors import TreeActError
from treeact.models.base import Completion, Request
from treeact.models.chat_format import (
    ChatReply,
    StreamReader,
    chat_messages,
    chat_options,
    read_reply,
)
from treeact.models.clients import MAX_REPLY_BYTES
from treeact.models.faults import fault_of, refused_parameter
from treeact.models.language_model import LanguageModel, cut_at_stop
from treeact.models.retry import Fault

_NEEDLESS = frozenset({"n", "stop", "temperature", "stream_options", "response_format"})
"""Parameters a call does without when a server refuses them."""
_MISSED = {
    "temperature": "the model takes no temperature; its own was used",
    "response_format": "the model takes no JSON Schema; the reply is free text",
}
"""What to say when one is left out; extra samples and stop strings are made up for."""


class ChatModel(LanguageModel):
    """One attempt through a client library; subclasses open the connection.

    A server that refuses a parameter is asked again without it, and that is remembered.
    """

    _streams_samples = True
    """Whether several samples can be told apart in a stream."""

    def __init__(self, name: str, *, api_key: str | None, remedy: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._api_key = api_key
        self._remedy = remedy
        self._refused: set[str] = set()
        self._loaded = False

    async def warm_up(self) -> None:
        """Import the client library, in a thread."""
        if not self._loaded:
            import asyncio

            await asyncio.to_thread(self._load)
            self._loaded = True

    @abstractmethod
    def _load(self) -> Any:
        """Import and return the client library."""

    @abstractmethod
    async def _whole(self, call: dict[str, Any]) -> Any:
        """Send `call`; return the reply's JSON."""

    @abstractmethod
    def _stream(self, call: dict[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Send `call`; return the chunks of the reply."""

    async def _attempt(self, request: Request, on_text: Callable[[str], None] | None) -> Completion:
        options = self._options(request)
        call = {"messages": chat_messages(request.messages), **options}
        try:
            reply = await self._ask(call, request, on_text)
        except TreeActError:
            raise
        except Exception as error:
            raise self._fault(error, call) from None
        notes = tuple(
            note
            for name, note in _MISSED.items()
            if name in self._refused and name in chat_options(request)
        )
        return self._completion(request, reply, notes)

    def _options(self, request: Request) -> dict[str, Any]:
        options = chat_options(request)
        if "max_tokens" in self._refused:
            options["max_completion_tokens"] = options.pop("max_tokens")
        return {name: value for name, value in options.items() if name not in self._refused}

    async def _ask(
        self, call: dict[str, Any], request: Request, on_text: Callable[[str], None] | None
    ) -> ChatReply:
        if on_text is None:
            return read_reply(await self._whole(call))
        if request.n > 1 and not self._streams_samples:
            reply = read_reply(await self._whole(call))
            on_text(cut_at_stop(reply.texts[0], request.stop))
            return reply
        call["stream"] = True
        if "stream_options" not in self._refused:
            call["stream_options"] = {"include_usage": True}
        reader = StreamReader(on_text, request.stop, max_bytes=MAX_REPLY_BYTES)
        async with self._stream(call) as chunks:
            async for chunk in chunks:
                reader.add(chunk)
        return reader.reply()

    def _fault(self, error: Exception, call: dict[str, Any]) -> Fault:
        """Return what `error` means, and learn from it which parameter to leave out."""
        optional = [name for name in call if name in _NEEDLESS or name == "max_tokens"]
        refused = refused_parameter(error, optional)
        fault = fault_of(error, remedy=self._remedy)
        if refused is not None and not fault.context_full:
            self._refused.add(refused)
            fault.retryable = True
            fault.retry_after = 0.0
        fault.args = (self._without_key(fault.message),)
        return fault

    def _without_key(self, text: str) -> str:
        return text.replace(self._api_key, "[key]") if self._api_key else text

    def _completion(self, request: Request, reply: ChatReply, notes: tuple[str, ...]) -> Completion:
        usage = reply.usage or self._estimated_usage(request, reply.texts)
        return Completion(
            texts=reply.texts,
            finish_reasons=reply.finish_reasons,
            usage=usage,
            cost=self._cost(usage),
            latency=0.0,
            model=reply.model or self.name,
            notes=notes,
        )
