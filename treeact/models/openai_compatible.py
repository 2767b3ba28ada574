"""Any server that speaks the OpenAI chat-completions interface, through the `openai` client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from treeact.errors import ConfigError
from treeact.models.base import Prices
from treeact.models.chat_format import model_names
from treeact.models.chat_model import MAX_REPLY_BYTES, ChatModel
from treeact.models.faults import OversizedReply
from treeact.models.retry import RetryPolicy
from treeact.models.tokens import IMAGE_TOKENS

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import httpx
    import openai

_CONNECT_SECONDS = 10.0


class OpenAICompatible(ChatModel):
    """The model `model` of the server at `base_url`.

    Args:
        model: its name there; None takes the only one that the server lists.
        base_url: such as `http://localhost:8000/v1`; it holds no key.
        api_key: sent as bearer token; None for servers that need none.
        prices: dollars per token; without them costs are unknown.
        context_window: tokens of prompt and reply together, if known.
        retry: bounds of attempts and times.
        image_tokens: bound of the tokens of one picture.

    Raises:
        ConfigError: the URL cannot be used.
    """

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str,
        api_key: str | None = None,
        prices: Prices | None = None,
        context_window: int | None = None,
        retry: RetryPolicy | None = None,
        image_tokens: int = IMAGE_TOKENS,
    ) -> None:
        self._base_url = checked_url(base_url)
        self._model = model
        self._clients: WeakKeyDictionary[AbstractEventLoop, openai.AsyncOpenAI] = (
            WeakKeyDictionary()
        )
        super().__init__(
            f"{model}@{self._base_url}" if model else self._base_url,
            api_key=api_key,
            remedy=f"check the server at {self._base_url}, the model's name and the key",
            prices=prices,
            context_window=context_window,
            retry=retry or RetryPolicy(),
            image_tokens=image_tokens,
        )

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        import asyncio

        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _load(self) -> Any:
        import openai

        return openai

    def _client(self) -> openai.AsyncOpenAI:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = make_client(self._base_url, self._api_key)
        return self._clients[loop]

    async def _named(self, call: dict[str, Any]) -> dict[str, Any]:
        if self._model is None:
            self._model = await self._only_model()
        return {"model": self._model, **call}

    async def _only_model(self) -> str:
        import httpx

        listing = await self._client().get("/models", cast_to=httpx.Response)
        names = model_names(json.loads(listing.content))
        if len(names) == 1:
            return names[0]
        raise ConfigError(
            f"{self._base_url} serves {', '.join(names[:10]) or 'no model'}: "
            f"name one, as in NAME@{self._base_url}"
        )

    async def _whole(self, call: dict[str, Any]) -> Any:
        named = await self._named(call)
        completions = self._client().chat.completions.with_raw_response
        reply = await completions.create(**named)
        return json.loads(reply.http_response.content)

    @asynccontextmanager
    async def _stream(self, call: dict[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
        named = await self._named(call)
        async with await self._client().chat.completions.create(**named) as chunks:
            yield chunks


def checked_url(url: str) -> str:
    """Return `url` without a slash at its end.

    Raises:
        ConfigError: it is no plain http or https URL, or holds a user name, key or query.
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigError("the base URL is not a URL; it looks like http://host:port/v1") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "a base URL holds no user name, query or key; "
            "give the key in the variable TREEACT_API_KEY"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise ConfigError(f"{url!r} is not a base URL; it looks like http://host:port/v1")
    return url.rstrip("/")


def make_client(base_url: str | None, api_key: str | None) -> openai.AsyncOpenAI:
    """Return a client that never retries, follows no redirect and reads no endless reply."""
    import httpx
    import openai

    http_client = httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_cap_reply]},
    )
    return openai.AsyncOpenAI(
        api_key=api_key or "none",
        base_url=base_url,
        max_retries=0,
        timeout=http_client.timeout,
        http_client=http_client,
    )


async def _cap_reply(response: httpx.Response) -> None:
    import httpx

    if response.headers.get("content-encoding", "identity") != "identity":
        await response.aclose()
        raise OversizedReply("the server compressed its reply, which was not asked for")
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _capped(response.stream)


def _capped(stream: httpx.AsyncByteStream) -> httpx.AsyncByteStream:
    import httpx

    class Capped(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in stream:
                size += len(piece)
                if size > MAX_REPLY_BYTES:
                    raise OversizedReply(f"the reply is longer than {MAX_REPLY_BYTES} bytes")
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Capped()
