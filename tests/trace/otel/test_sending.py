"""Spans over the wire: a real receiver on loopback, alive, refusing, hanging and gone."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code
from tests.support.otlp_receiver import OtlpReceiver
from treeact import Result, Task, tool
from treeact.errors import ConfigError, TraceError
from treeact.trace.events import RunStarted
from treeact.trace.log import EventLog
from treeact.trace.otel.sending import LiveExport, export_run, otlp_json, traces_url

DEAD = "http://127.0.0.1:9"


@tool(effects="read")
def rainfall(city: str) -> float:
    """Return the rainfall of a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return 82.0


REPLIES = [code("print(rainfall('Oslo') + rainfall('Bergen'))"), code("1 / 0"), answer("164")]


async def run(
    trace: Path | None = None, export: LiveExport | None = None, replies: Any = REPLIES
) -> Result:
    started = agent(replies, tools=[rainfall]).start(Task("How wet?"), trace=trace)
    if export is not None:
        export.follow(started.log)
    return await started.result()


async def test_a_run_arrives_as_a_tree_of_spans(tmp_path: Path) -> None:
    warnings: list[str] = []
    with OtlpReceiver() as receiver:
        export = LiveExport(receiver.endpoint, warn=warnings.append)
        result = await run(tmp_path / "run-1", export)
        await asyncio.to_thread(export.close)
    assert result.answer == "164" and not warnings
    spans = {span.id: span for span in receiver.spans}
    assert len(spans) == len(receiver.spans) and len({s.trace for s in receiver.spans}) == 1

    def path(name: str) -> list[str]:
        found, names = receiver.named(name)[0], []
        while found.parent:
            found = spans[found.parent]
            names.append(found.name)
        return names

    assert path("execute_tool rainfall") == [
        "execute_tool python",
        "step 1",
        "invoke_agent codeact",
    ]
    root = receiver.one("invoke_agent codeact")
    assert root.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert root.attributes["treeact.run"] == "run-1"
    assert len(root.attributes["gen_ai.conversation.id"]) == 32
    assert root.attributes["treeact.stop_reason"] == "answered" and not root.error
    chats = receiver.named("chat scripted")
    assert [spans[chat.parent].name for chat in chats] == ["step 1", "step 2", "step 3"]
    assert {chat.kind for chat in chats} == {3}  # CLIENT
    chat = chats[0].attributes
    assert chat["gen_ai.provider.name"] == "treeact.script"
    assert chat["gen_ai.usage.input_tokens"] > 0 and chat["gen_ai.usage.output_tokens"] > 0
    assert chat["gen_ai.response.finish_reasons"] == ["stop"]
    assert chat["openinference.span.kind"] == "LLM"
    failed = receiver.named("execute_tool python")[1]
    assert failed.error == "ZeroDivisionError: division by zero"
    assert failed.attributes["error.type"] == "ZeroDivisionError"
    for span in receiver.spans:
        assert root.start <= span.start <= span.end
        if span.parent:
            assert spans[span.parent].start <= span.start


async def test_exported_again_it_is_the_same_spans(tmp_path: Path) -> None:
    with OtlpReceiver() as live, OtlpReceiver() as later:
        export = LiveExport(live.endpoint, warn=print)
        await run(tmp_path / "run-1", export)
        await asyncio.to_thread(export.close)
        count = export_run(tmp_path / "run-1", later.endpoint)
        export_run(tmp_path / "run-1", later.endpoint)
    assert count == len(live.spans) > 0
    by_id = {span.id: span for span in live.spans}
    assert later.spans[:count] == later.spans[count:]
    assert {span.id: span for span in later.spans} == by_id


@pytest.mark.parametrize("content", [False, True])
async def test_what_was_said_is_sent_only_on_request_and_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bool
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", "swordfish-swordfish")
    replies = [code("print('swordfish' + '-swordfish', rainfall('Oslo'))"), answer("82 mm")]
    with OtlpReceiver() as receiver:
        export = LiveExport(receiver.endpoint, content=content, warn=print)
        await run(tmp_path / "run-1", export, replies)
        await asyncio.to_thread(export.close)
    everything = "".join(
        str(part) for s in receiver.spans for part in (*s.attributes.values(), s.events)
    )
    for words in ("How wet?", "82 mm", "print('swordfish'", "You solve a task"):
        assert (words in everything) == content, words
    assert "swordfish-swordfish" not in everything
    assert ("[redacted WEATHER_API_KEY]" in everything) == content
    if content:
        chat = receiver.named("chat scripted")[1].attributes
        messages = json.loads(chat["gen_ai.input.messages"])
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
        assert messages[1]["parts"][0] == {
            "type": "text",
            "content": "How wet?\n\nFiles in the working folder: none",
        }
        output = json.loads(chat["gen_ai.output.messages"])[0]
        assert output["finish_reason"] == "stop" and "82 mm" in output["parts"][0]["content"]
        ran = receiver.one("execute_tool python").attributes
        assert "rainfall" in json.loads(ran["gen_ai.tool.call.arguments"])["code"]
        assert receiver.one("execute_tool rainfall").attributes["gen_ai.tool.call.result"] == "82.0"


@pytest.mark.parametrize("fault", ["dead", "refuses", "hangs"])
async def test_a_receiver_that_fails_costs_a_run_nothing(tmp_path: Path, fault: str) -> None:
    warnings: list[str] = []
    with OtlpReceiver(status=503, hangs=fault == "hangs") as receiver:
        endpoint = DEAD if fault == "dead" else receiver.endpoint
        export = LiveExport(endpoint, warn=warnings.append)
        result = await run(tmp_path / "run-1", export)
        began = time.monotonic()
        await asyncio.to_thread(export.close, 60 if fault == "dead" else 0.3)
        assert time.monotonic() - began < 30
    assert result.answer == "164" and result.reason == "answered"
    assert len(warnings) == 1
    assert "treeact trace export" in warnings[0] and endpoint in warnings[0]


@pytest.mark.parametrize(("status", "said"), [(400, "HTTP 400"), (401, "HTTP 401")])
async def test_afterwards_a_refusal_is_an_error_that_says_why(
    tmp_path: Path, status: int, said: str
) -> None:
    await run(tmp_path / "run-1")
    with OtlpReceiver(status=status) as receiver, pytest.raises(TraceError, match=said):
        export_run(tmp_path / "run-1", receiver.endpoint)


async def test_more_spans_than_the_queue_holds_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("treeact.trace.otel.sending.QUEUE", 4)
    monkeypatch.setattr("treeact.trace.otel.sending.BATCH", 2)
    warnings: list[str] = []
    with OtlpReceiver(hangs=True) as receiver:
        export = LiveExport(receiver.endpoint, warn=warnings.append)
        await run(None, export)
        await asyncio.to_thread(export.close, 0.1)
    assert len(warnings) == 1 and "did not take" in warnings[0]


async def test_a_reader_that_breaks_does_not_break_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []

    def broken(*args: object) -> None:
        raise RuntimeError("a bug")

    with OtlpReceiver() as receiver:
        monkeypatch.setattr("treeact.trace.otel.reader.SpanReader._tool_called", broken)
        export = LiveExport(receiver.endpoint, warn=warnings.append)
        result = await run(None, export)
        await asyncio.to_thread(export.close)
    assert result.answer == "164"
    assert len(warnings) == 1 and "RuntimeError: a bug" in warnings[0]


def test_a_run_without_an_end_is_ended_with_the_export() -> None:
    log = EventLog()
    log.emit(
        RunStarted(id="run", question="?", agent="a", model="m", planner="greedy", sandbox="jail")
    )
    with OtlpReceiver() as receiver:
        export = LiveExport(receiver.endpoint, warn=print)
        export.follow(log)
        export.close()
    assert receiver.one("invoke_agent a").attributes["error.type"] == "cut_off"


async def test_the_headers_of_the_environment_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")
    await run(tmp_path / "run-1", replies=[answer("1")])
    with OtlpReceiver() as receiver:
        export_run(tmp_path / "run-1", receiver.endpoint)
    assert receiver.headers[0]["authorization"] == "Basic abc"


async def test_as_a_file_it_is_otlp_json(tmp_path: Path) -> None:
    await run(tmp_path / "run-1")
    request = json.loads(otlp_json(tmp_path / "run-1"))
    (resource,) = request["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    assert all(len(span["traceId"]) == 32 and len(span["spanId"]) == 16 for span in spans)
    roots = [span for span in spans if "parentSpanId" not in span]
    assert [root["name"] for root in roots] == ["invoke_agent codeact"]
    assert {span["kind"] for span in spans} == {1, 3}
    names = {pair["key"]: pair["value"] for pair in resource["resource"]["attributes"]}
    assert names["service.name"] == {"stringValue": "treeact"}


def test_endpoints_are_checked_and_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces_url("http://h:4318") == "http://h:4318/v1/traces"
    assert traces_url("http://h:4318/v1/traces") == "http://h:4318/v1/traces"
    assert traces_url("https://h/api/public/otel/") == "https://h/api/public/otel/v1/traces"
    for wrong in ("", "localhost:4318", "ftp://h", "http://", "http://h:99999", "http://[::1"):
        with pytest.raises(ConfigError, match="endpoint"):
            traces_url(wrong)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_ENDPOINT is not set"):
        traces_url("env")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base")
    assert traces_url("env") == "http://base/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://whole/x")
    assert traces_url("env") == "http://whole/x"


def test_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot read"):
        export_run(tmp_path, DEAD)
    EventLog(tmp_path / "empty").close()
    with pytest.raises(TraceError, match="nothing to export"):
        otlp_json(tmp_path / "empty")


def test_without_opentelemetry_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "treeact.trace.otel.sdk", raising=False)
    monkeypatch.delattr("treeact.trace.otel.sdk", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    log = EventLog(tmp_path / "run")
    log.emit(
        RunStarted(id="run", question="?", agent="a", model="m", planner="greedy", sandbox="jail")
    )
    log.close()
    with pytest.raises(ConfigError, match=r"pip install \"treeact\[otel\]\""):
        otlp_json(tmp_path / "run")
