"""A run goes on from a step of an earlier one: its state is back, and only new steps are live."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code, of_type, run
from tests.agents.test_search import scripted
from treeact import CodeAct, JsonAgent, ScriptedModel, Task
from treeact.errors import ConfigError
from treeact.models.base import Message, Request
from treeact.planners import BestOfN
from treeact.planners.export import read_trees
from treeact.trace.events import Diverged, ModelCalled, ToolCalled

THREE = [code("x = 3"), code("x += 1\nprint(x)"), code("x = 100"), answer("100")]


async def go_on(at: str, directory: Path, replies: list[Any], **options: Any) -> Any:
    started = agent(replies, **options).start("What is it?", resume=directory, at=at)
    result = await started.result()
    return result, list(started.log.events())


async def first_prompt(at: str, directory: Path) -> Sequence[Message]:
    asked: list[Sequence[Message]] = []

    def reply(request: Request) -> str:
        asked.append(request.messages)
        return answer("4")

    agent = CodeAct(ScriptedModel(reply), sandbox="unsafe-local")
    await agent.start("What is it?", resume=directory, at=at).result()
    return asked[0]


async def test_the_state_is_that_after_the_step_and_the_rest_is_live(tmp_path: Path) -> None:
    first, _ = await run(THREE, trace=tmp_path / "first")
    assert first.answer == "100"
    replies = [code("print(x * 2)"), answer("8")]
    result, events = await go_on("step-2", tmp_path / "first", replies)
    assert result.answer == "8"
    told = [step.observation.text.split() for step in result.path[1:3]]
    assert [words[-1] for words in told] == ["4", "8"]
    assert len(of_type(events, ModelCalled)) == 2, "the model is not asked again for the way there"
    assert result.ledger.total.calls == 2
    assert not of_type(events, Diverged)
    assert result.steps == 2
    started = events[0]
    assert started.settings["from"]["node"] == "run/step-2"


async def test_the_prompt_holds_the_earlier_replies_word_for_word(tmp_path: Path) -> None:
    await run(THREE, trace=tmp_path / "first")
    messages = await first_prompt("run/step-2", tmp_path / "first")
    assert [it.content for it in messages if it.role == "assistant"] == THREE[:2]


async def test_the_trace_of_such_a_run_can_itself_be_gone_on_from(tmp_path: Path) -> None:
    await run(THREE, trace=tmp_path / "first")
    again, second = agent([code("x = 7"), answer("7")]), tmp_path / "second"
    started = again.start("What is it?", resume=tmp_path / "first", at="step-1", trace=second)
    await started.result()
    (tree,) = read_trees(list(started.log.events()), started.log.blobs)
    assert [step.id for step in tree.trunk] == ["run/step-1", "run/step-2", "run/step-3"]
    result, _ = await go_on("step-2", second, [code("print(x)"), answer("7")])
    assert "7" in result.path[2].observation.text


async def test_a_node_of_a_search_is_gone_on_from_by_a_planner_that_does_not_branch(
    tmp_path: Path,
) -> None:
    replies = [[code("x = 1"), code("x = 2")], [code("print(x)"), answer("none")], answer("1")]
    model = ScriptedModel(replies)
    first = CodeAct(model, sandbox="unsafe-local", planner=BestOfN(n=2))
    started = first.start("What is it?", trace=tmp_path / "first")
    await started.result()
    (tree,) = read_trees(list(started.log.events()), started.log.blobs)
    other = next(node for node in tree if node.action and node.action.text == "x = 2")
    result, _ = await go_on(other.id, tmp_path / "first", [code("print(x)"), answer("2")])
    assert "2" in result.path[1].observation.text
    assert result.answer == "2"


async def test_a_search_goes_on_from_a_step(tmp_path: Path) -> None:
    await run(THREE, trace=tmp_path / "first")
    model = scripted(
        {
            "run/from-2/root": [code("x += 10\nprint(x)"), code("x += 20\nprint(x)")],
            "run/from-2/1": [answer("14")],
        }
    )
    searching = CodeAct(model, sandbox="unsafe-local", planner=BestOfN(n=2))
    started = searching.start("What is it?", resume=tmp_path / "first", at="step-2")
    result = await started.result()
    assert result.answer == "14"
    (tree,) = read_trees(list(started.log.events()), started.log.blobs)
    assert len(tree.trunk) == 2
    seen = [node.observation.text.split()[-1] for node in tree.root.children if node.observation]
    assert seen == ["14", "24"]


async def test_tools_answer_from_the_record_and_writes_are_not_made_twice(
    tmp_path: Path, send: Any, outbox: list[str]
) -> None:
    first = [code("send('a')"), code("send('b')"), answer("done")]
    await run(first, trace=tmp_path / "first", tools=[send])
    assert outbox == ["a", "b"]
    replies = [code("send('c')"), answer("done")]
    _, events = await go_on("step-1", tmp_path / "first", replies, tools=[send])
    assert outbox == ["a", "b", "c"]
    assert [call.args for call in of_type(events, ToolCalled)] == [("a",), ("c",)]


@pytest.mark.parametrize("chosen", [True, False])
async def test_a_write_that_a_search_put_off_is_made_once(
    tmp_path: Path, send: Any, outbox: list[str], chosen: bool
) -> None:
    candidates = [code("send('a')"), code("y = 1")][:: 1 if chosen else -1]
    model = scripted({"run/root": candidates, "run/1": [answer("done")]})
    searching = CodeAct(model, sandbox="unsafe-local", planner=BestOfN(n=2), tools=[send])
    started = searching.start("What is it?", trace=tmp_path / "first")
    await started.result()
    assert outbox == ["a"] * chosen
    (tree,) = read_trees(list(started.log.events()), started.log.blobs)
    sent = next(node for node in tree if node.action and node.action.text == "send('a')")
    await go_on(sent.id, tmp_path / "first", [answer("done")], tools=[send])
    assert outbox == ["a"]


async def test_a_step_that_comes_out_differently_is_told(tmp_path: Path) -> None:
    await run(
        [code("import os; print(os.getpid(), id(object()))"), answer("1")], trace=tmp_path / "1"
    )
    result, events = await go_on("step-1", tmp_path / "1", [answer("2")])
    assert result.answer == "2"
    (diverged,) = of_type(events, Diverged)
    assert (diverged.id, diverged.what) == ("run/step-1", "output")
    assert diverged.before != diverged.now


async def test_what_the_user_said_on_the_way_stays(tmp_path: Path) -> None:
    started = agent([answer("1"), code("x = 5"), answer("2")]).start(
        "What is it?", trace=tmp_path / "first", follow_up=True
    )
    await started.result()
    started.send("And then?")
    await started.result()
    await started.close()
    messages = await first_prompt("step-3", tmp_path / "first")
    assert "And then?" in [message.content for message in messages]


async def test_single_calls_are_taken_again(tmp_path: Path, send: Any, outbox: list[str]) -> None:
    def call(text: str) -> str:
        return json.dumps({"tool": "send", "arguments": {"text": text}})

    end = '{"tool": "final_answer", "arguments": {"answer": "sent"}}'
    first = JsonAgent(ScriptedModel([call("a"), call("b"), end]), tools=[send])
    await first.run(Task("Send."), trace=tmp_path / "first")
    again = JsonAgent(ScriptedModel([call("c"), end]), tools=[send])
    started = again.start("Send.", resume=tmp_path / "first", at="step-1")
    assert (await started.result()).answer == "sent"
    assert outbox == ["a", "b", "c"]


async def test_a_node_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    await run(THREE, trace=tmp_path / "first")
    with pytest.raises(ConfigError, match=r"no step 'run/step-9'.*run/step-3"):
        agent([]).start("What is it?", resume=tmp_path / "first", at="step-9")
    with pytest.raises(ConfigError, match="name one to resume"):
        agent([]).start("What is it?", at="step-1")
    with pytest.raises(ConfigError, match="question was"):
        agent([]).start("Something else?", resume=tmp_path / "first", at="step-1")
