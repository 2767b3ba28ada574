"""`treeact study` from end to end."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.cli.support import treeact
from treeact.benchmarks.studies import find_study
from treeact.errors import ConfigError

ROOT = Path(__file__).parents[2]
TINY = "tests.benchmarks.studies.tiny"


def study(tmp_path, *arguments, **more):
    return treeact(tmp_path, "study", *arguments, PYTHONPATH=str(ROOT), **more)


def test_a_study_ends_with_tables_and_a_plot_that_say_simulated(tmp_path):
    done = study(tmp_path, "codeact", "--seeds", "2", "--jobs", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["simulated"] is True and report["seeds"] == 2
    rows = report["tables"][0]["rows"]
    assert len(rows) == 24 and set(rows[0]["JSON"]) == {"value", "low", "high"}
    lines = [line for line in done.stderr.splitlines() if " seeds 0-1" in line]
    assert len(lines) == 144 and lines[-1].startswith("144/144 ")

    out = tmp_path / "studies" / "codeact"
    assert "(simulated)" in (out / "tables.md").read_text()
    svg = ElementTree.parse(out / "plot.svg").getroot()
    text = " ".join(svg.itertext())
    assert "codeact (simulated)" in text and "no model. 2 seeds" in text
    assert (out / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_results_give_the_same_files(tmp_path):
    folder = tmp_path / "studies" / "dice"
    shown = study(tmp_path, f"{TINY}:DICE", "--seeds", "3", "--jobs", "1")
    assert "Mean of a die" in shown.stdout and "Simulated" in shown.stdout
    before = [(folder / name).read_bytes() for name in ("tables.md", "plot.svg")]
    again = study(tmp_path, f"{TINY}:DICE", "--seeds", "3", "--jobs", "1", "--fresh")
    assert again.returncode == 0 and "finished before" not in again.stderr
    assert [(folder / name).read_bytes() for name in ("tables.md", "plot.svg")] == before


def test_the_list_has_every_study_with_its_question(tmp_path):
    lines = study(tmp_path, "list", "--json").stdout.splitlines()
    listed = {row["study"]: row["question"] for row in map(json.loads, lines)}
    assert listed.keys() >= {"codeact", "search", "toolchain", "tree-planner"}
    assert all(question.endswith("?") for question in listed.values())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("codeakt", r"did you mean codeact\?"),
        ("nothing-like-it", "choose one of codeact, codified"),
        ("no.such.module:STUDY", "cannot be imported"),
        (":STUDY", "cannot be imported"),
        (f"{TINY}:draw", "is no study"),
    ],
)
def test_a_name_that_is_no_study_is_refused(name, says):
    with pytest.raises(ConfigError, match=says):
        find_study(name)


def test_what_a_study_cannot_do_is_one_line_and_exit_2(tmp_path):
    failed = study(tmp_path, f"{TINY}:VANISHING", "--seeds", "2", "--jobs", "1")
    assert failed.returncode == 2
    assert "finite numbers" in failed.stderr and "Traceback" not in failed.stderr


def test_without_the_extra_nothing_is_run_and_the_extra_is_named(tmp_path):
    (tmp_path / "hidden" / "matplotlib").mkdir(parents=True)
    (tmp_path / "hidden" / "matplotlib" / "__init__.py").write_text(
        "raise ModuleNotFoundError('hidden', name='matplotlib')"
    )
    path = os.pathsep.join([str(tmp_path / "hidden"), str(ROOT)])
    failed = treeact(tmp_path, "study", "codeact", "--seeds", "2", PYTHONPATH=path)
    assert failed.returncode == 2
    assert "treeact[studies]" in failed.stderr
    assert not (tmp_path / "studies").exists()
