"""Models by their LiteLLM names, such as `openai/gpt-5-mini` or `ollama/llama3.2`."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from treeact.models.base import Prices, Request
from treeact.models.chat_model import ChatModel
from treeact.models.clients import Clients
from treeact.models.retry import RetryPolicy
from treeact.models.tokens import IMAGE_TOKENS

_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Keeps LiteLLM from the network at import, and from reading a `.env` file."""
_SETTINGS = {
    "telemetry": False,
    "suppress_debug_info": True,
    "set_verbose": False,
    "disable_hf_tokenizer_download": True,
    "disable_streaming_logging": True,
    "disable_token_counter": True,
    "disable_aiohttp_transport": True,
    "num_retries": None,
}
"""Among them: usage that no provider reported is not made up, so that ours is flagged; and httpx
is used throughout, since through aiohttp a broken connection looks like one that never was."""
_CALLBACKS = ("callbacks", "success_callback", "failure_callback", "input_callback")


@cache
def load_litellm() -> Any:
    """Import LiteLLM, quiet and without a call of its own; takes seconds the first time."""
    os.environ.update(_ENVIRONMENT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm

    for name, value in _SETTINGS.items():
        setattr(litellm, name, value)
    for name in (*_CALLBACKS, *(f"_async_{name}" for name in _CALLBACKS)):
        if isinstance(getattr(litellm, name, None), list):
            getattr(litellm, name).clear()
    warnings.filterwarnings("ignore", message=r"Item.* `ReadOnly` qualifier", module="pydantic")
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _build_schemas(litellm)
    _stop_hidden_retries()
    return litellm


def _stop_hidden_retries() -> None:
    """Keep LiteLLM from sending a request again when a connection breaks.

    No setting of it does, and what was sent twice may be billed twice, with one charge for both.
    """
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    async def refuse(*_: Any, **__: Any) -> Any:
        raise  # the error that LiteLLM is handling where it calls this

    setattr(AsyncHTTPHandler, "single_connection_post_request", refuse)  # noqa: B010


def _build_schemas(litellm: Any) -> None:
    """Let pydantic build what it else builds in the first call, with warnings for nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        litellm.ModelResponse()
        litellm.ModelResponse(stream=True)
        litellm.types.utils.Delta(content="")


class LiteLLMModel(ChatModel):
    """A model that LiteLLM reaches by the provider in its name.

    Args:
        model: LiteLLM's name of it.
        api_key: the provider's key; None lets LiteLLM find it in the environment.
        base_url: where the provider is, if not at its own address.
        key_variable: the variable that holds the key, named in errors.
        prices: dollars per token; without them costs are unknown.
        context_window: tokens of prompt and reply together, if known.
        retry: bounds of attempts and times.
        image_tokens: bound of the tokens of one picture.
    """

    _streams_samples = False

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        key_variable: str | None = None,
        prices: Prices | None = None,
        context_window: int | None = None,
        retry: RetryPolicy | None = None,
        image_tokens: int = IMAGE_TOKENS,
    ) -> None:
        key = f"the key in {key_variable}" if key_variable else "the provider's key"
        super().__init__(
            model,
            api_key=api_key,
            remedy=f"check {key}, the model's name {model!r} and the network",
            prices=prices,
            context_window=context_window,
            retry=retry or RetryPolicy(),
            image_tokens=image_tokens,
        )
        self._base_url = base_url
        self._clients = Clients(base_url, api_key)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        await self._clients.aclose()

    def _load(self) -> Any:
        return load_litellm()

    def _options(self, request: Request) -> dict[str, Any]:
        """Leave out what LiteLLM knows the provider does not take."""
        supported = load_litellm().get_supported_openai_params(model=self.name)
        if supported is not None:
            optional = {"n", "stop", "temperature", "response_format"}
            self._refused.update(optional.difference(supported))
        return super()._options(request)

    def _arguments(self, call: dict[str, Any]) -> dict[str, Any]:
        arguments = {
            **call,
            "model": self.name,
            "api_key": self._api_key,
            "api_base": self._base_url,
            "timeout": self._retry.attempt_timeout,
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
        }
        if self.name.startswith("openai/"):
            arguments["client"] = self._clients.get()  # bounds the size of replies
        return arguments

    async def _whole(self, call: dict[str, Any]) -> Any:
        return await load_litellm().acompletion(**self._arguments(call))

    @asynccontextmanager
    async def _stream(self, call: dict[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
        chunks = await load_litellm().acompletion(**self._arguments(call))
        try:
            yield chunks
        finally:
            await chunks.aclose()
