import asyncio
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.support import Book, ask
from treeact.errors import ConfigError, ModelError, ReplayError
from treeact.models import (
    Completion,
    Image,
    Listener,
    Message,
    Model,
    Prices,
    RecordingModel,
    ReplayModel,
    Request,
    ScriptedModel,
    Usage,
)

PICTURE = Image(data=bytes(range(256)), media_type="image/jpeg")


async def converse(model: Model, *, steps: int = 4, observe: str = "obs {}") -> list[Completion]:
    """Hold a conversation as an agent does: every call repeats the history and adds to it."""
    messages = [Message("system", "be brief"), Message("user", "look", (PICTURE,))]
    completions = []
    for step in range(steps):
        request = Request(messages=tuple(messages), path=f"run/step-{step}", temperature=0.5)
        completions.append(await model.complete(request))
        seen = observe.format(step)
        messages += [Message("assistant", completions[-1].text), Message("user", seen)]
    return completions


async def recorded(path: Path, *, steps: int = 4) -> list[Completion]:
    prices = Prices(input=1e-6, output=2e-6, source="test")
    model = ScriptedModel(lambda r: f"reply to {r.path}", prices=prices, context_window=999)
    return await converse(RecordingModel(model, path), steps=steps)


async def test_what_is_recorded_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    completions = await recorded(path)
    replay = ReplayModel(path, strict=True)
    assert await converse(replay) == completions
    assert completions[0].author == "script"
    assert completions[0].cost is not None
    assert (replay.context_window, replay.name) == (999, f"replay:{path}")
    assert replay.prices is not None
    assert replay.prices.source == "test"


async def test_a_replayed_call_is_metered_and_streamed_like_any_other(
    tmp_path: Path, book: Book
) -> None:
    path = tmp_path / "run.jsonl"
    await RecordingModel(ScriptedModel(["hello"]), path).complete(ask())
    pieces: list[str] = []
    completion = await ReplayModel(path).complete(
        ask(), meter=book, listener=Listener(on_text=pieces.append)
    )
    assert book.usage == completion.usage
    assert "".join(pieces) == "hello"


async def test_a_second_run_of_the_same_model_gets_the_same_replies(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    completions = await recorded(path)
    replay = ReplayModel(path, strict=True)
    runs = await asyncio.gather(*(converse(replay) for _ in range(3)))
    assert runs == [completions] * 3


async def test_calls_with_one_path_are_answered_in_order(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = RecordingModel(ScriptedModel(["a", "b", "c"]), path)
    for text in ("x", "x", "y"):
        await recorder.complete(ask(text))
    replay = ReplayModel(path)
    replies = [(await replay.complete(ask(text))).text for text in ("y", "x", "x")]
    assert replies == ["c", "a", "b"]


async def test_concurrent_calls_are_all_recorded(tmp_path: Path) -> None:
    async def slowly(request: Request) -> str:
        await asyncio.sleep(0)
        return request.path

    path = tmp_path / "run.jsonl"
    recorder = RecordingModel(ScriptedModel(slowly), path)
    paths = [f"run/{number}" for number in range(50)]
    await asyncio.gather(*(recorder.complete(ask(p, path=p)) for p in paths))
    replay = ReplayModel(path, strict=True)
    assert [(await replay.complete(ask(p, path=p))).text for p in paths] == paths


async def test_a_recording_grows_linearly_and_holds_each_picture_once(tmp_path: Path) -> None:
    sizes = {}
    for steps in (20, 40):
        path = tmp_path / f"{steps}.jsonl"
        await recorded(path, steps=steps)
        sizes[steps] = path.stat().st_size
    assert sizes[40] < 2.1 * sizes[20]
    encoded = "AAECAwQFBgcICQoL"
    assert path.read_text().count(encoded) == 1


async def test_the_file_is_private_and_complete_after_each_call(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = RecordingModel(ScriptedModel(["a", "b"]), path)
    assert not path.exists()
    for lines in (2, 3):
        await recorder.complete(ask())
        assert len(path.read_bytes().splitlines()) == lines
    assert path.stat().st_mode & 0o777 == 0o600


async def test_failed_calls_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = RecordingModel(ScriptedModel([ModelError("down"), "up"]), path)
    with pytest.raises(ModelError):
        await recorder.complete(ask())
    await recorder.complete(ask())
    assert (await ReplayModel(path).complete(ask())).text == "up"


async def test_a_reply_that_cannot_be_written_is_kept_with_a_note(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    recorder = RecordingModel(ScriptedModel(["paid for"]), folder / "run.jsonl")
    folder.rmdir()
    completion = await recorder.complete(ask())
    assert completion.text == "paid for"
    assert completion.notes == ("this reply was not recorded: No such file or directory",)


async def test_a_recorded_model_is_warmed_up_and_closed_as_its_own() -> None:
    class Counted(ScriptedModel):
        done: tuple[str, ...] = ()

        async def warm_up(self) -> None:
            self.done += ("warm",)

        async def aclose(self) -> None:
            self.done += ("closed",)

    model = Counted([])
    recorder = RecordingModel(model, "never-written.jsonl")
    await recorder.warm_up()
    await recorder.aclose()
    assert model.done == ("warm", "closed")
    assert (recorder.name, recorder.prices, recorder.context_window) == ("scripted", None, None)
    assert recorder.count_tokens([Message("user", "x")]) == model.count_tokens(
        [Message("user", "x")]
    )


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="exists: record to another file"):
        RecordingModel(ScriptedModel([]), path)
    with pytest.raises(ConfigError, match="does not exist"):
        RecordingModel(ScriptedModel([]), tmp_path / "no" / "run.jsonl")


async def test_a_folder_takes_one_recording_for_each_task(tmp_path: Path) -> None:
    recorder = RecordingModel(ScriptedModel(lambda r: r.path.upper()), tmp_path)
    paths = ["mini-1/step-1", "mini-2/step-1", "mini-1/step-2", "../up/step-1"]
    for path in paths:
        await recorder.complete(ask(path=path))
    assert set(os.listdir(tmp_path)) == {"mini-1.jsonl", "mini-2.jsonl", "...jsonl"}
    replay = ReplayModel(tmp_path, strict=True)
    for path in paths:
        assert (await replay.complete(ask(path=path))).text == path.upper()
    with pytest.raises(ReplayError, match=r"no recording for 'mini-9/a'.*: .*mini-1, mini-2"):
        await replay.complete(ask(path="mini-9/a"))


async def test_a_departing_run_is_answered_and_told_where_it_departs(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = RecordingModel(ScriptedModel(lambda r: r.path), path)
    await converse(recorder, observe="total\nrow 41\nend {}")
    completions = await converse(ReplayModel(path), observe="total\nrow 42\nend {}")
    assert [c.text for c in completions] == [f"run/step-{step}" for step in range(4)]
    notes = [c.notes for c in completions]
    assert notes[0] == ()
    (first,) = notes[1]
    assert first.startswith("run/step-1 departs from the recording: message 4 (user) differs\n")
    assert "-row 41\n+row 42\n" in first
    assert notes[2] == ("run/step-2 departs from the recording since run/step-1",)


async def test_strict_replay_refuses_to_depart(tmp_path: Path, book: Book) -> None:
    path = tmp_path / "run.jsonl"
    await RecordingModel(ScriptedModel(["x"]), path).complete(ask("old"))
    with pytest.raises(ReplayError, match=r"(?s)run/step-1 departs.*-old\n\+new"):
        await ReplayModel(path, strict=True).complete(ask("new"), meter=book)
    assert book.outcomes == ["released"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (ask("hi", temperature=0.7), "temperature is 0.7, recorded was None"),
        (ask("hi", stop=("x",)), r"stop is \('x',\), recorded was \(\)"),
        (ask("hi", n=2), "n is 2, recorded was 1"),
        (
            Request(messages=(Message("assistant", "hi"),), path="run/step-1"),
            r"-message 1 \(user\):\n\+message 1 \(assistant\):",
        ),
        (
            Request(messages=(Message("user", "hi"), Message("user", "more")), path="run/step-1"),
            r"message 2 \(user\) was not recorded",
        ),
        (
            Request(messages=(Message("user", "hi", (PICTURE,)),), path="run/step-1"),
            r"\+\[picture [0-9a-f]{12}\]",
        ),
    ],
)
async def test_every_kind_of_departure_is_shown(
    tmp_path: Path, request_: Request, told: str
) -> None:
    path = tmp_path / "run.jsonl"
    await RecordingModel(ScriptedModel(["x"]), path).complete(ask("hi"))
    with pytest.raises(ReplayError, match=told):
        await ReplayModel(path, strict=True).complete(request_)


async def test_the_difference_shown_is_short(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    old = "\n".join(f"old {i} " + "x" * 5000 for i in range(1000))
    await RecordingModel(ScriptedModel(["x"]), path).complete(ask("same\n" * 900 + old))
    completion = await ReplayModel(path).complete(ask("same\n" * 900 + old.replace("old", "new")))
    assert len(completion.notes[0]) < 2500
    assert "more lines" in completion.notes[0]


async def test_a_call_that_was_not_recorded_names_those_that_were(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await recorded(path, steps=30)
    with pytest.raises(ReplayError, match=r"no call 'run/x'; it has: run/step-0, .*more.*step-29"):
        await ReplayModel(path).complete(ask(path="run/x"))


async def test_recorded_samples_are_not_topped_up(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    model = ScriptedModel(["a", ModelError("down")])
    await RecordingModel(model, path).complete(ask(n=2))
    completion = await ReplayModel(path, strict=True).complete(ask(n=2))
    assert completion.texts == ("a",)
    assert completion.notes == ("a sample of 2 is missing: down",)


async def test_text_that_utf8_cannot_hold_is_recorded_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await RecordingModel(ScriptedModel(["x"]), path).complete(ask("lone \udc80 half"))
    completion = await ReplayModel(path, strict=True).complete(ask("lone \udc80 half"))
    assert completion.text == "x"


async def lines_of_a_recording(path: Path) -> list[bytes]:
    await recorded(path, steps=3)
    return lines_of(path)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("cut", [1, 20, 200])
async def test_a_torn_last_line_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    lines = await lines_of_a_recording(path)
    path.write_bytes(b"".join(lines)[: -cut - 1])
    assert len(await converse(ReplayModel(path, strict=True), steps=2)) == 2
    with pytest.raises(ReplayError, match="no call 'run/step-2'"):
        await ReplayModel(path).complete(ask(path="run/step-2"))


async def test_a_last_line_without_its_end_is_read_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    lines = await lines_of_a_recording(path)
    path.write_bytes(b"".join(lines).removesuffix(b"\n"))
    assert len(await converse(ReplayModel(path, strict=True), steps=3)) == 3


def spoil(line: bytes, **changes: object) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n"


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (lambda line: b'{"path": \n', "line 2: "),
        (lambda line: b"[1, 2]\n", "line 2: not a JSON object"),
        (lambda line: b'{"\xff": 1}\n', "line 2: not UTF-8"),
        (lambda line: b"[" * 100_000 + b"\n", "line 2: nested too deeply"),
        (lambda line: spoil(line, path=None), "line 2: path: "),
        (lambda line: spoil(line, completion={}), "line 2: completion.texts: "),
        (lambda line: spoil(line, base=[7, 1]), "line 2: it refers to messages that are not"),
        (lambda line: spoil(line, base=[0, 99]), "line 2: it refers to messages that are not"),
        (lambda line: spoil(line, added=[{"role": "king", "content": ""}]), r"added.0.role: "),
        (
            lambda line: spoil(
                line, completion={**json.loads(line)["completion"], "finish_reasons": []}
            ),
            "line 2: its completion lacks",
        ),
    ],
)
async def test_damage_is_told_with_its_line(tmp_path: Path, spoilt: object, told: str) -> None:
    path = tmp_path / "run.jsonl"
    lines = await lines_of_a_recording(path)
    lines[1] = spoilt(lines[1])  # type: ignore[operator]
    path.write_bytes(b"".join(lines))
    with pytest.raises(ReplayError, match=f"damaged at .*{told}"):
        ReplayModel(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x7fELF\x00\x01\xff", "is not a TreeAct recording"),
        (b"hello\n", "is not a TreeAct recording"),
        (b'{"a": 1}\n', "is not a TreeAct recording"),
        (b'{"treeact_recording": 2}\n', "has format 2, .* reads 1: update TreeAct"),
        (b'{"treeact_recording": 1}\n', "damaged at line 1: author"),
    ],
)
def test_what_is_no_recording_gets_one_clear_line(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(ReplayError, match=told) as caught:
        ReplayModel(path)
    assert "\n" not in str(caught.value)


def test_places_without_a_recording(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="does not exist"):
        ReplayModel(tmp_path / "no.jsonl")
    with pytest.raises(ReplayError, match="holds no recordings"):
        ReplayModel(tmp_path)
    with pytest.raises(ReplayError, match="not a regular file"):
        ReplayModel("/dev/zero")


@given(content=st.binary(max_size=200), cut=st.integers(0, 2000))
def test_no_file_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "run.jsonl"
    whole = asyncio.run(lines_of_a_recording(path))
    path.write_bytes(b"".join(whole)[:cut] + content)
    try:
        ReplayModel(path)
    except ReplayError as error:
        assert str(path) in str(error)


texts = st.text(max_size=8)


@given(
    st.lists(
        st.tuples(texts, st.lists(texts, min_size=1, max_size=4), st.integers(1, 3)), max_size=8
    )
)
def test_any_calls_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[str, list[str], int]]
) -> None:
    path = tmp_path_factory.mktemp("round") / "run.jsonl"
    requests = [
        Request(messages=tuple(Message("user", text) for text in content), n=n, path=where)
        for where, content, n in calls
    ]

    async def play() -> None:
        model = ScriptedModel(lambda r: [f"{r.messages}"] * r.n)
        recorder = RecordingModel(model, path)
        completions = [await recorder.complete(request) for request in requests]
        if requests:
            replay = ReplayModel(path, strict=True)
            assert [(await replay.complete(r)).texts for r in requests] == [
                completion.texts for completion in completions
            ]

    asyncio.run(play())


async def test_usage_and_notes_survive(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    completion = Completion(
        texts=("a", "b"),
        finish_reasons=("stop", "length"),
        usage=Usage(
            input_tokens=5,
            output_tokens=4,
            cached_tokens=3,
            cache_write_tokens=2,
            reasoning_tokens=1,
            estimated=True,
        ),
        cost=0.25,
        latency=1.5,
        model="m",
        author="hand",
        retries=2,
        notes=("n",),
    )
    assert await RecordingModel(ScriptedModel([completion]), path).complete(ask(n=2)) == completion
    assert await ReplayModel(path).complete(ask(n=2)) == completion
    assert json.loads(path.read_bytes().splitlines()[0])["author"] == "hand"
