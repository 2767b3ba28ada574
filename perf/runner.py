"""1,000 tasks whose model takes a second to answer, 100 at once: how near to ideal is a runner?

Ideal is tasks x latency / concurrency: 10 s. Each runner works in a process of its own, one after
the other and again, and keeps its usual records. Its start-up is not counted: it has done one task
before. Writing its records and scoring are.

- `treeact, no sandbox`: the json agent, one model call and one tool call a task.
- `treeact, pooled sandboxes`: CodeAct, whose code runs in a warm sandbox that no other task had.
  It starts as many sandboxes as there are tasks, so that it is bound by the machine: 100 tasks.
- `inspect_ai`: its `eval` with a solver that makes one call.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from support.bench import Bench, Unavailable
from support.peers import clean_environment, peer_python
from support.report import Target

SUBJECTS = Path(__file__).parent / "subjects"
LATENCY = 1.0
TASKS, CONCURRENCY = 1000, 100
POOLED_TASKS, POOLED_CONCURRENCY = 100, 10
ROUNDS = 3


def ours(*arguments: object) -> list[str]:
    return [sys.executable, str(SUBJECTS / "runner_treeact.py"), *map(str, arguments)]


def inspect_ai() -> list[str]:
    script = str(SUBJECTS / "runner_inspect.py")
    return [str(peer_python("inspect_ai")), script, str(TASKS), str(CONCURRENCY)]


def run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=clean_environment()
    )
    if done.returncode != 0:
        raise Unavailable(done.stderr.strip()[-200:])
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


RUNNERS = {
    "treeact, no sandbox": (lambda: ours(TASKS, CONCURRENCY, "json", "auto"), TASKS, CONCURRENCY),
    "inspect_ai": (inspect_ai, TASKS, CONCURRENCY),
    "treeact, pooled sandboxes": (
        lambda: ours(POOLED_TASKS, POOLED_CONCURRENCY, "codeact", "jail"),
        POOLED_TASKS,
        POOLED_CONCURRENCY,
    ),
}


def measure(bench: Bench) -> None:
    """Run every runner in turn, and add three rows for each."""
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in RUNNERS}
    faults: dict[str, str] = {}
    for number in range(1 if bench.quick else ROUNDS):
        for name, (command, _, _) in RUNNERS.items():
            bench.report.progress(f"{name}, round {number + 1}")
            try:
                samples[name].append(run(command()))
            except Unavailable as error:
                faults[name] = str(error)
    for name, (_, tasks, concurrency) in RUNNERS.items():
        ideal, note = tasks * LATENCY / concurrency, faults.get(name, "")
        target = Target(at_least=95, unit="%") if name == "treeact, no sandbox" else None
        bench.report.add(
            name=f"{name}: of ideal",
            samples=[100 * ideal / found["seconds"] for found in samples[name]],
            unit="%",
            target=target,
            note=note,
        )
        bench.report.add(
            name=f"{name}: CPU a task", samples=[it["cpu"] / tasks for it in samples[name]]
        )
        bench.report.add(
            name=f"{name}: peak memory", samples=[it["peak"] for it in samples[name]], unit="MB"
        )


async def main() -> None:
    bench = Bench.from_command_line("runner", __doc__)
    measure(bench)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
