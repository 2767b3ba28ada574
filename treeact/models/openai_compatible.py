"""Any server that speaks the OpenAI chat-completions interface, through the `openai` client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from treeact.errors import ConfigError
from treeact.models.base import Prices
from treeact.models.chat_format import model_names
from treeact.models.chat_model import ChatModel
from treeact.models.clients import Clients
from treeact.models.retry import RetryPolicy
from treeact.models.tokens import IMAGE_TOKENS


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
        self._clients = Clients(self._base_url, api_key)
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
        await self._clients.aclose()

    def _load(self) -> Any:
        import openai

        return openai

    async def _named(self, call: dict[str, Any]) -> dict[str, Any]:
        if self._model is None:
            self._model = await self._only_model()
        return {"model": self._model, **call}

    async def _only_model(self) -> str:
        import httpx2

        listing = await self._clients.get().get("/models", cast_to=httpx2.Response)
        names = model_names(json.loads(listing.content))
        if len(names) == 1:
            return names[0]
        raise ConfigError(
            f"{self._base_url} serves {', '.join(names[:10]) or 'no model'}: "
            f"name one, as in NAME@{self._base_url}"
        )

    async def _whole(self, call: dict[str, Any]) -> Any:
        named = await self._named(call)
        completions = self._clients.get().chat.completions.with_raw_response
        reply = await completions.create(**named)
        return json.loads(reply.http_response.content)

    @asynccontextmanager
    async def _stream(self, call: dict[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
        named = await self._named(call)
        async with await self._clients.get().chat.completions.create(**named) as chunks:
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
