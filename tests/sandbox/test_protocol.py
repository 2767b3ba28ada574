import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.sandbox import driver
from treeact.sandbox.link import protocol
from treeact.sandbox.link.protocol import Decoder, Kind, ProtocolError, encode

PARSERS = [
    protocol.parse_call,
    protocol.parse_died,
    protocol.parse_done,
    protocol.parse_gap,
    protocol.parse_reply,
    protocol.parse_state,
]
DONE = {
    "status": "ok",
    "value": "1",
    "error": None,
    "files": [["a/b.txt", 3]],
    "notes": [],
    "cpu": 0.1,
    "memory": 5,
    "output": False,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
field_names = st.sampled_from([*DONE, "id", "tool", "args", "kwargs", "stream", "bytes", "digest"])


def test_driver_and_host_number_messages_alike() -> None:
    for kind in Kind:
        assert getattr(driver, kind.name) == kind
    assert driver.VERSION == protocol.VERSION
    assert driver.HEADER.format == protocol.HEADER.format


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=50))), st.integers(1, 40))
def test_frames_survive_any_cut_of_the_stream(messages: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(encode(branch, Kind.STDOUT, payload) for branch, payload in messages)
    decoder = Decoder(100)
    frames = []
    for start in range(0, len(stream), size):
        frames += decoder.feed(stream[start : start + size])
    assert [(frame.branch, frame.payload) for frame in frames] == messages


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_protocol_error(data: bytes) -> None:
    decoder = Decoder(64)
    try:
        frames = decoder.feed(data)
    except ProtocolError:
        return
    assert all(len(frame.payload) <= 64 for frame in frames)
    assert len(decoder._buffer) <= 64 + protocol.HEADER.size


def test_a_claimed_length_beyond_the_cap_is_refused_before_it_arrives() -> None:
    with pytest.raises(ProtocolError, match="4294967295 bytes"):
        Decoder(1 << 20).feed(struct.pack("!IIB", 1, 2**32 - 1, Kind.STDOUT))


@pytest.mark.parametrize("kind", [0, int(Kind.EXEC), 31, max(Kind) + 1, 255])
def test_kinds_that_no_sandbox_sends_are_refused(kind: int) -> None:
    with pytest.raises(ProtocolError):
        Decoder(100).feed(struct.pack("!IIB", 1, 0, kind))


@given(st.binary(max_size=300))
def test_parsers_raise_nothing_but_protocol_errors_on_bytes(payload: bytes) -> None:
    for parse in PARSERS:
        try:
            parse(payload)
        except ProtocolError:
            continue


@given(st.dictionaries(field_names, json_values))
def test_parsers_raise_nothing_but_protocol_errors_on_json(message: dict[str, object]) -> None:
    payload = json.dumps(message).encode()
    for parse in PARSERS:
        try:
            parse(payload)
        except ProtocolError:
            continue


@given(field_names, json_values)
def test_a_good_message_with_one_bad_field_is_whole_or_refused(name: str, value: object) -> None:
    try:
        done = protocol.parse_done(json.dumps(DONE | {name: value}).encode())
    except ProtocolError:
        return
    assert isinstance(done.cpu, float)
    assert 0 <= done.memory < 2**63
    assert all(isinstance(note, str) for note in done.notes)


def test_deep_nesting_is_refused() -> None:
    for depth in (protocol.MAX_DEPTH + 2, 100_000):
        payload = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        with pytest.raises(ProtocolError):
            protocol.load(payload)


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"1" * 5000, b'"\xff"', b"[]", b"1", b""])
def test_json_that_is_not_a_plain_object_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.load(text)
    with pytest.raises(ProtocolError):
        protocol.parse_done(b'{"cpu": ' + text + b"}")


def test_lone_surrogates_are_replaced_so_that_text_can_be_written() -> None:
    loaded = protocol.load(b'{"\\ud800": ["\\udfff", {"x": "\\uD834"}]}')
    assert json.dumps(loaded, ensure_ascii=False).encode() == b'{"?": ["?", {"x": "?"}]}'


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "", "a//b", "./a", "a\nb", "a\0b", "x" * 2000]
)
def test_file_names_that_leave_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    assert not protocol.is_inside(name)
    with pytest.raises(ProtocolError):
        protocol.parse_done(json.dumps(DONE | {"files": [[name, 1]]}).encode())
    with pytest.raises(ValueError, match=r"name|null"):
        driver.open_beneath(str(tmp_path), name, 0)


@given(cpu=st.integers(0, 10**12), memory=st.integers(0, 10**14), output=st.booleans())
def test_the_short_way_to_write_and_read_a_plain_report(
    cpu: int, memory: int, output: bool
) -> None:
    report = {"status": "ok", "value": None, "error": None, "notes": [], "files": []}
    report |= {"cpu": cpu / 10**6, "memory": memory, "output": output}
    assert protocol.parse_done(driver.encode_report(report)) == protocol.parse_done(
        json.dumps(report).encode()
    )


@pytest.mark.parametrize(
    ("cpu", "memory", "output"),
    [(float("nan"), 0, 0), (float("inf"), 0, 0), (-1.0, 0, 0), (0.0, 1 << 63, 0), (0.0, 0, 2)],
)
def test_a_plain_report_of_what_cannot_be_is_refused(cpu: float, memory: int, output: int) -> None:
    with pytest.raises(ProtocolError):
        protocol.parse_done(struct.pack("!dQB", cpu, memory, output))


@given(st.text(), st.integers(0, 10**6), st.lists(st.text()))
def test_code_of_any_text_is_sent_whole(code: str, step: int, put: list[str]) -> None:
    head, _, sent = protocol.encode_code(code, step, put).partition(b"\n")
    number, _, names = head.partition(b" ")
    assert (int(number), json.loads(names or b"[]")) == (step, put)
    assert sent.decode("utf-8", "surrogatepass") == code
