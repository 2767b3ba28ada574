"""The places a model can be had from: hosted providers by their keys, local servers by address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treeact.models.chat_format import model_names

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A hosted provider."""

    name: str
    """Its prefix in LiteLLM's names."""
    title: str
    key_variables: tuple[str, ...]
    """Variables that may hold its key, the first one being the usual one."""
    default_model: str

    def key(self, env: Mapping[str, str]) -> str | None:
        """Return the key that `env` holds, if any."""
        return next((env[name] for name in self.key_variables if env.get(name)), None)


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="openai",
        title="OpenAI",
        key_variables=("OPENAI_API_KEY",),
        default_model="openai/gpt-5-mini",
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        key_variables=("ANTHROPIC_API_KEY",),
        default_model="anthropic/claude-sonnet-4-6",
    ),
    Provider(
        name="gemini",
        title="Google Gemini",
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        default_model="gemini/gemini-2.5-flash",
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        key_variables=("OPENROUTER_API_KEY",),
        default_model="openrouter/openai/gpt-5-mini",
    ),
    Provider(
        name="mistral",
        title="Mistral",
        key_variables=("MISTRAL_API_KEY",),
        default_model="mistral/mistral-medium-latest",
    ),
    Provider(
        name="groq",
        title="Groq",
        key_variables=("GROQ_API_KEY",),
        default_model="groq/openai/gpt-oss-120b",
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        key_variables=("DEEPSEEK_API_KEY",),
        default_model="deepseek/deepseek-chat",
    ),
    Provider(
        name="xai",
        title="xAI",
        key_variables=("XAI_API_KEY",),
        default_model="xai/grok-4.3",
    ),
)
"""In the order in which they are chosen when several keys are set."""


@dataclass(frozen=True, kw_only=True)
class LocalServer:
    """A server that may run on this machine."""

    title: str
    base_url: str
    start: str
    """How it is started, as shown to the user."""


LOCAL_SERVERS: tuple[LocalServer, ...] = (
    LocalServer(
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        start="ollama serve, then ollama pull MODEL",
    ),
    LocalServer(
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        start="lms server start, with a model loaded",
    ),
    LocalServer(title="vLLM", base_url="http://127.0.0.1:8000/v1", start="vllm serve MODEL"),
    LocalServer(
        title="llama.cpp", base_url="http://127.0.0.1:8080/v1", start="llama-server -m FILE.gguf"
    ),
)
"""In the order in which they are chosen when several answer."""

_PROBE_SECONDS = 1.0
_LISTING_BYTES = 1024**2


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What is known of one place to get a model from."""

    title: str
    usable: bool
    models: tuple[str, ...]
    """Model names to give to `--model`, the best one to take by default first."""
    detail: str
    """How it was found, or why it is not usable."""
    remedy: str
    """What to do to make it usable; empty if it is."""


async def probe_models(
    env: Mapping[str, str],
    *,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
    timeout: float = _PROBE_SECONDS,
) -> list[Probe]:
    """Return every provider and local server, usable or not, the preferred ones first.

    Keys are looked for in `env` and not tried; servers are asked, all at once, for their models.

    Args:
        env: the environment variables.
        servers: the local servers to ask.
        timeout: seconds that each of them has for its answer.
    """
    import asyncio

    hosted = [_probe_provider(provider, env) for provider in PROVIDERS]
    return hosted + await asyncio.gather(*(_probe_server(server, timeout) for server in servers))


def _probe_provider(provider: Provider, env: Mapping[str, str]) -> Probe:
    variable = next((name for name in provider.key_variables if env.get(name)), None)
    names = " or ".join(provider.key_variables)
    return Probe(
        title=provider.title,
        usable=variable is not None,
        models=(provider.default_model,) if variable else (),
        detail=f"{variable} is set" if variable else f"{names} is not set",
        remedy="" if variable else f"export {provider.key_variables[0]}=...",
    )


async def _probe_server(server: LocalServer, timeout: float) -> Probe:
    names = await _ask_server(server.base_url, timeout)
    if names:
        return Probe(
            title=server.title,
            usable=True,
            models=tuple(f"{name}@{server.base_url}" for name in names),
            detail=f"it answers at {server.base_url}",
            remedy="",
        )
    fault = "nothing answers" if names is None else "a server without a model answers"
    return Probe(
        title=server.title,
        usable=False,
        models=(),
        detail=f"{fault} at {server.base_url}",
        remedy=server.start,
    )


async def _ask_server(base_url: str, timeout: float) -> list[str] | None:
    """Return the models that a server lists, or None if none answers there."""
    import asyncio

    import httpx2

    try:
        async with asyncio.timeout(timeout), httpx2.AsyncClient(trust_env=False) as client:
            return await _listing(client, f"{base_url}/models")
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError):
        return None


async def _listing(client: httpx2.AsyncClient, url: str) -> list[str] | None:
    import json

    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            return None
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _LISTING_BYTES:
                return None
    return model_names(json.loads(body))
