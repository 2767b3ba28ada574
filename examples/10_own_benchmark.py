"""Your own tasks from a JSON Lines file, worked on by two methods, compared task by task.

python examples/10_own_benchmark.py [--model openai/gpt-5-mini]
"""

import asyncio
import json
import re
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from treeact import ScriptedModel
from treeact.benchmarks.comparison import compare
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.models import Request

SIZES = [3, 5, 8, 10, 12, 20]
TASKS = [
    {
        "id": f"squares-{size}",
        "question": f"What is the sum of the squares of 1 to {size}?",
        "answer": sum(i * i for i in range(size + 1)),
    }
    for size in SIZES
]


def reply(request: Request) -> str | list[str]:
    """Answer as a hasty model: of three samples the first is one short where 5 divides the size."""
    if request.path.endswith("score"):
        return "I cannot tell. <score>5</score>"
    task, last = (message.content for message in (request.messages[1], request.messages[-1]))
    if printed := re.search(r"Output:\n(\d+)", last):
        return [f"<answer>{printed[1]}</answer>"] * request.n
    size = int(task.split("1 to ")[1].split("?")[0])
    ends = [size if size % 5 == 0 else size + 1, size + 1, size + 1]
    code = "```python\nprint(sum(i * i for i in range({})))\n```"
    return [code.format(end) for end in ends[: request.n]]


async def main(name: str | None, folder: Path, data: Path) -> None:
    model = None if name else ScriptedModel(reply)
    results = []
    for planner in ("greedy", "best-of-n:n=3"):
        config = BenchConfig(suite="jsonl", data=data, model=name or "script", planner=planner)
        # A directory holds one run: where it was stopped, the same call goes on with what is left.
        found = await run_benchmark(config, folder / planner, RunSettings(), model=model)
        tokens = found.total.usage.total_tokens
        print(f"{planner}: {found.accuracy:.0%} of {len(found.rows)} right, {tokens:,} tokens")
        results.append(found)
    (paired,) = compare(results[0], results[1:])
    print(f"{paired.gained} gained, {paired.lost} lost, p = {paired.p:.3f}: six tasks say little")


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", help="by default a script")
model_name = arguments.parse_args().model
with tempfile.TemporaryDirectory() as made:
    tasks = Path(made, "tasks.jsonl")
    tasks.write_text("".join(json.dumps(task) + "\n" for task in TASKS))
    asyncio.run(main(model_name, Path(made), tasks))
