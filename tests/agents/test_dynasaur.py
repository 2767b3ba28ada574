"""DynaSaur: what one task taught is offered, found and used in the next."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import answer, code, observations, of_type
from treeact import ActionLibrary, DynaSaur, Result, ScriptedModel, Task, tool
from treeact.errors import ConfigError, LibraryError
from treeact.models.base import Request
from treeact.planners import MCTS, BestOfN
from treeact.trace.events import (
    ActionSaved,
    ActionsRetrieved,
    ActionVerified,
    Event,
    ModelCalled,
    Noticed,
    RunEnded,
)

ROMAN = code(
    '''
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
def roman_to_int(numeral: str) -> int:
    """Convert a Roman numeral to an integer."""
    total = 0
    for letter, following in zip(numeral, numeral[1:] + "I"):
        value = VALUES[letter]
        total += -value if value < VALUES[following] else value
    return total
print(roman_to_int("XIV"))
'''
)


async def run(
    replies: Sequence[str], library: Path | ActionLibrary, question: str, **options: Any
) -> tuple[Result, list[Event]]:
    agent = DynaSaur(
        ScriptedModel(list(replies)), **{"sandbox": "unsafe-local", "library": library, **options}
    )
    started = agent.start(Task(question))
    result = await started.result()
    return result, list(started.log.events())


def prompt(events: list[Event]) -> str:
    """Return all that a run's prompts held."""
    calls = of_type(events, ModelCalled)
    return "\n".join(str(m.content) for call in calls for m in call.prompt.added)


async def test_the_first_tasks_function_is_verified_offered_and_used_in_the_second(
    tmp_path: Path,
) -> None:
    library = tmp_path / "actions.sqlite"
    result, events = await run([ROMAN, answer("14")], library, "What number is XIV?")
    assert result.answer == "14"
    [saved] = of_type(events, ActionSaved)
    assert (saved.name, saved.version) == ("roman_to_int", 1)
    [verified] = of_type(events, ActionVerified)
    assert verified.ok
    assert isinstance(events[-1], RunEnded)  # nothing comes after the end
    assert not of_type(events, ActionsRetrieved)  # not offered what it has just written

    use = code(
        "def older(one: str, other: str) -> str:\n"
        '    """Return the smaller of two Roman numerals."""\n'
        "    return min(one, other, key=roman_to_int)\nprint(older('XL', 'IX'))"
    )
    result, events = await run(
        [use, answer("IX")], library, "Which Roman numeral is less, XL or IX?"
    )
    assert "IX" in observations(result)[0]
    assert 'def roman_to_int(numeral: str) -> int:\n    """Convert a Roman' in prompt(events)
    assert [(e.how, e.actions) for e in of_type(events, ActionsRetrieved)] == [
        ("offered", ("roman_to_int v1",)),
        ("named", ("roman_to_int v1",)),
    ]
    with ActionLibrary(library) as opened:
        older = opened.get("older")
        assert (older.status, list(older.uses)) == ("verified", ["roman_to_int"])
        assert older.task == "Which Roman numeral is less, XL or IX?"


async def test_frozen_uses_everything_and_writes_nothing(tmp_path: Path) -> None:
    library = tmp_path / "actions.sqlite"
    await run([ROMAN, answer("14")], library, "What number is XIV?")
    before = library.read_bytes(), sorted(os.listdir(tmp_path))
    use = code("def new(x): return roman_to_int(x)\nprint(new('VI'))")
    result, events = await run([use, answer("6")], library, "Roman VI?", frozen=True)
    assert "6" in observations(result)[0]
    assert of_type(events, ActionsRetrieved)
    assert not of_type(events, ActionSaved) + of_type(events, ActionVerified)
    assert (library.read_bytes(), sorted(os.listdir(tmp_path))) == before


async def test_offers_follow_what_was_seen_and_are_shown_once(tmp_path: Path) -> None:
    library = tmp_path / "actions.sqlite"
    await run([ROMAN, answer("14")], library, "What number is XIV?")
    see = code("print('a Roman numeral, to be converted to an integer: XC')")
    replies = [code("1"), see, code("2"), answer("90")]
    _, events = await run(replies, library, "Read the inscription.")
    offered = [e.query for e in of_type(events, ActionsRetrieved)]
    assert len(offered) == 1
    assert prompt(events).count("def roman_to_int") == 1
    ids = [e.id for e in events if isinstance(e, ActionsRetrieved | ModelCalled)]
    assert ids.index("run/library") == 2  # before the third call


async def test_prompts_grow_and_the_system_prompt_says_how(tmp_path: Path) -> None:
    library = tmp_path / "actions.sqlite"
    await run([ROMAN, answer("14")], library, "What number is XIV?")
    _, events = await run([code("1"), code("2"), answer("3")], library, "Roman numerals?")
    calls = of_type(events, ModelCalled)
    assert [call.prompt.keep for call in calls] == [0, 2, 4]
    text = prompt(events)
    for words in ("# Your library", "search_actions(query: str, k: int = 5)", "one-line docstring"):
        assert words in text


async def test_actions_call_tools_and_tools_keep_their_names(tmp_path: Path) -> None:
    @tool(effects="none")
    def rain(city: str) -> float:
        """Return the rain of a city."""
        return {"Oslo": 1.5}[city]

    library = tmp_path / "actions.sqlite"
    define = code('def twice(city: str) -> float:\n    return 2 * rain(city)\nprint(twice("Oslo"))')
    shadow = code("def rain(city): return 0.0\nrain('Oslo')")
    _, events = await run([define, shadow, answer("3")], library, "Rain?", tools=[rain])
    assert [e.name for e in of_type(events, ActionSaved)] == ["twice"]
    assert of_type(events, ActionVerified)[0].ok
    with pytest.raises(ConfigError, match="search_actions"):
        own = tool(effects="none", name="search_actions")(rain.function)
        DynaSaur(ScriptedModel([]), tools=[own], library=library).start("?")


async def test_a_library_that_fails_costs_the_actions_not_the_answer(tmp_path: Path) -> None:
    with ActionLibrary(tmp_path / "actions.sqlite") as library:
        library._db._connection.execute("DROP TABLE words")
        result, events = await run([ROMAN, answer("14")], library, "What number is XIV?")
    assert result.answer == "14"
    assert any("nothing was saved" in e.text for e in of_type(events, Noticed))
    (tmp_path / "broken").write_bytes(b"x" * 5000)
    with pytest.raises(LibraryError, match="actions import"):
        DynaSaur(ScriptedModel([]), library=tmp_path / "broken").start("?")


async def test_after_a_restart_of_the_sandbox_actions_are_there_again(tmp_path: Path) -> None:
    library = tmp_path / "actions.sqlite"
    die = code("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprint(1)")
    again = code("print(roman_to_int('LX'))")
    result, _ = await run([ROMAN, die, again, answer("60")], library, "What number is LX?")
    assert "60" in observations(result)[2], observations(result)


STEPS: dict[str, Sequence[str]] = {
    "run/root": [code("def shared(x): return x\nprint(shared(1))")],
    "run/1": [
        code("def wrong(x): return shared(x) / 0\nprint(wrong(1))"),
        code("def right(x): return shared(x) + 1\nprint(right(1))"),
        code("def also(x): return shared(x) + 2\nprint(also(1))"),
    ],
    "run/1.2": [answer("2")],
    "run/1.3": [code("print('lost')")],
    "run/1.3.1": [answer("3")],
}


@pytest.mark.parametrize(
    "planner", [BestOfN(n=3), MCTS(n=3, iterations=3)], ids=["best-of-n", "mcts"]
)
async def test_a_tree_search_keeps_the_actions_of_its_chosen_path_only(
    tmp_path: Path, planner: Any
) -> None:
    def reply(request: Request) -> str | list[str]:
        id, _, what = request.path.rpartition("/")
        if what == "score":
            return f"<score>{9 if 'also' not in str(request.messages[-2:]) else 2}</score>"
        return [*STEPS[id], *[STEPS[id][-1]] * request.n][: request.n]

    library = tmp_path / "actions.sqlite"
    agent = DynaSaur(ScriptedModel(reply), sandbox="unsafe-local", library=library, planner=planner)
    run = agent.start(Task("?"))
    result = await run.result()
    assert result.answer == "2", result
    chosen = {step.proposal.actions[0].text.split("(")[0][4:] for step in result.path[:-1]}
    assert chosen == {"shared", "right"}
    with ActionLibrary(library) as opened:
        assert {a.name for a in opened.actions()} == chosen
        assert opened.get("right").status == "verified"
    assert {e.name for e in of_type(list(run.log.events()), ActionSaved)} == chosen
