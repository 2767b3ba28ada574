"""Several processes write one library, and are killed in the middle: nothing said is lost."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from tests.agents.library.support import library_at

WRITER = [sys.executable, "-m", "tests.agents.library.writer"]
ROUNDS = 3
WRITERS = 3


def rest(output: IO[bytes]) -> bytes:
    with output:
        return output.read()


def test_writers_that_are_killed_lose_nothing_that_they_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(11)
    acknowledged: set[str] = set()
    path = tmp_path / "actions.sqlite"
    for round_ in range(ROUNDS):
        writers = [
            subprocess.Popen([*WRITER, str(path), f"w{round_}_{n}"], stdout=subprocess.PIPE)
            for n in range(WRITERS)
        ]
        outputs = [writer.stdout for writer in writers if writer.stdout]
        said = [output.readline() for output in outputs]  # now all are writing
        time.sleep(rng.uniform(0.0, 0.3))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for output in outputs:
            said += rest(output).splitlines(keepends=True)
        for writer in writers:
            assert writer.wait(timeout=30) == -signal.SIGKILL  # none had given up
        acknowledged |= {line.decode().strip() for line in said if line.endswith(b"\n")}
    assert len(acknowledged) > ROUNDS * WRITERS
    with library_at(tmp_path) as library:
        kept = {action.name: action for action in library.actions()}
        assert acknowledged <= kept.keys()
        # a writer that was killed after it wrote and before it said so may leave one more each
        assert len(kept) - 1 <= len(acknowledged) + ROUNDS * WRITERS
        assert kept["shared"].version == 1
        assert kept["shared"].successes == len(kept) - 1
        assert all(list(kept[name].uses) == ["shared"] for name in acknowledged)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
