"""A damaged run can be made whole again, as far as it can be read."""

from pathlib import Path

import pytest

from tests.agents.support import agent, answer, code
from treeact.errors import TraceError
from treeact.trace.events import Noticed
from treeact.trace.index import TraceIndex
from treeact.trace.log import EventLog, read_events
from treeact.trace.repair import write_repaired


def damage(directory: Path, *lines: int) -> list[bytes]:
    """Damage lines of a log, counted from 1, and return what they were."""
    log = directory / "events.jsonl"
    whole = log.read_bytes().splitlines(keepends=True)
    broken = [b"{\xff oops\n" if n in lines else it for n, it in enumerate(whole, start=1)]
    log.write_bytes(b"".join(broken))
    return whole


async def test_a_repaired_copy_holds_what_can_be_read_under_the_same_numbers(
    tmp_path: Path,
) -> None:
    replies = [code("print('x' * 9000)"), answer("1")]
    await agent(replies).run("What is it?", trace=tmp_path / "r")
    whole = damage(tmp_path / "r", 3, 4)
    with pytest.raises(TraceError, match="line 3"):
        list(read_events(tmp_path / "r"))
    copy = write_repaired(tmp_path / "r")
    assert copy == tmp_path / "r-repaired"
    events = list(read_events(copy))
    assert [event.seq for event in events] == list(range(len(whole)))
    lost = [event.text for event in events if isinstance(event, Noticed)]
    assert [text.partition(":")[0] for text in lost] == ["an event is lost"] * 2
    assert "line 3" in lost[0]
    index = TraceIndex(copy)
    ran = next(it for it in index.events(index.refresh()) if it.type == "code_run")  # type: ignore[attr-defined]
    assert "x" * 9000 in index.blobs.read_text(ran.stdout)  # type: ignore[attr-defined]
    assert write_repaired(tmp_path / "r") == tmp_path / "r-repaired-2"


def test_an_end_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "r")
    for number in range(3):
        log.emit(Noticed(id="run", text=str(number)))
    log.close()
    file = tmp_path / "r" / "events.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    assert [str(it.text) for it in read_events(write_repaired(tmp_path / "r"))] == ["0", "1"]  # type: ignore[attr-defined]


def test_what_cannot_be_read_cannot_be_repaired(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot repair"):
        write_repaired(tmp_path / "not there")
    assert not (tmp_path / "not there-repaired").exists()
