"""What reports say, and what they must never say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.reports.made import HOSTILE, make_run, write_data
from tests.support.browser import CHROMIUM, Browser
from treeact.benchmarks.reports.files import FORMATS, write_report
from treeact.benchmarks.reports.summary import headline, notes, summary_tables
from treeact.benchmarks.results import Results, read_results
from treeact.benchmarks.scoring import Verdict
from treeact.benchmarks.statistics import mean
from treeact.benchmarks.suite import Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError
from treeact.trace.log import EVENTS_FILE

MARK = "zebra"
"""Stands in every text that a redacted report must not hold."""


def read(directory: Path) -> tuple[Results, Suite]:
    results = read_results(directory)
    suite = load_suite("jsonl", data=results.manifest.config.data, split=None)
    return results, suite


@pytest.fixture
def half(tmp_path: Path) -> Results:
    """Of 12 tasks 3 are right, 3 wrong and 1 without an answer; 5 are not begun."""
    answers = {f"t-{n}": [str(n if n <= 3 else 0)] for n in range(1, 7)}
    data = write_data(tmp_path / "tasks.jsonl")
    return read_results(make_run(tmp_path / "run", data, {**answers, "t-7": [None]}))


def test_what_is_not_answered_is_wrong_in_every_figure(half: Results) -> None:
    tables = {table.title: table for table in summary_tables(half)}
    rows = {row[0]: row for row in tables["Accuracy"].rows}
    assert rows["all"][1:6] == (12, "3 of 12", "25.0% (8.9–53.2)", "50%", "50.0%")
    assert sum(int(str(rows[f"level {level}"][1])) for level in (1, 2, 3)) == 12
    assert headline(half) == "3 of 12 right, 25.0% (8.9–53.2). 6 answered."
    assert notes(half) == ["5 of 12 jobs are not done, and count as wrong."]
    assert ("stopped", "step limit", 1) in tables["Ends"].rows
    assert tables["Effort"].rows[0][-2:] == ("$0.0700", "$0.0233")
    assert tables["Tokens by role"].rows == [("agent", 7, 7000, 0, 700, 0, "$0.0700")]


def test_few_tasks_get_no_percentage_and_unknown_prices_no_sum(tmp_path: Path) -> None:
    data = write_data(tmp_path / "tasks.jsonl", 3)
    some = read_results(make_run(tmp_path / "run", data, {"t-1": ["1"]}, cost=None))
    assert headline(some) == "1 of 3 right. 1 answered."
    assert "1 calls have no known price: costs leave them out." in notes(some)
    assert {table.title: table for table in summary_tables(some)}["Effort"].rows[0][-2:] == (
        "n/a",
        "n/a",
    )


def test_epochs_are_told_by_their_number(tmp_path: Path) -> None:
    data = write_data(tmp_path / "tasks.jsonl", 2)
    found = read_results(make_run(tmp_path / "r", data, {"t-1": ["1", "0"], "t-2": ["0", "0"]}))
    (table,) = (table for table in summary_tables(found) if table.title == "Several epochs")
    assert table.rows == [(1, "25.0%", "25.0%"), (2, "50.0%", "0.0%")]


def test_measures_of_epochs_that_agree_are_no_surer(tmp_path: Path) -> None:
    data = write_data(tmp_path / "tasks.jsonl")
    found = read_results(
        make_run(tmp_path / "r", data, {f"t-{n}": ["0"] * 4 for n in range(1, 13)})
    )
    levels = {f"t-{n}": n / 10 for n in range(1, 13)}
    rows = [
        replace(row, verdict=Verdict(right=False, measures={"f1": levels[row.task]}))
        for row in found.rows
    ]
    (table,) = (
        table
        for table in summary_tables(replace(found, rows=tuple(rows)))
        if table.title == "Measures"
    )
    assert table.rows == [("f1", 48, mean(list(levels.values())))]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_redacted_report_holds_no_text_of_others(tmp_path: Path, suffix: str) -> None:
    data = write_data(tmp_path / f"{MARK}.jsonl", mark=MARK)
    with data.open("a") as file:
        file.write(f"{MARK} is no JSON\n")
    model = f"replay:/home/{MARK}/recordings"
    answers = {"t-1": [f"{MARK}truth 1"], "t-2": [MARK], "t-3": [None]}
    results, suite = read(make_run(tmp_path / "run", data, answers, text=MARK, model=model))
    odd = replace(results.rows[3], scoring_error=f"ValueError: {MARK}")
    results = replace(results, rows=(*results.rows[:3], odd, *results.rows[4:]))
    whole, redacted = tmp_path / f"whole{suffix}", tmp_path / f"redacted{suffix}"
    write_report(results, suite, whole)
    write_report(results, suite, redacted, redacted=True)
    assert MARK in whole.read_text()
    assert MARK not in redacted.read_text()
    assert "t-1" in redacted.read_text() and "1100" in redacted.read_text().replace(",", "")


def test_a_report_that_cannot_be_written_leaves_nothing(half: Results, tmp_path: Path) -> None:
    _, suite = read(half.directory)
    with pytest.raises(ConfigError, match=r"end it in one of \.html"):
        write_report(half, suite, tmp_path / "report.pdf")
    with pytest.raises(ConfigError, match="cannot write"):
        write_report(half, suite, tmp_path / "no" / "report.md")
    assert not list(tmp_path.glob("*report*"))


def test_markdown_keeps_its_cells(tmp_path: Path) -> None:
    data = write_data(tmp_path / "tasks.jsonl", 1)
    results, suite = read(make_run(tmp_path / "run", data, {"t-1": [HOSTILE]}, text=HOSTILE))
    write_report(results, suite, tmp_path / "report.md")
    lines = (tmp_path / "report.md").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| t-1 |"))
    assert row.replace("\\|", "").count("|") == 10 and "<" not in row


def test_json_has_the_tables(half: Results, tmp_path: Path) -> None:
    write_report(half, read(half.directory)[1], tmp_path / "report.json")
    tables = json.loads((tmp_path / "report.json").read_text())["tables"]
    assert tables[0]["rows"][0]["right"] == "3 of 12"


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_shows_the_page_without_a_request_or_complaint(tmp_path: Path) -> None:
    data = write_data(tmp_path / "tasks.jsonl", 12, mark=HOSTILE.replace("\ud800", ""))
    answers = {f"t-{n}": [HOSTILE * 3, None] for n in range(1, 9)}
    run = make_run(tmp_path / "run", data, answers, text=HOSTILE, model=f"m/{HOSTILE[:60]}")
    with (run / "tasks" / "t-2.1" / EVENTS_FILE).open("a") as log:
        log.write("damaged\n")
    write_report(*read(run), tmp_path / "report.html")
    with Browser(tmp_path / "profile") as browser:
        for width, phone in ((390, True), (1200, False)):
            browser.open(tmp_path / "report.html", width=width, phone=phone)
            assert browser.run("document.querySelectorAll('details.task').length") == 24
            browser.run("for (const it of document.querySelectorAll('details')) it.open = true")
            assert browser.run(f"document.documentElement.scrollWidth <= {width}")
            assert browser.run("document.querySelectorAll('img, iframe, script').length") == 1
            assert browser.run("document.querySelectorAll('svg').length") >= 5
            smallest = "Math.min(...[...document.querySelectorAll('svg text')]"
            assert browser.run(f"{smallest}.map(it => it.getBoundingClientRect().height))") > 10
        browser.run("which.value = 'errored'; which.dispatchEvent(new Event('change'))")
        assert browser.run("document.getElementById('count').textContent") == "1 shown"
        browser.run(
            "which.value = ''; sought.value = 'T-3 '; sought.dispatchEvent(new Event('input'))"
        )
        assert browser.run("document.querySelectorAll('details.task:not([hidden])').length") == 2
        assert browser.complaints == []
        assert set(browser.requests) == {(tmp_path / "report.html").as_uri()}
