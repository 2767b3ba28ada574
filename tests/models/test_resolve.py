import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.models.support import ask, quick
from tests.support.openai_server import Drip, OpenAIServer, Refuse, Send
from treeact.errors import ConfigError, ModelError, ReplayError
from treeact.models import (
    HumanModel,
    LiteLLMModel,
    LocalServer,
    Model,
    OpenAICompatible,
    Prices,
    RecordingModel,
    ReplayModel,
    Usage,
    detect_model,
    model_facts,
    probe_models,
    resolve_model,
)
from treeact.models.prices import PriceList
from treeact.models.providers import PROVIDERS

KEY = "sk-very-secret-123"


def test_litellm_names_get_their_key_and_prices() -> None:
    for spec in ("openai/gpt-5-mini", "gpt-5-mini", " openai/gpt-5-mini "):
        model = resolve_model(spec, env={"OPENAI_API_KEY": KEY})
        assert isinstance(model, LiteLLMModel)
        assert model.name == "openai/gpt-5-mini"
        assert model.prices is not None
        assert model.prices.source.startswith("litellm ")
        assert model.context_window is not None
        assert KEY not in repr(model)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("", "no model is named: give a LiteLLM name such as"),
        ("openai/gpt-5-mini", "OPENAI_API_KEY is not set"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY or GOOGLE_API_KEY is not set"),
        ("together_ai/some-model", "TOGETHERAI_API_KEY is not set"),
        ("openai/gpt-5-mni", "unknown model .* did you mean openai/gpt-5-mini"),
        ("gpt-5-mni", r"unknown model .*\(close: .*gpt-5-mini"),
        ("opnai/gpt-5-mini", r"unknown provider 'opnai' .*\(close: openai"),
        ("nosuch/model", "unknown provider 'nosuch'"),
        ("replay:", "needs the path of a recording"),
        ("http://user:secret@host/v1", "holds no user name, query or key"),
        ("http://host/v1?key=secret", "holds no user name, query or key"),
        ("http://", "is not a base URL"),
        ("http://host:99999/v1", "not a URL"),
        ("m@http://[::1", "not a URL"),
    ],
)
def test_what_cannot_be_resolved_says_what_to_do(spec: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        resolve_model(spec, env={})
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_model_newer_than_the_list_is_let_through() -> None:
    model = resolve_model("openai/gpt-999-mini", env={"OPENAI_API_KEY": KEY})
    assert (model.prices, model.context_window) == (None, None)


def test_local_servers_of_litellm_need_no_key() -> None:
    assert isinstance(resolve_model("ollama/llama3.2", env={}), LiteLLMModel)


def test_human_and_recordings() -> None:
    assert isinstance(resolve_model("human", env={}), HumanModel)
    with pytest.raises(ReplayError, match="does not exist"):
        resolve_model("replay:no-such-file.jsonl", env={})


async def test_record_and_replay_by_name(tmp_path: Path, server: OpenAIServer) -> None:
    path = tmp_path / "run.jsonl"
    spec = f"m@{server.base_url}"
    env = {"TREEACT_API_KEY": KEY}
    recorder = resolve_model(spec, record=path, env=env)
    assert isinstance(recorder, RecordingModel)
    first = await recorder.complete(ask())
    await recorder.aclose()
    replay = resolve_model(f"replay:{path}", env={})
    assert isinstance(replay, ReplayModel)
    assert await replay.complete(ask()) == first
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in path.read_text() + repr(recorder) + repr(replay)


@pytest.mark.parametrize("form", ["NAME@URL", "URL", "base_url"])
async def test_forms_of_a_base_url(server: OpenAIServer, form: str) -> None:
    url = server.base_url
    models: dict[str, Model] = {
        "NAME@URL": resolve_model(f"m@{url}/", env={}),
        "URL": resolve_model(url, env={}),
        "base_url": resolve_model("m", base_url=url, env={}),
    }
    model = models[form]
    assert isinstance(model, OpenAICompatible)
    assert (await model.complete(ask())).text == "hello"
    await model.aclose()
    assert server.calls[-1].body["model"] == "m"


async def test_openais_key_is_not_sent_to_other_servers(server: OpenAIServer) -> None:
    env = {"OPENAI_API_KEY": KEY}
    model = resolve_model(f"m@{server.base_url}", env=env)
    await model.complete(ask())
    await model.aclose()
    assert KEY not in str(server.calls[0].headers)
    pointed = resolve_model(f"m@{server.base_url}", env={**env, "OPENAI_BASE_URL": server.base_url})
    await pointed.complete(ask())
    await pointed.aclose()
    assert KEY in server.calls[1].headers["authorization"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_keys_stay_out_of_errors_and_retries(server: OpenAIServer, status: int) -> None:
    from treeact.models import Listener

    server.otherwise = Refuse(status, f"your key {KEY} is bad")
    told: list[str] = []
    model = resolve_model(
        f"m@{server.base_url}", env={"TREEACT_API_KEY": KEY}, retry=quick(attempts=2)
    )
    with pytest.raises(ModelError) as caught:
        await model.complete(ask(), listener=Listener(on_retry=lambda why, _: told.append(why)))
    await model.aclose()
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error} {error!r}"
        error = error.__cause__
    assert KEY not in "".join(told)
    assert "[key]" in str(caught.value)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
async def test_each_provider_is_found_by_its_key(provider: Any) -> None:
    for variable in provider.key_variables:
        found = await detect_model({variable: KEY}, servers=())
        assert found.spec == provider.default_model
        assert found.how == f"{provider.title}: {variable} is set"
        resolve_model(found.spec, env={variable: KEY})


def test_default_models_are_in_the_packaged_list() -> None:
    listed = {p.name for p in PROVIDERS if model_facts(p.default_model, {}) is not None}
    assert listed >= {p.name for p in PROVIDERS} - {"openrouter"}


def at(url: str, title: str = "Local") -> LocalServer:
    return LocalServer(title=title, base_url=url, start="start it")


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}/v1"


async def test_a_local_server_is_found_and_can_be_used(server: OpenAIServer) -> None:
    server.models = ("text-embed", "qwen", "llama")
    found = await detect_model({}, servers=[at(nowhere(), "Other"), at(server.base_url)])
    assert found.spec == f"qwen@{server.base_url}"
    assert found.how == f"Local: it answers at {server.base_url}"
    model = resolve_model(found.spec, env={})
    assert (await model.complete(ask())).text == "hello"
    await model.aclose()


async def test_a_key_comes_before_a_local_server(server: OpenAIServer) -> None:
    found = await detect_model({"GROQ_API_KEY": KEY}, servers=[at(server.base_url)])
    assert found.spec.startswith("groq/")
    assert server.calls == []


async def test_nothing_found_names_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"--model .*replay:PATH.*OPENAI_API_KEY.*Local"):
        await detect_model({}, servers=[at(nowhere())])


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        (Refuse(500), "nothing answers"),
        (Send(b"<html>", "text/html"), "nothing answers"),
        (Send(b'{"data": 3}'), "a server without a model answers"),
        (Send(b'{"data": [{"id": 3}, null]}'), "a server without a model answers"),
        (Send(b"[" * 100_000), "nothing answers"),
        (Send(b" " * 2_000_000), "nothing answers"),
        (Drip(), "nothing answers"),
    ],
)
async def test_servers_that_answer_strangely_are_not_usable(
    server: OpenAIServer, listing: Any, told: str
) -> None:
    server.listing = listing
    probes = await probe_models({}, servers=[at(server.base_url)], timeout=0.3)
    assert probes[-1].usable is False
    assert probes[-1].detail == f"{told} at {server.base_url}"
    assert probes[-1].remedy == "start it"


async def test_every_place_is_reported_with_its_remedy(server: OpenAIServer) -> None:
    probes = await probe_models({"XAI_API_KEY": KEY}, servers=[at(server.base_url)])
    assert [probe.title for probe in probes] == [*(p.title for p in PROVIDERS), "Local"]
    usable = {probe.title for probe in probes if probe.usable}
    assert usable == {"xAI", "Local"}
    assert all(bool(probe.remedy) != probe.usable for probe in probes)
    assert all(probe.models for probe in probes if probe.usable)
    assert KEY not in str(probes)


def figures(**options: Any) -> dict[str, Any]:
    return {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, **options}


def test_own_prices_come_first(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"openai/gpt-5-mini": figures(max_input_tokens=7), "m": figures()}))
    env = {"TREEACT_PRICES": str(path), "OPENAI_API_KEY": KEY}
    model = resolve_model("openai/gpt-5-mini", env=env)
    assert model.prices == Prices(input=1e-6, output=2e-6, source=str(path))
    assert model.context_window == 7
    assert resolve_model("m@http://localhost:1/v1", env=env).prices is not None
    assert resolve_model("other@http://localhost:1/v1", env=env).prices is None


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot read"), ("{", "is not JSON"), ("[]", "must map"), ('{"m": 3}', "must map")],
)
def test_a_broken_price_file_is_told(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "prices.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=told):
        resolve_model("m@http://localhost:1/v1", env={"TREEACT_PRICES": str(path)})


def test_unknown_prices_are_none_and_never_zero() -> None:
    models: dict[str, dict[str, Any]] = {
        "a": {"litellm_provider": "x"},
        "b": {"input_cost_per_token": 1e-6},
        "c": figures(input_cost_per_token="1"),
        "d": figures(input_cost_per_token=-1),
        "e": {"input_cost_per_token": 0, "output_cost_per_token": 0, "litellm_provider": "x"},
    }
    listed = PriceList(models, source="test")
    for name in models:
        facts = listed.find(name)
        assert facts is not None
        assert facts.prices is None
    free = PriceList({"o": {**models["e"], "litellm_provider": "ollama"}}, source="test").find("o")
    assert free is not None
    assert free.prices is not None
    assert listed.find("nobody") is None


def test_cost_of_cached_written_and_long_prompts() -> None:
    prices = PriceList(
        {
            "m": figures(
                cache_read_input_token_cost=1e-7,
                cache_creation_input_token_cost=3e-6,
                input_cost_per_token_above_200k_tokens=5e-6,
                output_cost_per_token_above_200k_tokens=6e-6,
            )
        },
        source="test",
    ).find("m")
    assert prices is not None
    assert prices.prices is not None
    usage = Usage(input_tokens=100, output_tokens=10, cached_tokens=50, cache_write_tokens=20)
    assert prices.prices.cost(usage) == pytest.approx(30e-6 + 5e-6 + 60e-6 + 20e-6)
    long = Usage(input_tokens=200_001, output_tokens=1)
    assert prices.prices.cost(long) == pytest.approx(200_001 * 5e-6 + 6e-6)
