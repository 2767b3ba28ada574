import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.support import ask
from treeact.models import Usage
from treeact.models.chat_format import (
    StopFilter,
    StreamReader,
    chat_options,
    clean,
    model_names,
    read_reply,
    read_usage,
)
from treeact.models.language_model import cut_at_stop
from treeact.models.retry import Fault

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "choices", "usage", "message", "content", "delta", "index", "finish_reason", "text",
                "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
                "cached_tokens", "model", "refusal", "error", "data", "id",
            ]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(junk)
def test_no_reply_breaks_the_reader(raw: Any) -> None:
    with contextlib.suppress(Fault):
        reply = read_reply(raw)
        assert reply.texts
        assert len(reply.texts) == len(reply.finish_reasons)
        assert all(isinstance(text, str) for text in reply.texts)


@given(st.lists(junk, max_size=6))
def test_no_stream_breaks_the_reader(chunks: list[Any]) -> None:
    reader = StreamReader(lambda _: None, (), max_bytes=1000)
    with contextlib.suppress(Fault):
        for chunk in chunks:
            reader.add(chunk)
        assert reader.reply().texts


@given(junk)
def test_no_usage_or_listing_breaks_the_reader(raw: Any) -> None:
    usage = read_usage(raw)
    if usage is not None:
        assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.reasoning_tokens <= usage.output_tokens
        assert usage.total_tokens > 0
    assert all(isinstance(name, str) for name in model_names(raw))


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (None, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": None, "completion_tokens": 1}, None),
        ({"prompt_tokens": -3, "completion_tokens": 1}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": "3", "completion_tokens": 1}, None),
        (
            {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 9},
            Usage(input_tokens=3, output_tokens=6),
        ),
        (
            {"prompt_tokens": 3, "completion_tokens": 1, "prompt_cache_hit_tokens": 2},
            Usage(input_tokens=3, output_tokens=1, cached_tokens=2),
        ),
        (
            {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": []},
            Usage(input_tokens=3, output_tokens=1),
        ),
    ],
)
def test_usage_in_all_its_forms(raw: Any, usage: Usage | None) -> None:
    assert read_usage(raw) == usage


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("x", "x"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ([{"type": "image"}, None, 3], ""),
        (7, ""),
        ("lone \ud800 half", "lone ? half"),
    ],
)
def test_content_in_all_its_forms(content: Any, text: str) -> None:
    choice = {"message": {"content": content}, "finish_reason": "stop"}
    assert read_reply({"choices": [choice]}).texts == (text,)


@given(st.lists(st.text("ab<>", max_size=4), max_size=8), st.lists(st.text("<a>", max_size=3)))
def test_what_is_shown_of_a_stream_is_its_text_up_to_the_stop(
    pieces: list[str], stop: list[str]
) -> None:
    stop_filter = StopFilter(stop)
    shown = "".join([*map(stop_filter.add, pieces), stop_filter.rest()])
    assert shown == cut_at_stop("".join(pieces), stop)


@given(st.text(st.characters()))
def test_clean_text_can_always_be_sent(text: str) -> None:
    assert len(clean(text).encode()) >= len(text)


OPEN = {"type": "object", "properties": {"x": {}}, "required": ["x"]}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "integer"}, True),
        ({**OPEN, "additionalProperties": False}, True),
        (OPEN, False),
        ({**OPEN, "additionalProperties": False, "required": []}, False),
        ({"type": "array", "items": OPEN}, False),
        ({"anyOf": [{"type": "null"}, OPEN]}, False),
    ],
)
def test_a_schema_is_strict_only_if_it_is_closed(schema: dict[str, Any], strict: bool) -> None:
    sent = chat_options(ask(schema=schema))["response_format"]["json_schema"]
    assert sent["strict"] is strict
