"""The numbered examples run as they stand, without a model."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.agents.support import answer, code
from tests.cli.support import recording
from tests.documents.reading import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))

SAYS = {
    "01": "answer: 397.5",
    "02": "stopped: step limit; best effort: True",
    "03": "CodeRun (interrupted)",
    "04": "sent: [('ada@example.com', 'Received.')]",
    "05": "timeout, rolled back: True, bought: [350, 0, 'seen']",
    "06": "failed: ZeroDivisionError: division by zero",
    "07": "tree-planner  answered           success True",
    "08": "kept: def roman(number: int) -> str (",
    "09": "answer: 3, after 4 expansions",
    "10": "3 gained, 0 lost, p = 0.250",
    "11": "Invoice(vendor='Acme', total=12.5)",
}
"""A line of what each prints."""


@pytest.mark.jail
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(
    example: Path,
    reader: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", [str(example)])
    runpy.run_path(str(example), run_name="__main__")
    assert SAYS[example.stem[:2]] in capsys.readouterr().out


@pytest.mark.jail
def test_an_example_takes_another_model(
    reader: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = recording(reader / "tape.jsonl", [code("print(rainfall('Oslo', 'May'))"), answer("82")])
    monkeypatch.setattr(sys, "argv", ["01", "--model", f"replay:{tape}"])
    runpy.run_path(str(EXAMPLES[0]), run_name="__main__")
    assert capsys.readouterr().out.splitlines()[1:] == ["82.0", "run/step-2: ", "answer: 82"]


def test_all_but_the_one_without_a_model_take_another() -> None:
    without = {path.stem[:2] for path in EXAMPLES if '"--model"' not in path.read_text()}
    assert without == {"05"}


def test_there_is_one_for_each_number_and_each_fits_a_page() -> None:
    assert [path.stem[:2] for path in EXAMPLES] == [*SAYS]
    for path in EXAMPLES:
        assert len(path.read_text().splitlines()) <= 80, path.name
