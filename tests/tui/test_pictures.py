"""Each screen at two sizes is as it was drawn last: text that can be read in a diff, and pictures.

After a change that is meant: `python -m tests.tui.pictures`, and look at what it changed.
"""

import asyncio
from pathlib import Path

import pytest

from tests.tui.pictures import (
    PICTURED,
    PICTURES,
    SIZES,
    TEXTS,
    made_with,
    make_runs,
    picture_of,
    shown,
    text_of,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    asyncio.run(make_runs(folder))
    return folder


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURED)
async def test_a_screen_is_as_it_was(runs: Path, name: str, size: tuple[int, int]) -> None:
    columns, lines = size
    async with shown(runs, name, size) as (app, _):
        text, picture = text_of(app), picture_of(app)
    assert [words for words in PICTURED[name].words if words not in text] == []
    assert len(text.splitlines()) == lines
    if made_with() != (TEXTS / "made-with").read_text():
        pytest.skip("drawn with other versions of Textual and Rich")
    assert text == (TEXTS / f"{name}-{columns}x{lines}").read_text()
    if size == SIZES[0]:
        assert picture == (PICTURES / f"{name}.svg").read_text(), "its looks have changed"
