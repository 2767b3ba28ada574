"""Going on from a step of an earlier run: the way there is taken again, then the run is live.

Models are not asked again on the way, and tools answer from the record. Code runs again, which is
what brings the state back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from treeact.agents.proposers import ModelProposer
from treeact.agents.records.divergence import Comparison, Evidence, Evidences, observed
from treeact.errors import ConfigError
from treeact.planners.export import read_trees
from treeact.planners.protocols import Environment, Path, Proposal, Proposer, Step
from treeact.planners.tree import ActionTree
from treeact.sandbox.base import ToolCall
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event, ModelCalled, Observed, Proposed
from treeact.trace.log import BLOBS_FOLDER, EventLog, read_events


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step on the way, as it was taken before."""

    step: Step
    """Under its id in the new run."""
    before: str
    """Its id in the earlier run."""
    replies: tuple[str, ...]
    """What the model said where the step was proposed; one of them is the step's."""
    evidence: Evidence
    """What it is compared with."""


@dataclass(frozen=True, kw_only=True)
class Trail:
    """The way to a node of an earlier run."""

    node: str
    """Logical id of where it leads; that of the run, where no step is taken again."""
    stages: tuple[Stage, ...]
    recorded: int
    """Steps of the path that it is on."""
    blobs: BlobStore
    """The big texts of the earlier run."""


def find_trail(
    events: Sequence[Event],
    blobs: BlobStore,
    to: str | int,
    *,
    run: str,
    calls: Mapping[str, Sequence[ToolCall]],
) -> Trail:
    """Return the way to a node, or to a step of a run that does not branch.

    Args:
        events: the events of the earlier run.
        blobs: where its big values are.
        to: logical id of the node, with or without that of the run, such as `run/2.1`, `2.1` or
            `step-3`; or how many steps of the chosen path to take.
        run: logical id of the run.
        calls: the calls of tools by the steps that made them, those of commits included.

    Raises:
        ConfigError: there is no such node, or it was not carried out.
        TraceError: the trace is damaged.
    """
    trees = read_trees(events, blobs)
    if isinstance(to, int):
        whole = _chosen_path(trees)
        path = _first_steps(whole, to)
    else:
        whole = path = _find_path(trees, to if to.startswith(f"{run}/") else f"{run}/{to}")
    replies = {
        event.id.removesuffix("/propose"): tuple(map(blobs.read_text, event.replies))
        for event in events
        if isinstance(event, ModelCalled) and event.id.endswith("/propose")
    }
    evidences = Evidences(events)
    commits = [call for id, made in calls.items() if id.endswith("/commit") for call in made]
    stages = [
        Stage(
            step=replace(step, id=f"{run}/step-{number}"),
            before=step.id,
            replies=replies.get(asked := _asked_at(step.id), ()),
            evidence=evidences.of(
                step.id, asked_at=asked, calls=made_calls(calls.get(step.id, ()), commits)
            ),
        )
        for number, step in enumerate(path, start=1)
    ]
    return Trail(
        node=path[-1].id if path else run, stages=tuple(stages), recorded=len(whole), blobs=blobs
    )


def _chosen_path(trees: Sequence[ActionTree]) -> Path:
    """Return the steps that a run ended with; of one that was cut off, the best by then."""
    return trees[-1].path(trees[-1].best) if trees else ()


def count_steps(directory: FilePath) -> int:
    """Return how many steps the chosen path of the run in a directory has.

    Raises:
        TraceError: there is no such run, or it is damaged.
    """
    trees = read_trees(read_events(directory), BlobStore(directory / BLOBS_FOLDER))
    return len(_chosen_path(trees))


def _first_steps(path: Path, count: int) -> Path:
    if not 0 <= count <= len(path):
        raise ConfigError(
            f"the chosen path of the run has {len(path)} steps, and {count} are to be taken "
            f"again: give 0 to {len(path)}"
        )
    return path[:count]


def _find_path(trees: Iterable[ActionTree], wanted: str) -> Path:
    known: list[str] = []
    for tree in trees:
        for number, step in enumerate(tree.trunk, start=1):
            if step.id == wanted:
                return tree.trunk[:number]
            known.append(step.id)
        for node in tree:
            if node.id == wanted and node.observation is not None:
                return tree.path(node)
            if node.observation is not None:
                known.append(node.id)
    some = ", ".join(known[-8:]) or "none, as nothing was carried out"
    raise ConfigError(f"the run has no step {wanted!r} to go on from: the last ones are {some}")


def _asked_at(id: str) -> str:
    """Return the id under which a step was proposed: its own, or for a node its parent's."""
    prefix, _, place = id.rpartition("/")
    if place.startswith("step-"):
        return id
    return f"{prefix}/{place.rpartition('.')[0] or 'root'}"


def made_calls(calls: Sequence[ToolCall], commits: list[ToolCall]) -> list[ToolCall]:
    """Return the calls of a step; those that were put off as they were made later, if they were.

    Args:
        calls: the calls as the step saw them.
        commits: calls that were put off and made, in order; those that are found are taken out.
    """
    made = []
    for call in calls:
        asked = (call.tool, call.args, call.kwargs)
        later = [it for it in commits if (it.tool, it.args, it.kwargs) == asked]
        if call.status == "deferred" and later:
            commits.remove(later[0])
            call = later[0]
        made.append(call)
    return made


async def retrace(
    trail: Trail, env: Environment, proposer: Proposer, log: EventLog, *, run: str
) -> Path:
    """Take the steps of a trail again, and return them as the path to go on from.

    What comes out differently now is written down; the run goes on from what is true now.

    Raises:
        ConfigError: a step cannot be taken again.
        SandboxError: the environment is gone.
        TraceError: a big text of the earlier run is missing or damaged.
    """
    comparison = Comparison(log, trail.blobs)
    path: Path = ()
    for stage in trail.stages:
        path = (*path, await _take_again(stage, path, env, proposer, comparison))
    comparison.end(run=run, steps=len(path), recorded=trail.recorded)
    return path


async def _take_again(
    stage: Stage, path: Path, env: Environment, proposer: Proposer, comparison: Comparison
) -> Step:
    step, before, log = stage.step, stage.step.observation, comparison.log
    if step.proposal is None:  # a user spoke
        log.emit(Observed(id=step.id, text=log.text(before.text), ok=before.ok))
        return step
    if isinstance(proposer, ModelProposer):
        comparison.prompt(step.id, stage.evidence.prompt, proposer.prompt(path))
    proposal = _recall(step.proposal, stage, proposer)
    action = proposal.actions[0]
    log.emit(
        Proposed(
            id=step.id,
            thought=log.text(proposal.thought),
            action=action.kind,
            text="" if action.kind == "none" else log.text(action.text),
            reply=log.text(proposal.reply),
        )
    )
    observation = await env.step(action, id=step.id)
    comparison.step(step.id, stage.evidence, (before.text, observed(log, observation)))
    return Step(id=step.id, proposal=proposal, observation=observation)


def _recall(proposal: Proposal, stage: Stage, proposer: Proposer) -> Proposal:
    if not isinstance(proposer, ModelProposer):
        return proposal
    found = proposer.recall(proposal, stage.replies)
    if found is None:
        raise ConfigError(
            f"the action of {stage.before} cannot be read from the record any more: go on from a "
            "step before it"
        )
    return found
