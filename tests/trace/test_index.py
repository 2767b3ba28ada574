"""An index tells what the log holds without reading it whole, however damaged it is."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.errors import TraceError
from treeact.trace.events import Noticed, Observed, RunEnded, RunStarted
from treeact.trace.index import LiveText, TraceIndex
from treeact.trace.log import EVENTS_FILE, LIVE_FILE, EventLog, read_events

IDS = st.text(min_size=1, max_size=20)


def write(directory: Path, ids: list[str]) -> None:
    log = EventLog(directory)
    for number, id in enumerate(ids):
        log.emit(Observed(id=id, parent=id[:1] or None, text=f"{id} {number}", ok=number % 3 > 0))
    log.close()


@given(st.lists(IDS, max_size=8))
@settings(max_examples=40, deadline=None)
def test_envelopes_and_events_are_those_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("run")
    write(directory, ids)
    index = TraceIndex(directory)
    index.refresh()
    events = list(read_events(directory))
    assert [(it.type, it.id, it.parent, it.time) for it in index.entries] == [
        ("observed", event.id, event.parent, event.time) for event in events
    ]
    assert index.read == 0
    assert [*index.events(index.entries)] == events
    assert [entry.failed for entry in index.entries] == [n % 3 == 0 for n in range(len(ids))]
    assert not index.damaged


def test_a_log_that_grows_is_read_on_and_a_line_in_the_making_waits(tmp_path: Path) -> None:
    write(tmp_path, ["run/1"])
    index = TraceIndex(tmp_path)
    assert len(index.refresh()) == 1
    line = (tmp_path / EVENTS_FILE).read_bytes().replace(b"run/1", b"run/2")
    with (tmp_path / EVENTS_FILE).open("ab") as log:
        log.write(line[:50])
        log.flush()
        assert index.refresh() == []
        assert index.torn
        log.write(line[50:])
    (entry,) = index.refresh()
    assert (entry.id, entry.number, entry.line) == ("run/2", 1, 2)
    assert not index.torn
    assert index.event(entry).id == "run/2"


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"nonsense", b"\xff\xfe", b'{"type":"observed"}']
)
def test_damaged_lines_are_named_and_left_out(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, ["run/1", "run/2"])
    log = tmp_path / EVENTS_FILE
    first, second = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + line + b"\n" + second)
    index = TraceIndex(tmp_path)
    index.refresh()
    assert [entry.id for entry in index.entries] == ["run/1", "run/2"]
    assert [damage.line for damage in index.damaged] == [2]
    assert index.event(index.entries[1]).id == "run/2"


def test_events_out_of_order_and_unknown_ones_keep_their_places(tmp_path: Path) -> None:
    write(tmp_path, ["run/1", "run/2"])
    log = tmp_path / EVENTS_FILE
    first, second = log.read_bytes().splitlines(keepends=True)
    unknown = json.dumps({"type": "from_later", "id": "run/3", "time": 1, "more": [1]}).encode()
    log.write_bytes(second + unknown + b"\n" + first)
    index = TraceIndex(tmp_path)
    index.refresh()
    assert [entry.id for entry in index.entries] == ["run/2", "run/3", "run/1"]
    assert index.event(index.entries[1]).type == "from_later"  # type: ignore[attr-defined]


def test_a_log_that_is_not_there_or_has_become_shorter(tmp_path: Path) -> None:
    index = TraceIndex(tmp_path)
    assert not index.refresh()
    write(tmp_path, ["run/1", "run/2"])
    assert len(index.refresh()) == 2
    (tmp_path / EVENTS_FILE).write_bytes(b"")
    with pytest.raises(TraceError, match="shorter"):
        index.refresh()


def test_a_hundred_thousand_events_are_found_without_reading_one(tmp_path: Path) -> None:
    write(tmp_path, ["run/step-1"])
    log = tmp_path / EVENTS_FILE
    log.write_bytes(log.read_bytes() * 100_000)
    index = TraceIndex(tmp_path)
    assert len(index.refresh()) == 100_000
    assert index.read == 0
    assert index.event(index.entries[-1]).id == "run/step-1"


def test_words_are_found_in_both_directions(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.emit(RunStarted(id="run", question="?", agent="a", model="m", planner="p", sandbox="s"))
    log.emit(Noticed(id="run", text="Here it is"))
    log.emit(Noticed(id="run", text="not"))
    log.emit(Noticed(id="run", text="here again"))
    log.close()
    index = TraceIndex(tmp_path)
    index.refresh()
    found = [index.find("HERE", after=after) for after in (-1, 1, 3)]
    assert [entry.number for entry in found if entry] == [1, 3, 1]
    back = index.find("here", after=1, forward=False)
    assert back is not None
    assert back.number == 3
    assert index.find("nowhere") is None


def test_streamed_text_is_followed_by_its_end(tmp_path: Path) -> None:
    live = LiveText(tmp_path, keep=10)
    assert not live.refresh()
    file = tmp_path / LIVE_FILE
    file.write_text('{"id": "a", "text": "0123456789"}\nnonsense\n{"id": "a", "te')
    assert live.refresh()
    with file.open("a") as more:
        more.write('xt": "ab"}\n{"id": "b", "text": "c"}\n')
    assert live.refresh()
    assert live.texts == {"a": "23456789ab", "b": "c"}
    live.forget("a")
    assert live.texts == {"b": "c"}


def test_a_run_that_ended_has_its_end_in_the_index(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    end = RunEnded(
        id="run", reason="answered", steps=1, calls=1, input_tokens=1, output_tokens=1,
        cost=float("inf"), duration=1.0,
    )  # fmt: skip
    log.emit(end)
    log.close()
    index = TraceIndex(tmp_path)
    index.refresh()
    assert [entry.type for entry in index.entries] == ["run_ended"]
