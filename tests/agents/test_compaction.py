"""Long conversations: what is shown shortened, what never is, and where they end."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.agents.support import answer, code, of_type
from treeact import CodeAct, CodeAgents, JsonAgent, ScriptedModel, Task, tool
from treeact.agents.compaction import (
    BYTES,
    FUSE,
    LEFT_OUT,
    UNSEEN,
    Compacted,
    Compaction,
    Room,
    cut,
    size_of,
)
from treeact.agents.plans.agent import PlanAgent, World
from treeact.cli.display import Plain
from treeact.errors import ConfigError, ContextFull
from treeact.models.base import Image, Message, Request
from treeact.planners import BestOfN
from treeact.planners.protocols import Action, Answer, Call, Observation
from treeact.trace.blobs import BlobStore
from treeact.trace.events import ContextCompacted, Observed

OPENING = (Message("system", "You act."), Message("user", "Do it.", part="task"))
LEFT_OUT_COUNT = re.compile(re.escape(LEFT_OUT).replace(r"\{count\}", r"(\d+)"))


def turn(reply: str, output: str, *, pictures: int = 0) -> list[Message]:
    images = (Image(data=b"png"),) * pictures
    return [Message("assistant", reply), Message("user", output, images)]


def compaction(limit: int, told: list[Compacted] | None = None, full: int | None = None) -> Any:
    room = Room(limit=limit, full=limit if full is None else full)
    return Compaction(room, OPENING, (told if told is not None else []).append)


texts = st.text(alphabet="ab\né", max_size=40).map(lambda text: text * 60) | st.sampled_from(
    ["", "ok", "row\n" * 500, "row\n" * 500 + "\n\nThe user says: metres"]
)
steps = st.lists(
    st.tuples(
        st.text(alphabet="xy", max_size=30).map(lambda text: text * 60),
        texts,
        st.sampled_from(["reply", "reply", "reply", "said", "dropped"]),
    ),
    max_size=25,
)


@given(steps, st.integers(200, 9000), st.integers(0, 9000))
def test_a_compaction_makes_smaller_and_never_forgets(
    steps: list[tuple[str, str, str]], limit: int, more: int
) -> None:
    told: list[Compacted] = []
    fold = compaction(limit, told, limit + more)
    kept: list[tuple[str, str]] = []
    before: dict[int, int] = {}
    for number, (reply, output, kind) in enumerate(steps):
        messages = turn(reply, output) if kind != "said" else [Message("user", output)]
        was = size_of(fold.messages)
        events = len(told)
        fold.add(f"run/step-{number}", messages, said=kind == "said", dropped=kind == "dropped")
        if kind != "dropped":
            kept.append((kind, output))
            assert size_of(fold.messages) <= was + size_of(messages)
        for event in told[events:]:
            assert event.after <= event.before
            assert event.steps > 0
        shown = list(fold.messages)
        turns = _turns(shown, kept)
        assert len(turns) == len(kept)  # each reply keeps what came of it, and nothing is lost
        for position, (kind_of, whole, size) in enumerate(turns):
            assert size <= before.get(position, size)  # what was once shortened stays so
            before[position] = size
            if kind_of == "said":
                assert whole == kept[position][1]
        if size_of((*OPENING, *shown)) > limit + more and kind != "dropped" and fold.full is None:
            assert len(told) > events  # it was made smaller, or it is an error


def _turns(shown: Sequence[Message], kept: Sequence[tuple[str, str]]) -> list[tuple[str, str, int]]:
    turns, at = [], 0
    for kind, _ in kept:
        length = 1 if kind == "said" else 2
        messages = shown[at : at + length]
        assert [m.role for m in messages] == ["assistant", "user"][-length:]
        turns.append((kind, messages[-1].content, size_of(messages)))
        at += length
    assert at == len(shown)
    return turns


@given(st.text(max_size=400), st.integers(1, 60), st.integers(1, 60))
def test_what_is_left_out_is_counted(text: str, head: int, tail: int) -> None:
    shown = cut(text, head, tail)
    if shown == text:
        return
    count = int(LEFT_OUT_COUNT.findall(shown)[-1])
    assert text.startswith(shown[:head])
    assert text.endswith(shown[-tail:])
    assert head + count + tail == len(text)
    assert len(shown) < len(text)


def test_the_newest_steps_stay_whole_and_repeats_refer_to_the_first() -> None:
    told: list[Compacted] = []
    fold = compaction(14_000, told)
    outputs = ["same " * 500, "other " * 500, "same " * 500, *[f"{n} " * 900 for n in range(4)]]
    for number, output in enumerate(outputs, 1):
        fold.add(f"run/step-{number}", turn("look()", output), said=False, dropped=False)
    shown = [m.content for m in fold.messages if m.role == "user"]
    assert LEFT_OUT_COUNT.search(shown[0])
    assert LEFT_OUT_COUNT.search(shown[1])
    assert shown[2] == "[The same as what came of your reply 1.]"
    assert shown[3:] == outputs[3:]
    assert [event.step for event in told] == ["run/step-7"]
    assert told[0].steps == 3


def test_an_old_picture_is_left_out_and_that_is_said() -> None:
    fold = compaction(9000)
    for number in range(8):
        fold.add(
            f"run/step-{number}", turn("plot()", "drawn", pictures=1), said=False, dropped=False
        )
    first, last = [m for m in fold.messages if m.role == "user"][::7]
    assert first.content == f"drawn\n{UNSEEN}"
    assert not first.images
    assert last.images


def test_the_room_beside_a_long_opening_is_shared() -> None:
    opening = (Message("system", "x" * 3000 * BYTES),)
    room = Room.of(None, 4000, opening)
    assert room is not None
    assert room.limit == (3000 + 600) * BYTES
    assert room.full == 4000 * BYTES
    assert Room.of(None, None, opening) is None
    assert Room.of(10, None, opening) == Room(limit=40, full=40)


def test_compactions_that_save_nothing_blow_the_fuse() -> None:
    told: list[Compacted] = []
    fold = compaction(8000, told, 10**9)
    number = 0
    while fold.full is None and number < 500:
        number += 1
        fold.add(
            f"run/step-{number}", turn("x" * 90, "y" * 400 + str(number)), said=False, dropped=False
        )
    assert isinstance(fold.full, ContextFull)
    assert f"{FUSE} compactions in a row" in str(fold.full)
    assert len(told) >= FUSE


# In runs -----------------------------------------------------------------------------------------


@tool(effects="none")
def page(number: int) -> str:
    """Return a page.

    Args:
        number: which.
    """
    return f"page {number}: " + "word " * 600


def call(number: int) -> str:
    return f'{{"thought": "Next.", "tool": "page", "arguments": {{"number": {number}}}}}'


FINAL = '{"tool": "final_answer", "arguments": {"answer": "done"}}'


def reader(asked: list[Request], pages: int = 12, **options: Any) -> JsonAgent:
    def reply(request: Request) -> str:
        asked.append(request)
        number = int(request.path.split("-")[1].split("/")[0]) if "-" in request.path else 0
        return call(number) if 0 < number <= pages else FINAL

    return JsonAgent(ScriptedModel(reply), tools=[page], **options)


def bytes_of(request: Request) -> int:
    return size_of(request.messages)


async def test_prompts_of_a_long_run_stay_within_the_limit_and_the_trace_whole() -> None:
    asked: list[Request] = []
    started = reader(asked, context_tokens=4000).start(Task("?"))
    result = await started.result()
    events = list(started.log.events())
    assert result.answer == "done"
    assert len(asked) == 13
    assert max(map(bytes_of, asked)) <= 4000 * BYTES
    compactions = of_type(events, ContextCompacted)
    assert compactions
    assert all(event.after < event.before for event in compactions)
    assert len({event.id for event in compactions}) == len(compactions)
    read = started.log.blobs.read_text
    assert all(
        read(event.text) == page(n) for n, event in enumerate(of_type(events, Observed)[:-1], 1)
    )
    roles = [message.role for message in asked[-1].messages]
    assert roles == ["system", "user", *["assistant", "user"] * 12]


class Shelf:
    """A world of pages."""

    async def step(self, action: Action, *, id: str) -> Observation:
        if isinstance(action, Answer):
            return Observation(text="", answer=action.text)
        assert isinstance(action, Call)
        return Observation(text=page(action.arguments["number"]))

    async def fork(self, *, id: str) -> "Shelf":
        return Shelf()

    async def choose(self, fork: "Shelf", *, commit: bool = True) -> str:
        return ""

    async def close(self) -> None:
        pass


async def test_an_agent_of_typed_calls_is_compacted_too() -> None:
    asked: list[Request] = []

    def reply(request: Request) -> str:
        asked.append(request)
        return f"```\npage({len(asked)})\n```" if len(asked) <= 12 else "```\nfinish('done')\n```"

    world = World(
        name="shelf",
        start=Shelf,
        calls="page(number)",
        situation="",
        read=lambda line: Call("page", {"number": int(line[5:-1])}),
    )
    agent = PlanAgent(ScriptedModel(reply), world=world, context_tokens=4000)
    started = agent.start(Task("Read."))
    result = await started.result()
    assert (result.answer, len(asked)) == ("done", 13)
    assert max(map(bytes_of, asked)) <= 4000 * BYTES
    assert of_type(list(started.log.events()), ContextCompacted)
    assert [message.content for message in asked[-1].messages[2::2]] == [
        f"```\npage(number={n})\n```" for n in range(1, 13)
    ]
    assert [step.observation.text for step in result.path[:-1]] == [page(n) for n in range(1, 13)]


async def test_a_role_of_codeagents_that_runs_code_is_compacted_too() -> None:
    plan = 'task("?", answer=int)\nn: int = solver("Read it all.")\nanswer(n)'
    asked: list[Request] = []

    def reply(request: Request) -> str:
        if request.path.endswith("/propose"):
            return code(plan)
        asked.append(request)
        number = len(asked)
        return code(f"print({number}, 'word ' * 600)" if number <= 7 else "final_answer(7)")

    agent = CodeAgents(ScriptedModel(reply), sandbox="unsafe-local", context_tokens=3500)
    started = agent.start(Task("Read."))
    assert (await started.result()).answer == "7"
    assert max(map(bytes_of, asked)) <= 3500 * BYTES
    assert of_type(list(started.log.events()), ContextCompacted)
    assert [message.role for message in asked[-1].messages[2:]] == ["assistant", "user"] * 7


async def test_a_known_window_sets_the_limit_and_an_unknown_one_none() -> None:
    def reply(request: Request) -> str:
        return call(1) if len(request.messages) < 16 else FINAL

    for window, shortened in ((8000, True), (None, False)):
        model = ScriptedModel(reply, context_window=window)
        started = JsonAgent(model, tools=[page]).start(Task("?"))
        assert (await started.result()).answer == "done"
        assert bool(of_type(list(started.log.events()), ContextCompacted)) is shortened


async def test_a_conversation_that_cannot_shrink_ends_with_a_best_effort() -> None:
    asked: list[Request] = []
    started = reader(asked, context_tokens=900).start(Task("?"))
    result = await started.result()
    assert result.reason == "context full"
    assert "raise context_tokens" in result.message
    assert result.best_effort
    assert result.answer == "done"


async def test_a_resumed_run_shows_what_the_uninterrupted_one_does(tmp_path: Path) -> None:
    whole: list[Request] = []
    await reader(whole, context_tokens=4000).run(Task("?"))
    asked: list[Request] = []
    part = await reader(asked, context_tokens=4000, max_steps=9).run(
        Task("?"), trace=tmp_path / "a"
    )
    assert part.reason == "step limit"
    asked.clear()
    resumed = reader(asked, context_tokens=4000).start(Task("?"), resume=tmp_path / "a")
    assert (await resumed.result()).answer == "done"
    assert [request.messages for request in asked] == [request.messages for request in whole[9:]]


async def test_a_search_compacts_each_path_once_and_alike() -> None:
    asked: list[Request] = []

    def reply(request: Request) -> list[str]:
        asked.append(request)
        depth = request.path.count(".") + (request.path.split("/")[1][0].isdigit())
        if request.path.endswith("score"):
            return ["<score>5</score>"]
        if depth >= 7:
            return [answer("done")] * request.n
        return [code(f"print('a{depth} ' * 900)"), code(f"print('b{depth} ' * 900)")][: request.n]

    agent = CodeAct(
        ScriptedModel(reply), sandbox="unsafe-local", planner=BestOfN(n=2), context_tokens=5000
    )
    started = agent.start(Task("?"))
    assert (await started.result()).answer == "done"
    events = of_type(list(started.log.events()), ContextCompacted)
    assert events
    assert len({event.id for event in events}) == len(events)
    prompts = {r.path: [m.content for m in r.messages] for r in asked if r.path.endswith("propose")}
    assert max(sum(map(len, contents)) for contents in prompts.values()) <= 5000 * BYTES
    deepest = max(prompts.values(), key=len)
    assert sum(bool(LEFT_OUT_COUNT.search(content)) for content in deepest) >= 3


async def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="context_tokens is 0"):
        JsonAgent(ScriptedModel([]), context_tokens=0).start(Task("?"))


def test_a_compaction_is_shown_in_one_line() -> None:
    console = Console(width=120, highlight=False, soft_wrap=True)
    with console.capture() as shown:
        Plain(BlobStore(None), console).show(
            ContextCompacted(id="run/step-9", steps=5, before=9000, after=4000)
        )
    line = "context: 5 older steps are shown shortened, about 9000 -> 4000 tokens\n"
    assert shown.get() == line
