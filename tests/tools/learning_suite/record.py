"""Record a person's replies to both tasks of the learning suite, one after the other.

    python -m tests.tools.learning_suite.record [--sandbox KIND]

Each prompt is shown; the reply is typed and ended by a line with a single dot. The recordings are
kept only if both answers are right, and the second task used what the first has taught.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from treeact import DynaSaur
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.benchmarks.suites.learning import recordings_folder
from treeact.models import HumanModel, RecordingModel
from treeact.trace.events import ActionsRetrieved


async def record(sandbox: str, folder: Path) -> bool:
    suite = load_suite("learning")
    good, person = True, HumanModel()
    for sample in suite.samples:
        model = RecordingModel(person, folder / f"{sample.task.id}.jsonl")
        agent = DynaSaur(model, sandbox=sandbox, library=folder / "actions.sqlite")
        run = agent.start(sample.task)
        result = await run.result()
        await model.aclose()
        right = gaia_score(result.answer, sample.truth)
        sys.stderr.write(f"{result.reason}: {result.answer!r} is {'right' if right else 'wrong'}\n")
        good = good and right and result.reason == "answered"
    used = [e for e in run.log.events() if isinstance(e, ActionsRetrieved) and e.how == "named"]
    return good and bool(used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sandbox", default="auto")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = asyncio.run(record(parser.parse_args().sandbox, folder))
        for file in folder.glob("learning-*.jsonl") if good else ():
            (recordings_folder() / file.name).write_bytes(file.read_bytes())
    sys.exit(not good)


if __name__ == "__main__":
    main()
