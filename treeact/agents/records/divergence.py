"""Where a run that takes recorded steps again departs from its record."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treeact.agents.calls import describe_message
from treeact.planners.normalise import python_call
from treeact.planners.protocols import Observation
from treeact.sandbox.base import ToolCall
from treeact.trace.blobs import BlobStore
from treeact.trace.events import (
    CodeRun,
    Diverged,
    Divergent,
    Event,
    ModelCalled,
    PromptMessage,
    Replayed,
    ToolCalled,
)
from treeact.trace.log import EventLog
from treeact.trace.prompts import Prompts

if TYPE_CHECKING:
    from treeact.models.base import Message

EXCERPT = 400
"""Characters of either side of a difference that are told, from the line on in which it begins."""

Pair = tuple[str, str]
"""Something as it was, and as it is now."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """One thing that came out differently when a step was taken again."""

    step: str
    """Logical id in the new run."""
    what: Divergent
    """What differs."""
    before: str
    """Part of it as it was recorded, from the first line that differs."""
    now: str
    """The same part as it is now."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How taking recorded steps again went."""

    steps: int
    """Steps that were taken again."""
    recorded: int
    """Steps of the path that they are on."""
    divergences: tuple[Divergence, ...]
    """In the order of the steps; none where all was as it was recorded."""


def read_replay(events: Iterable[Event], blobs: BlobStore | None = None) -> Replay | None:
    """Return how the replay went with which a run began, or None where it began with none.

    Args:
        events: the events of the run.
        blobs: where its big texts are.

    Raises:
        TraceError: a big text is missing.
    """
    read = (blobs or BlobStore(None)).read_text
    found: list[Divergence] = []
    for event in events:
        match event:
            case Diverged():
                before, now = read(event.before), read(event.now)
                found.append(Divergence(step=event.id, what=event.what, before=before, now=now))
            case Replayed():
                return Replay(steps=event.steps, recorded=event.recorded, divergences=tuple(found))
    return None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a trace tells of one step, to compare with."""

    prompt: tuple[PromptMessage, ...] = ()
    """What the model was asked; nothing where that is not on record."""
    runs: Mapping[str, CodeRun] = field(default_factory=dict)
    """What came of its code, and of code within it, by what follows the id of the step."""
    calls: Sequence[ToolCall] = ()


class Evidences:
    """What a trace tells of all steps.

    Args:
        events: the events of a run.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._prompts: dict[str, tuple[PromptMessage, ...]] = {}
        self._runs: dict[str, CodeRun] = {}
        prompts = Prompts(lambda message: message)
        for event in events:
            if isinstance(event, ModelCalled):
                self._prompts.setdefault(event.id, prompts.take(event))
            elif isinstance(event, CodeRun):
                self._runs[event.id] = event

    def of(self, step: str, *, asked_at: str, calls: Sequence[ToolCall]) -> Evidence:
        """Return what is told of a step.

        Args:
            step: its id.
            asked_at: the id under which it was proposed.
            calls: the calls of tools that it made.
        """
        return Evidence(
            prompt=self._prompts.get(f"{asked_at}/propose", ()),
            runs=_within(step, self._runs.values()),
            calls=tuple(calls),
        )


@dataclass
class Comparison:
    """Compares steps that are taken again with their record, and writes down what differs.

    Args:
        log: the log of the new run.
        blobs: where the big texts of the earlier run are.
    """

    log: EventLog
    blobs: BlobStore
    found: int = 0
    _news: list[Event] = field(default_factory=list)
    _told: set[int] = field(default_factory=set)
    _apart: bool = False

    def __post_init__(self) -> None:
        self.log.subscribe(self._news.append)

    def prompt(self, step: str, before: Sequence[PromptMessage], now: Sequence[Message]) -> None:
        """Compare what the model was asked with what it would be asked now.

        After a step that came out differently nothing is compared, since prompts tell of it.
        """
        if not before or self._apart:
            return
        asked = [describe_message(self.log, message) for message in now]
        for number, (old, new) in enumerate(itertools.zip_longest(before, asked)):
            pair = _message_text(old, self.blobs), _message_text(new, self.log.blobs)
            is_last = number == len(asked) - 1
            if pair[0] == pair[1] or (is_last and pair[0].startswith(f"{pair[1]}\n\n")):
                continue  # a search, or a user, may have added something at the end
            if number not in self._told:
                self._told.add(number)
                self._tell(step, "prompt", pair)
            return

    def step(self, step: str, before: Evidence, seen: Pair) -> None:
        """Compare what came of a step.

        Args:
            step: its id in the new run.
            before: what is on record.
            seen: what the agent was told, then and now.
        """
        news, self._news[:] = [*self._news], []
        runs = _within(step, (it for it in news if isinstance(it, CodeRun)))
        differences = [(step, *found) for found in self._of_calls(before.calls, step, news)]
        for place in [place for place in before.runs if place in runs]:
            found = self._of_runs(before.runs[place], runs[place])
            differences += [(step + place, what, pair) for what, pair in found]
        if not differences and seen[0] != seen[1]:
            differences = [(step, "observation", seen)]
        for id, what, pair in differences:
            self._apart = True
            self._tell(id, what, pair)

    def end(self, *, run: str, steps: int, recorded: int) -> None:
        """Write down that the steps are taken, and that the run is live from here."""
        self.log.unsubscribe(self._news.append)
        self.log.emit(Replayed(id=run, steps=steps, recorded=recorded, divergences=self.found))

    def _of_calls(
        self, before: Sequence[ToolCall], step: str, news: Sequence[Event]
    ) -> Iterator[tuple[Divergent, Pair]]:
        now = [it for it in news if isinstance(it, ToolCalled) and it.parent == step]
        read = self.log.blobs.read_text
        old = [_call_text(it, json.dumps(it.result)) for it in before]
        new = [_call_text(it, "null" if it.result is None else read(it.result)) for it in now]
        for pair in itertools.zip_longest(old, new, fillvalue="no call"):
            if pair[0] != pair[1]:
                yield "calls", pair
                return  # the calls behind it are others

    def _of_runs(self, before: CodeRun, now: CodeRun) -> Iterator[tuple[Divergent, Pair]]:
        pairs: dict[Divergent, Pair] = {
            "output": (_output(before, self.blobs), _output(now, self.log.blobs)),
            "error": (_error(before), _error(now)),
            "files": (_files(before), _files(now)),
        }
        yield from ((what, pair) for what, pair in pairs.items() if pair[0] != pair[1])

    def _tell(self, step: str, what: Divergent, pair: Pair) -> None:
        before, now = excerpts(*pair)
        self.found += 1
        self.log.emit(
            Diverged(id=step, what=what, before=self.log.text(before), now=self.log.text(now))
        )


def excerpts(before: str, now: str) -> Pair:
    """Return the parts of two texts from the first line on in which they differ."""
    old, new = before.splitlines(), now.splitlines()
    same = sum(
        1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
    )
    return "\n".join(old[same:])[:EXCERPT], "\n".join(new[same:])[:EXCERPT]


def _within(step: str, runs: Iterable[CodeRun]) -> dict[str, CodeRun]:
    """Return the runs of a step and within it, by what follows the id of the step."""
    return {it.id.removeprefix(step): it for it in runs if f"{it.id}/".startswith(f"{step}/")}


def observed(log: EventLog, observation: Observation) -> str:
    """Return what an agent was told, as the trace has it."""
    return log.blobs.read_text(log.text(observation.text))


def _message_text(message: PromptMessage | None, blobs: BlobStore) -> str:
    if message is None:
        return ""
    pictures = "".join(f"\n[picture {image.blob[:12]}]" for image in message.images)
    return f"{message.role}: {blobs.read_text(message.content)}{pictures}"


def _call_text(call: ToolCall | ToolCalled, result: str) -> str:
    outcome = f"failed: {call.error}" if call.error else result
    return f"{python_call(call.tool, call.kwargs, call.args)} -> {outcome}"


def _output(run: CodeRun, blobs: BlobStore) -> str:
    parts = map(blobs.read_text, (run.stdout, run.stderr, run.value or ""))
    return "\n".join(filter(None, parts))


def _error(run: CodeRun) -> str:
    return run.error or ("" if run.outcome == "ok" else run.outcome)


def _files(run: CodeRun) -> str:
    sizes = itertools.zip_longest(run.files, run.sizes[: len(run.files)])
    return "\n".join(name if size is None else f"{name} ({size} bytes)" for name, size in sizes)
