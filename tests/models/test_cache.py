"""A reply is paid once, and only the same request gets it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from treeact import ScriptedModel
from treeact.errors import ConfigError
from treeact.models.base import Image, Message, Prices, Request
from treeact.models.cache import NOTE, CachedModel
from treeact.trace.usage import Usage

REQUEST = Request(messages=(Message("user", "?"),), path="run/step-1/propose")


class Counting:
    def __init__(self) -> None:
        self.asked = 0

    def model(self, name: str = "scripted") -> ScriptedModel:
        prices = Prices(input=1e-6, output=1e-6, source="test")
        return ScriptedModel(self.reply, prices=prices, name=name)

    def reply(self, request: Any) -> str:
        self.asked += 1
        return f"reply {self.asked}"


class Charging:
    """A meter that notes what is booked."""

    def __init__(self) -> None:
        self.booked: list[tuple[Usage, float | None]] = []

    async def reserve(self, request: Request, *, model: Any) -> Any:
        return self

    def settle(self, usage: Usage, cost: float | None) -> None:
        self.booked.append((usage, cost))


async def test_the_same_request_is_asked_once_and_booked_each_time(tmp_path: Path) -> None:
    asked, meter = Counting(), Charging()
    first = await CachedModel(asked.model(), tmp_path).complete(REQUEST, meter=meter)
    second = await CachedModel(asked.model(), tmp_path).complete(
        replace(REQUEST, path="run/elsewhere"), meter=meter
    )
    assert asked.asked == 1
    assert second.texts == first.texts
    assert NOTE in second.notes
    assert NOTE not in first.notes
    assert meter.booked[0] == meter.booked[1]


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "!"),)},
        {"messages": (Message("system", "?"),)},
        {"messages": (Message("user", "?", (Image(data=b"x"),)),)},
        {"n": 2},
        {"temperature": 0.5},
        {"max_output_tokens": 9},
        {"stop": ("x",)},
        {"schema": {"type": "object"}},
    ],
)
async def test_any_other_request_is_asked(tmp_path: Path, change: dict[str, Any]) -> None:
    asked = Counting()
    model = CachedModel(asked.model(), tmp_path)
    await model.complete(REQUEST)
    before = asked.asked
    await model.complete(replace(REQUEST, **change))
    assert asked.asked > before


async def test_model_server_and_salt_are_part_of_the_key(tmp_path: Path) -> None:
    asked = Counting()
    for model in (
        CachedModel(asked.model(), tmp_path),
        CachedModel(asked.model("other"), tmp_path),
        CachedModel(asked.model(), tmp_path, server="http://a"),
        CachedModel(asked.model(), tmp_path, salt="epoch 2"),
    ):
        await model.complete(REQUEST)
    assert asked.asked == 4


async def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    asked = Counting()
    model = CachedModel(asked.model(), tmp_path)
    await model.complete(REQUEST)
    spoil(tmp_path)
    await model.complete(REQUEST)
    assert asked.asked == 2
    assert NOTE in (await model.complete(REQUEST)).notes


def spoil(folder: Path) -> None:
    (file,) = folder.glob("*/*.json")
    file.write_bytes(file.read_bytes()[:20])


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make the cache"):
        CachedModel(Counting().model(), tmp_path / "file" / "cache")
