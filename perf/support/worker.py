"""A subject in a process and environment of its own, asked line by line so as to interleave."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from support.bench import Open, Unavailable
from support.peers import clean_environment

SUBJECTS = Path(__file__).parent.parent / "subjects"


class Worker:
    """Runs `subjects/NAME`, which answers each line of JSON arguments with one of JSON."""

    def __init__(self, python: Path | str, script: str, *args: str, **environment: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [str(python), str(SUBJECTS / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=clean_environment(**environment),
        )

    def ask(self, **arguments: Any) -> Any:
        """Have the subject do its thing once and return what it says of it.

        Raises:
            Unavailable: it died; the text ends with its last words.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(arguments) + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise Unavailable(self._last_words())
        return json.loads(answer)

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"

    def close(self) -> None:
        """End it: its input ends, and it has some seconds to clean up."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


@asynccontextmanager
async def worker(
    python: Path | str, script: str, *args: str, **environment: str
) -> AsyncIterator[Worker]:
    """Run a subject's process for the time of the block."""
    subject = Worker(python, script, *args, **environment)
    try:
        yield subject
    finally:
        subject.close()


def timed_by(make: Any, script: str, *args: str, **environment: str) -> Open:
    """Return the opening of a subject whose process answers with the seconds it took.

    Args:
        make: called for the interpreter; may raise Unavailable.
        script: the subject's file in `subjects/`.
        args: its arguments.
        environment: additional environment variables.
    """

    @asynccontextmanager
    async def opened():
        async with worker(make(), script, *args, **environment) as subject:
            yield lambda: float(subject.ask())

    return opened
