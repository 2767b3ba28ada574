"""In a real terminal: a recorded run is approved, watched from another one, and left sanely."""

import os
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
from treeact import CodeAct, ScriptedModel
from treeact.models.recording import RecordingModel
from treeact.trace.events import CommandReceived, RunEnded
from treeact.trace.log import read_events

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")

REPLIES = [code("print(6 * 7)"), code("print('so')"), answer("42")]


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

    def approve(self, name: str) -> None:
        """Approve what waits, once it can be: what is typed ahead decides nothing."""
        self.until(name, lambda screen: "waits for your yes" in screen)
        time.sleep(0.5)
        self.press(name, "a")

    def screen(self, name: str) -> str:
        return self._call("capture-pane", "-t", name, "-p")

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


async def test_a_recorded_run_is_approved_watched_and_left(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)
    tape, runs = tmp_path / "tape.jsonl", tmp_path / "runs"
    model = RecordingModel(ScriptedModel(REPLIES), tape)
    await CodeAct(model, sandbox="unsafe-local").run("What is it?")
    options = ["--runs", str(runs)]
    terminal.open(
        "run",
        treeact("run", "What is it?", "-m", f"replay:{tape}", "--display", "tui",
                "--sandbox", "unsafe-local", "--approve", "all", *options),
    )  # fmt: skip
    terminal.approve("run")
    terminal.until("run", lambda screen: "print('so')" in screen and "waits" in screen)

    terminal.open("watch", treeact("watch", *options))
    terminal.until("watch", lambda screen: "waits for your yes" in screen)
    os.kill(terminal.pid("watch"), signal.SIGKILL)  # who only watches may go as it likes
    terminal.open("again", treeact("watch", *options))
    terminal.approve("again")
    terminal.until("again", lambda screen: "ended: answered" in screen)
    terminal.press("again", "C-q")
    terminal.until("again", lambda screen: "STATUS 0" in screen)

    terminal.until("run", lambda screen: "ended: answered" in screen)
    terminal.press("run", "C-q")
    left = terminal.until("run", lambda screen: "STATUS 0" in screen).split()
    before, after = (word for word in left if word.count(":") > 10)
    assert before == after, "the terminal is not as it was"
    assert "42" in left
    commands = [it for it in read_events(the_run(runs)) if isinstance(it, CommandReceived)]
    assert [it.command for it in commands] == ["approve", "approve"]
    assert any(isinstance(event, RunEnded) for event in read_events(the_run(runs)))


def test_without_a_terminal_it_is_plain_lines_with_the_same_status(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "treeact", "run", "?", "-m", "replay:nothing"]
    options = ["--runs", str(tmp_path), "--sandbox", "unsafe-local"]
    plain = subprocess.run([*command, *options], capture_output=True, check=False)
    screens = subprocess.run(
        [*command, *options, "--display", "tui"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert screens.returncode == plain.returncode
    assert b"no terminal for screens" in screens.stderr
    assert b"\x1b" not in screens.stdout + screens.stderr
