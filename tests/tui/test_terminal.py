"""In a real terminal: a recorded run is steered, watched, killed and resumed, and left sanely."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agents.support import answer, code
from tests.sandbox.test_nothing_left import leftovers
from treeact import CodeAct, ScriptedModel
from treeact.models.recording import RecordingModel
from treeact.trace.events import CodeRun, CommandReceived, ModelCalled, RunEnded
from treeact.trace.log import read_events

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")

SETTINGS = r"(?:[0-9a-f]+:){10,}[0-9a-f]+"
"""What `stty -g` prints."""
SLOW = "import os, time\nwhile os.path.exists({!r}):\n    time.sleep(0.1)\nprint('so')"
"""Takes as long as a file is there."""


class Terminal:
    """A terminal of 100 by 30 in a tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def open(self, name: str, command: str) -> None:
        """Run a command, and then say its status and what the terminal is set to."""
        shell = f"stty -g; {command}; echo STATUS $?; stty -g; sleep 60"
        self._call("new-session", "-d", "-s", name, "-x", "100", "-y", "30", shell)

    def press(self, name: str, *keys: str) -> None:
        self._call("send-keys", "-t", name, *keys)

    def approve(self, name: str, runs: Path) -> None:
        """Approve what waits, as soon as that can be: what is typed ahead decides nothing."""
        self.until(name, lambda screen: "waits for your yes" in screen)
        taken = all_commands(runs)
        for _ in range(100):
            self.press(name, "a")
            time.sleep(0.3)
            if all_commands(runs) != taken:
                return
        raise AssertionError(f"it was never approved; the screen is:\n{self.screen(name)}")

    def screen(self, name: str) -> str:
        return self._call("capture-pane", "-t", name, "-p")

    def check_sane(self, name: str) -> None:
        """Check that a command left the alternate screen, the cursor, and its settings."""
        settings = self.until(name, lambda screen: len(re.findall(SETTINGS, screen)) == 2)
        before, after = re.findall(SETTINGS, settings)
        assert before == after
        flags = self._call("display-message", "-t", name, "-p", "#{alternate_on} #{cursor_flag}")
        assert flags.split() == ["0", "1"]

    def until(self, name: str, holds: Callable[[str], bool]) -> str:
        for _ in range(600):
            if holds(screen := self.screen(name)):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"it never came; the screen is:\n{self.screen(name)}")

    def pid(self, name: str) -> int:
        shell = self._call("list-panes", "-t", name, "-F", "#{pane_pid}").strip()
        return int(subprocess.check_output(["pgrep", "-P", shell], text=True).split()[0])

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def _call(self, *arguments: str) -> str:
        return subprocess.check_output([*self._tmux, *arguments], text=True)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path / "tmux")
    yield opened
    opened.close()


def treeact(*arguments: str) -> str:
    return shlex.join([sys.executable, "-W", "ignore", "-m", "treeact", *arguments])


def the_run(runs: Path) -> Path:
    (run,) = runs.iterdir()
    return run


def commands(run: Path) -> list[str]:
    return [it.command for it in read_events(run) if isinstance(it, CommandReceived)]


def all_commands(runs: Path) -> list[list[str]]:
    return [commands(run) for run in sorted(runs.iterdir())]


@pytest.fixture
async def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A command that shows a recorded run, of which all code waits for a yes."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv("CI", raising=False)
    tape = tmp_path / "tape.jsonl"
    replies = [code("print(6 * 7)"), code(SLOW.format(str(tmp_path / "slow"))), answer("42")]
    model = RecordingModel(ScriptedModel(replies), tape)
    await CodeAct(model, sandbox="unsafe-local").run("What is it?")
    return treeact("run", "What is it?", *options(tmp_path), "--display", "tui", "--approve", "all")


def options(tmp_path: Path) -> list[str]:
    tape, runs = tmp_path / "tape.jsonl", tmp_path / "runs"
    return ["-m", f"replay:{tape}", "--sandbox", "unsafe-local", "--runs", str(runs)]


def test_a_recorded_run_is_steered_gone_on_from_a_step_and_left(
    tmp_path: Path, terminal: Terminal, command: str
) -> None:
    runs = tmp_path / "runs"
    (tmp_path / "slow").touch()
    terminal.open("run", command)
    terminal.until("run", lambda screen: bool(re.search(SETTINGS, screen)))
    terminal.press("run", "a", "s", "a", "Enter", "a")  # typed before there is a screen
    terminal.until("run", lambda screen: "waits for your yes" in screen)
    terminal.press("run", "a", "s", "Enter", "r")  # and before anybody can have read it
    time.sleep(0.5)
    assert "waits for your yes" in terminal.screen("run")
    first = the_run(runs)
    assert commands(first) == [], "typed ahead"

    terminal.approve("run", runs)
    terminal.until("run", lambda screen: "print('so')" in screen and "waits" in screen)
    terminal.approve("run", runs)
    terminal.until("run", lambda screen: screen.startswith(" working"))
    terminal.press("run", "Escape")
    terminal.until("run", lambda screen: "interrupted" in screen)
    terminal.press("run", *"Answer.", "Enter")
    terminal.until("run", lambda screen: "ended: answered" in screen)
    assert commands(first) == ["approve", "approve", "interrupt", "send"]

    terminal.press("run", "2")
    terminal.until("run", lambda screen: "step-1" in screen)
    terminal.press("run", "/")
    terminal.until("run", lambda screen: "search" in screen)
    terminal.press("run", *"6 * 7", "Enter")
    terminal.until("run", lambda screen: "print(6 * 7)" in screen)
    (tmp_path / "slow").unlink()
    terminal.press("run", "g")
    terminal.until("run", lambda screen: "waiting" in screen and "step 1" in screen)
    terminal.approve("run", runs)  # the step is done again from the record
    terminal.until("run", lambda screen: "print('so')" in screen and "waits" in screen)
    terminal.approve("run", runs)
    terminal.until("run", lambda screen: "ended: answered" in screen)
    terminal.press("run", "C-q")
    assert "42" in terminal.until("run", lambda screen: "STATUS 0" in screen)
    terminal.check_sane("run")
    (second,) = (run for run in runs.iterdir() if run != first)
    assert commands(second) == ["approve", "approve"]
    calls = [event for event in read_events(second) if isinstance(event, ModelCalled)]
    assert len(calls) == 2, "the first step was thought of again"


def test_who_watches_may_be_killed_and_the_run_goes_on(
    tmp_path: Path, terminal: Terminal, command: str
) -> None:
    runs = tmp_path / "runs"
    terminal.open("run", command)
    terminal.approve("run", runs)
    terminal.until("run", lambda screen: "print('so')" in screen and "waits" in screen)

    watch = treeact("watch", "--runs", str(runs))
    terminal.open("watch", watch)
    terminal.until("watch", lambda screen: "waits for your yes" in screen)
    os.kill(terminal.pid("watch"), signal.SIGKILL)
    terminal.open("again", watch)
    terminal.approve("again", runs)
    terminal.until("again", lambda screen: "ended: answered" in screen)
    terminal.press("again", "C-q")
    terminal.until("again", lambda screen: "STATUS 0" in screen)
    terminal.check_sane("again")

    terminal.until("run", lambda screen: "ended: answered" in screen)
    run = the_run(runs)
    assert commands(run) == ["approve", "approve"]
    assert any(isinstance(event, RunEnded) for event in read_events(run))


def test_what_runs_may_be_killed_and_is_resumed(
    tmp_path: Path, terminal: Terminal, command: str
) -> None:
    runs = tmp_path / "runs"
    terminal.open("run", command)
    terminal.approve("run", runs)
    terminal.until("run", lambda screen: "print('so')" in screen and "waits" in screen)
    os.kill(terminal.pid("run"), signal.SIGKILL)
    run = the_run(runs)
    resumed = subprocess.run(
        shlex.split(treeact("run", "--resume", run.name, *options(tmp_path))),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    assert "42" in resumed.stdout.split()
    ran = [event.stdout for event in read_events(run) if isinstance(event, CodeRun)]
    assert ran == ["42\n"], "the first step is not there to be gone on from"
    for _ in range(100):
        if not (left := leftovers(tmp_path / "temporary")):
            break
        time.sleep(0.05)
    assert not left


def test_without_a_terminal_it_is_plain_lines_with_the_same_status(
    tmp_path: Path, terminal: Terminal, command: str
) -> None:
    """The status of a run that answers is in the tests above: 0."""
    fails = command.replace("tape.jsonl", "nothing").replace("--approve all", "")
    terminal.open("fails", fails)
    for given, status in ((fails, 2), (command.replace("--approve all", ""), 0)):
        piped = f"set -o pipefail; {given} </dev/null 2>&1 | cat"
        done = subprocess.run(["bash", "-c", piped], capture_output=True, check=False)
        assert b"\x1b" not in done.stdout
        assert b"no terminal for screens" in done.stdout
        assert done.returncode == status
    terminal.until("fails", lambda screen: "STATUS 2" in screen)
