"""Record a person's replies to tasks of the mini suite, for the demo and the tests to replay.

    python -m tests.tools.mini_suite.record TASK_ID... [--agent NAME] [--sandbox KIND]
        [--with-tools] [--letters FOLDER]

The prompt is shown; the reply is typed and ended by a line with a single dot. With `--letters` each
prompt is a file `prompt-N.txt` of a folder, and its reply is what is put there as `reply-N.txt`.
With `--with-tools` the agent has the tools for documents, for the tests. DynaSaur has one library
for all the tasks, empty at first. The recordings are kept only if all answers are right.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.letters import by_letters
from treeact import CodeAct, DynaSaur
from treeact.agents.agent import Agent
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.mini import recordings_folder
from treeact.models import HumanModel, LanguageModel, RecordingModel
from treeact.tools.gaia import gaia_tools

WITH_TOOLS = Path(__file__).parents[2] / "data" / "recordings"


async def record(person: HumanModel, options: argparse.Namespace, folder: Path) -> bool:
    """Record the tasks one after the other; return whether all answers are right."""
    samples = {sample.task.id: sample for sample in load_suite("mini").samples}
    right = []
    for task_id in options.task_id:
        model = RecordingModel(person, folder / f"{task_id}.jsonl")
        result = await make_agent(model, options, folder).run(samples[task_id].task)
        await model.aclose()
        good = result.reason == "answered" and gaia_score(result.answer, samples[task_id].truth)
        verdict = "right" if good else "wrong"
        sys.stderr.write(f"{result.reason}: {result.answer!r} is {verdict}\n")
        right.append(good)
    return all(right)


def make_agent(model: LanguageModel, options: argparse.Namespace, folder: Path) -> Agent:
    tools = gaia_tools() if options.with_tools else ()
    if options.agent == "codeact":
        return CodeAct(model, tools=tools, sandbox=options.sandbox)
    library = folder / "actions.sqlite"
    return DynaSaur(model, tools=tools, sandbox=options.sandbox, library=library)


def keep(recordings: Sequence[Path], options: argparse.Namespace) -> None:
    target = WITH_TOOLS if options.with_tools else recordings_folder(options.agent)
    ending = "-with-tools.jsonl" if options.with_tools else ".jsonl"
    target.mkdir(parents=True, exist_ok=True)
    for path in recordings:
        (target / f"{path.stem}{ending}").write_bytes(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task_id", nargs="+")
    parser.add_argument("--agent", choices=["codeact", "dynasaur"], default="codeact")
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--with-tools", action="store_true")
    parser.add_argument("--letters", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    person = by_letters(options.letters) if options.letters else HumanModel()
    with tempfile.TemporaryDirectory() as name:
        good = asyncio.run(record(person, options, Path(name)))
        if good:
            keep(sorted(Path(name).glob("*.jsonl")), options)
    sys.exit(not good)


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run it in the project's folder"
    main()
