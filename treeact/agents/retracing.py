"""Going on from a step of an earlier run: the way there is taken again, then the run is live.

Models are not asked again on the way, and tools answer from the record. Code runs again, which is
what brings the state back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treeact.errors import ConfigError
from treeact.planners.export import read_trees
from treeact.planners.protocols import Environment, Path, Proposal, Proposer, Step
from treeact.sandbox.base import ToolCall
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event, ModelCalled, Noticed, Observed, Proposed

if TYPE_CHECKING:
    from treeact.trace.log import EventLog


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step on the way, as it was taken before."""

    step: Step
    """Under its id in the new run."""
    before: str
    """Its id in the earlier run."""
    replies: tuple[str, ...]
    """What the model said where the step was proposed; one of them is the step's."""


@dataclass(frozen=True, kw_only=True)
class Trail:
    """The way to a node of an earlier run."""

    node: str = ""
    stages: tuple[Stage, ...] = ()

    def ids(self) -> dict[str, str]:
        """Return the ids of the steps in the new run, by those in the earlier one."""
        return {stage.before: stage.step.id for stage in self.stages}


def find_trail(events: Sequence[Event], blobs: BlobStore, node: str, *, run: str) -> Trail:
    """Return the way to a node, or to a step of a run that does not branch.

    Args:
        events: the events of the earlier run.
        blobs: where its big values are.
        node: logical id, with or without that of the run: `run/2.1`, `2.1`, `step-3`.
        run: logical id of the run.

    Raises:
        ConfigError: there is no such node, or it was not carried out.
        TraceError: the trace is damaged.
    """
    wanted = node if node.startswith(f"{run}/") else f"{run}/{node}"
    path = _find_path(events, blobs, wanted)
    replies = {
        event.id.removesuffix("/propose"): tuple(map(blobs.read_text, event.replies))
        for event in events
        if isinstance(event, ModelCalled) and event.id.endswith("/propose")
    }
    stages = [
        Stage(
            step=replace(step, id=f"{run}/step-{number}"),
            before=step.id,
            replies=replies.get(_asked_at(step.id), ()),
        )
        for number, step in enumerate(path, start=1)
    ]
    return Trail(node=wanted, stages=tuple(stages))


def _find_path(events: Iterable[Event], blobs: BlobStore, wanted: str) -> Path:
    known: list[str] = []
    for tree in read_trees(events, blobs):
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


async def retrace(trail: Trail, env: Environment, proposer: Proposer, log: EventLog) -> Path:
    """Take the steps of a trail again, and return them as the path to go on from.

    A step that comes out differently now is noted; the run goes on from what is true now.

    Raises:
        ConfigError: a step cannot be taken again.
        SandboxError: the environment is gone.
    """
    path: Path = ()
    for stage in trail.stages:
        path = (*path, await _take_again(stage, env, proposer, log))
    return path


async def _take_again(stage: Stage, env: Environment, proposer: Proposer, log: EventLog) -> Step:
    step, before = stage.step, stage.step.observation
    if step.proposal is None:  # a user spoke
        log.emit(Observed(id=step.id, text=log.text(before.text), ok=before.ok))
        return step
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
    if (observation.ok, observation.text) != (before.ok, before.text):
        log.emit(Noticed(id=step.id, text=f"{stage.before} came out differently this time"))
    return Step(id=step.id, proposal=proposal, observation=observation)


def _recall(proposal: Proposal, stage: Stage, proposer: Proposer) -> Proposal:
    from treeact.agents.proposers import ModelProposer

    if not isinstance(proposer, ModelProposer):
        return proposal
    found = proposer.recall(proposal, stage.replies)
    if found is None:
        raise ConfigError(
            f"the action of {stage.before} cannot be read from the record any more: go on from a "
            "step before it"
        )
    return found
