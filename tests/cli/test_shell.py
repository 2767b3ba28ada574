"""Life in a shell: completion, JSON, exit statuses, standard input, and output that pipes."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.agents.support import answer, code
from tests.cli.support import COMMAND, command, environment, recording
from treeact.cli import EXIT_WORDS
from treeact.cli.app import app

LOCAL = ["--sandbox", "unsafe-local"]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield all commands by their words."""
    group = group or get_command(app)
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield " ".join((*path, name)), one


DOING = {
    "actions diff",
    "actions disable",
    "actions export",
    "actions import",
    "actions pin",
    "bench rescore",
    "bench run",
    "bench submit",
    "completion",
    "sandbox build",
    "trace open",
    "watch",
}
"""Commands that do something, or write a format of their own; all others say what there is."""


def test_every_listing_speaks_json() -> None:
    speaking = {"--json", "--format", "--display"}
    silent = {
        words
        for words, one in commands()
        if not speaking & {option for parameter in one.params for option in parameter.opts}
    }
    assert silent <= DOING
    assert {words for words, _ in commands()} >= DOING, "a command that is gone stays excused"


@pytest.mark.parametrize(
    "listing",
    [
        "tools list",
        "bench list",
        "study list",
        "plan household",
        "trace list",
        "config show",
        "config path",
        "config check",
        "actions list",
    ],
)
def test_listings_in_json_are_lines_and_without_control_codes_otherwise(
    listing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    status = command(*listing.split(), "--json")
    output = capsys.readouterr()
    assert status == (2 if listing == "actions list" else 0), output.err
    for line in output.out.splitlines():
        json.loads(line)
    command(*listing.split())
    assert "\x1b" not in capsys.readouterr().out


def test_exit_statuses_are_the_same_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code("1"), code("2")])
    run = ["run", "?", "--model", f"replay:{tape}", *LOCAL, "--display", "quiet"]
    for status, arguments in [
        (0, ["--version"]),
        (0, ["--help"]),
        (1, [*run, "--max-steps", "1"]),
        (2, ["run", "--no-such-option"]),
        (2, ["no-such-command"]),
        (2, ["run"]),
        (2, ["trace", "show", "nothing"]),
        (2, ["trace", "tree", "nothing"]),
        (2, ["trace", "usage", "nothing"]),
        (2, ["bench", "run", "mini"]),
        (2, ["bench", "status", "nowhere"]),
        (2, ["bench", "report", "nowhere"]),
        (2, ["study", "nothing"]),
        (2, ["plan", "nowhere"]),
        (2, ["tools", "show", "nothing"]),
        (2, ["actions", "show", "nothing"]),
        (2, ["sandbox", "build", "--kind", "nothing"]),
        (2, ["completion", "tcsh"]),
        (2, ["tui"]),
        (2, ["run", "--replay-until", "2"]),
        (2, ["run", "--replay", "last", "--resume", "last"]),
    ]:
        assert command(*arguments) == status, arguments
        assert "Traceback" not in capsys.readouterr().err, arguments


def test_exit_statuses_are_told_by_help_and_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--help") == 0
    assert " ".join(EXIT_WORDS.split()) in " ".join(capsys.readouterr().out.split())
    text = (Path(__file__).parents[2] / "docs" / "shell.md").read_text()
    for status in ("0", "1", "2", "130", "141"):
        assert f"| {status} |" in text


def test_standard_input_is_the_question_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code("print(open('stdin').read())"), answer("6")])
    run = ["run", "--model", f"replay:{tape}", *LOCAL, "--display", "plain"]

    def given(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    given(b"1\n2\n3\n")
    assert command(*run, "Sum this.", "--file", "-") == 0
    shown = capsys.readouterr().out
    assert "files: stdin" in shown
    assert "│ 3" in shown
    given(b"What is it?")
    assert command(*run, "-") == 0
    assert "What is it?" in capsys.readouterr().out
    assert command(*run, "-", "--file", "-") == 2
    assert "not both" in capsys.readouterr().err


def test_a_replay_is_told_on_the_terminal_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1,2\n")
    told = ["--file", "a.csv", *LOCAL]
    tape = recording(tmp_path / "tape.jsonl", [code("print(open('a.csv').read())"), answer("2")])
    assert command("run", "How many?", "--model", f"replay:{tape}", *told) == 0
    (first,) = (tmp_path / "runs").iterdir()
    file.write_text("1,2,3\n")
    capsys.readouterr()
    assert command("run", "--replay", first.name, *told) == 0
    shown = capsys.readouterr().out
    assert "run/step-1: not as recorded: output\n    - 1,2\n    + 1,2,3\n" in shown
    assert "replayed 2 of 2 steps: 1 not as recorded" in shown
    live = recording(tmp_path / "live.jsonl", [answer("?"), answer("3")])
    until = ["--replay", first.name, "--replay-until", "1", "--model", f"replay:{live}"]
    assert command("run", *until, *told, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["answer"], result["calls"]) == ("3", 1)
    assert (result["replay"]["steps"], result["replay"]["recorded"]) == (1, 2)
    assert result["replay"]["divergences"] == [
        {"step": "run/step-1", "what": "output", "before": "1,2\n", "now": "1,2,3\n"}
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_read_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("completion", shell) == 0
    script = capsys.readouterr().out
    assert "_TREEACT_COMPLETE" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run --agent code", ["codeact", "codeagents"]),
        ("run --planner best", ["best-of-n"]),
        ("run --sandbox j", ["jail"]),
        ("run --model fa", ["fast"]),
        ("trace show 2", ["2-newer", "2-older"]),
        ("run --replay-u", ["--replay-until"]),
    ],
)
def test_words_are_completed(
    typed: str,
    offered: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "treeact.toml").write_text("[models.fast]\nmodel = 'human'")
    for name in ("2-older", "2-newer"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "events.jsonl").touch()
    words = ["treeact", *typed.split()]
    monkeypatch.setenv("_TREEACT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert command() == 0
    assert sorted(capsys.readouterr().out.split()) == sorted(offered)


def test_a_reader_that_goes_away_is_no_traceback_and_the_usual_status(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code(f"print({n})") for n in range(20)])
    run = ["run", "q", "--model", f"replay:{tape}", *LOCAL]
    for arguments, reader in [(run, "head -1"), (["config", "show"], "true")]:
        line = f"{' '.join([*COMMAND, *arguments])} | {reader}; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", line],
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            cwd=tmp_path,
            timeout=60,
        )
        assert done.stdout.splitlines()[-1] == "141", done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
