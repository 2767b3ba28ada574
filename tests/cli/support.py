"""The `treeact` command as a user runs it: with its own environment, folder, streams and status."""

import asyncio
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.forked import Commands
from treeact.cli import main
from treeact.models import Message, RecordingModel, Request, ScriptedModel

COMMAND = [sys.executable, "-m", "treeact"]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return an environment without the caller's keys and settings, and with its own folders."""
    names = ("PATH", "HOME", "LANG", "DOCKER_HOST", "TREEACT_HOME")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    own = {"TREEACT_RUNS": str(tmp_path / "runs"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return {**kept, **own, "COLUMNS": "100", **more}


def command(*arguments: str) -> int:
    """Run the command in this process, which is quicker, and return its exit status."""
    with pytest.raises(SystemExit) as end, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["treeact", *arguments])
        main()
    return int(end.value.code or 0)


def treeact(
    tmp_path: Path, *arguments: str, stdin: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    env = environment(tmp_path, **more)
    return _commands().run(arguments, stdin=stdin, cwd=tmp_path, env=env, timeout=90)


@functools.cache
def _commands() -> Commands:
    return Commands(environment(Path()))


def recording(path: Path, replies: list[str]) -> Path:
    """Write a recording of `replies`, as if another run had made it."""

    async def record() -> None:
        model = RecordingModel(ScriptedModel(replies), path)
        for number in range(1, len(replies) + 1):
            asked = Request(messages=(Message("user", "?"),), path=f"run/step-{number}/propose")
            await model.complete(asked)
        await model.aclose()

    asyncio.run(record())
    return path
