"""From what a user writes, or has, to a model: names, URLs, recordings, keys, local servers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treeact.errors import ConfigError
from treeact.models.base import Model
from treeact.models.prices import ModelFacts, PriceList, model_facts, own_facts
from treeact.models.providers import (
    LOCAL_SERVERS,
    PROVIDERS,
    LocalServer,
    Provider,
    probe_models,
)
from treeact.models.retry import RetryPolicy

KEY_VARIABLE = "TREEACT_API_KEY"
"""Holds the key for a base URL; other keys are sent to their own providers alone."""
FORMS = "a LiteLLM name such as openai/gpt-5-mini, NAME@http://host:port/v1, replay:PATH or human"
_URL_SPEC = re.compile(r"(?:(?P<name>.+?)@)?(?P<url>https?://.*)", re.IGNORECASE)
_KEYLESS = frozenset({"ollama", "ollama_chat", "lm_studio", "hosted_vllm", "llamafile"})
"""Local servers in LiteLLM's names."""


def resolve_model(
    spec: str,
    *,
    base_url: str | None = None,
    record: str | Path | None = None,
    env: Mapping[str, str] = os.environ,
    retry: RetryPolicy | None = None,
) -> Model:
    """Return the model that `spec` names; no call is made.

    Args:
        spec: a LiteLLM name, `NAME@URL` or the URL of an OpenAI-compatible server, `replay:PATH`,
            or `human`.
        base_url: an OpenAI-compatible server, on which `spec` is the model's name.
        record: file or folder to record the calls to.
        env: the environment variables, for keys and the price file.
        retry: bounds of attempts and times.

    Raises:
        ConfigError: the model or its provider is not known, or its key is missing; the message
            names close matches, or the variable.
        ReplayError: the recording cannot be used.
    """
    model = _resolve(spec.strip(), base_url, env, retry)
    if record is None:
        return model
    from treeact.models.recording import RecordingModel

    return RecordingModel(model, record)


def _resolve(
    spec: str, base_url: str | None, env: Mapping[str, str], retry: RetryPolicy | None
) -> Model:
    if not spec and base_url is None:
        raise ConfigError(f"no model is named: give {FORMS}")
    if base_url is not None:
        return _compatible(spec or None, base_url, env, retry)
    if spec == "human":
        from treeact.models.human import HumanModel

        return HumanModel()
    if spec.startswith("replay:"):
        return _replay(spec.removeprefix("replay:"))
    address = _URL_SPEC.fullmatch(spec)
    if address is not None:
        return _compatible(address["name"], address["url"], env, retry)
    return _by_litellm(spec, env, retry)


def _replay(path: str) -> Model:
    from treeact.models.replay import ReplayModel

    if not path:
        raise ConfigError("replay: needs the path of a recording, as in replay:run.jsonl")
    return ReplayModel(path)


def _compatible(
    name: str | None, url: str, env: Mapping[str, str], retry: RetryPolicy | None
) -> Model:
    from treeact.models.openai_compatible import OpenAICompatible, checked_url

    url = checked_url(url)
    at_openai = url.startswith("https://api.openai.com/")
    facts = None
    if name is not None:
        facts = model_facts(f"openai/{name}", env) if at_openai else own_facts(name, env)
    return OpenAICompatible(
        name, base_url=url, api_key=_key_for(url, at_openai, env), retry=retry, **_known(facts)
    )


def _key_for(url: str, at_openai: bool, env: Mapping[str, str]) -> str | None:
    """Return the key for a base URL; OpenAI's goes to OpenAI and to where it was pointed to."""
    own_address = (env.get("OPENAI_BASE_URL") or "").rstrip("/")
    if env.get(KEY_VARIABLE):
        return env[KEY_VARIABLE]
    return env.get("OPENAI_API_KEY") if at_openai or url == own_address else None


def _known(facts: ModelFacts | None) -> dict[str, Any]:
    if facts is None:
        return {}
    return {"prices": facts.prices, "context_window": facts.context_window}


def _by_litellm(spec: str, env: Mapping[str, str], retry: RetryPolicy | None) -> Model:
    from treeact.models.litellm_model import LiteLLMModel

    name = _with_provider(spec, env)
    prefix = name.partition("/")[0]
    provider = next((known for known in PROVIDERS if known.name == prefix), None)
    facts = model_facts(name, env)
    if facts is None and provider is not None:
        _check_spelling(name)
    key, variable = _key(provider, env) if provider else (None, None)
    if provider is None and prefix not in _KEYLESS:
        variable = _check_litellm_key(name, env)
    return LiteLLMModel(name, api_key=key, key_variable=variable, retry=retry, **_known(facts))


def _with_provider(spec: str, env: Mapping[str, str]) -> str:
    """Return `spec` with its provider in front.

    Raises:
        ConfigError: the provider or the bare name is not known.
    """
    prefix, slash, _ = spec.partition("/")
    if not slash:
        facts = model_facts(spec, env)
        if facts is None or not facts.provider:
            raise ConfigError(f"unknown model {spec!r}{_close(spec)}: give {FORMS}")
        return f"{facts.provider}/{spec}"
    known = PriceList.packaged().providers() | _KEYLESS | {p.name for p in PROVIDERS}
    if prefix not in known and prefix not in _litellm_providers():
        raise ConfigError(
            f"unknown provider {prefix!r} in {spec!r}{_close_names(prefix, sorted(known))}: "
            f"give {FORMS}"
        )
    return spec


def _litellm_providers() -> set[str]:
    """Return every provider of LiteLLM; it takes seconds to import, and few names need it."""
    from treeact.models.litellm_model import load_litellm

    return {str(getattr(name, "value", name)) for name in load_litellm().provider_list}


def _key(provider: Provider, env: Mapping[str, str]) -> tuple[str, str]:
    key = provider.key(env)
    if key is None:
        names = " or ".join(provider.key_variables)
        raise ConfigError(
            f"{names} is not set: export the key of {provider.title}, or choose another model"
        )
    return key, next(name for name in provider.key_variables if env.get(name) == key)


def _check_litellm_key(name: str, env: Mapping[str, str]) -> str | None:
    """Return the variable that LiteLLM reads the key of `name` from, if it knows one."""
    from treeact.models.litellm_model import load_litellm

    wanted = load_litellm().validate_environment(model=name).get("missing_keys") or []
    keys = [variable for variable in wanted if variable.endswith("API_KEY")]
    missing = [variable for variable in keys if not env.get(variable)]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} is not set: export the provider's key for {name}, "
            "or choose another model"
        )
    return keys[0] if keys else None


def _check_spelling(name: str) -> None:
    """Refuse a name that is a known one with a letter wrong.

    Other unknown names go to the provider: they may be newer than the list. A name with other
    digits is another version, not a slip.
    """
    import difflib

    near = difflib.get_close_matches(name, PriceList.packaged().chat_models(), n=3, cutoff=0.9)
    slips = [match for match in near if re.findall(r"\d+", match) == re.findall(r"\d+", name)]
    if slips:
        raise ConfigError(f"unknown model {name!r}; did you mean {' or '.join(slips)}?")


def _close(name: str) -> str:
    return _close_names(name, [known.split("/", 1)[1] for known in _main_models()])


def _main_models() -> list[str]:
    main = {provider.name for provider in PROVIDERS}
    models = PriceList.packaged().chat_models()
    return [name for name in models if name.split("/", 1)[0] in main]


def _close_names(name: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f" (close: {', '.join(near)})" if near else ""


@dataclass(frozen=True, kw_only=True)
class Detected:
    """A model that was found without being named."""

    spec: str
    """What to give to `resolve_model`."""
    how: str
    """Why it was chosen, to be printed."""


async def detect_model(
    env: Mapping[str, str] = os.environ,
    *,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
    timeout: float = 1.0,
) -> Detected:
    """Return the default model of the provider whose key is set, else of a local server.

    Args:
        env: the environment variables.
        servers: the local servers to ask, only if no key is set.
        timeout: seconds that each of them has for its answer.

    Raises:
        ConfigError: there is none; the message names the choices.
    """
    keyed = next((provider for provider in PROVIDERS if provider.key(env)), None)
    for probe in await probe_models(env, servers=() if keyed else servers, timeout=timeout):
        if probe.usable:
            return Detected(spec=probe.models[0], how=f"{probe.title}: {probe.detail}")
    keys = ", ".join(provider.key_variables[0] for provider in PROVIDERS)
    local = ", ".join(server.title for server in servers)
    raise ConfigError(
        f"no model is configured, no key is set and no local server answers: give --model "
        f"({FORMS}), set one of {keys}, or start one of {local or 'your local servers'}"
    )
