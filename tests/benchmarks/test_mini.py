"""The mini suite: its tasks can be solved, its snares bite, and it can be generated again."""

import contextlib
import io
import shutil
import sqlite3
import subprocess
import sys
import tarfile
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
    ("mini-1-changelog", ' and "withdrawn" not in line', ""),
    ("mini-1-changelog", "line[3].isdigit()", "line[3:]"),
    ("mini-1-changelog", 'line[:2] in ("- ", "* ")', 'line.lstrip()[:2] in ("- ", "* ")'),
    ("mini-1-changelog", ' in ("- ", "* ")', ' == "- "'),
    ("mini-1-changelog", ' and part == "Fixed"', ""),
    ("mini-1-slides", "trees and not hidden", "trees"),
    ("mini-1-exhibition", ".lower()", ""),
    ("mini-1-exhibition", '"glass" in cells[2].lower()', 'cells[2].lower() == "glass"'),
    (
        "mini-1-lamps",
        '{**plan["defaults"], **zone}',
        '{**plan["defaults"], **zone, "on": "on" in zone}',
    ),
    ("mini-1-lamps", 'if full["on"]', "if True"),
    ("mini-1-source", "(ast.FunctionDef, ast.AsyncFunctionDef)", "ast.FunctionDef"),
    ("mini-1-source", "ast.walk(tree)", "tree.body"),
    (
        "mini-1-tides",
        '(f"{max(falls):.2f}")',
        "(max(abs(a - b) for (_, a), (_, b) in pairwise(waters)))",
    ),
    ("mini-1-tones", ">= 600", ">= 0"),
    ("mini-1-strip", "if dark]", "if dark or True]"),
    ("mini-1-fridays", "== 2", ">= 2"),
    ("mini-1-digits", "(total + 1)", "total"),
    ("mini-2-plate", 'bright.shape[0] - 1 - int(star["y"])', 'int(star["y"])'),
    ("mini-2-visits", "> 1800", ">= 1800"),
    ("mini-2-visits", "times.sort()", "pass"),
    ("mini-2-visits", 'if "Bot" not in agent', "if agent"),
    ("mini-2-hires", '{record["id"]: record for record in records}.values()', "records"),
    ("mini-2-hires", 'datetime.fromisoformat(record["time"])', 'record["time"]'),
    (
        "mini-2-hires",
        'sorted(records, key=lambda record: datetime.fromisoformat(record["time"]))',
        "records",
    ),
    ("mini-2-hires", 'record["count"]', "1"),
    ("mini-2-league", "points[fined] -= 4", "pass"),
    ("mini-2-league", 're.sub(r"<s>.*?</s>", "", cell)', 're.sub(r"</s>.*|<s>", "", cell)'),
    ("mini-2-league", 'result in ("", "&times;")', 'result in ("", "&times;", "H", "A")'),
    ("mini-2-family", '"1841"', '"1866"'),
    ("mini-2-family", "queue.append(child)", "pass"),
    ("mini-2-family", " > 1950", " == 9999"),
    ("mini-2-pasture", " - sum(map(area, holes))", ""),
    ("mini-2-pasture", "for outline, *holes in parts:", "for outline, *holes in parts[:1]:"),
    ("mini-2-maze", 'field == "G" and not key', "False"),
    ("mini-2-fair", "count = 14", "count = 20"),
    ("mini-2-fair", "count = 0", "pass"),
    ("mini-2-fair", "3 * total", "5 * total"),
    ("mini-2-choir", 'if stamp not in event["out"]', "if stamp"),
    ("mini-2-choir", ' and happening.get("STATUS") != "CANCELLED"', ""),
    (
        "mini-2-choir",
        'changed.get((event["UID"], stamp), {**event, "start": when})',
        '{**event, "start": when}',
    ),
    ("mini-3-coach", " or sent > latest[address][0]", ""),
    (
        "mini-3-coach",
        'parsedate_to_datetime(message["Date"])',
        'parsedate_to_datetime(message["Date"]).replace(tzinfo=None)',
    ),
    ("mini-3-coach", "[1].lower()", "[1]"),
    ("mini-3-coach", '(r"^Seats', '(r"> Seats'),
    ("mini-3-codebook", "way == ferry", 'way == "5"'),
    ("mini-3-codebook", "m != missing", 'm != "99"'),
    (
        "mini-3-codebook",
        'max(last.get(person, ("",)), (answered, way, minutes))',
        'min(last.get(person, ("3",)), (answered, way, minutes))',
    ),
    ("mini-3-flood", "[::-1, ::-1] * 0.2", " * 0.2"),
    ("mini-3-flood", "[::-1, ::-1]", "[::-1]"),
    ("mini-3-flood", " * 0.3048", ""),
    ("mini-3-flood", "wet.sum())", "low.sum())"),
    ("mini-3-tape", "samples = samples[::-1]", ""),
    ("mini-3-tape", '{"G": "L", "L": "G"}.get(letter, letter)', "letter"),
    ("mini-3-calendar", " and year % 128", ""),
    ("mini-3-calendar", "(year - 1) * 360 + left", "(date(2024, 5, 17) - date(1794, 3, 1)).days"),
    ("mini-3-wages", 'book["Rates from 19"]', 'book["Rates"]'),
    ("mini-3-wages", "row[0] or department", "row[0]"),
    ("mini-3-wages", "+ max(0, hours - 38) / 2", ""),
    ("mini-3-wages", "whole + minutes / 60", "whole + minutes / 100"),
    ("mini-3-fuel", "4.546", "1"),
    ("mini-3-fuel", ' and change["entered"] > entered', ""),
    ("mini-3-fuel", "if (ship, day) in seen:", "if False:"),
    ("mini-3-fuel", "if withdrawn is None:", "if True:"),
    (
        "mini-3-flights",
        '"UTC" if row["flight"].startswith("ZQ") else zones[airport]',
        "zones[airport]",
    ),
    ("mini-3-flights", "local.replace(tzinfo=ZoneInfo(zone)).timestamp()", "local.timestamp()"),
    (
        "mini-3-flights",
        "local.replace(tzinfo=ZoneInfo(zone))",
        "local.replace(tzinfo=datetime(2024, 4, 1, tzinfo=ZoneInfo(zone)).astimezone().tzinfo)",
    ),
    ("mini-3-moths", '("nights", "resent")', '("nights",)'),
    ("mini-3-kiln", "burnt // 4 * 3", "burnt / 4 * 3"),
    ("mini-3-kiln", "shelves // 2 * 5", "shelves / 2 * 5"),
    ("mini-3-kiln", "(target - start) // rise", "(target - start) / rise"),
    ("mini-3-kiln", "math.floor(burnt / 2 + 0.5)", "round(burnt / 2)"),
    ("mini-3-kiln", '["kiln.ini", "site.ini"]', '["kiln.ini"]'),
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


def test_the_suite_has_fifteen_tasks_of_each_level_and_a_pair() -> None:
    assert Counter(sample.level for sample in SUITE.samples) == {1: 16, 2: 16, 3: 15}
    for sample in SUITE.samples:
        assert sample.task.id.startswith(f"mini-{sample.level}-")


def test_files_are_listed_small_and_free_of_strays() -> None:
    listed = {file for sample in SUITE.samples for file in sample.task.files}
    root = next(iter(listed)).parents[1]
    assert listed == {path for path in root.rglob("*") if path.is_file()}
    assert sum(file.stat().st_size for file in listed) < 1_000_000
    kinds = {file.suffix.lstrip(".") for file in listed}
    assert kinds >= set(KINDS.split())


KINDS = (
    "csv tsv xlsx json jsonl pdf png zip gz log xml html txt md sqlite docx pptx ini toml py wav"
)
KINDS += " ics eml geojson"


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
        return {sheet.title: (sheet.sheet_state, list(sheet.values)) for sheet in book}
    if path.suffix in (".zip", ".pptx", ".docx"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if path.suffix == ".pptx":  # the rest is python-pptx's template
                names = [name for name in names if name.startswith("ppt/slides/slide")]
            return {name: archive.read(name) for name in names}
    if path.suffix == ".gz":
        with tarfile.open(path) as archive:
            return {name: archive.extractfile(name).read() for name in archive.getnames()}
    if path.suffix == ".sqlite":
        with contextlib.closing(sqlite3.connect(path)) as base:
            return list(base.iterdump())
    return path.read_bytes()


def test_the_generator_gives_the_committed_suite(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GENERATOR, tmp_path / "again"], check=True, timeout=60)
    committed = next(iter(SAMPLES.values())).task.files[0].parents[2]

    def contents(folder: Path) -> dict[str, object]:
        files = [folder / "tasks.jsonl", *(folder / "files").rglob("*.*")]
        return {path.relative_to(folder).as_posix(): content(path) for path in files}

    assert contents(tmp_path / "again") == contents(committed)
