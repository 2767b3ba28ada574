"""Tasks of the mini suite worked on with the document tools, from a person's recorded replies."""

import shutil
from pathlib import Path

import pytest

from treeact import CodeAct, Task
from treeact.benchmarks.scorers import gaia_score
from treeact.benchmarks.suites import load_suite
from treeact.models import ReplayModel
from treeact.tools.gaia import gaia_tools
from treeact.trace.events import ModelCalled, Noticed, ToolCalled

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
SUITE = load_suite("mini")
SAMPLES = {sample.task.id: sample for sample in SUITE.samples}
RECORDED = ["mini-1-timetable", "mini-2-samples"]


@pytest.mark.parametrize("task_id", RECORDED)
async def test_recorded_runs_that_read_documents_are_right(task_id: str) -> None:
    sample = SAMPLES[task_id]
    model = ReplayModel(RECORDINGS / f"{task_id}-with-tools.jsonl")
    agent = CodeAct(model, tools=gaia_tools(), sandbox="unsafe-local")
    run = agent.start(sample.task)
    result = await run.result()
    events = list(run.log.events())
    assert gaia_score(result.answer, sample.truth)
    assert {event.author for event in events if isinstance(event, ModelCalled)} == {"hand"}
    assert {event.tool for event in events if isinstance(event, ToolCalled)} == {"read_document"}
    departures = [event.text for event in events if isinstance(event, Noticed)]
    assert departures == [], "what the tools return is what the person saw"


async def test_a_changed_document_changes_what_is_computed(tmp_path: Path) -> None:
    """The replies are on record; what the person's code finds, before the answer, is not."""
    task_id = "mini-1-timetable"
    sample = SAMPLES[task_id]
    page = tmp_path / sample.task.files[0].name
    shutil.copy(sample.task.files[0], page)
    found = []
    for late in ("08:20", "09:15"):
        page.write_text(page.read_text().replace("08:20", late))
        model = ReplayModel(RECORDINGS / "mini-1-timetable-with-tools.jsonl")
        agent = CodeAct(model, tools=gaia_tools(), sandbox="unsafe-local")
        result = await agent.run(Task(sample.task.question, (page,), task_id))
        found.append(result.path[-2].observation.text)
    assert sample.truth in found[0]
    assert found[0] != found[1]
