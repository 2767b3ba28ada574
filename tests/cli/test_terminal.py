"""Approval, interrupt and follow-up questions at a real terminal."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.agents.support import answer, code
from tests.cli.support import COMMAND, environment, recording


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    started: list[pexpect.spawn[str]] = []

    def begin(replies: list[str], *options: str) -> "pexpect.spawn[str]":
        tape = recording(tmp_path / "tape.jsonl", replies)
        child = pexpect.spawn(
            COMMAND[0],
            [
                *COMMAND[1:],
                *["run", "Q?", "--model", f"replay:{tape}", "--sandbox", "unsafe-local"],
                *options,
            ],
            env={**environment(tmp_path), "TERM": "dumb"},
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=20,
        )
        started.append(child)
        return child

    yield begin
    for child in started:
        child.close(force=True)


def test_approval_at_the_terminal(start: object) -> None:
    replies = [code("print('o' + 'ne')"), code("print('t' + 'wo')"), code("3"), answer("x")]
    child = start(replies, "--approve", "all")  # type: ignore[operator]
    child.expect("waits for your approval")
    child.expect("top> ")
    child.sendline("y")
    child.expect("│ one")
    child.expect("top> ")
    child.sendline("e")
    child.expect("single dot")
    child.sendline("print('z' + 'wei')")
    child.sendline(".")
    child.expect("│ zwei")
    child.expect("top> ")
    child.sendline("n")
    child.expect("instead")
    child.sendline("count slower")
    child.expect("did not allow this action, and it was not run. count slower")
    child.expect("answer: x")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_stopping_at_an_approval_cancels(start: object) -> None:
    child = start([code("1")], "--approve", "all")  # type: ignore[operator]
    child.expect("top> ")
    child.sendline("s")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130


@pytest.mark.parametrize("key", ["c", "d"])
def test_ctrl_c_and_the_end_of_input_end_a_question(start: object, key: str) -> None:
    child = start([code("1")], "--approve", "all")  # type: ignore[operator]
    child.expect("top> ")
    child.sendcontrol(key)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130


def test_ctrl_c_at_the_follow_up_question_ends_the_conversation(start: object) -> None:
    child = start([answer("x")], "--follow-up")  # type: ignore[operator]
    child.expect("follow-up")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_the_time_limit_ends_a_question_too(start: object) -> None:
    options = ("--approve", "all", "--timeout", "2")
    child = start([code("1")], *options)  # type: ignore[operator]
    child.expect("top> ")
    child.expect("time limit")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 1


def test_follow_up_questions_keep_the_state(start: object) -> None:
    replies = [code("x = 41"), answer("41"), "", code("print(x + 1)"), answer("42")]
    child = start(replies, "--follow-up")  # type: ignore[operator]
    child.expect("answer: 41")
    child.expect("follow-up")
    child.sendline("And one more?")
    child.expect("│ 42")
    child.expect("answer: 42")
    child.expect("follow-up")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_ctrl_c_asks_for_words_when_a_person_stays(start: object) -> None:
    slow = code("kept = 7\nprint('st' + 'arted', flush=True)\nimport time\ntime.sleep(60)")
    child = start([slow, code("print(kept)"), answer("7")], "--follow-up")  # type: ignore[operator]
    child.expect("ready in")
    child.expect(pexpect.TIMEOUT, timeout=0.7)
    child.sendintr()
    child.expect("what now")
    child.sendline("be quick")
    child.expect("The user says: be quick")
    child.expect("│ 7")
    child.expect("follow-up")
    child.sendcontrol("c")
    child.sendline("")
    child.expect(pexpect.EOF)
    assert sys.executable
