import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from tests.models.support import Book, ask
from treeact.errors import ModelError
from treeact.models import Completion, Image, Listener, Message, Request, ScriptedModel, Usage
from treeact.models.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, REQUEST_TOKENS


async def test_replies_come_in_order_and_an_extra_call_is_an_error() -> None:
    model = ScriptedModel(["one", "two"])
    assert [(await model.complete(ask())).text for _ in range(2)] == ["one", "two"]
    with pytest.raises(ModelError, match="2 replies and was asked for one more, for 'run/step-9'"):
        await model.complete(ask(path="run/step-9"))


async def test_replies_by_path() -> None:
    model = ScriptedModel({"a": "A", "b": "B"})
    assert [(await model.complete(ask(path=p))).text for p in "bab"] == ["B", "A", "B"]
    with pytest.raises(ModelError, match="no reply for 'c'; it has: a, b"):
        await model.complete(ask(path="c"))


async def test_replies_by_function_plain_and_async() -> None:
    async def later(request: Request) -> str:
        return request.messages[-1].content.upper()

    assert (await ScriptedModel(lambda r: r.path).complete(ask())).text == "run/step-1"
    assert (await ScriptedModel(later).complete(ask("hi"))).text == "HI"


async def test_whole_completions_pass_unchanged() -> None:
    given_completion = Completion(
        texts=("x",),
        finish_reasons=("length",),
        usage=Usage(input_tokens=9, reasoning_tokens=1),
        cost=0.5,
        latency=1.5,
        model="real",
        author="hand",
    )
    assert await ScriptedModel([given_completion]).complete(ask()) == given_completion


async def test_exceptions_are_raised_and_deliberate_ones_cost_nothing(book: Book) -> None:
    with pytest.raises(ModelError, match="down"):
        await ScriptedModel([ModelError("down")]).complete(ask(), meter=book)
    assert book.outcomes == ["released"]


async def test_it_says_who_it_is_and_that_usage_is_estimated() -> None:
    completion = await ScriptedModel(["12345"]).complete(ask("123456789"))
    assert completion.author == "script"
    assert completion.usage == Usage(input_tokens=3, output_tokens=2, estimated=True)
    assert completion.cost is None
    by_hand = await ScriptedModel(["x"], author="hand").complete(ask())
    assert by_hand.author == "hand"


async def test_text_is_passed_to_the_listener() -> None:
    pieces: list[str] = []
    await ScriptedModel(["hello"]).complete(ask(), listener=Listener(on_text=pieces.append))
    assert "".join(pieces) == "hello"


def test_token_bound_is_made_of_documented_constants() -> None:
    message = Message("user", "grüß", (Image(data=b"x"), Image(data=b"y")))
    bound = ScriptedModel([]).count_tokens([message])
    assert bound == 6 + 2 * IMAGE_TOKENS + MESSAGE_TOKENS + REQUEST_TOKENS
    assert ScriptedModel([], image_tokens=1).count_tokens([message]) < bound


messages = st.builds(
    Message, st.sampled_from(["user", "assistant"]), st.text(st.characters(), max_size=20)
)


@given(st.lists(st.lists(messages, max_size=4), max_size=12), st.data())
def test_remembered_prefixes_never_change_the_count(
    branches: list[list[Message]], data: st.DataObject
) -> None:
    model = ScriptedModel([])
    histories: list[list[Message]] = [[]]
    for branch in branches:
        history = data.draw(st.sampled_from(histories)) + branch
        histories.append(history)
        assert model.count_tokens(history) == ScriptedModel([]).count_tokens(history)


@pytest.fixture(scope="module")
def tokenizer() -> Iterator[tiktoken.Encoding]:
    """The one tokenizer whose vocabulary comes in a package, and needs no download."""
    folder = distribution("litellm").locate_file("litellm/litellm_core_utils/tokenizers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        yield tiktoken.get_encoding("cl100k_base")


@given(text=st.text(max_size=300))
def test_the_bound_holds_for_a_real_tokenizer(tokenizer: tiktoken.Encoding, text: str) -> None:
    bound = ScriptedModel([]).count_tokens([Message("user", text)])
    assert len(tokenizer.encode_ordinary(text)) <= bound - REQUEST_TOKENS - MESSAGE_TOKENS


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, treeact.models; from treeact.models import ScriptedModel, Message, Request;"
        "heavy = {'asyncio', 'pydantic', 'litellm', 'openai', 'httpx', 'httpx2', 'email'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_every_public_name_loads() -> None:
    import treeact.models

    assert all(getattr(treeact.models, name) is not None for name in treeact.models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = treeact.models.nothing
