"""A run that was cut off or stopped, as its resumption needs it: what was answered, and by whom.

A run is resumed by doing it again under the same logical ids. What a model or a tool answered the
first time is answered from the record, so that nothing is paid twice and nothing outside happens
twice; code is run again, which brings its state back. From where the record ends, it is live. A run
can also go on from a node of another one, by the steps that lead there; see `retracing`.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from treeact.agents.records.retracing import Trail, find_trail
from treeact.errors import ConfigError, TraceError
from treeact.models.base import (
    SILENT,
    Completion,
    Image,
    Listener,
    Message,
    Meter,
    Model,
    Request,
    Usage,
)
from treeact.models.wrapped import WrappedModel
from treeact.sandbox.base import ToolCall
from treeact.trace.blobs import BlobStore
from treeact.trace.events import (
    CommandReceived,
    Event,
    ModelCalled,
    PromptMessage,
    RunStarted,
    Text,
    ToolCalled,
)
from treeact.trace.log import BLOBS_FOLDER, read_events

T = TypeVar("T")

LOOK = "look"
"""The phase of a call that looks at a picture, and the end of its logical id."""


class Past:
    """What a run has on record. An empty one is that of a run which starts anew.

    Args:
        events: the events of the run.
        blobs: where its big values are.
    """

    def __init__(self, events: Iterable[Event] = (), blobs: BlobStore | None = None) -> None:
        self._blobs = blobs or BlobStore(None)
        self._replies: defaultdict[str, deque[ModelCalled]] = defaultdict(deque)
        self._calls: defaultdict[str, list[ToolCall]] = defaultdict(list)
        self._prompts: dict[int, tuple[PromptMessage, ...]] = {}
        self._looks: defaultdict[str, list[Message]] = defaultdict(list)
        self._looked: defaultdict[str, list[Message]] = defaultdict(list)
        self.started: RunStarted | None = None
        """How the run began."""
        self.messages: list[str] = []
        """What the user said meanwhile."""
        self.trail: Trail | None = None
        """The steps to be taken again before the run is live, where it goes on from some."""
        for event in events:
            self._take(event)

    @classmethod
    def load(cls, directory: Path) -> Past:
        """Return the past of the run in a directory.

        Raises:
            TraceError: there is none, or it is damaged.
        """
        past = cls(read_events(directory), BlobStore(directory / BLOBS_FOLDER))
        if past.started is None:
            raise TraceError(f"{directory} holds no beginning of a run: it cannot be resumed")
        return past

    @classmethod
    def leading_to(cls, node: str | int, directory: Path) -> Past:
        """Return the past of a run that goes on from a node of the run in a directory.

        Args:
            node: its logical id, or how many steps of the chosen path lead there.
            directory: that of the run.

        Raises:
            ConfigError: there is no such node.
            TraceError: there is no such run, or it is damaged.
        """
        whole = cls.load(directory)
        assert whole.started is not None
        past = cls((), whole._blobs)
        past.started = whole.started
        past.trail = find_trail(
            list(read_events(directory)),
            whole._blobs,
            node,
            run=whole.started.id,
            calls=whole._calls,
        )
        for stage in past.trail.stages:
            past._calls[stage.step.id] = list(stage.evidence.calls)
            past._take_over(whole, stage.before, stage.step.id)
        return past

    def _take_over(self, other: Past, before: str, now: str) -> None:
        """Take what was answered within a step of another run, under the step's new id."""
        self._replies.update(_within(other._replies, before, now))
        self._calls.update(_within(other._calls, before, now))
        self._looked.update(_within(other._looked, before, now))

    def _take(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.started = event
            case ModelCalled():
                self._replies[event.id].append(event)
                if event.phase == LOOK:
                    self._looks[event.id].append(self._as_look(event))
            case ToolCalled(parent=str(step)):
                self._calls[step].append(self._as_call(event))
                self._looked[step] += self._looks.pop(f"{step}/{LOOK}", [])
            case CommandReceived(command="send"):
                self.messages.append(event.text)

    @property
    def question(self) -> str:
        """What was asked."""
        return self._blobs.read_text(self.started.question) if self.started else ""

    @property
    def answer_schema(self) -> dict[str, Any] | None:
        """The JSON Schema that the answer has to fit, if any."""
        return self.started.settings.get("answer_schema") if self.started else None

    def completion(self, path: str) -> Completion | None:
        """Return what the model answered to the next call with a logical path, or None.

        Where single steps are taken again, that was paid for by the earlier run.
        """
        waiting = self._replies.get(path)
        if not waiting:
            return None
        completion = self._as_completion(waiting.popleft())
        if self.trail is None:
            return completion
        return replace(completion, usage=Usage(input_tokens=0, output_tokens=0), cost=0.0)

    def calls(self, step: str) -> Sequence[ToolCall]:
        """Return the tool calls of a step, or of its commit, that were carried out."""
        return self._calls.pop(step, ())

    def is_whole(self, step: str) -> bool:
        """Return whether the calls of a step that are on record are all that it may make."""
        return self.trail is not None and any(it.step.id == step for it in self.trail.stages)

    def looks(self, step: str) -> Sequence[Message]:
        """Return what the model was asked about pictures by the calls of a step that have ended."""
        return self._looked.pop(step, ())

    def check_same(self, started: RunStarted, question: str) -> None:
        """Check that the run goes on as what it was.

        Raises:
            ConfigError: something that decides its course differs; the message names all of it.
        """
        if self.started is None:
            return
        course = _course if self.trail is None else _ground
        ours = {**course(self.started), "question": self.question}
        theirs = {**course(started), "question": question}
        differences = [
            f"{name} was {ours.get(name)!r} and is {theirs.get(name)!r}"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]
        if differences:
            raise ConfigError(
                "this is another run than the one to be resumed: "
                + "; ".join(differences)
                + " (give what it was started with, or start a new run)"
            )

    def _as_completion(self, event: ModelCalled) -> Completion:
        return Completion(
            texts=tuple(self._blobs.read_text(reply) for reply in event.replies),
            finish_reasons=event.finish_reasons,  # type: ignore[arg-type]  # as they were written
            usage=event.usage,
            cost=event.cost,
            latency=event.latency,
            model=event.model,
            author=event.author,  # type: ignore[arg-type]
            retries=event.retries,
        )

    def _as_look(self, event: ModelCalled) -> Message:
        """Return the message of a call that looked; the same as before is told by its number."""
        added = event.prompt.added or self._prompts.get(event.prompt.base or 0, ())
        if len(added) != 1:
            raise TraceError("a call of the trace that looks at a picture has not one message")
        self._prompts[event.seq] = added
        message = added[0]
        images = tuple(
            Image(data=self._blobs.get(image), media_type=image.media_type)
            for image in message.images
        )
        return Message("user", self._blobs.read_text(message.content), images)

    def _as_call(self, event: ToolCalled) -> ToolCall:
        return ToolCall(
            tool=event.tool,
            args=event.args,
            kwargs=event.kwargs,
            status=event.status,  # type: ignore[arg-type]
            result=self._as_result(event.result),
            error=event.error,
            duration=event.duration,
            files={name: self._blobs.get(blob) for name, blob in event.files.items()},
        )

    def _as_result(self, result: Text | None) -> Any:
        if result is None:
            return None
        try:
            return json.loads(self._blobs.read_text(result))
        except ValueError as error:
            raise TraceError("the result of a tool call in the trace is no JSON") from error


def _within(answers: Mapping[str, T], before: str, now: str) -> dict[str, T]:
    """Return what was answered within a step, under its new id; commits are the step's own."""
    return {
        now + id.removeprefix(before): answer
        for id, answer in answers.items()
        if id.startswith(f"{before}/") and id != f"{before}/commit"
    }


def _ground(started: RunStarted) -> dict[str, Any]:
    """Return what the steps of a run stand on, whoever chooses those to come."""
    return {
        "agent": started.agent,
        "files": started.files,
        "tools": started.settings.get("tools"),
        "schema of the answer": started.settings.get("answer_schema"),
    }


def _course(started: RunStarted) -> dict[str, Any]:
    """Return what decides the course of a run, whoever answers and whatever it may spend."""
    settings = started.settings.get("planner") or {}
    return {
        **_ground(started),
        "planner": started.planner,
        **{f"planner's {key}": value for key, value in settings.items()},
    }


class ResumedModel(WrappedModel):
    """A model whose first answers come from the record of a run.

    Args:
        model: who answers what is not on record.
        past: the record.
    """

    def __init__(self, model: Model, past: Past) -> None:
        super().__init__(model)
        self._past = past

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer from the record, booking what it cost then, or else ask; see `Model.complete`."""
        recorded = self._past.completion(request.path)
        if recorded is None:
            return await self._model.complete(request, meter=meter, listener=listener)
        if meter is not None:
            charge = await meter.reserve(request, model=self)
            charge.settle(recorded.usage, recorded.cost)
        return recorded
