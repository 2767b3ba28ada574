"""Runs of the same tasks, side by side."""

from pathlib import Path

import pytest

from tests.benchmarks.reports.made import make_run, write_data
from treeact.benchmarks.comparison import compare
from treeact.benchmarks.results import Results, read_results
from treeact.errors import ConfigError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "tasks.jsonl")


def run(path: Path, data: Path, right: set[int], *, epochs: int = 1, **more: object) -> Results:
    answers = {f"t-{n}": [str(n if n in right else -1)] * epochs for n in range(1, 13)}
    return read_results(make_run(path, data, answers, **more))  # type: ignore[arg-type]


def test_flips_are_counted_task_by_task(tmp_path: Path, data: Path) -> None:
    first = run(tmp_path / "a", data, {1, 2, 3, 4}, cost=0.01)
    second = run(tmp_path / "b", data, {3, 4, 5, 6, 7, 8, 9}, cost=0.03)
    (found,) = compare(first, [second])
    assert (found.both, found.gained, found.lost, found.neither) == (2, 5, 2, 3)
    assert [flip.task for flip in found.flips if flip.after < flip.before] == ["t-1", "t-2"]
    assert found.p == found.corrected == pytest.approx(2 * 29 / 2**7)  # 1 + 7 + 21 ways of 128
    assert found.accuracy.value == pytest.approx(3 / 12)
    assert found.accuracy.low < 3 / 12 < found.accuracy.high
    assert found.cost is not None and found.cost.value == pytest.approx(0.02)
    (same,) = compare(first, [first])
    assert (same.flips, same.p, same.accuracy.low, same.accuracy.high) == ((), 1.0, 0.0, 0.0)


def test_several_comparisons_are_corrected_for_being_several(tmp_path: Path, data: Path) -> None:
    first = run(tmp_path / "a", data, set())
    better = run(tmp_path / "b", data, set(range(1, 13)))
    alike = run(tmp_path / "c", data, {1})
    found = compare(first, [better, alike])
    assert [one.corrected for one in found] == [2 * found[0].p, 1.0]


def test_epochs_count_by_their_share(tmp_path: Path, data: Path) -> None:
    first = read_results(make_run(tmp_path / "a", data, {"t-1": ["1", "0"], "t-2": ["2", "0"]}))
    second = read_results(make_run(tmp_path / "b", data, {"t-1": ["1", "1"], "t-2": ["0", "2"]}))
    (found,) = compare(first, [second])
    assert [(flip.task, flip.before, flip.after) for flip in found.flips] == [("t-1", 0.5, 1.0)]
    assert (found.alike, found.neither, found.accuracy.value) == (1, 10, pytest.approx(0.5 / 12))
    assert "22 jobs" not in str(found.notes) and "20 jobs are not done" in found.notes[0]


def test_an_unknown_price_makes_no_difference_in_dollars(tmp_path: Path, data: Path) -> None:
    (found,) = compare(run(tmp_path / "a", data, {1}), [run(tmp_path / "b", data, {1}, cost=None)])
    assert found.cost is None


def test_other_tasks_are_refused_unless_left_out(tmp_path: Path, data: Path) -> None:
    first = run(tmp_path / "a", data, {1, 11})
    shifted = write_data(tmp_path / "more.jsonl", first=11)
    second = read_results(make_run(tmp_path / "b", shifted, {"t-11": ["0"]}))
    with pytest.raises(ConfigError, match=r"20 tasks .* such as t-1, t-10, t-13: --intersect .* 2"):
        compare(first, [second])
    (found,) = compare(first, [second], intersect=True)
    assert (found.tasks, found.lost, found.neither, len(found.first.rows)) == (2, 1, 1, 2)
    far = read_results(make_run(tmp_path / "c", write_data(tmp_path / "far.jsonl", first=90), {}))
    with pytest.raises(ConfigError, match="no task in common"):
        compare(first, [far], intersect=True)


def test_tasks_that_only_share_their_name_are_refused(tmp_path: Path, data: Path) -> None:
    other = write_data(tmp_path / "other.jsonl", mark="other ")
    second = read_results(make_run(tmp_path / "b", other, {}))
    with pytest.raises(ConfigError, match="12 tasks are not the same"):
        compare(run(tmp_path / "a", data, {1}), [second])


def test_other_scorers_are_refused(tmp_path: Path, data: Path) -> None:
    numeric = tmp_path / "numeric.jsonl"
    numeric.write_text('{"scorer": "numeric"}\n' + data.read_text())
    second = read_results(make_run(tmp_path / "b", numeric, {}))
    with pytest.raises(ConfigError, match=r"scored by gaia \d, .* by numeric"):
        compare(run(tmp_path / "a", data, {1}), [second])


def test_runs_without_truths_are_refused(tmp_path: Path, data: Path) -> None:
    blind = tmp_path / "blind.jsonl"
    blind.write_text('{"id": "t-1", "question": "What?"}\n')
    second = read_results(make_run(tmp_path / "b", blind, {"t-1": ["1"]}))
    with pytest.raises(ConfigError, match="is not scored"):
        compare(second, [second])
