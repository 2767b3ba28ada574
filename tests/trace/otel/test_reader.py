"""From events to spans: searches, plans, turns, retries, and traces that are cut off or hostile."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agents.support import answer, code
from tests.agents.test_search import STEP_BACK, scripted
from treeact import CodeAct, CodeAgents, ScriptedModel, Task
from treeact.errors import TraceError
from treeact.planners import MCTS
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import read_events
from treeact.trace.otel.content import Content
from treeact.trace.otel.reader import SpanReader
from treeact.trace.otel.sdk import readable
from treeact.trace.otel.sending import run_spans
from treeact.trace.otel.spans import Span

STARTED = ev.RunStarted(
    id="run", question="?", agent="codeact", model="openai/m", planner="greedy", sandbox="jail"
)


def spans_of(events: Iterable[ev.Event], **options: Any) -> list[Span]:
    reader = SpanReader(**options)
    spans = [span for event in events for span in reader.take(event)]
    return [*spans, *reader.finish()]


def dated(*events: ev.Event, step: float = 1.0, first: float = 1000.0) -> list[ev.Event]:
    return [
        event.model_copy(update={"time": first + number * step, "seq": number})
        for number, event in enumerate(events)
    ]


def called(id: str, **more: Any) -> ev.ModelCalled:
    values = {
        "role": "agent",
        "phase": "act",
        "model": "m-2026",
        "requested": "openai/m",
        "author": "model",
        "prompt": ev.Prompt(),
        "replies": ("hello",),
        "finish_reasons": ("stop",),
        "input_tokens": 10,
        "output_tokens": 2,
        "cost": 0.25,
        "latency": 0.5,
        **more,
    }
    return ev.ModelCalled(id=id, **values)


def ended(reason: Any = "answered") -> ev.RunEnded:
    return ev.RunEnded(
        id="run",
        reason=reason,
        steps=1,
        calls=1,
        input_tokens=10,
        output_tokens=2,
        cost=0.25,
        duration=3.0,
    )


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def test_a_call_is_named_and_counted_as_the_conventions_say() -> None:
    spans = spans_of(
        dated(STARTED, called("run/step-1/propose", cached_tokens=4, retries=0), ended())
    )
    (chat,) = named(spans, "chat m")
    assert (chat.start, chat.end) == (1000.5, 1001.0)
    told = chat.attributes
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "m" and told["gen_ai.response.model"] == "m-2026"
    assert told["gen_ai.usage.cache_read.input_tokens"] == 4
    assert told["gen_ai.usage.cost"] == 0.25
    unpriced = spans_of(dated(STARTED, called("run/step-1/propose", cost=None), ended()))
    assert "gen_ai.usage.cost" not in named(unpriced, "chat m")[0].attributes


def test_a_call_with_retries_is_one_span_from_the_first_attempt_on() -> None:
    retry = ev.ModelRetried(id="run/step-1/propose", problem="429", wait=1.0)
    spans = spans_of(
        dated(STARTED, retry, retry, called("run/step-1/propose", latency=0.1), ended())
    )
    (chat,) = named(spans, "chat m")
    assert (chat.start, chat.end) == (1000.0, 1003.0)
    assert [event.time for event in chat.events] == [1001.0, 1002.0]
    lost = spans_of(dated(STARTED, retry, ended("model failure")))
    assert named(lost, "chat")[0].error == "429"
    assert named(lost, "invoke_agent codeact")[0].attributes["error.type"] == "model_failure"


def test_a_replayed_reply_takes_no_longer_than_there_was_time_for() -> None:
    slow = called("run/step-1/propose", latency=900.0)
    run = ev.CodeRun(id="run/step-1", outcome="ok", duration=900.0)
    for span in spans_of(dated(STARTED, slow, run, ended())):
        assert span.start >= 1000.0


async def test_a_search_has_a_span_for_each_node(tmp_path: Path) -> None:
    planner = MCTS(n=2, threshold=0.7)
    agent = CodeAct(scripted(STEP_BACK), sandbox="unsafe-local", planner=planner)
    result = await agent.start(Task("?"), trace=tmp_path / "run").result()
    assert result.answer == "9"
    spans = spans_of(read_events(tmp_path / "run"))
    nodes = {s.attributes["treeact.node.id"]: s for s in spans if "treeact.node.id" in s.attributes}
    assert set(nodes) == {"root", "1", "1.1", "1.2", "1.2.1", "1.2.1.1"}
    pruned = nodes["1.1"].attributes
    assert pruned["treeact.node.pruned"] == "failed: ZeroDivisionError: division by zero"
    assert pruned["treeact.node.parent"] == "run/1" and "treeact.node.f" in pruned
    assert nodes["1"].attributes["treeact.node.order"] == 2
    assert nodes["1"].attributes["treeact.node.score"] == 0.7
    assert nodes["1.2.1.1"].attributes["treeact.node.chosen"] is True
    scored = [span for span in spans if span.attributes.get("treeact.phase") == "score"]
    assert {span.parent.name for span in scored if span.parent} >= {"node 1", "node 1.2"}


async def test_roles_of_a_plan_are_agents_of_their_own(tmp_path: Path) -> None:
    plan = code("task('?', answer=int)\ntotal: int = solver('add up')\nanswer(total)")
    replies = [plan, code("print(1)"), code("final_answer(42)")]
    agent = CodeAgents(ScriptedModel(replies), sandbox="unsafe-local")
    result = await agent.start(Task("?"), trace=tmp_path / "run").result()
    assert result.answer == "42"
    spans = spans_of(read_events(tmp_path / "run"))
    (role,) = named(spans, "invoke_agent solver")
    assert role.parent and role.parent.name == "plan step 1"
    assert role.parent.parent and role.parent.parent.name == "step 1"
    inside = {span.name for span in spans if span.parent is role}
    assert inside == {"chat scripted", "execute_tool python"}
    (given,) = named(spans, "execute_tool final_answer")
    assert given.parent and given.parent.parent is role


def test_each_turn_is_a_trace_and_the_conversation_is_one() -> None:
    follow_up = ev.CommandReceived(id="run/command", command="send", text="and in feet?")
    events = dated(
        STARTED,
        called("run/step-1/propose"),
        ended(),
        follow_up,
        called("run/step-2/propose"),
        ended(),
    )
    spans = spans_of(events, content=Content(BlobStore(None)))
    first, second = named(spans, "invoke_agent codeact")
    assert first.trace != second.trace
    assert first.attributes["gen_ai.conversation.id"] == second.attributes["gen_ai.conversation.id"]
    assert (second.start, second.end) == (1003.0, 1005.0)
    assert "and in feet?" in str(second.attributes["gen_ai.input.messages"])
    assert {span.trace for span in spans} == {first.trace, second.trace}


def test_what_comes_after_the_end_is_still_told() -> None:
    late = ev.ToolCalled(id="run/library/check", parent=None, tool="check", status="done")
    spans = spans_of(dated(STARTED, ended(), late))
    (root,) = named(spans, "invoke_agent codeact")
    (call,) = named(spans, "execute_tool check")
    assert call.parent is root and call.trace == root.trace


def test_a_log_that_was_cut_off_ends_with_its_last_event() -> None:
    tool = ev.ToolCalled(id="run/step-1/look", parent="run/step-1", tool="look", status="done")
    spans = spans_of(dated(STARTED, called("run/step-1/propose"), tool))
    (root,) = named(spans, "invoke_agent codeact")
    assert root.error == "the trace has no end: its run was cut off"
    assert root.end == 1002.0
    assert {"step 1", "chat m", "execute_tool look"} <= {span.name for span in spans}
    assert spans[-1] is root


def test_events_before_the_beginning_are_left_out() -> None:
    assert spans_of(dated(called("run/step-1/propose"), ended())) == []


def test_a_prompt_is_told_whole_though_the_trace_tells_what_it_adds() -> None:
    first = called(
        "run/step-1/propose",
        prompt=ev.Prompt(added=(ev.PromptMessage(role="user", content="one"),)),
    )
    second = called(
        "run/step-2/propose",
        prompt=ev.Prompt(base=1, keep=1, added=(ev.PromptMessage(role="user", content="two"),)),
    )
    gone = ev.Blob(blob="0" * 64, size=9)
    third = called(
        "run/step-3/propose",
        prompt=ev.Prompt(base=99, keep=9, added=(ev.PromptMessage(role="user", content=gone),)),
    )
    spans = spans_of(dated(STARTED, first, second, third), content=Content(BlobStore(None)))
    prompts = [str(chat.attributes["gen_ai.input.messages"]) for chat in named(spans, "chat m")]
    assert '"one"' in prompts[1] and '"two"' in prompts[1]
    assert "missing" in prompts[2] and "one" not in prompts[2]


IDS = st.lists(
    st.sampled_from(
        [
            "run",
            "step-1",
            "step-2",
            "1",
            "1.2",
            "2.1",
            "root",
            "solver-1",
            "",
            "x",
            "propose",
            "\ud800",
        ]
    ),
    max_size=4,
).map("/".join)
TIMES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(900, 1100)
EVENTS = st.one_of(
    st.builds(called, IDS, latency=st.floats(), requested=st.text(max_size=5)),
    st.builds(
        ev.ToolCalled,
        id=IDS,
        parent=st.none() | IDS,
        tool=st.text(),
        status=st.text(),
        error=st.none() | st.text(),
        duration=st.floats(),
    ),
    st.builds(
        ev.CodeRun, id=IDS, outcome=st.text(), error=st.none() | st.text(), duration=st.floats()
    ),
    st.builds(ev.SandboxStarted, id=IDS, kind=st.text(), duration=st.floats()),
    st.builds(ev.ModelRetried, id=IDS, problem=st.text(), wait=st.floats()),
    st.builds(ev.Proposed, id=IDS, action=st.just("code"), text=st.text()),
    st.builds(ev.Observed, id=IDS, text=st.text(), ok=st.booleans()),
    st.builds(ev.PlanStepStarted, id=IDS, text=st.text()),
    st.builds(ev.PlanStepFinished, id=IDS, ok=st.booleans(), text=st.text()),
    st.builds(ev.NodeAdded, id=IDS, parent=st.none() | IDS, action=st.just("code"), text=st.text()),
    st.builds(ev.NodePruned, id=IDS, reason=st.text()),
    st.builds(ev.CommandReceived, id=IDS, command=st.just("send"), text=st.text()),
    st.builds(ev.Unknown, id=IDS, type=st.text()),
    st.builds(ended),
    st.just(STARTED),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(EVENTS, TIMES), max_size=12), st.booleans())
def test_whatever_events_say_spans_are_a_forest_that_can_be_sent(
    said: list[tuple[ev.Event, float]], content: bool
) -> None:
    events = [STARTED.model_copy(update={"time": 1000.0})]
    events += [event.model_copy(update={"time": time}) for event, time in said]
    texts = Content(BlobStore(None)) if content else None
    spans = spans_of(events, content=texts)
    assert len({(span.trace, span.id) for span in spans}) == len(spans)
    for span in spans:
        assert math.isfinite(span.start) and 0 <= span.start <= span.end
        assert span.parent is None or any(span.parent is other for other in spans)
        assert span.parent is None or span.parent.trace == span.trace
    assert [span.id for span in spans] == [span.id for span in spans_of(events, content=None)]
    assert len(readable(spans)) == len(spans)


def test_names_of_steps_do_not_grow_without_end() -> None:
    events = dated(STARTED, called("run/step-1/propose", requested="openai/" + "m" * 5000), ended())
    assert max(len(span.name) for span in spans_of(events)) <= 200


def test_spans_of_a_run_that_goes_on_come_as_they_end() -> None:
    reader = SpanReader()
    counts = [
        len(reader.take(event))
        for event in dated(
            STARTED,
            called("run/step-1/propose"),
            ev.Observed(id="run/step-1", text="", ok=True),
            called("run/step-2/propose"),
            ended(),
        )
    ]
    assert counts == [0, 1, 0, 2, 2]
    assert reader.finish() == []


async def test_a_log_cut_at_any_byte_exports_what_is_whole(tmp_path: Path) -> None:
    whole = tmp_path / "run"
    replies = [code("print(1)"), answer("1")]
    await CodeAct(ScriptedModel(replies), sandbox="unsafe-local").run("?", trace=whole)
    data = (whole / "events.jsonl").read_bytes()
    full = {span.id for span in run_spans(whole)}
    first = data.index(b"\n") + 1
    for end in range(first, len(data), 997):
        (whole / "events.jsonl").write_bytes(data[:end])
        spans = list(run_spans(whole, content=True))
        assert {span.id for span in spans} <= full
        assert spans[-1].attributes["error.type"] == "cut_off"
    (whole / "events.jsonl").write_bytes(data[: first + 9] + b"\n" + data[first + 10 :])
    with pytest.raises(TraceError, match="line 2"):
        list(run_spans(whole))
