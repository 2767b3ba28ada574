"""`treeact bench`: what it prints, and what it exits with."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import command

ORACLE = ["--model", "oracle:act=0.9,seed=2"]


def bench(*arguments: str) -> int:
    return command("bench", *arguments)


def test_a_run_its_status_and_the_answers_to_hand_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    options = [*ORACLE, "--sample", "3", "--out", out]
    assert bench("run", "apis", *options, "--display", "plain") == 0
    shown = capsys.readouterr().out
    assert "apis: 3 of 3 jobs to do" in shown
    assert "3/3  " in shown
    assert "from a simulated policy: not a model's score" in shown
    assert bench("run", "apis", *options, "--display", "jsonl") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == ["bench_started", "bench_ended"]
    assert events[0]["left"] == 0, "what is done is not done again"
    assert bench("status", out, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["jobs"], status["agent"], status["simulated"]) == (
        3,
        "plan",
        "a simulated policy",
    )
    assert bench("rescore", out) == 0
    assert bench("list", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["suite"] == "apis"
    assert bench("submit", out, "--out", str(tmp_path / "s.jsonl")) == 2
    assert "--fill-missing" in capsys.readouterr().err
    assert bench("submit", out, "--out", str(tmp_path / "s.jsonl"), "--fill-missing", "") == 0
    assert len((tmp_path / "s.jsonl").read_text().splitlines()) == 125


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing", *ORACLE], "There is no suite 'nothing'"),
        (["run", "gaia", *ORACLE], "huggingface"),
        (["run", "mini", *ORACLE], "has no world that a simulated policy could know"),
        (["run", "apis", *ORACLE, "--id", "zzz"], "has no task 'zzz'"),
        (["run", "apis", *ORACLE, "--task-usd", "-1"], "usd: Input should be greater than 0"),
        (["run", "apis", *ORACLE, "--planner", "none"], "no planner named 'none'"),
        (["run", "apis", *ORACLE, "--executor", "moon"], "no executor named 'moon'"),
        (["status", "nowhere"], "holds no benchmark"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    out = ["--out", str(tmp_path / "run")] if arguments[0] == "run" else []
    assert bench(*arguments, *out) == 2
    assert said in capsys.readouterr().err


def test_ctrl_c_stops_it_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "treeact", "bench", "run", "household", *ORACLE, "--epochs"]
    options = ["30", "--out", str(tmp_path / "run"), "--display", "plain"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("20/"):
                running.send_signal(signal.SIGINT)
                break
        rest = running.stdout.read()
    assert running.returncode == 130
    assert "stopped on request" in rest
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as again:
        assert again.stdout is not None
        first = again.stdout.readline()
        again.kill()
    left = int(first.split(":")[1].split()[0])
    assert 1000 < left < 1080, first
