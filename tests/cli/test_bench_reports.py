"""`treeact bench report` and `compare`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.benchmarks.reports.made import make_run, write_data
from treeact.cli.app import app
from treeact.errors import ConfigError


def bench(*arguments: object) -> Result:
    done = CliRunner().invoke(app, ["bench", *map(str, arguments)])
    if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def run(tmp_path: Path) -> Path:
    data = write_data(tmp_path / "tasks.jsonl")
    return make_run(tmp_path / "run", data, {"t-1": ["1"], "t-2": ["0"]})


def test_a_report_is_shown_or_written(run: Path, tmp_path: Path) -> None:
    shown = bench("report", run).stdout
    assert "1 of 12 right" in shown and "Accuracy" in shown and "step" in shown
    assert json.loads(bench("report", run, "--json").stdout)["headline"].startswith("1 of 12")
    files = [tmp_path / f"report{suffix}" for suffix in (".html", ".md", ".csv", ".json")]
    written = bench("report", run, *(f"--out={file}" for file in files))
    assert written.stdout.split() == list(map(str, files))
    assert "What is 3?" in files[0].read_text()
    bench("report", run, "--redact", f"--out={files[0]}")
    assert "What is 3?" not in files[0].read_text()


def test_gaias_rows_are_not_written_without_a_warning(tmp_path: Path) -> None:
    from treeact.benchmarks.runner.config import BenchConfig
    from treeact.benchmarks.runner.directory import BenchDirectory, prepare
    from treeact.benchmarks.suites import load_suite

    data = tmp_path / "metadata.jsonl"
    data.write_text('{"task_id": "a", "Question": "?x", "Level": 1, "Final answer": "1"}\n')
    config = BenchConfig(suite="gaia", data=data, model="m")
    suite = load_suite("gaia", data=data, split=None)
    prepare(BenchDirectory(tmp_path / "run"), config, suite, ["a"], 1)
    page = tmp_path / "page.html"
    assert "forbid to publish" in bench("report", tmp_path / "run", "--out", page).stderr
    assert not bench("report", tmp_path / "run", "--redact", "--out", page).stderr


def test_runs_are_compared(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", tmp_path / "tasks.jsonl", {"t-2": ["2"]})
    shown = bench("compare", run, other).stdout
    assert "gained" in shown and "lost" in shown and "10 jobs are not done" in shown
    tables = json.loads(bench("compare", run, other, run, "--json").stdout)["tables"]
    assert [row["p corrected"] for row in tables[0]["rows"]] == ["1.000", "1.000"]
    with pytest.raises(ConfigError, match="holds no benchmark"):
        bench("compare", run, tmp_path)
