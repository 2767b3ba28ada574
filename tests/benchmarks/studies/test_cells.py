import json

import pytest

from tests.benchmarks.studies.tiny import DICE
from treeact.benchmarks.studies.cells import Cell, CellFile, cells_of
from treeact.errors import ConfigError

CELLS = cells_of(DICE, 60)


def rows(cell):
    return [{"eyes": float(seed)} for seed in range(cell.first, cell.end)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "out" / "cells.jsonl"
    with CellFile.open(path) as file:
        for cell in CELLS:
            file.add(cell, rows(cell))
    return path


def test_cells_cover_every_seed_of_every_setting_once():
    covered = [
        (cell.settings["sides"], seed) for cell in CELLS for seed in range(cell.first, cell.end)
    ]
    assert sorted(covered) == [(sides, seed) for sides in (4, 6, 20) for seed in range(60)]


def test_more_seeds_keep_the_cells_that_are_full():
    before, after = ({cell.key for cell in cells_of(DICE, seeds)} for seeds in (50, 100))
    assert before < after


@pytest.mark.parametrize(
    "change",
    [{"study": "other"}, {"version": 2}, {"settings": {"sides": 5}}, {"first": 1}, {"end": 9}],
)
def test_whatever_the_outcome_depends_on_is_in_the_key(change):
    fields = {"study": "dice", "version": 1, "settings": {"sides": 4}, "first": 0, "end": 25}
    assert Cell(**fields).key != Cell(**fields | change).key


def test_what_was_kept_is_read_again_seeds_in_order(path):
    with CellFile.open(path) as file:
        assert all(cell in file for cell in CELLS)
        results = file.results(CELLS)
    assert results.values("eyes", sides=6) == [float(seed) for seed in range(60)]
    with pytest.raises(KeyError, match="3 settings"):
        results.values("eyes")
    with pytest.raises(KeyError, match="0 settings"):
        results.values("eyes", sides=7)


def test_a_torn_last_line_is_dropped_wherever_it_was_torn(path):
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(last, len(whole), 7):
        path.write_bytes(whole[:end])
        with CellFile.open(path) as file:
            assert [cell in file for cell in CELLS] == [*[True] * (len(CELLS) - 1), False]
            file.add(CELLS[-1], rows(CELLS[-1]))
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"key": "k", "settings": {}, "first": 0}',
        b'{"key": "k", "settings": {}, "first": -1, "measures": [{"a": 1}]}',
        b'{"key": "k", "settings": {}, "first": 0, "measures": []}',
        b'{"key": "k", "settings": {}, "first": 0, "measures": [{"a": NaN}]}',
        b'{"key": "k", "settings": {}, "first": 0, "measures": [{"a": "1"}]}',
        b'{"key": "k", "settings": {}, "first": 0, "measures": [{"a": 1}], "more": 1}',
    ],
)
def test_a_damaged_line_is_named(path, line):
    lines = path.read_bytes().splitlines()
    lines[2] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ConfigError, match=r"cells.jsonl, line 3: .*--fresh"), CellFile.open(path):
        pass
    with CellFile.open(path, fresh=True) as file:
        assert not any(cell in file for cell in CELLS)
    assert path.read_bytes() == b""


def test_a_file_serves_one_study_at_a_time(path):
    in_use = pytest.raises(ConfigError, match="in use by another study")
    with CellFile.open(path), in_use, CellFile.open(path):
        pass
    with CellFile.open(path) as file:
        assert CELLS[0] in file


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "cells.jsonl", tmp_path):
        with pytest.raises(ConfigError, match="give another --out"), CellFile.open(path):
            pass


def test_what_is_no_finite_number_is_not_kept(tmp_path):
    with CellFile.open(tmp_path / "cells.jsonl") as file:
        with pytest.raises(ConfigError, match="finite"):
            file.add(CELLS[0], [{"eyes": float("inf")}])
        assert CELLS[0] not in file
    assert (tmp_path / "cells.jsonl").read_bytes() == b""


def test_a_line_says_what_it_is(path):
    first = json.loads(path.read_text().splitlines()[0])
    assert first["settings"] == {"sides": 4} and first["first"] == 0
    assert len(first["measures"]) == 25
