"""A run that was cut off or stopped, as its resumption needs it: what was answered, and by whom.

A run is resumed by doing it again under the same logical ids. What a model or a tool answered the
first time is answered from the record, so that nothing is paid twice and nothing outside happens
twice; code is run again, which brings its state back. From where the record ends, it is live. A run
can also go on from a node of another one, by the steps that lead there; see `retracing`.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from treeact.agents.retracing import Trail, find_trail, made_calls
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
        self.trail = Trail()
        """The steps to be taken again before the run is live."""
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
    def leading_to(cls, node: str, directory: Path) -> Past:
        """Return the past of a run that goes on from a node of the run in a directory.

        Raises:
            ConfigError: there is no such node.
            TraceError: there is no such run, or it is damaged.
        """
        whole = cls.load(directory)
        assert whole.started is not None and whole._blobs is not None
        past = cls((), whole._blobs)
        past.started = whole.started
        events = list(read_events(directory))
        past.trail = find_trail(events, whole._blobs, node, run=whole.started.id)
        commits = [c for id, calls in whole._calls.items() if id.endswith("/commit") for c in calls]
        for before, now in past.trail.ids().items():
            past._calls[now] = made_calls(whole._calls.get(before, ()), commits)
        return past

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
        """Return what the model answered to the next call with a logical path, or None."""
        waiting = self._replies.get(path)
        return self._as_completion(waiting.popleft()) if waiting else None

    def calls(self, step: str) -> Sequence[ToolCall]:
        """Return the tool calls of a step, or of its commit, that were carried out."""
        return self._calls.pop(step, ())

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
        course = _ground if self.trail.stages else _course
        ours = {**course(self.started), "question": self.question}
        theirs = {**course(started), "question": question}
        differences = [
            f"{name} was {ours.get(name)!r} and is {theirs.get(name)!r}"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]
        if differences:
            raise ConfigError(
                "this is another run than the one to be resumed: " + "; ".join(differences)
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
