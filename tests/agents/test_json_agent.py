"""The JSON-calling baseline: equal tools, one call per turn."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import observations, of_type
from treeact import CodeAct, JsonAgent, ScriptedModel, Task, tool
from treeact.agents.json_calls import read_call
from treeact.errors import ConfigError
from treeact.planners.protocols import Call, NoAction
from treeact.trace.events import ApprovalRequested, Proposed, ToolCalled


@tool(effects="none")
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: one.
        b: the other.
    """
    return a + b


@tool(effects="none")
async def hang() -> str:
    """Never return."""
    import asyncio

    await asyncio.sleep(3600)
    return ""


def call(name: str, **arguments: Any) -> str:
    return json.dumps({"thought": "Next.", "tool": name, "arguments": arguments})


async def run(replies: list[Any], **options: Any) -> tuple[Any, list[Any]]:
    agent = JsonAgent(ScriptedModel(replies), tools=[add, hang], **options)
    started = agent.start(Task("?"))
    return await started.result(), list(started.log.events())


async def test_calls_one_tool_per_turn_to_an_answer() -> None:
    result, events = await run([call("add", a=40, b=2), call("final_answer", answer=42)])
    assert (result.answer, result.reason, result.steps) == ("42", "answered", 2)
    assert observations(result)[0] == "42"
    assert next(event.text for event in of_type(events, Proposed)) == "add(a=40, b=2)"
    assert [event.status for event in of_type(events, ToolCalled)] == ["done", "stopped"]


async def test_bad_calls_are_observations() -> None:
    replies = [
        call("ad", a=1),
        call("add", a="x"),
        call("add", c=1),
        "no json",
        "",
        '{"tool": 3}',
        call("final_answer", answer="x"),
    ]
    result, events = await run(replies)
    told = observations(result)
    assert "Did you mean add?" in told[0]
    assert "a" in told[1]
    assert "c" in told[2]
    assert "JSON object" in told[3]
    assert result.answer == "x"
    problems = [event.problem for event in of_type(events, Proposed)]
    assert problems == [None, None, None, "no call", "empty reply", "malformed call", None]


async def test_a_call_that_hangs_is_an_observation() -> None:
    result, _ = await run([call("hang"), call("final_answer", answer="x")], step_timeout=0.05)
    assert "did not end within 0.05 seconds" in observations(result)[0]


async def test_the_same_tools_give_equal_results_in_code_and_in_json() -> None:
    in_json, _ = await run([call("add", a=2, b=3), call("final_answer", answer="5")])
    code = CodeAct(
        ScriptedModel(["```python\nprint(add(2, b=3))\n```", "<answer>5</answer>"]),
        tools=[add],
        sandbox="unsafe-local",
    )
    in_code = await code.run("?")
    assert observations(in_json)[0] == "5"
    assert observations(in_code)[0] == "Output:\n5"


async def test_approval_of_calls() -> None:
    agent = JsonAgent(
        ScriptedModel([call("add", a=1), call("final_answer", answer="x")]),
        tools=[add],
        approve="all",
    )
    started = agent.start("?")
    verdicts = iter([lambda: started.reject("no"), started.approve])
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            next(verdicts)()
    result = await started.result()
    assert "did not allow" in observations(result)[0]
    assert result.answer == "x"


async def test_files_are_refused_because_there_is_nowhere_to_put_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(ConfigError, match="working folder"):
        await JsonAgent(ScriptedModel([])).run(Task("?", (tmp_path / "a",)))


@pytest.mark.parametrize(
    "reply",
    [
        '{"tool": "add", "arguments": {"a": 1}}',
        'Sure:\n```json\n{"tool": "add", "arguments": {"a": 1}}\n```\nDone.',
        '{"thought": "a\nb", "tool": "add", "arguments": {"a": 1}}',
    ],
)
def test_replies_are_read_tolerantly(reply: str) -> None:
    action = read_call(reply).action
    assert isinstance(action, Call)
    assert (action.tool, dict(action.arguments)) == ("add", {"a": 1})


def test_a_list_or_a_bare_value_is_no_call() -> None:
    for reply in ("[1]", "42", '{"arguments": {}}', "{" * 5000):
        assert isinstance(read_call(reply).action, NoAction)


async def test_calls_with_effects_wait_under_risky_and_cannot_be_edited() -> None:
    paid: list[int] = []

    @tool(effects="write")
    def pay(amount: int) -> None:
        """Pay.

        Args:
            amount: how much.
        """
        paid.append(amount)

    replies = [call("add", a=1), call("pay", amount=5), call("final_answer", answer="x")]
    agent = JsonAgent(ScriptedModel(replies), tools=[add, pay], approve="risky")
    started = agent.start("?")
    async for event in started.events():
        if isinstance(event, ApprovalRequested):
            assert (event.what, event.text) == ("call", "pay(amount=5)")
            assert not started.edit("pay(amount=3)")
            assert started.approve()
    assert (await started.result()).answer == "x"
    assert paid == [5]


@pytest.mark.parametrize("last", ["<answer>42</answer>", call("final_answer", answer=42), "42"])
async def test_the_best_effort_answer_is_read_in_either_form(last: str) -> None:
    result, _ = await run([call("add", a=1), last], max_steps=1)
    assert (result.answer, result.best_effort) == ("42", True)
