"""Record a person's replies to one task of the mini suite, for the demo to replay.

    python -m tests.tools.mini_suite.record TASK_ID [--sandbox KIND]

The prompt is shown; the reply is typed and ended by a line with a single dot. The recording is kept
only if the answer is right.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from treeact import CodeAct
from treeact.agents.task import Task
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.models import resolve_model


async def record(task_id: str, sandbox: str) -> bool:
    suite = load_suite("mini")
    [sample] = [sample for sample in suite.samples if sample.task.id == task_id]
    path = recordings_folder("codeact") / f"{task_id}.jsonl"
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    model = resolve_model("human", record=fresh)
    task = Task(sample.task.question, sample.task.files, task_id)
    result = await CodeAct(model, sandbox=sandbox).run(task)
    await model.aclose()
    right = gaia_score(result.answer, sample.truth)
    if right and result.reason == "answered":
        fresh.replace(path)
    verdict = "right" if right else "wrong"
    sys.stderr.write(f"{result.reason}: {result.answer!r} is {verdict}\n")
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task_id")
    parser.add_argument("--sandbox", default="auto")
    options = parser.parse_args()
    sys.exit(not asyncio.run(record(options.task_id, options.sandbox)))


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run it in the project's folder"
    main()
