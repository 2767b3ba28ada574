"""Record a person's replies to one task of the mini suite, for the demo and the tests to replay.

    python -m tests.tools.mini_suite.record TASK_ID [--sandbox KIND] [--with-tools]
        [--letters FOLDER]

The prompt is shown; the reply is typed and ended by a line with a single dot. With `--letters` each
prompt is a file `prompt-N.txt` of a folder, and its reply is what is put there as `reply-N.txt`.
With `--with-tools` the agent has the tools for documents, for the tests. The recording is kept only
if the answer is right.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.support.letters import by_letters
from treeact import CodeAct
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.models import HumanModel, RecordingModel
from treeact.tools.gaia import gaia_tools

WITH_TOOLS = Path(__file__).parents[2] / "data" / "recordings"


async def record(task_id: str, sandbox: str, person: HumanModel, *, with_tools: bool) -> bool:
    [sample] = [sample for sample in load_suite("mini").samples if sample.task.id == task_id]
    path = recordings_folder("codeact") / f"{task_id}.jsonl"
    if with_tools:
        path = WITH_TOOLS / f"{task_id}-with-tools.jsonl"
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    model = RecordingModel(person, fresh)
    agent = CodeAct(model, tools=gaia_tools() if with_tools else (), sandbox=sandbox)
    result = await agent.run(sample.task)
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
    parser.add_argument("--with-tools", action="store_true")
    parser.add_argument("--letters", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    person = by_letters(options.letters) if options.letters else HumanModel()
    recording = record(options.task_id, options.sandbox, person, with_tools=options.with_tools)
    sys.exit(not asyncio.run(recording))


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run it in the project's folder"
    main()
