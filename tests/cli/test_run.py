"""`treeact run` from the outside: output, exit status, traces, and bad input."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.agents.support import answer, code
from tests.cli.support import COMMAND, environment, recording, treeact
from treeact.cli.run import read_schema
from treeact.errors import ConfigError

LOCAL = ["--sandbox", "unsafe-local"]


def test_a_run_is_shown_kept_and_shown_again(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code("print(6 * 7)"), answer("42")])
    done = treeact(tmp_path, "run", "What is 6 x 7?", "--model", f"replay:{tape}", *LOCAL)
    assert done.returncode == 0, done.stderr
    for words in ("What is 6 x 7?", "print(6 * 7)", "│ 42", "answer: 42", "2 steps"):
        assert words in done.stdout
    again = treeact(tmp_path, "trace", "show")
    shown = done.stdout[: done.stdout.index("trace: ")]
    assert again.stdout == shown
    listed = treeact(tmp_path, "trace", "list", "--json")
    assert json.loads(listed.stdout)["answer"] == "42"


def test_jsonl_prints_the_events_and_quiet_the_answer(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [answer("42")])
    run = ["run", "?", "--model", f"replay:{tape}", *LOCAL, "--display"]
    done = treeact(tmp_path, *run, "jsonl", "--context-tokens", "9000")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["settings"]["context_tokens"] == 9000
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "run_ended"
    assert treeact(tmp_path, *run, "quiet").stdout == "42\n"


def test_the_question_may_come_from_stdin_and_files_are_handed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    tape = recording(tmp_path / "tape.jsonl", [code("print(open('a.csv').read())"), answer("2")])
    done = treeact(
        tmp_path,
        *["run", "-", "--file", "a.csv", "--model", f"replay:{tape}", *LOCAL],
        stdin="How many?",
    )
    assert "How many?" in done.stdout
    assert "│ 1,2" in done.stdout


def test_a_person_can_be_the_model_and_be_recorded_and_replayed(tmp_path: Path) -> None:
    typed = f"{code('print(2 + 2)')}\n.\n{answer('4')}\n.\n"
    run = ["run", "What is 2 + 2?", *LOCAL, "--display", "quiet"]
    first = treeact(tmp_path, *run, "--model", "human", "--record", "tape.jsonl", stdin=typed)
    assert first.stdout == "4\n", first.stderr
    assert "You solve a task by writing Python code" in first.stderr
    assert json.loads((tmp_path / "tape.jsonl").read_text().splitlines()[0])["author"] == "hand"
    second = treeact(tmp_path, *run[:-1], "plain", "--model", "replay:tape.jsonl")
    assert second.returncode == 0
    assert "answer: 4" in second.stdout
    assert "depart" not in second.stdout


def test_a_run_without_an_answer_says_why_and_exits_1(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [code("1")])
    done = treeact(tmp_path, "run", "?", "--model", f"replay:{tape}", *LOCAL, "--max-steps", "1")
    assert done.returncode == 1
    assert "step limit" in done.stdout


def one_line_error(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    line, rest = done.stderr.split("\n", 1)
    assert rest == ""
    assert line.startswith("treeact: ")
    return line


def test_bad_input_gets_one_line_that_names_the_remedy(tmp_path: Path) -> None:
    tape = str(recording(tmp_path / "tape.jsonl", [answer("x")]))
    replay = ["--model", f"replay:{tape}", *LOCAL]
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text(Path(tape).read_text().replace('"path"', '"pith"') + "{}\n{}\n")
    (tmp_path / "folder").mkdir()
    cases = [
        (["", *replay], "question is empty"),
        (["?", "--file", "gone.csv", *replay], "gone.csv does not exist"),
        (["?", "--file", "folder", *replay], "is not a file"),
        (["?", "--file", "x" * 300, *replay], "cannot be read"),
        (["?", "--step-timeout", "0", *replay], "step_timeout"),
        (["?", "--agent", ":x", *replay], "cannot be imported"),
        (["?", "--model", "replay:gone.jsonl", *LOCAL], "gone.jsonl"),
        (["?", "--model", f"replay:{damaged}", *LOCAL], "line 2"),
        (["?", "--budget-usd", "0", *replay], "usd is 0"),
        (["?", "--budget-usd", "1", *replay], "price"),
        (["?", "--timeout", "0", *replay], "seconds is 0"),
        (["?", "--agent", "codeakt", *replay], "did you mean codeact"),
        (["?", "--planner", "gredy", *replay], "did you mean greedy"),
        (["?", "--approve", "all", *replay], "terminal"),
        (["?", "--runs", f"{tape}/x", *replay], "cannot write the trace"),
    ]
    for arguments, words in cases:
        assert words in one_line_error(treeact(tmp_path, "run", *arguments)), arguments


def test_bad_models_are_told_apart(tmp_path: Path) -> None:
    missing_key = treeact(tmp_path, "run", "?", "--model", "openai/gpt-4o-mini", *LOCAL)
    assert "OPENAI_API_KEY" in one_line_error(missing_key)
    unknown = treeact(tmp_path, "run", "?", "--model", "opnai/gpt-4o-mini", *LOCAL)
    assert "openai" in one_line_error(unknown)


def test_no_usable_sandbox_is_an_error_and_never_a_fallback(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [answer("x")])
    done = treeact(
        tmp_path,
        *["run", "?", "--model", f"replay:{tape}", "--sandbox", "docker"],
        DOCKER_HOST=f"unix://{tmp_path}/nothing.sock",
    )
    assert "docker" in one_line_error(done).lower()


def test_options_out_of_range_are_refused(tmp_path: Path) -> None:
    done = treeact(tmp_path, "run", "?", "--max-steps", "0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def children(pid: int) -> list[str]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return found.stdout.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_run_cleanly(tmp_path: Path, number: int) -> None:
    tape = recording(
        tmp_path / "tape.jsonl", [code("import time\nprint('on', flush=True)\ntime.sleep(60)")]
    )
    process = subprocess.Popen(
        [*COMMAND, "run", "?", "--model", f"replay:{tape}", *LOCAL, "--display", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"sandbox_started"' in line:
            break
    time.sleep(0.3)
    inside = children(process.pid)
    assert inside
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    last = json.loads(output.splitlines()[-1])
    assert (last["type"], last["reason"]) == ("run_ended", "cancelled")
    time.sleep(0.2)
    assert not [pid for pid in inside if os.path.exists(f"/proc/{pid}")]


def test_the_terminal_is_safe_from_escape_sequences(tmp_path: Path) -> None:
    evil = code("print('\\x1b]0;owned\\x07\\x1b[2J')", thought="\x1b[31mred\x9b")
    tape = recording(tmp_path / "tape.jsonl", [evil, answer("\x1b[1mx")])
    done = treeact(tmp_path, "run", "?", "--model", f"replay:{tape}", *LOCAL)
    assert "\x1b" not in done.stdout
    assert "\x9b" not in done.stdout
    assert "\\x1b" in done.stdout


def test_nothing_is_left_of_a_run_that_was_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    tape = recording(tmp_path / "tape.jsonl", [answer("x")])
    done = treeact(tmp_path, "run", "?", "-a", "json", "-f", "a.csv", "--model", f"replay:{tape}")
    assert "working folder" in one_line_error(done)
    assert treeact(tmp_path, "trace", "list").stdout == ""


def test_a_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    tape = recording(tmp_path / "tape.jsonl", [answer("42")])
    treeact(tmp_path, "run", "?", "--model", f"replay:{tape}", *LOCAL)
    (tmp_path / "runs" / "0-damaged").mkdir()
    (tmp_path / "runs" / "0-damaged" / "events.jsonl").write_text("{}\n{}\n")
    lines = treeact(tmp_path, "trace", "list").stdout.splitlines()
    assert len(lines) == 2
    assert "damaged" in lines[0]
    assert "42" in lines[1]


def test_help_and_version_need_no_settings(tmp_path: Path) -> None:
    assert "--max-steps" in treeact(tmp_path, "run", "--help").stdout
    assert treeact(tmp_path, "--version").stdout.startswith("treeact 0.")


def test_doctor_says_what_works_and_what_to_do(tmp_path: Path) -> None:
    plain = treeact(tmp_path, "doctor", OPENAI_API_KEY="sk-not-to-be-shown")
    assert plain.returncode == 0, plain.stderr
    assert "sk-not" not in plain.stdout
    found = json.loads(treeact(tmp_path, "doctor", "--json").stdout)
    named = {(finding["what"], finding["name"]) for finding in found}
    assert {("sandbox", "docker"), ("sandbox", "jail"), ("sandbox", "unsafe-local")} <= named
    assert any(finding["what"] == "model" for finding in found)
    assert all(finding["detail"] for finding in found)


def test_an_answer_can_be_asked_for_by_schema(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    tape = recording(tmp_path / "tape.jsonl", [answer("42"), code("final_answer({'n': 42})")])
    run = ["run", "?", "--model", f"replay:{tape}", *LOCAL, "--answer-schema", "schema.json"]
    done = treeact(tmp_path, *run, "--display", "quiet")
    assert json.loads(done.stdout) == {"n": 42}, done.stderr
    wrong = recording(tmp_path / "wrong.jsonl", [answer("42"), answer("43")])
    run[3] = f"replay:{wrong}"
    done = treeact(tmp_path, *run, "--display", "plain")
    assert done.returncode == 1
    assert "stopped (invalid answer)" in done.stdout and "is not of type 'object'" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"), [("{", "no JSON"), ("[]", "no JSON Schema"), ("[" * 99_999, "no JSON")]
)
def test_a_schema_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_schema(tmp_path / "schema.json")
    with pytest.raises(ConfigError, match="cannot read"):
        read_schema(tmp_path)
