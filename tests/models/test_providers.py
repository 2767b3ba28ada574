"""LiteLLM's other providers go by HTTP handlers of its own; faults must mean the same there."""

from typing import Any

import pytest

from tests.models.support import Book, Sleeps, ask, quick
from tests.support.openai_server import Behaviour, Cut, Exchange, OpenAIServer, Refuse, Say, Send
from treeact.errors import ContextFull, ModelError
from treeact.models import Listener, LiteLLMModel

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:litellm", "ignore:Item:UserWarning:pydantic"
)
KEY = "sk-very-secret-123"
OTHER = ["anthropic/claude-sonnet-4-6", "gemini/gemini-2.5-flash", "ollama/llama3.2"]
ALIKE = [
    "deepseek/deepseek-chat",
    "mistral/mistral-medium-latest",
    "openrouter/openai/gpt-5-mini",
    "xai/grok-4.3",
]


def model(name: str, server: OpenAIServer, **retry: Any) -> LiteLLMModel:
    url = server.base_url if name in ALIKE else server.base_url.removesuffix("/v1")
    return LiteLLMModel(name, base_url=url, api_key=KEY, retry=quick(attempts=2, **retry))


def chats(server: OpenAIServer) -> int:
    """Count the calls; LiteLLM also asks Ollama what a model can do, which costs nothing."""
    return sum(not call.path.endswith("/api/show") for call in server.calls)


@pytest.fixture(params=[*OTHER, *ALIKE])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def listener(request: pytest.FixtureRequest) -> Listener:
    return Listener(on_text=lambda _: None) if request.param else Listener()


@pytest.mark.parametrize("fault", [Cut(), Refuse(500)], ids=["cut", "server-error"])
async def test_every_sending_has_a_charge_of_its_own(
    server: OpenAIServer, book: Book, name: str, listener: Listener, fault: Behaviour
) -> None:
    server.otherwise = fault
    with pytest.raises(ModelError, match="after 2 attempts"):
        await model(name, server).complete(ask(), meter=book, listener=listener)
    assert book.outcomes == ["forfeited"] * 2
    assert chats(server) == 2


async def test_refusals_cost_nothing_and_show_no_key(
    server: OpenAIServer, book: Book, name: str, listener: Listener
) -> None:
    server.otherwise = Refuse(401, f"bad key {KEY}")
    with pytest.raises(ModelError, match="HTTP 401") as caught:
        await model(name, server).complete(ask(), meter=book, listener=listener)
    assert book.outcomes == ["released"]
    assert KEY not in str(caught.value)


async def test_retry_after_reaches_the_loop(server: OpenAIServer, book: Book, name: str) -> None:
    server.otherwise = Refuse(429, retry_after="7")
    sleeps = Sleeps()
    with pytest.raises(ModelError, match="HTTP 429"):
        await model(name, server, sleep=sleeps).complete(ask(), meter=book)
    assert sleeps == [7.0]
    assert book.outcomes == ["released"] * 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (OTHER[0], "prompt is too long: 200001 tokens > 200000 maximum"),
        (OTHER[1], "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        (ALIKE[1], "Prompt contains 9 tokens, too large for model with 8 maximum context length"),
    ],
)
async def test_a_full_context_is_known_by_each_providers_words(
    server: OpenAIServer, book: Book, name: str, message: str
) -> None:
    server.otherwise = Refuse(400, message)
    with pytest.raises(ContextFull):
        await model(name, server).complete(ask(), meter=book)
    assert book.outcomes == ["released"]


@pytest.mark.parametrize("name", ALIKE)
async def test_replies_of_providers_like_openai(
    server: OpenAIServer, book: Book, name: str, listener: Listener
) -> None:
    server.otherwise = Say("hello")
    completion = await model(name, server).complete(ask(n=2), meter=book, listener=listener)
    assert completion.texts == ("hello", "hello")
    assert completion.usage == book.usage


def anthropic_reply(exchange: Exchange) -> None:
    exchange.bill(2)
    exchange.json(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": "hello"}],
            "stop_reason": "max_tokens",
            "usage": {
                "input_tokens": 5,
                "output_tokens": 2,
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 1,
            },
        }
    )


async def test_a_reply_of_anthropic_with_its_cache(server: OpenAIServer, book: Book) -> None:
    server.otherwise = anthropic_reply
    completion = await model(OTHER[0], server).complete(ask(), meter=book)
    usage = completion.usage
    assert (completion.text, completion.finish_reasons) == ("hello", ("length",))
    assert (usage.input_tokens, usage.output_tokens) == (9, 2)
    assert (usage.cached_tokens, usage.cache_write_tokens) == (3, 1)


async def test_a_reply_that_litellm_cannot_read_may_be_billed(
    server: OpenAIServer, book: Book
) -> None:
    server.otherwise = Send(b'{"candidates": []}')
    with pytest.raises(ModelError):
        await model(OTHER[1], server).complete(ask(), meter=book)
    assert set(book.outcomes) == {"forfeited"}
