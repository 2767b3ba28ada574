"""The scorer of simulated worlds: what a run did there, as its trace tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from treeact.benchmarks.environments.worlds import PlanTask
from treeact.benchmarks.scoring import Attempt, Verdict
from treeact.benchmarks.suite import Sample
from treeact.errors import SearchExhausted, TreeActError
from treeact.planners.export import read_trees
from treeact.planners.protocols import Call, Path, Solution, Step
from treeact.planners.tree import ActionTree
from treeact.trace.events import RunEnded


@dataclass(frozen=True)
class WorldScorer:
    """Scores what was done in a world by the measures of the sample's `PlanTask`.

    The path that the run chose is taken again in the world, from its start. A home gives the
    metrics of VirtualHome planning (`executable` is EXEC, `gcr` is GCR, `success` is SR,
    `corrections` is No.EC; Hu et al. 2024, section 4), a catalogue of calls gives `success`,
    `calls` and `errors`. A run without an answer, or whose trace ends early, is no success.

    Args:
        name: that of the suite.
        version: see `Scorer`.
    """

    name: str
    version: int = 1

    def score(self, attempt: Attempt, sample: Sample) -> Verdict:
        """Return whether the task is done, with all measures.

        Raises:
            TraceError: the trace is damaged.
        """
        task: PlanTask = sample.truth
        events = list(attempt.events())
        trees = read_trees(events, attempt.blobs)
        tree = trees[-1] if trees else ActionTree()
        path = tuple(_as_made(step, task) for step in tree.path(tree.best))
        answered = any(isinstance(event, RunEnded) and event.answer is not None for event in events)
        stopped = None if answered and _ends(path) else SearchExhausted("the run has no answer")
        measures = task.measure(Solution(path=path, stopped=stopped), tree)
        figures = {name: float(value) for name, value in measures.items()}
        return Verdict(right=bool(measures["success"]), measures=figures)


def _ends(path: Path) -> bool:
    return bool(path) and path[-1].observation.done


def _as_made(step: Step, task: PlanTask) -> Step:
    """Return a step with its call as the world takes it, which a trace holds as text."""
    if step.proposal is None or not isinstance(call := step.proposal.actions[0], Call):
        return step
    try:
        made = task.world.read(call.text)
    except TreeActError:  # it was none that could be made, and failed
        return step
    return replace(step, proposal=replace(step.proposal, actions=(made,)))
