"""The OpenAI client and LiteLLM against a real server, with all that can go wrong on the way."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.models.support import Book, Sleeps, ask, quick
from tests.support.openai_server import (
    Cut,
    Drip,
    Flood,
    OpenAIServer,
    Refuse,
    Say,
    Send,
    tokens,
)
from treeact.errors import ConfigError, ContextFull, ModelError
from treeact.models import (
    Completion,
    Image,
    Listener,
    LiteLLMModel,
    Message,
    Model,
    OpenAICompatible,
    Prices,
    Request,
)

# LiteLLM itself uses what pydantic has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm")
KEY = "sk-very-secret-123"
Make = Callable[..., Model]


@pytest.fixture(params=["openai", "litellm"])
async def make(request: pytest.FixtureRequest, server: OpenAIServer) -> AsyncIterator[Make]:
    """Make models of either kind at the server; they are closed at the end."""
    models: list[Model] = []

    def build(**options: Any) -> Model:
        options = {"base_url": server.base_url, "api_key": KEY, "retry": quick(), **options}
        kind = OpenAICompatible if request.param == "openai" else LiteLLMModel
        models.append(kind("m" if request.param == "openai" else "openai/m", **options))
        return models[-1]

    yield build
    for model in models:
        await model.aclose()


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def listener(request: pytest.FixtureRequest) -> Listener:
    pieces: list[str] = []
    return Listener(on_text=pieces.append) if request.param else Listener()


async def test_a_reply_with_its_usage(
    make: Make, server: OpenAIServer, book: Book, listener: Listener
) -> None:
    server.will(
        Say(
            "Grüße",
            extra_usage={
                "prompt_tokens_details": {"cached_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 2},
                "cache_creation_input_tokens": 1,
            },
        )
    )
    model = make(prices=Prices(input=1.0, output=10.0, cached_input=0.1, cache_write=2.0))
    completion = await model.complete(ask("12345678"), meter=book, listener=listener)
    usage = completion.usage
    assert completion.texts == ("Grüße",)
    assert completion.finish_reasons == ("stop",)
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (2, 2, False)
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.cache_write_tokens) == (1, 2, 1)
    assert completion.cost == pytest.approx(0.1 + 2.0 + 20.0)
    assert completion.model == "m"
    assert completion.latency > 0
    assert book.usage == usage
    assert usage.total_tokens == server.billed_tokens()


async def test_text_arrives_piece_by_piece(make: Make, server: OpenAIServer) -> None:
    server.will(Say("one two three four", pieces=6))
    pieces: list[str] = []
    completion = await make().complete(ask(), listener=Listener(on_text=pieces.append))
    assert len(pieces) > 3
    assert "".join(pieces) == completion.text == "one two three four"
    assert server.calls[0].body["stream_options"] == {"include_usage": True}


async def test_everything_asked_for_is_sent(
    make: Make, server: OpenAIServer, listener: Listener
) -> None:
    schema = {
        "type": "object",
        "properties": {"x": {"type": "integer"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    server.will(Say('{"x": 1}'))
    request = Request(
        messages=(Message("system", "s"), Message("user", "look", (Image(data=b"PNG"),))),
        temperature=0.25,
        max_output_tokens=77,
        stop=("<end>",),
        schema=schema,
    )
    completion = await make().complete(request, listener=listener)
    sent = server.calls[0]
    assert json.loads(completion.text) == {"x": 1}
    assert sent.body["model"] == "m"
    assert (sent.body["temperature"], sent.body["max_tokens"]) == (0.25, 77)
    assert sent.body["stop"] in (["<end>"], "<end>")
    assert sent.body["response_format"]["json_schema"]["schema"] == schema
    assert sent.body["response_format"]["json_schema"]["strict"] is True
    assert "n" not in sent.body
    picture = sent.body["messages"][1]["content"][1]["image_url"]["url"]
    assert picture == "data:image/png;base64,UE5H"
    assert sent.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
async def test_samples_that_a_server_does_not_give_are_asked_for(
    make: Make, server: OpenAIServer, book: Book, listener: Listener, samples: int
) -> None:
    server.otherwise = Say(("a", "b", "c", "d"), most_samples=samples)
    completion = await make().complete(ask(n=4), meter=book, listener=listener)
    assert len(completion.texts) == len(completion.finish_reasons) == 4
    assert len(server.calls) == 1 + (4 - samples)
    assert completion.usage == book.usage
    assert book.usage.total_tokens == server.billed_tokens()


async def test_a_server_that_refuses_several_samples_is_asked_for_one(
    make: Make, server: OpenAIServer, book: Book, listener: Listener
) -> None:
    model = make()
    server.will(Refuse(400, "only one choice is supported"))
    assert (await model.complete(ask(n=3), meter=book, listener=listener)).texts == ("hello",) * 3
    assert book.outcomes == ["released", *["settled"] * 3]
    await model.complete(ask(n=3), listener=listener)
    assert len(server.calls) == 1 + 3 + 3


async def test_a_refused_parameter_is_left_out_from_then_on(
    make: Make, server: OpenAIServer, book: Book, listener: Listener
) -> None:
    model = make()
    server.will(Refuse(400, "unsupported", error={"param": "temperature"}))
    for _ in range(2):
        completion = await model.complete(ask(temperature=0.5), meter=book, listener=listener)
        assert completion.notes == ("the model takes no temperature; its own was used",)
    assert book.outcomes == ["released", "settled", "settled"]
    assert "temperature" not in server.calls[2].body


async def test_the_newer_name_of_the_output_cap_is_tried(
    server: OpenAIServer, listener: Listener
) -> None:
    model = OpenAICompatible("m", base_url=server.base_url, retry=quick())
    server.will(Refuse(400, "use max_completion_tokens", error={"param": "max_tokens"}))
    await model.complete(ask(max_output_tokens=5), listener=listener)
    await model.aclose()
    assert server.calls[1].body["max_completion_tokens"] == 5
    assert "max_tokens" not in server.calls[1].body


async def test_a_parameter_that_is_refused_again_ends_the_call(
    make: Make, server: OpenAIServer, listener: Listener
) -> None:
    server.otherwise = Refuse(400, "broken", error={"param": "temperature"})
    with pytest.raises(ModelError, match="HTTP 400: broken"):
        await make().complete(ask(temperature=0.5), listener=listener)
    assert len(server.calls) == 2


@pytest.mark.parametrize("keep_stop", [False, True])
async def test_text_ends_before_the_stop_string(
    make: Make, server: OpenAIServer, listener: Listener, keep_stop: bool
) -> None:
    server.will(Say("print(1)</code> and more", keep_stop=keep_stop, pieces=9))
    completion = await make().complete(ask(stop=("</code>",)), listener=listener)
    assert completion.text == "print(1)"
    if listener.on_text is not None:
        shown = listener.on_text.__self__  # type: ignore[attr-defined]
        assert "".join(shown) == "print(1)"


async def test_the_output_cap_is_obeyed_and_told(
    make: Make, server: OpenAIServer, listener: Listener
) -> None:
    server.will(Say("x" * 1000))
    completion = await make().complete(ask(max_output_tokens=10), listener=listener)
    assert len(completion.text) == 40
    assert completion.finish_reasons == ("length",)


async def test_usage_that_nobody_reports_is_estimated_and_flagged(
    make: Make, server: OpenAIServer, book: Book, listener: Listener
) -> None:
    server.will(Say("12345678", usage=False))
    completion = await make().complete(ask("1234"), meter=book, listener=listener)
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (1, 2)
    assert completion.usage.estimated
    assert completion.cost is None
    assert book.usage == completion.usage


FAULTS = [
    pytest.param(Refuse(429, retry_after="7"), "released", [7.0], id="rate-limit"),
    pytest.param(Refuse(409), "released", None, id="conflict"),
    pytest.param(Refuse(503), "released", None, id="overloaded"),
    pytest.param(Refuse(529), "released", None, id="overloaded-529"),
    pytest.param(Refuse(500), "forfeited", None, id="server-error"),
    pytest.param(Refuse(502), "forfeited", None, id="bad-gateway"),
    pytest.param(Cut(), "forfeited", None, id="cut-before"),
    pytest.param(Cut(within_body=True), "forfeited", None, id="cut-within"),
    pytest.param(Send(b'{"choices": [{'), "forfeited", None, id="malformed"),
    pytest.param(Send(b"<html>no</html>", "text/html"), "forfeited", None, id="web-page"),
    pytest.param(Send(b""), "forfeited", None, id="nothing"),
    pytest.param(Send(b"\xff\xfe\x00"), "forfeited", None, id="binary"),
    pytest.param(Drip(), "forfeited", None, id="never-ends"),
]


@pytest.mark.parametrize(("fault", "outcome", "delays"), FAULTS)
async def test_a_passing_fault_is_charged_right_and_retried(
    make: Make,
    server: OpenAIServer,
    book: Book,
    listener: Listener,
    fault: Any,
    outcome: str,
    delays: list[float] | None,
) -> None:
    sleeps = Sleeps()
    server.will(fault)
    limit = 0.4 if isinstance(fault, Drip) else 30.0
    model = make(retry=quick(sleep=sleeps, attempt_timeout=limit))
    completion = await model.complete(ask(), meter=book, listener=listener)
    assert (completion.text, completion.retries) == ("hello", 1)
    assert book.outcomes == [outcome, "settled"]
    assert len(server.calls) == 2, "the client must not retry by itself"
    assert delays is None or sleeps == delays


LASTING = [
    pytest.param(Refuse(401, f"bad key {KEY}"), ModelError, r"HTTP 401: bad key \[key\]; check"),
    pytest.param(Refuse(403), ModelError, "HTTP 403: .*check"),
    pytest.param(Refuse(404, "no such model"), ModelError, "no such model; check .*model's name"),
    pytest.param(Refuse(400, "strange"), ModelError, "HTTP 400: strange"),
    pytest.param(Refuse(429, error={"code": "insufficient_quota"}), ModelError, "HTTP 429"),
    pytest.param(
        Refuse(400, "x", error={"code": "context_length_exceeded"}), ContextFull, "does not fit"
    ),
    pytest.param(
        Refuse(400, "This model's maximum context length is 10 tokens."), ContextFull, "longer"
    ),
]


@pytest.mark.parametrize(("fault", "kind", "told"), LASTING)
async def test_a_lasting_fault_ends_the_call_and_costs_nothing(
    make: Make,
    server: OpenAIServer,
    book: Book,
    listener: Listener,
    fault: Any,
    kind: type[ModelError],
    told: str,
) -> None:
    server.will(fault)
    with pytest.raises(kind, match=told) as caught:
        await make().complete(ask(), meter=book, listener=listener)
    assert type(caught.value) is kind
    assert book.outcomes == ["released"]
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_reply_without_choices_is_settled_with_its_usage(
    make: Make, server: OpenAIServer, book: Book
) -> None:
    billed = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    server.will(Send(json.dumps({"choices": [], "usage": billed}).encode()))
    completion = await make().complete(ask(), meter=book)
    assert book.outcomes == ["settled", "settled"]
    assert book.usage.total_tokens == completion.usage.total_tokens == 7 + tokens("hi there") + 2


@pytest.mark.parametrize(
    ("message", "text", "reason"),
    [
        ({}, "", "stop"),
        ({"refusal": "I will not"}, "I will not", "content_filter"),
        ({"reasoning_content": "hm"}, "", "stop"),
    ],
)
async def test_a_reply_without_content(
    make: Make, server: OpenAIServer, message: dict[str, Any], text: str, reason: str
) -> None:
    server.will(Say((None,), message=message))
    completion = await make().complete(ask())
    assert (completion.text, completion.finish_reasons) == (text, (reason,))


async def test_an_endless_reply_is_cut_off(
    make: Make,
    server: OpenAIServer,
    book: Book,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("chat_model", "clients"):
        monkeypatch.setattr(f"treeact.models.{module}.MAX_REPLY_BYTES", 300_000)
    server.will(Flood(3_000_000))
    with pytest.raises(ModelError, match=r"too long|longer than 300000 bytes"):
        await make().complete(ask(), meter=book, listener=listener)
    assert book.outcomes == ["forfeited"]


async def test_a_server_that_is_not_there_was_never_sent_anything(
    make: Make, book: Book, listener: Listener
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    model = make(base_url=f"http://127.0.0.1:{port}/v1", retry=quick(attempts=2))
    with pytest.raises(ModelError, match=r"after 2 attempts: cannot connect: .*; check"):
        await model.complete(ask(), meter=book, listener=listener)
    assert book.outcomes == ["released", "released"]


async def test_cancelling_a_call_in_flight_forfeits_it(
    make: Make, server: OpenAIServer, book: Book, listener: Listener
) -> None:
    server.will(Drip())
    task = asyncio.create_task(make().complete(ask(), meter=book, listener=listener))
    await asyncio.to_thread(server.busy.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert book.outcomes == ["forfeited"]


async def test_many_calls_at_once(make: Make, server: OpenAIServer, book: Book) -> None:
    model = make()
    calls = (model.complete(ask(f"question {i}"), meter=book) for i in range(12))
    completions: list[Completion] = await asyncio.gather(*calls)
    assert all(completion.text == "hello" for completion in completions)
    assert book.usage.total_tokens == server.billed_tokens()


def test_one_model_serves_several_event_loops(server: OpenAIServer) -> None:
    model = OpenAICompatible("m", base_url=server.base_url)

    async def once() -> str:
        text = (await model.complete(ask())).text
        await model.aclose()
        return text

    assert [asyncio.run(once()) for _ in range(2)] == ["hello", "hello"]


async def test_the_only_model_of_a_server_needs_no_name(server: OpenAIServer) -> None:
    model = OpenAICompatible(None, base_url=server.base_url)
    assert (await model.complete(ask())).text == "hello"
    await model.aclose()
    assert server.calls[-1].body["model"] == "m"


async def test_a_server_with_several_models_wants_a_name(server: OpenAIServer, book: Book) -> None:
    server.models = ("a", "b", "nomic-embed-text")
    model = OpenAICompatible(None, base_url=server.base_url)
    with pytest.raises(ConfigError, match="serves a, b: name one, as in NAME@http"):
        await model.complete(ask(), meter=book)
    await model.aclose()
    assert book.outcomes == ["released"]


async def test_a_stream_that_ends_too_early_is_no_reply(server: OpenAIServer, book: Book) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]}
    server.will(Send(b"data: " + json.dumps(chunk).encode() + b"\n\n", "text/event-stream"))
    model = OpenAICompatible("m", base_url=server.base_url, retry=quick())
    listener = Listener(on_text=lambda _: None)
    assert (await model.complete(ask(), meter=book, listener=listener)).text == "hello"
    await model.aclose()
    assert book.outcomes == ["forfeited", "settled"]
