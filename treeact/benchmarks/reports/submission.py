"""The file that is handed in to GAIA's leaderboard, or to others that take its form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from treeact.benchmarks.answers import MARKER
from treeact.benchmarks.reports.files import write_whole
from treeact.benchmarks.results import Results, Row
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError, TraceError
from treeact.planners.export import read_trees
from treeact.planners.protocols import Step
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, read_events


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is handed in: each task of a split exactly once, in its order."""

    lines: tuple[dict[str, str], ...]
    """Objects of `task_id`, `model_answer` and perhaps `reasoning_trace`."""
    filled: tuple[str, ...] = ()
    """Ids of the tasks that have no answer and were filled in."""
    warnings: tuple[str, ...] = ()
    """What may cost points, a sentence each."""

    def text(self) -> str:
        """Return the file as JSON Lines; all that is not ASCII is escaped, line ends too."""
        return "".join(json.dumps(line) + "\n" for line in self.lines)


def make_submission(
    results: Results,
    suite: Suite,
    *,
    epoch: int = 1,
    fill_missing: str | None = None,
    traces: bool = True,
) -> Submission:
    """Return what is to be handed in of a benchmark.

    Args:
        results: what came of it.
        suite: its suite; every sample has to be there.
        epoch: which of several attempts.
        fill_missing: the answer of tasks that have none; None has none filled in.
        traces: whether the steps that led to answers are told.

    Raises:
        ConfigError: a task is not of the suite or was run twice, there is no such epoch, or one has
            no answer and none is to be filled in.
    """
    rows = _rows_by_task(results, suite, epoch)
    told = {task: (row.answer or "").strip() for task, row in rows.items()}
    answers = {task: answer for task, answer in told.items() if answer}
    missing = [sample for sample in suite.samples if sample.task.id not in answers]
    if missing and fill_missing is None:
        raise ConfigError(
            f"{len(missing)} of {len(suite.samples)} tasks of {suite.name} have no answer, "
            f'{_some(missing)}: run them, or hand in a text for them with --fill-missing ""'
        )
    return Submission(
        lines=tuple(
            _line(sample, answers.get(sample.task.id, fill_missing), rows, traces)
            for sample in suite.samples
        ),
        filled=tuple(sample.data_id for sample in missing),
        warnings=_warnings(suite.samples, answers),
    )


def write_submission(submission: Submission, path: Path) -> None:
    """Write the file, whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    write_whole(path, [submission.text()])


def _rows_by_task(results: Results, suite: Suite, epoch: int) -> dict[str, Row]:
    chosen = [row for row in results.rows if row.epoch == epoch]
    if not chosen:
        epochs = ", ".join(str(number) for number in sorted({row.epoch for row in results.rows}))
        raise ConfigError(f"the benchmark has no epoch {epoch}: choose of {epochs or 'none'}")
    known = {sample.task.id for sample in suite.samples}
    rows: dict[str, Row] = {}
    for row in chosen:
        if row.task not in known:
            raise ConfigError(f"{suite.name} has no task {row.task!r}: it cannot be handed in")
        if row.task in rows:
            raise ConfigError(f"task {row.task!r} is there twice: it can be handed in once")
        rows[row.task] = row
    return rows


def _line(sample: Sample, answer: str | None, rows: dict[str, Row], traces: bool) -> dict[str, str]:
    line = {"task_id": sample.data_id, "model_answer": answer or ""}
    row = rows.get(sample.task.id)
    if traces and row is not None and row.trace is not None:
        line["reasoning_trace"] = tell_steps(row.trace)
    return line


def tell_steps(trace: Path) -> str:
    """Return thoughts, actions and observations on the path of a run; of a damaged one nothing."""
    try:
        trees = read_trees(read_events(trace), BlobStore(trace / BLOBS_FOLDER))
    except TraceError:
        return ""
    return "\n\n".join(_tell(step) for step in trees[-1].path(trees[-1].best)) if trees else ""


def _tell(step: Step) -> str:
    parts = []
    if step.proposal is not None:
        parts += [step.proposal.thought, step.proposal.actions[0].text]
    if step.observation.text:
        parts.append(f"Observation: {step.observation.text}")
    return "\n".join(filter(None, parts))


def _warnings(samples: Sequence[Sample], answers: dict[str, str]) -> tuple[str, ...]:
    told = [(sample, answers.get(sample.task.id, "")) for sample in samples]
    marked = [sample for sample, answer in told if MARKER.search(answer)]
    broken = [sample for sample, answer in told if len(answer.splitlines()) > 1]
    warnings = []
    if marked:
        warnings.append(f"the marker is scored as part of the answer of {_some(marked)}")
    if broken:
        warnings.append(f"the answer has several lines, of {_some(broken)}")
    return tuple(warnings)


def _some(samples: Sequence[Sample]) -> str:
    names = ", ".join(repr(sample.data_id) for sample in samples[:3])
    return names if len(samples) <= 3 else f"{names} and {len(samples) - 3} more"
