"""Parts of the driver that need no process of their own."""

import dataclasses
import datetime
import enum
import os
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.sandbox import driver


@dataclasses.dataclass
class Point:
    x: int
    y: "Point | None" = None


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (range(2), [0, 1]),
        (deque([1]), [1]),
        ({"a": 1}.keys(), ["a"]),
        ({1: "a", None: 2, False: 3}, {"1": "a", "null": 2, "false": 3}),
        (Point(1, Point(2)), {"x": 1, "y": {"x": 2, "y": None}}),
        (datetime.date(2024, 5, 1), "2024-05-01"),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
    ],
)
def test_arguments_become_json(value: Any, plain: Any) -> None:
    assert driver.plain(value, "f") == plain


@pytest.mark.parametrize("value", [object(), b"x", float("nan"), float("inf"), {(1, 2): 3}, len])
def test_what_has_no_json_form_is_named_by_its_place(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^f\['a'\]\[1\]"):
        driver.plain({"a": [0, value]}, "f")


@given(st.recursive(st.integers() | st.text() | st.booleans(), st.lists))
def test_plain_values_are_left_as_they_are(value: Any) -> None:
    assert driver.plain(value, "f") == value


def test_fingerprints_tell_small_values_apart_but_not_objects() -> None:
    assert driver.fingerprint([1, "a"]) != driver.fingerprint([1, "b"])
    assert driver.fingerprint({"a": 1}) != driver.fingerprint({"a": 2})
    assert driver.fingerprint({"b", "a"}) == driver.fingerprint({"a", "b"})
    assert driver.fingerprint(object()) == driver.fingerprint(object())
    loop: list[Any] = []
    loop.append(loop)
    assert driver.fingerprint(loop).startswith("list:")


def test_files_are_opened_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "secret").write_text("s")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("real/secret")
    os.mkfifo(tmp_path / "fifo")
    for name in ("folder/secret", "link", "fifo", "real", "missing"):
        with pytest.raises((OSError, ValueError)):
            driver.read_beneath(str(tmp_path), name, 0, 10)
    assert driver.read_beneath(str(tmp_path), "real/secret", 0, 10) == (1, b"s")
    with pytest.raises(NotADirectoryError):
        driver.write_beneath(str(tmp_path), "folder/new", 0, b"x")
    assert driver.listed(driver.scan(str(tmp_path))) == [["real/secret", 1]]


def test_long_texts_lose_their_middle() -> None:
    text = driver.shorten("a" * 100 + "b" * 100, 50)
    assert text.startswith("a" * 25)
    assert text.endswith("b" * 25)
    assert "150 characters left out" in text
