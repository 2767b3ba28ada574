"""Kills a benchmark again and again, from a process that has imported everything beforehand.

python -m tests.benchmarks.runner.killing DIRECTORY KILLS SEED
"""

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from treeact.benchmarks.results import Results
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.runner.selection import Selection

CONFIG = BenchConfig(suite="apis", model="oracle:act=0.85,seed=5")
SETTINGS = RunSettings(epochs=2, concurrency=4, selection=Selection(sample=100, seed=1))
JOBS = 200


def run(directory: Path) -> Results:
    return asyncio.run(run_benchmark(CONFIG, directory, SETTINGS))


def begun(directory: Path) -> int:
    """Return how much of the run is on record, in bytes of its own log."""
    log = directory / "events.jsonl"
    return log.stat().st_size if log.exists() else 0


def main(directory: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    killed = 0
    while killed < kills:
        child = os.fork()
        if child == 0:
            run(directory)
            os._exit(0)
        more = begun(directory) + rng.randrange(200, 3200)
        while begun(directory) < more and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(rng.random() * 0.01)
        try:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), "the run was done before it could be killed"
        except ChildProcessError:
            sys.exit(f"the run was done after {killed} kills")
        killed += 1
    run(directory)
    sys.stdout.write(f"{killed}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
