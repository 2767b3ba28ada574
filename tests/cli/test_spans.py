"""`--otlp` and `treeact trace export` from the outside."""

import json
import sys
from pathlib import Path

import pytest

from tests.agents.support import answer, code
from tests.cli.support import recording, treeact
from tests.support.otlp_receiver import OtlpReceiver
from treeact.cli import main
from treeact.trace import redact

LOCAL = ["--sandbox", "unsafe-local", "--display", "quiet"]


def test_a_run_is_sent_live_and_once_more_from_its_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code("print(6 * 7)"), answer("42")])
    run = ["run", "?", "--model", f"replay:{tape}", *LOCAL]
    with OtlpReceiver() as receiver:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        assert treeact(tmp_path, *run, **variables).returncode == 0
        assert receiver.requests == 0, "the variable alone asks for nothing"
        done = treeact(tmp_path, *run, "--otlp", "env", **variables)
        assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
        live = list(receiver.spans)
        export = ["trace", "export", "--runs", str(tmp_path / "runs")]
        assert command(*export, "--otlp", receiver.endpoint) == 0
        assert f"sent {len(live)} spans" in capsys.readouterr().err
    assert {span.id for span in live} == {span.id for span in receiver.spans}
    out = tmp_path / "spans.json"
    assert command(*export, "--format", "otlp-json", "--out", str(out)) == 0
    assert json.loads(out.read_text())["resourceSpans"]


def test_a_dead_receiver_leaves_the_exit_status_alone(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [answer("42")])
    run = ["run", "?", "--model", f"replay:{tape}", *LOCAL, "--otlp", "http://127.0.0.1:9"]
    done = treeact(tmp_path, *run)
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert done.stderr.count("http://127.0.0.1:9/v1/traces") == 1


def test_keys_of_a_receiver_are_told_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(redact, "_told", {})
    headers = "Authorization=Basic%20cGstbG9uZzpzaw,x-tenant=tenant-of-mine"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    leak = "import os\nprint(os.environ.get('H', 'cGstbG9uZzpzaw'), 'pass-of-mine')"
    tape = recording(tmp_path / "tape.jsonl", [code(leak), answer("42")])
    runs = ["--runs", str(tmp_path / "runs")]
    to = ["--otlp", "http://me:pass-of-mine@127.0.0.1:9"]
    assert command("run", "?", "--model", f"replay:{tape}", *LOCAL, *to, *runs) == 0
    assert command("trace", "export", *to, *runs) == 2
    said = "".join(capsys.readouterr())
    assert "127.0.0.1:9/v1/traces" in said
    said += "".join(file.read_text() for file in (tmp_path / "runs").rglob("*") if file.is_file())
    assert not [key for key in ("cGstbG9uZzpzaw", "pass-of-mine") if key in said]


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["treeact", *arguments])
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trace", "export", "{run}"], "say where to"),
        (["trace", "export", "{run}", "--otlp", "localhost:4318"], "no endpoint for spans"),
        (["trace", "export", "{run}", "--format", "otlp-json", "--out", "/no/x"], "cannot write"),
        (["trace", "export", "nothing", "--format", "otlp-json"], "no runs in"),
        (["run", "?", "--model", "human", *LOCAL, "--otlp", "ftp://h"], "no endpoint for spans"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    line = {"id": "run", "type": "run_started", "question": "?", "agent": "a", "model": "m"}
    line |= {"planner": "greedy", "sandbox": "jail"}
    (run / "events.jsonl").write_text(json.dumps(line) + "\n")
    runs = ["--runs", str(tmp_path / "none")]
    assert command(*(part.format(run=run) for part in arguments), *runs) == 2
    assert said in capsys.readouterr().err


def test_the_tasks_of_a_benchmark_are_sent_as_they_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "bench")
    options = ["--model", "oracle:act=0.9,seed=2", "--sample", "3", "--out", out]
    with OtlpReceiver() as receiver:
        assert command("bench", "run", "apis", *options, "--otlp", receiver.endpoint) == 0
    roots = receiver.named("invoke_agent plan")
    assert len(roots) == len({root.trace for root in roots}) == 3
