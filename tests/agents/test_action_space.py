"""The tools that a step is shown, and those that it is not."""

from pathlib import Path

import pytest

from tests.agents.policies import RULES_ONLY, STEPS, agent, prompt, run
from tests.agents.support import answer, code, of_type
from treeact import DynaSaur, ScriptedModel, Task, tool
from treeact.agents.poact.action_space import ActionSpace
from treeact.errors import ConfigError
from treeact.models.base import Request
from treeact.planners.protocols import Code, Observation, Proposal, Step
from treeact.tools import Tool
from treeact.trace.events import ActionsRetrieved


def numbered(count: int) -> list[Tool]:
    words = ["weigh", "paint", "fold", "ship", "count", "sort", "melt", "trim", "seal", "dry"]

    def make(number: int) -> Tool:
        word = words[number % len(words)]

        def function(item: str) -> str:
            return f"{word} {item}"

        function.__name__ = f"{word}_{number}"
        function.__doc__ = f"{word.title()} an item of kind {number}.\n\nArgs:\n    item: which."
        return tool(effects="none")(function)

    return [make(number) for number in range(count)]


def tools_in(text: str) -> set[str]:
    return {line.split("(")[0][4:] for line in text.splitlines() if line.startswith("def ")}


async def test_a_hidden_tool_is_a_structured_error_and_shown_at_the_next_step() -> None:
    asked: list[Request] = []
    replies = {
        "1/thought": "I weigh item 10.",
        "1/code": code(
            "try:\n    print(paint_11('a'))\nexcept Exception as e:\n    print('no:', e)"
        ),
        "2/thought": "I weigh item 10 now.",
        "2/code": code("print(paint_11('a'), weigh_10('b'))"),
        "3/code": code("print(weigh_10('c'), paint_11('d'))"),
        "4/thought": answer("paint a"),
    }
    result, _ = await run(
        replies,
        asked,
        tools=numbered(40),
        tools_shown=3,
        always_shown=["dry_9"],
        planner=RULES_ONLY,
    )
    first, second, third = (step.observation.text for step in result.path[:3])
    assert "hidden function 'paint_11'" in first
    assert "called as paint_11(item: str) -> str" in first
    assert second == "Output:\npaint a weigh b"
    assert third == "Output:\nweigh c paint d"  # what was shown once can still be called
    for request in asked:
        shown = tools_in(request.messages[-1].content)
        assert len(shown) <= 3 + 1
        assert request.path.endswith("review") or "dry_9" in shown
    assert "paint_11" not in tools_in(prompt(asked, "1/code"))
    assert "paint_11" in tools_in(prompt(asked, "2/thought")) & tools_in(prompt(asked, "2/code"))
    assert "weigh_10" in tools_in(prompt(asked, "1/code"))


async def test_prompts_do_not_grow_with_the_number_of_tools() -> None:
    parts = {}
    for count in (30, 300):
        result, _ = await run(STEPS, tools=numbered(count), tools_shown=5, planner=RULES_ONLY)
        parts[count] = result.ledger.total.parts
        assert result.answer == "20"
    assert 0 < parts[300]["tools"] <= 1.1 * parts[30]["tools"]
    assert sum(parts[300].values()) <= 1.1 * sum(parts[30].values())


async def test_actions_of_a_library_compete_with_the_tools_for_the_same_places(
    tmp_path: Path,
) -> None:
    library = tmp_path / "actions.sqlite"
    written = code(
        "def weigh_anchor(item: str) -> str:\n"
        '    """Weigh the anchor of an item."""\n'
        "    return f'anchor of {item}'\n"
        "print(weigh_anchor('a ship'))"
    )
    first = DynaSaur(
        ScriptedModel([written, answer("anchor")]), sandbox="unsafe-local", library=library
    )
    assert (await first.run(Task("Weigh it."))).answer == "anchor"

    asked: list[Request] = []
    replies = {
        "1/thought": "I weigh the anchor.",
        "1/code": code("print(weigh_anchor('a boat'), weigh_0('b'))"),
        "2/thought": answer("done"),
    }
    result, events = await run(
        replies, asked, tools=numbered(40), tools_shown=2, planner=RULES_ONLY, library=library
    )
    assert result.path[0].observation.text == "Output:\nanchor of a boat weigh b"
    shown = tools_in(prompt(asked, "1/code"))
    assert shown == {"search_actions", "weigh_anchor", "weigh_0"}  # two places and the one always
    for request in asked:
        assert len(tools_in(request.messages[-1].content)) <= 2 + 1
    [offered] = [event for event in of_type(events, ActionsRetrieved) if event.how == "offered"]
    assert offered.actions == ("weigh_anchor v1",)


async def test_few_tools_are_all_shown() -> None:
    tools = numbered(4)
    space = ActionSpace(tools, most=4)
    assert await space.show((), ["nothing of the kind"]) == tools
    assert space.hidden == 0
    assert space.guard(tools) == tools


async def test_what_was_called_comes_first_and_the_bound_holds() -> None:
    tools = numbered(40)
    names = tuple(tool.name for tool in tools)
    source = "".join(f"{name}('x')\n" for name in names[20:26])
    step = Step(
        id="run/step-1",
        proposal=Proposal(actions=(Code(source, names),)),
        observation=Observation(text="", ok=False),
    )
    space = ActionSpace(tools, most=3)
    assert [tool.name for tool in await space.show((step,), ["weigh"])] == list(names[20:23])
    assert await ActionSpace(tools, most=0).show((step,), ["weigh"]) == []


def test_an_always_shown_tool_has_to_be_one() -> None:
    with pytest.raises(ConfigError, match="always_shown names 'wiegh'"):
        agent({}, tools=numbered(2), always_shown=["wiegh"]).start(Task("?"))
    with pytest.raises(ConfigError, match="tools_shown is -1"):
        agent({}, tools=numbered(2), tools_shown=-1).start(Task("?"))
