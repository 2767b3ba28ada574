"""The reader that turns the events of a run into spans, one event after the other.

A turn of a run is one trace: its root is the agent at work, below it are steps, nodes of a search
and steps of plans, and in these the calls of models, code and tools. What is no work of its own is
a moment of the span in which it happened.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from treeact.trace import events as ev
from treeact.trace.otel import conventions as say
from treeact.trace.otel.content import Content
from treeact.trace.otel.spans import Span, moment, span_id, trace_id

_STEP = re.compile(r"step-\d+")
_NODE = re.compile(r"root|\d+(\.\d+)*")
_PLAN_STEP = re.compile(r"\d+(\.\d+)*")
_PLAN_CALL = re.compile(r"/step-\d+/\d+(\.\d+)*$")
_ROLE = re.compile(r"(?P<role>.+)-\d+")


class SpanReader:
    """Makes spans of events as they come.

    Args:
        run: the name of the run, which spans show; empty for one that has none.
        content: reads what was said and computed; None leaves that out.
    """

    def __init__(self, run: str = "", content: Content | None = None) -> None:
        self._run = run
        self._content = content
        self._started: ev.RunStarted | None = None
        self._question: ev.Text | None = None
        self._turn = 0
        self._trace = 0
        self._root: Span | None = None
        self._scopes: dict[str, Span] = {}
        self._seen: Counter[tuple[str, str]] = Counter()
        self._tools: defaultdict[str, list[Span]] = defaultdict(list)
        self._retried: dict[str, Span] = {}
        self._done: list[Span] = []

    @property
    def began(self) -> bool:
        """Whether there was the beginning of a run."""
        return self._started is not None

    def take(self, event: ev.Event) -> list[Span]:
        """Return the spans that are complete with `event`; most events complete one or none."""
        if isinstance(event, ev.RunStarted):
            self._started = self._started or event
        if self._started is None:
            return []
        if self._root is None or self._is_follow_up(event):
            self._begin_turn(event)
        self._read(event, moment(event.time))
        return self._take_done()

    def finish(self) -> list[Span]:
        """Return the spans that are left when no event comes any more, as in a log cut off."""
        if self._root is not None:
            if self._root.open:
                self._root.fail("cut_off", "the trace has no end: its run was cut off")
            self._end_turn()
        return self._take_done()

    def _take_done(self) -> list[Span]:
        done, self._done = self._done, []
        return done

    def _is_follow_up(self, event: ev.Event) -> bool:
        ended = self._root is not None and not self._root.open
        return ended and isinstance(event, ev.CommandReceived) and event.command == "send"

    def _begin_turn(self, event: ev.Event) -> None:
        assert self._started is not None
        self._end_turn()
        self._scopes.clear()
        started, self._turn = self._started, self._turn + 1
        asked = started.question if isinstance(started.question, str) else started.question.blob
        run = (started.time, started.id, started.agent, started.model, asked)
        self._trace = trace_id(*run, self._turn)
        self._seen.clear()
        self._question = event.text if isinstance(event, ev.CommandReceived) else None
        time = moment(event.time)
        self._root = Span(
            trace=self._trace,
            id=span_id(self._trace, "run", started.id),
            parent=None,
            name=f"invoke_agent {started.agent}",
            start=time,
            end=time,
            attributes=say.run_attributes(started),
        )
        conversation = f"{trace_id(*run):032x}"
        self._root.attributes |= {
            "gen_ai.conversation.id": conversation,
            "session.id": conversation,
            "treeact.run": self._run,
            "treeact.turn": self._turn,
        }

    def _end_turn(self) -> None:
        """Close everything that is open, the root last."""
        for call in self._retried.values():
            call.fail("model_error", str(call.events[-1].attributes.get("treeact.problem", "")))
        calls = (call for calls in self._tools.values() for call in calls)
        self._close([*calls, *self._retried.values(), *reversed([*self._scopes.values()])])
        if self._root is not None:
            self._close([self._root])
        self._tools.clear()
        self._retried.clear()

    def _close(self, spans: Iterable[Span]) -> None:
        for span in spans:
            if span.open:
                span.close()
                self._done.append(span)

    def _read(self, event: ev.Event, time: float) -> None:
        scope = self._scope(event.id, time)
        match event:
            case ev.RunStarted():
                pass
            case ev.ModelRetried():
                self._model_retried(event, scope, time)
            case ev.ModelCalled():
                self._model_called(event, scope, time)
            case ev.ToolCalled():
                self._tool_called(event, scope, time)
            case ev.CodeRun():
                self._code_run(event, scope, time)
            case ev.SandboxStarted():
                self._sandbox_started(event, scope, time)
            case ev.RunEnded():
                self._run_ended(event, time)
            case _:
                self._happened(event, scope, time)
        for span in (scope, self._root):
            if span is not None and span.open:
                span.end = max(span.end, time)

    def _scope(self, id: str, time: float) -> Span:
        """Return the span that a logical id is in, opened if it is not there yet."""
        assert self._started is not None and self._root is not None
        run = self._started.id
        first, *rest = id.removeprefix(f"{run}/").split("/")
        if not id.startswith(f"{run}/"):
            return self._root
        if _STEP.fullmatch(first):
            step = self._opened(f"{run}/{first}", first.replace("-", " "), self._root, time)
            return self._in_plan(f"{run}/{first}", rest, step, time)
        if _NODE.fullmatch(first):
            node = self._opened(f"{run}/{first}", f"node {first}", self._root, time)
            node.attributes["treeact.node.id"] = first
            return node
        return self._root

    def _in_plan(self, step: str, rest: list[str], scope: Span, time: float) -> Span:
        """Return the span within a step that carries out a plan: a step of it, a role at work."""
        if not rest or not _PLAN_STEP.fullmatch(rest[0]):
            return scope
        numbers = rest[0].split(".")
        labels = (".".join(numbers[:length]) for length in range(len(numbers), 0, -1))
        found = (self._scopes.get(f"{step}/{label}") for label in labels)
        scope = next((span for span in found if span is not None), scope)
        if len(rest) > 1 and (named := _ROLE.fullmatch(rest[1])):
            role = named["role"]
            scope = self._opened(f"{step}/{rest[0]}/{role}", f"invoke_agent {role}", scope, time)
            scope.attributes |= say.agent_attributes(role)
        return scope

    def _opened(self, id: str, name: str, parent: Span, time: float) -> Span:
        if (known := self._scopes.get(id)) is not None:
            return known
        if name.startswith("step "):  # steps come one after the other
            self._close(reversed([*self._scopes.values()]))
        began = min(time, parent.end) if parent.open else time
        scope = self._span("scope", id, name, parent, began, began)
        scope.attributes |= say.chain_attributes(id)
        self._scopes[id] = scope
        return scope

    def _span(self, what: str, id: str, name: str, parent: Span, start: float, end: float) -> Span:
        """Return a new span below `parent`, within the turn, whatever times an event claims."""
        assert self._root is not None
        number = self._seen[what, id]
        self._seen[what, id] += 1
        return Span(
            trace=self._trace,
            id=span_id(self._trace, what, id, number),
            parent=parent,
            name=name,
            start=min(max(moment(start), self._root.start), end),
            end=end,
        )

    def _happened(self, event: ev.Event, scope: Span, time: float) -> None:
        """Take an event that is no work of its own."""
        if isinstance(event, ev.PlanStepStarted):
            number = event.id.rpartition("/")[2]
            self._opened(event.id, f"plan step {number}", scope, time)
            return
        if self._content and isinstance(event, ev.Proposed):
            self._content.take_action(event)
        if isinstance(event, ev.Observed):
            self._close(self._tools.pop(event.id, ()))
        if scope.open:
            scope.attributes |= say.node_attributes(event)
        for span in (scope, self._root):
            if span is not None and span.open:
                span.note(_name(event), time, say.facts_of(event))
                break
        if isinstance(event, ev.PlanStepFinished):
            self._plan_step_finished(event, time)

    def _plan_step_finished(self, event: ev.PlanStepFinished, time: float) -> None:
        if event.id not in self._scopes:  # it called nobody, and took no time
            return
        if not event.ok:
            self._scopes[event.id].fail("plan_step_failed", event.text)
        within = (f"{event.id}/", f"{event.id}.")
        ended = [id for id in self._scopes if id == event.id or id.startswith(within)]
        for id in reversed(ended):
            span = self._scopes.pop(id)
            span.end = max(span.end, time)
            self._close([span])

    def _model_retried(self, event: ev.ModelRetried, scope: Span, time: float) -> None:
        if event.id not in self._retried:
            began = scope.end
            self._retried[event.id] = self._span("call", event.id, "chat", scope, began, time)
        self._retried[event.id].note("treeact.model_retried", time, say.facts_of(event))

    def _model_called(self, event: ev.ModelCalled, scope: Span, time: float) -> None:
        call = self._retried.pop(event.id, None)
        if call is None:  # a replayed reply took as long as it once took, and not now
            began = max(time - event.latency, min(scope.end, time))
            call = self._span("call", event.id, "chat", scope, began, time)
        call.name = f"chat {say.requested_model(event)}"
        call.kind = "client"
        call.end = max(call.end, time)
        call.attributes |= say.call_attributes(event)
        if self._content:
            call.attributes |= self._content.of_call(event)
        self._close([call])

    def _tool_called(self, event: ev.ToolCalled, scope: Span, time: float) -> None:
        call = self._span(
            "tool", event.id, f"execute_tool {event.tool}", scope, time - event.duration, time
        )
        call.attributes |= say.tool_attributes(event.tool, event.id)
        call.attributes["treeact.status"] = event.status
        if event.error:
            call.fail("tool_error", event.error)
        if self._content:
            call.attributes |= self._content.of_tool(event)
        if event.parent is None or _PLAN_CALL.search(event.parent):
            self._close([call])
        else:  # it may belong to code whose end comes later
            self._tools[event.parent].append(call)

    def _code_run(self, event: ev.CodeRun, scope: Span, time: float) -> None:
        run = self._span(
            "code", event.id, "execute_tool python", scope, time - event.duration, time
        )
        run.attributes |= say.code_attributes(event)
        if event.error:
            run.fail(event.error.partition(":")[0], event.error)
        elif event.outcome != "ok":
            run.fail(event.outcome, event.outcome)
        if self._content:
            run.attributes |= self._content.of_code(event)
        calls = self._tools.pop(event.id, [])
        for call in calls:
            call.parent = run
        self._close([*calls, run])

    def _sandbox_started(self, event: ev.SandboxStarted, scope: Span, time: float) -> None:
        began = time - event.duration
        start = self._span("sandbox", event.id, f"start sandbox {event.kind}", scope, began, time)
        start.attributes |= say.chain_attributes(event.id)
        if event.restarted:
            start.attributes["treeact.restarted"] = event.restarted
        self._close([start])

    def _run_ended(self, event: ev.RunEnded, time: float) -> None:
        assert self._root is not None and self._started is not None
        if not self._root.open:
            return
        root = self._root
        root.end = max(root.end, time)
        root.attributes |= say.end_attributes(event)
        if event.reason != "answered":
            root.fail(event.reason.replace(" ", "_"), event.message or event.reason)
        if self._content:
            question = self._question or self._started.question
            root.attributes |= self._content.of_run(question, event.answer)
        self._end_turn()


def _name(event: ev.Event) -> str:
    return f"treeact.{getattr(event, 'type', 'event')}"
