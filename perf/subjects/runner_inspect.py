"""The same through inspect_ai: python runner_inspect.py TASKS CONCURRENCY."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.scorer import match
from inspect_ai.solver import generate

LATENCY = 1.0


@modelapi(name="slow")
class Slow(ModelAPI):
    async def generate(self, input, tools, tool_choice, config):
        await asyncio.sleep(LATENCY)
        number = input[-1].text.removeprefix("What is ").removesuffix("?")
        return ModelOutput.from_content("slow/echo", number)

    def max_connections(self) -> int:
        return int(sys.argv[2])


def run(folder: str, tasks: int, concurrency: int):
    samples = [Sample(id=n + 1, input=f"What is {n}?", target=str(n)) for n in range(tasks)]
    task = Task(dataset=samples, solver=generate(), scorer=match(location="exact"))
    (log,) = eval(
        task,
        model=get_model("slow/echo"),
        max_samples=concurrency,
        max_connections=concurrency,
        log_dir=folder,
        display="none",
    )
    return log


def main(tasks: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as warm_up, tempfile.TemporaryDirectory() as folder:
        run(warm_up, 1, 1)
        began, cpu = time.perf_counter(), time.process_time()
        log = run(folder, tasks, concurrency)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    accuracy = log.results.scores[0].metrics["accuracy"].value if log.results else None
    if accuracy != 1.0:
        raise RuntimeError(f"{log.status}, accuracy {accuracy}: {log.error}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
