import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.errors import TraceError
from treeact.trace.blobs import INLINE_BYTES, BlobStore
from treeact.trace.events import (
    Answered,
    Blob,
    Event,
    Noticed,
    RunEnded,
    ToolCalled,
    Unknown,
    parse_event,
)
from treeact.trace.log import EVENTS_FILE, LIVE_FILE, EventLog, read_events
from treeact.trace.redact import Redactor


def ended() -> RunEnded:
    return RunEnded(
        id="run",
        reason="answered",
        steps=1,
        calls=1,
        input_tokens=1,
        output_tokens=1,
        cost=0.0,
        duration=0.1,
    )


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    written = [log.emit(Noticed(id="run", text=f"née {n}\n\x1b[31m")) for n in range(3)]
    log.close()
    assert [event.seq for event in written] == [0, 1, 2]
    read = list(read_events(tmp_path / "run"))
    assert [event.model_dump_json() for event in read] == [
        event.model_dump_json() for event in written
    ]


def test_half_a_surrogate_pair_does_not_stop_the_log(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    log.emit(ToolCalled(id="run", tool="x", kwargs={"a\ud800": ["\udfff"]}, status="done"))
    log.close()
    [event] = read_events(tmp_path / "run")
    assert isinstance(event, ToolCalled)
    assert event.kwargs == {"a?": ["?"]}


def test_every_event_is_on_disk_when_emit_returns(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    log.emit(Noticed(id="run", text="first"))
    assert len(list(read_events(tmp_path / "run"))) == 1
    log.close()


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    for n in range(3):
        log.emit(Noticed(id="run", text=str(n)))
    log.close()
    path = tmp_path / "run" / EVENTS_FILE
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        assert len(list(read_events(tmp_path / "run"))) == 2


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"null", b"\xff\xfe", b'{"type": "noticed"}', b'{"v": 99}', b"[" * 100_000],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    log = EventLog(tmp_path / "run")
    log.emit(Noticed(id="run", text="fine"))
    log.close()
    with (tmp_path / "run" / EVENTS_FILE).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(TraceError, match="line 2"):
        list(read_events(tmp_path / "run"))


def test_an_unknown_event_is_kept_whole() -> None:
    event = parse_event({"v": 1, "type": "teleported", "id": "run", "where": "Mars"})
    assert isinstance(event, Unknown)
    assert json.loads(event.model_dump_json())["where"] == "Mars"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_value_crashes_the_parser(value: object) -> None:
    try:
        event = parse_event({"type": "noticed", "id": "run", "text": value})
    except ValueError:
        return
    assert isinstance(event, Event)


def test_long_texts_become_blobs_kept_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    long = "ä" * INLINE_BYTES
    blob = log.text(long)
    assert isinstance(blob, Blob)
    assert log.text(long) == blob
    assert log.blobs.read_text(blob) == long
    assert len(list((tmp_path / "run" / "blobs").iterdir())) == 1
    assert log.text("short") == "short"
    log.close()


def test_a_damaged_or_missing_blob_is_said(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blob = store.put(b"x" * 10)
    (tmp_path / blob.blob).write_bytes(b"y" * 10)
    with pytest.raises(TraceError, match="damaged"):
        store.get(blob)
    (tmp_path / blob.blob).unlink()
    with pytest.raises(TraceError, match="missing"):
        store.get(blob)
    with pytest.raises(TraceError):
        store.get(Blob(blob="../../etc/passwd", size=1))


def test_secrets_never_reach_the_trace(tmp_path: Path) -> None:
    secret = 'sk-"quoted"\\and-long'
    redactor = Redactor({"OPENAI_API_KEY": secret, "HOME": "/home/someone", "SHORT_KEY": "true"})
    log = EventLog(tmp_path / "run", redactor=redactor)
    log.emit(Noticed(id="run", text=f"the key is {secret}, true"))
    log.emit(Answered(id="run", answer=log.text(secret + "x" * INLINE_BYTES * 2)))
    log.stream("run", secret)
    log.close()
    stored = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b"and-long" not in stored
    assert b"[redacted OPENAI_API_KEY]" in stored
    assert b"true" in stored


def test_of_a_secret_that_begins_like_a_shorter_one_nothing_is_left() -> None:
    redactor = Redactor({"A_KEY": "sk-12345", "B_KEY": "sk-12345-and-more"})
    assert redactor.clean("sk-12345-and-more, sk-12345") == "[redacted B_KEY], [redacted A_KEY]"


def test_a_secret_that_comes_in_pieces_is_kept_out_of_the_live_text(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run", redactor=Redactor({"API_KEY": "sk-supersecret"}))
    for piece in ("say sk-su", "persec", "ret now"):
        log._live._written = 0.0  # type: ignore[union-attr]  # as if a tenth of a second had gone
        log.stream("run", piece)
    log.close()
    text = (tmp_path / "run" / LIVE_FILE).read_text()
    assert "sk-su" not in text
    assert "[redacted API_KEY]" in "".join(json.loads(line)["text"] for line in text.splitlines())


def test_listeners_see_no_more_than_the_log_holds() -> None:
    log = EventLog(redactor=Redactor({"API_KEY": "sk-supersecret"}))
    seen: list[Event] = []
    log.subscribe(seen.append)
    log.emit(Noticed(id="run", text="it is sk-supersecret"))
    assert "supersecret" not in seen[0].model_dump_json()
    assert list(log.events()) == seen


def test_streamed_text_is_coalesced(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    for n in range(1000):
        log.stream("run/step-1/propose", f"{n} ")
    log.close()
    lines = (tmp_path / "run" / LIVE_FILE).read_text().splitlines()
    assert len(lines) < 100
    text = "".join(json.loads(line)["text"] for line in lines)
    assert text == "".join(f"{n} " for n in range(1000))


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    EventLog(tmp_path / "run").close()
    with pytest.raises(TraceError, match="already holds a run"):
        EventLog(tmp_path / "run")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="cannot write"):
        EventLog(tmp_path / "file" / "run")


def test_a_full_disk_is_a_trace_error_and_what_was_written_stays(tmp_path: Path) -> None:
    """A file size limit stands for the full disk: both make write(2) fail."""
    program = f"""
import resource, signal
from pathlib import Path
from treeact.errors import TraceError
from treeact.trace.events import Noticed
from treeact.trace.log import EventLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog(Path({str(tmp_path / "run")!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    for n in range(1000):
        log.emit(Noticed(id="run", text=str(n)))
except TraceError as error:
    print("TraceError", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "TraceError cannot write the trace" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2000
    assert len(list(read_events(tmp_path / "run"))) > 5
    assert (tmp_path / "run" / EVENTS_FILE).read_bytes().endswith(b"\n"), "half a line was left"


async def test_follow_gives_past_and_coming_events_to_the_end(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    log.emit(Noticed(id="run", text="past"))
    seen = []
    async for event in log.follow():
        seen.append(type(event).__name__)
        if len(seen) == 1:
            log.emit(Noticed(id="run", text="coming"))
            log.emit(ended())
    assert seen == ["Noticed", "Noticed", "RunEnded"]
    assert [type(event).__name__ async for event in log.follow()] == seen
    log.close()


def test_memory_logs_need_no_folder() -> None:
    log = EventLog()
    log.emit(Noticed(id="run", text="x"))
    assert log.blobs.read_text(log.text("y" * INLINE_BYTES * 2)) == "y" * INLINE_BYTES * 2
    assert len(list(log.events())) == 1
    assert not os.path.exists(EVENTS_FILE)
