"""Runs the blocks of one document in order, in one folder, and mostly in this one process."""

import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest

from tests.documents.reading import Block
from treeact.cli import main as treeact

SHELL = 'set -euo pipefail; treeact() { "$PYTHON" -m treeact "$@"; }; python() { "$PYTHON" "$@"; }'


class Session:
    """The folder of a reader who goes through one document."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self._blocks = 0

    def run(self, block: Block) -> str:
        """Run a block and return what it prints; fail where it fails or prints something else."""
        self._capsys.readouterr()
        self._blocks += 1
        output = self._run_python(block) if block.language == "python" else self._run_shell(block)
        if block.shown is not None:
            assert _prints(block.shown.text, output), f"it printed:\n{output}"
        return output

    def _run_python(self, block: Block) -> str:
        file = self.folder / (block.file or f"block_{self._blocks}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
        self._run_file(file, [str(file)])
        return self._capsys.readouterr().out

    def _run_shell(self, block: Block) -> str:
        if not block.is_simple:
            return self._run_bash(block.text)
        for words in block.commands:
            self._run_command(words)
        return self._capsys.readouterr().out

    def _run_command(self, words: list[str]) -> None:
        match words:
            case ["treeact", *_]:
                with _as_process(words):
                    treeact()
            case ["python", file]:
                self._run_file(self.folder / file, [file])
            case _:
                sys.stdout.write(self._run_bash(shlex.join(words)))

    def _run_file(self, file: Path, words: list[str]) -> None:
        with _as_process(words):
            runpy.run_path(str(file), run_name="__main__")

    def _run_bash(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"{SHELL}\n{text}"],
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def _as_process(words: list[str]) -> Iterator[None]:
    """Be the process of a command: its arguments, its folder on the path, its exit status."""
    argv, path, known = sys.argv, [*sys.path], {*sys.modules}
    sys.argv = words
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    except SystemExit as end:
        assert not end.code, f"{' '.join(words)} exits with {end.code}"
    finally:
        sys.argv, sys.path[:] = argv, path
        for name in {*sys.modules} - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(Path.cwd())):
                del sys.modules[name]


def _prints(shown: str, output: str) -> bool:
    """Return whether `output` is what is shown, up to white space and what `...` stands for."""
    return OutputChecker().check_output(shown, output, ELLIPSIS | NORMALIZE_WHITESPACE)
