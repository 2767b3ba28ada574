"""The mini suite: its tasks can be solved, its snares bite, and it can be generated again."""

import contextlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from openpyxl import load_workbook
from PIL import Image

from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite

SOLUTIONS = Path(__file__).parent / "solutions"
GENERATOR = Path(__file__).parents[1] / "tools" / "mini_suite" / "generate.py"
SUITE = load_suite("mini")
SAMPLES = {sample.task.id: sample for sample in SUITE.samples}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put_files(task_id: str, folder: Path) -> None:
    for file in SAMPLES[task_id].task.files:
        shutil.copy(file, folder)


def solution(task_id: str) -> str:
    return (SOLUTIONS / f"{task_id}.py").read_text(encoding="utf-8")


def printed(source: str) -> str:
    """What a script prints when it runs in the current folder."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, "solution", "exec"), {})
    return output.getvalue().strip()


@pytest.mark.parametrize("task_id", SAMPLES)
def test_the_reference_solution_is_right(task_id: str, folder: Path) -> None:
    put_files(task_id, folder)
    assert gaia_score(printed(solution(task_id)), SAMPLES[task_id].truth)


# A line of the reference solution, and what one writes who has missed the point of it.
SNARES = [
    ("mini-1-birds", "if count else 1", "if count else 0"),
    ("mini-1-discs", "< 0.9", "< 9"),
    ("mini-1-menu", 'float(dish["price"].lstrip("£"))', 'dish["price"]'),
    ("mini-1-timetable", 'runs != "Sat" and ', ""),
    ("mini-2-orders", ".drop_duplicates()", ""),
    ("mini-2-orders", 'float(value.lstrip("€ ").replace(",", "."))', "0"),
    ("mini-2-orders", ".str.strip()", ""),
    (
        "mini-2-orders",
        "drop_duplicates()\n",
        "drop_duplicates()[lambda t: t.Date.map(type) != str]\n",
    ),
    ("mini-2-orders", '.str.strip().str.lower() == "north"', ' == "North"'),
    ("mini-2-orders", ' - orders["Back"].fillna(0)', ""),
    ("mini-2-loans", "> 21", ">= 21"),
    ("mini-2-loans", '"%d/%m/%Y" if "/" in text else "%Y-%m-%d"', '"mixed"'),
    ("mini-2-samples", " and name not in void", ""),
    ("mini-2-samples", 'rock == "basalt"', '"basalt" in rock'),
    ("mini-2-samples", '"mg": 0.001', '"mg": 1'),
    ("mini-2-meters", ") % 10_000", ")"),
    ("mini-3-shock", 'offsets["DUN"] = timedelta(0)', ""),
    ("mini-3-shock", 'offsets["KES"] += timedelta(minutes=4, seconds=20)', ""),
    ("mini-3-shock", ">= 50", ">= 0"),
    ("mini-3-huts", '("T15", "T17")', "()"),
    ("mini-3-huts", "1.5 if", "1 if"),
    ("mini-3-huts", "else 15", "else 0"),
    ("mini-3-huts", 'if trail.get("back")', "if False"),
    (
        "mini-3-huts",
        'if trail.get("back"):',
        'trail.attrib.setdefault("back", trail.get("out"))\n    if True:',
    ),
    ("mini-3-greenhouse", '["temperature"] < 999', '["temperature"] < 9999'),
    ("mini-3-greenhouse", "where(~old, ", "where(~old | old, "),
    ("mini-3-greenhouse", 'stood & (joined["bench"] == "B")', 'joined["sensor"] == "S2"'),
    ("mini-3-parcels", ' if parcel["zone"] == "C" else scales', ""),
    ("mini-3-parcels", "max(scales, math.prod(sides) / 5000)", "scales"),
    ("mini-3-parcels", "if max(sides) > 100:", "if False:"),
    ("mini-3-parcels", ' and parcel["posted"] >= "2024-07-01"', ""),
    ("mini-3-parcels", "math.ceil(cents * 1.08 / 5) * 5", "round(cents * 1.08)"),
    ("mini-3-parcels", " and scales > 1", ""),
    ("mini-1-flour", ".lower()", ""),
    ("mini-1-flour", "14 * 16", "14"),
    ("mini-2-catch", ".lower()", ""),
    ("mini-3-ferry", 'or vehicle["places"] > places', "or places < 1"),
]


@pytest.mark.parametrize(("task_id", "line", "missed"), SNARES)
def test_missing_the_point_gives_a_wrong_answer(
    task_id: str, line: str, missed: str, folder: Path
) -> None:
    put_files(task_id, folder)
    assert solution(task_id).count(line) == 1
    answer = printed(solution(task_id).replace(line, missed))
    assert answer
    assert not gaia_score(answer, SAMPLES[task_id].truth)


def test_a_changed_cell_of_the_ledger_changes_the_answer(folder: Path) -> None:
    put_files("mini-1-ledger", folder)
    table = folder / "port_anselm_2023.csv"
    text = table.read_text()
    assert text.count("timber,927\n") == 1
    table.write_text(text.replace("timber,927\n", "timber,928\n"))
    truth = int(SAMPLES["mini-1-ledger"].truth)
    assert printed(solution("mini-1-ledger")) == str(truth + 1)


def test_a_changed_cell_of_the_parcels_changes_the_answer(folder: Path) -> None:
    put_files("mini-3-parcels", folder)
    table = folder / "parcels.csv"
    text = table.read_text()
    assert text.count("P002,2024-06-06,B,6.80 kg") == 1
    table.write_text(text.replace("P002,2024-06-06,B,6.80 kg", "P002,2024-06-06,A,6.80 kg"))
    cheaper = float(SAMPLES["mini-3-parcels"].truth) - 12.40 + 8.90
    assert printed(solution("mini-3-parcels")) == f"{cheaper:.2f}"


def test_the_suite_has_tasks_of_each_level() -> None:
    assert Counter(sample.level for sample in SUITE.samples) == {1: 6, 2: 6, 3: 5}
    for sample in SUITE.samples:
        assert sample.task.id.startswith(f"mini-{sample.level}-")


def test_files_are_listed_small_and_free_of_strays() -> None:
    listed = {file for sample in SUITE.samples for file in sample.task.files}
    root = next(iter(listed)).parents[1]
    assert listed == {path for path in root.rglob("*") if path.is_file()}
    assert sum(file.stat().st_size for file in listed) < 1_000_000
    kinds = {file.suffix for file in listed}
    assert kinds >= {
        ".csv",
        ".xlsx",
        ".json",
        ".pdf",
        ".txt",
        ".png",
        ".zip",
        ".html",
        ".xml",
        ".log",
    }


def test_truths_score_against_themselves_and_are_short() -> None:
    for sample in SUITE.samples:
        assert gaia_score(sample.truth, sample.truth)
        assert not gaia_score("", sample.truth)
        assert len(sample.truth) <= 40


def content(path: Path) -> object:
    """What a file says, whichever versions of the compressing libraries wrote it."""
    if path.suffix == ".png":
        with Image.open(path) as image:
            return image.size, image.convert("RGB").tobytes()
    if path.suffix == ".xlsx":
        book = load_workbook(path)
        return {sheet.title: list(sheet.values) for sheet in book}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    return path.read_bytes()


def test_the_generator_gives_the_committed_suite(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GENERATOR, tmp_path / "again"], check=True, timeout=60)
    committed = next(iter(SAMPLES.values())).task.files[0].parents[2]

    def contents(folder: Path) -> dict[str, object]:
        files = [folder / "tasks.jsonl", *(folder / "files").rglob("*.*")]
        return {path.relative_to(folder).as_posix(): content(path) for path in files}

    assert contents(tmp_path / "again") == contents(committed)
