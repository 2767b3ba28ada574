"""Runs a suite of one-call tasks whose model takes a second, and prints what that took.

    python runner_treeact.py TASKS CONCURRENCY AGENT SANDBOX

`json` answers by a tool call and needs no sandbox; `codeact` runs `final_answer(...)` in one.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from treeact import ScriptedModel, Task
from treeact.benchmarks.results import Results
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.suite import Sample, Suite

LATENCY = 1.0


def suite(tasks: int) -> Suite:
    samples = (Sample(Task(f"What is {n}?", id=f"task-{n}"), str(n)) for n in range(tasks))
    return Suite("echo", tuple(samples), GAIA)


def model(agent: str) -> ScriptedModel:
    async def reply(request: object) -> str:
        await asyncio.sleep(LATENCY)
        number = request.path.partition("/")[0].removeprefix("task-")  # type: ignore[attr-defined]
        if agent == "json":
            return json.dumps({"tool": "final_answer", "arguments": {"answer": number}})
        return f"I know it.\n```python\nfinal_answer('{number}')\n```"

    return ScriptedModel(reply)


def bench(directory: Path, tasks: int, concurrency: int, agent: str, sandbox: str) -> Results:
    config = BenchConfig(suite="echo", agent=agent, model="simulated", sandbox=sandbox)
    settings = RunSettings(concurrency=concurrency)
    return asyncio.run(
        run_benchmark(config, directory, settings, suite=suite(tasks), model=model(agent))
    )


def main(tasks: int, concurrency: int, agent: str, sandbox: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder) / "warm-up", 1, 1, agent, sandbox)
        began, cpu = time.perf_counter(), time.process_time()
        results = bench(Path(folder) / "run", tasks, concurrency, agent, sandbox)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if results.accuracy != 1.0:
        raise RuntimeError(f"accuracy {results.accuracy}: {results.rows[0]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
