"""Answers of a type: shown, checked, given again once, and a typed error after that."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, field_validator

from tests.agents.support import answer, code, of_type
from tests.agents.test_codeagents import plan
from treeact import (
    AnswerError,
    Budget,
    CodeAct,
    CodeAgents,
    DynaSaur,
    JsonAgent,
    PoAct,
    Result,
    ScriptedModel,
    Task,
)
from treeact.agents.agent import Agent
from treeact.agents.answers import WrongForm, make_form, read_answer
from treeact.errors import ConfigError
from treeact.models.base import Request
from treeact.planners import BestOfN
from treeact.trace.events import AnswerRejected, Event, ModelCalled, Observed
from treeact.trace.log import read_events

LOCAL: dict[str, Any] = {"sandbox": "unsafe-local"}


class Line(BaseModel):
    text: str
    price: float


class Invoice(BaseModel):
    """An invoice."""

    vendor: str
    lines: list[Line]
    paid: bool = False


GOOD = {"vendor": "Acme", "lines": [{"text": "nails", "price": 2.5}]}
WRONG = {"vendor": "Acme", "lines": [{"text": "nails", "price": "cheap"}]}
INVOICE = Invoice(vendor="Acme", lines=[Line(text="nails", price=2.5)])
FAULT = "lines.0.price: Input should be a valid number"


async def run(
    agent: Agent, task: Task[Any], trace: Path | None = None
) -> tuple[Result[Any], list[Event]]:
    started = agent.start(task, trace=trace)
    result = await started.result()
    return result, list(started.log.events())


def call(value: Any) -> str:
    return json.dumps({"thought": "", "tool": "final_answer", "arguments": {"answer": value}})


def agents(tmp_path: Path, first: Any, second: Any) -> dict[str, Agent]:
    """Return an agent of each kind, and replies that give two answers one after the other."""
    words = [answer(json.dumps(first)), answer(json.dumps(second))]
    coded = [code(f"final_answer({first!r})"), code(f"final_answer({second!r})")]
    plans = [plan(f"answer({json.dumps(value)})") for value in (first, second)]
    return {
        "codeact in words": CodeAct(ScriptedModel(words), **LOCAL),
        "codeact in code": CodeAct(ScriptedModel(coded), **LOCAL),
        "dynasaur": DynaSaur(ScriptedModel(coded), library=tmp_path / "actions.sqlite", **LOCAL),
        "poact": PoAct(
            ScriptedModel(["1. Answer.", "I give it.", coded[0], coded[1], coded[1]]), **LOCAL
        ),
        "codeagents": CodeAgents(ScriptedModel(plans), **LOCAL),
        "json": JsonAgent(ScriptedModel([call(first), call(second)])),
    }


KINDS = ["codeact in words", "codeact in code", "dynasaur", "poact", "codeagents", "json"]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_agent_gives_a_wrong_answer_again_once(tmp_path: Path, kind: str) -> None:
    agent = agents(tmp_path, WRONG, GOOD)[kind]
    result, events = await run(agent, Task("What is billed?", answer_type=Invoice))
    assert result.reason == "answered", result.message
    assert result.value == INVOICE
    assert json.loads(result.answer or "") == GOOD
    (rejected,) = of_type(events, AnswerRejected)
    assert rejected.errors[0].startswith(FAULT)
    told = [event for event in of_type(events, Observed) if not event.ok]
    assert FAULT in str(told[0].text)
    calls = of_type(events, ModelCalled)
    assert result.ledger.total.calls == len(calls) >= 2
    assert result.ledger.total.usage.output_tokens == sum(event.output_tokens for event in calls)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_second_wrong_answer_is_a_typed_error(tmp_path: Path, kind: str) -> None:
    agent = agents(tmp_path, WRONG, WRONG)[kind]
    result, events = await run(agent, Task("What is billed?", answer_type=Invoice))
    assert (result.answer, result.reason) == (None, "invalid answer")
    assert FAULT in result.message
    with pytest.raises(AnswerError, match="invalid answer") as caught:
        _ = result.value
    assert json.loads(caught.value.answer) == WRONG
    assert len(of_type(events, AnswerRejected)) == 2


async def test_the_model_is_shown_the_schema_and_only_where_there_is_one() -> None:
    asked: list[Request] = []

    def reply(request: Request) -> str:
        asked.append(request)
        return answer("7")

    await run(CodeAct(ScriptedModel(reply), **LOCAL), Task("?"))
    await run(CodeAct(ScriptedModel(reply), **LOCAL), Task("?", answer_type=int))
    plain, typed = (request.messages for request in asked)
    assert plain[0] == typed[0] and len(plain) == len(typed) == 2
    assert plain[1].content == "?\n\nFiles in the working folder: none"
    assert typed[1].content.startswith(plain[1].content)
    assert '{"type": "integer"}' in typed[1].content


async def test_in_a_search_a_wrong_answer_is_a_failed_branch() -> None:
    def reply(request: Request) -> Any:
        if request.path.endswith("/score"):
            return "<score>5</score>"
        if request.path == "run/root/propose":
            return [answer("many"), code("print(1)")]
        return [answer("7")] * request.n

    agent = CodeAct(ScriptedModel(reply), planner=BestOfN(n=2), **LOCAL)
    result, events = await run(agent, Task("?", answer_type=int))
    assert result.value == 7
    assert [event.id for event in of_type(events, AnswerRejected)] == ["run/1"]


async def test_a_best_effort_has_to_fit_as_well() -> None:
    for said, value in (("7", 7), ("about seven", None)):
        model = ScriptedModel([code("1"), answer(said)])
        agent = CodeAct(model, max_steps=1, **LOCAL)
        result, _ = await run(agent, Task("?", answer_type=int))
        assert result.reason == "step limit"
        if value is None:
            assert (result.answer, result.rejected) == (None, "about seven")
            with pytest.raises(AnswerError, match="step limit") as caught:
                _ = result.value
            assert caught.value.answer == "about seven"
        else:
            assert result.value == value and result.best_effort


async def test_a_run_is_resumed_with_its_type_and_with_no_other(tmp_path: Path) -> None:
    task = Task("?", answer_type=int)
    replies = [code("n = 7"), answer("seven"), code("final_answer(n)")]
    cut = CodeAct(ScriptedModel(replies[:2]), **LOCAL).start(
        task, trace=tmp_path / "cut", budget=Budget(steps=2)
    )
    assert (await cut.result()).reason in ("model failure", "step limit")
    agent = CodeAct(ScriptedModel(replies[2:]), **LOCAL)
    resumed = await agent.start(task, trace=tmp_path / "on", resume=tmp_path / "cut").result()
    assert resumed.value == 7
    assert resumed.ledger.total.calls == 3
    rejected = of_type(list(read_events(tmp_path / "on")), AnswerRejected)
    assert [event.id for event in rejected] == ["run/step-2"]
    for other in (Task("?"), Task("?", answer_type=str)):
        with pytest.raises(ConfigError, match="schema of the answer was"):
            agent.start(other, resume=tmp_path / "cut")  # type: ignore[arg-type]


async def test_each_turn_may_repair_its_answer() -> None:
    replies = [answer("x"), answer("1"), answer("y"), answer("2")]
    started = CodeAct(ScriptedModel(replies), **LOCAL).start(
        Task("?", answer_type=int), follow_up=True
    )
    async with started:
        assert (await started.result()).value == 1
        started.send("and now?")
        assert (await started.result()).value == 2


def test_without_a_type_the_value_is_the_text() -> None:
    result = CodeAct(ScriptedModel([answer("Oslo")]), **LOCAL).run_sync("?")
    value: str = result.value
    assert value == "Oslo"
    stuck = CodeAct(ScriptedModel([]), **LOCAL).run_sync("?")
    with pytest.raises(AnswerError, match="no answer"):
        _ = stuck.value


@dataclass
class Point:
    x: int
    y: int


class Even(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def is_even(cls, n: int) -> int:
        if n < 0:
            raise KeyError("negative")
        assert n % 2 == 0, "n has to be even"
        return n


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (int, "42", 42),
        (int, 42, 42),
        (str, "42", "42"),
        (str, "Oslo, Bergen", "Oslo, Bergen"),
        (str, '"Oslo"', "Oslo"),
        (bool, "true", True),
        (float, "1e3", 1000.0),
        (list[str], '["a"]', ["a"]),
        (list[str], ["a"], ["a"]),
        (Literal["yes", "no"], "yes", "yes"),
        (int | None, "null", None),
        (datetime.date, "2026-03-14", datetime.date(2026, 3, 14)),
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (Point, {"x": 1, "y": 2}, Point(1, 2)),
        (Point, '```json\n{"x": 1, "y": 2}\n```', Point(1, 2)),
        (TypeAdapter(dict[str, int]), {"a": 1}, {"a": 1}),
        ({"type": "object", "required": ["x"]}, '{"x": []}', {"x": []}),
    ],
)
def test_answers_are_read_as_the_type_asks(kind: Any, given: Any, value: Any) -> None:
    form = make_form(kind)
    assert form is not None
    assert form.value(read_answer(form, given)) == value
    json.dumps(form.schema)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (int, "about 42", "the answer is no JSON"),
        (int, "", "the answer is no JSON"),
        (Point, "(1, 2)", "the answer is no JSON"),
        (Point, '{"x": 1}', "y: Field required"),
        (Point, [1, 2], "should be an object"),
        (Even, '{"n": 3}', "n has to be even"),
        (Even, '{"n": -1}', "KeyError"),
        (Even, "[" * 100_000, "no JSON"),
        ({"type": "integer"}, '"x"', r"\$: 'x' is not of type 'integer'"),
        ({"$ref": "https://example.org/x.json"}, "1", "Unresolvable"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(kind: Any, given: Any, said: str) -> None:
    form = make_form(kind)
    assert form is not None
    with pytest.raises(WrongForm, match=said) as caught:
        read_answer(form, given)
    assert all(len(error) <= 300 for error in caught.value.errors)


@pytest.mark.parametrize("kind", [object(), {"type": "nothing"}, type("Bare", (), {})])
def test_what_is_no_type_is_told_before_anything_is_spent(kind: Any) -> None:
    with pytest.raises(ConfigError, match=r"answer"):
        CodeAct(ScriptedModel([]), **LOCAL).run_sync(Task("?", answer_type=kind))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_a_value_is_the_same_given_by_code_or_in_words(value: Any) -> None:
    form = make_form({})
    assert form is not None
    if not isinstance(value, str):
        assert form.value(read_answer(form, value)) == value
    assert form.value(read_answer(form, json.dumps(value))) == value


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_is_accepted_or_rejected(text: str) -> None:
    for kind in (int, str, Invoice, {"type": "array"}):
        form = make_form(kind)
        assert form is not None
        try:
            form.value(read_answer(form, text))
        except WrongForm as error:
            assert error.errors
