"""How a run is shown in a terminal. Every display is a reader of events and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from treeact.cli.lines import Lines
from treeact.cli.search_lines import SearchLines, is_node
from treeact.planners.normalise import python_call
from treeact.printable import printable
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

if TYPE_CHECKING:
    from rich.console import Console

    from treeact.trace.log import EventLog

MOST_OF_A_CALL = 400
"""Characters of a call of a tool that the plain display shows."""


MOST_WIDTH = 300
"""Characters of a text that is shown within a line."""


class Display(Protocol):
    """Shows events one after the other."""

    def show(self, event: ev.Event) -> None:
        """Show one event."""


def make_display(name: str, blobs: BlobStore, *, log: EventLog | None = None) -> Display:
    """Return the display called `name`: auto, plain, jsonl or quiet; or with a log, json."""
    if name == "json" and log is not None:
        return Json(log)
    match name:
        case "jsonl":
            return JsonLines()
        case "quiet":
            return Quiet(blobs)
        case _:
            return Plain(blobs)


class JsonLines:
    """Each event as a line of JSON."""

    def show(self, event: ev.Event) -> None:
        """Print one event."""
        sys.stdout.write(event.model_dump_json() + "\n")
        sys.stdout.flush()


class Json:
    """The result and nothing else, as one line of JSON for each question.

    Args:
        log: the log of the run.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def show(self, event: ev.Event) -> None:
        """Print the result when the run ends."""
        if isinstance(event, ev.RunEnded):
            sys.stdout.write(json.dumps(self._result(event)) + "\n")
            sys.stdout.flush()

    def _result(self, event: ev.RunEnded) -> dict[str, Any]:
        from treeact.agents.records.divergence import read_replay

        replay = read_replay(self._log.events(), self._log.blobs)
        told = event.model_dump(mode="json", exclude={"v", "seq", "time", "id", "parent", "type"})
        return {
            **told,
            "answer": event.answer and self._log.blobs.read_text(event.answer),
            "trace": str(self._log.directory),
            "replay": replay and asdict(replay),
        }


class Quiet:
    """The answer and nothing else."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def show(self, event: ev.Event) -> None:
        """Print the answer when the run ends."""
        if isinstance(event, ev.RunEnded):
            if event.answer is not None:
                sys.stdout.write(printable(self._blobs.read_text(event.answer)) + "\n")
            if event.reason != "answered":
                sys.stderr.write(f"treeact: {event.reason}: {event.message}\n")


class Plain:
    """Thought, code, output and answer as they come, in plain lines."""

    def __init__(self, blobs: BlobStore, console: Console | None = None) -> None:
        self._blobs = blobs
        self._lines = Lines(console)
        self._line, self._text = self._lines.line, self._lines.text
        self._search = SearchLines(self._lines, blobs)
        self._writers: dict[type[ev.Event], Callable[..., None]] = {
            ev.RunStarted: self._started,
            ev.SandboxStarted: self._sandbox,
            ev.ModelRetried: self._retried,
            ev.Proposed: self._proposed,
            ev.PlanChecked: self._plan_checked,
            ev.PlanStepStarted: self._plan_step,
            ev.PlanStepFinished: self._plan_step_done,
            ev.Replanned: self._replanned,
            ev.ToolCalled: self._tool,
            ev.Observed: self._observed,
            ev.PolicySwitched: self._switched,
            ev.StepDropped: self._dropped,
            ev.ContextCompacted: self._compacted,
            ev.ApprovalRequested: self._approval,
            ev.CommandReceived: self._command,
            ev.ActionSaved: self._saved,
            ev.ActionVerified: self._verified,
            ev.ActionsRetrieved: self._retrieved,
            ev.Diverged: self._diverged,
            ev.Replayed: self._replayed,
            ev.Noticed: self._noticed,
            ev.Answered: self._answered,
            ev.RunEnded: self._ended,
        }

    def show(self, event: ev.Event) -> None:
        """Print one event, if people need it."""
        if self._search.show(event):
            return
        writer = self._writers.get(type(event))
        if writer is not None:
            writer(event)

    def _started(self, event: ev.RunStarted) -> None:
        self._line(f"{event.agent} · {event.model} · {event.planner}", style="bold")
        self._text(self._blobs.read_text(event.question))
        if event.files:
            self._line(f"files: {', '.join(event.files)}", style="dim")

    def _sandbox(self, event: ev.SandboxStarted) -> None:
        if event.restarted:
            self._line(f"sandbox {event.kind} restarted: {event.restarted}", style="yellow")
        else:
            self._line(f"sandbox {event.kind} ready in {event.duration:.2f} s", style="dim")

    def _retried(self, event: ev.ModelRetried) -> None:
        self._line(f"{event.problem}; again in {event.wait:.1f} s", style="yellow")

    def _proposed(self, event: ev.Proposed) -> None:
        self._lines.heading(event.id)
        self._text(self._blobs.read_text(event.thought))
        self._lines.action(event.action, self._blobs.read_text(event.text), problem=event.problem)

    def _plan_checked(self, event: ev.PlanChecked) -> None:
        if event.findings:
            more = f" (and {len(event.findings) - 1} more)" if len(event.findings) > 1 else ""
            self._line(f"  plan rejected: {event.findings[0]}{more}", style="yellow")
        else:
            self._line(f"  plan checked: {event.steps} steps", style="dim")

    def _plan_step(self, event: ev.PlanStepStarted) -> None:
        self._line(f"  ▸ {_step_number(event)} {event.text}", style="cyan")

    def _plan_step_done(self, event: ev.PlanStepFinished) -> None:
        mark, style = ("✓", "dim") if event.ok else ("✗", "red")
        self._line(f"  {mark} {_step_number(event)} {event.text}", style=style)

    def _replanned(self, event: ev.Replanned) -> None:
        self._line(
            f"  replanned: {event.executed} steps stay, {event.added} replace {event.dropped}",
            style="magenta",
        )

    def _tool(self, event: ev.ToolCalled) -> None:
        call = python_call(event.tool, event.kwargs, event.args)
        if len(call) > MOST_OF_A_CALL:
            call = f"{call[:MOST_OF_A_CALL]} ...)"
        outcome = f": {event.error}" if event.error else ""
        self._line(f"  {_where(event.parent)}{call} {event.status}{outcome}", style="dim")

    def _observed(self, event: ev.Observed) -> None:
        text = self._blobs.read_text(event.text)
        self._text(text, mark="  │ ", style="" if event.ok else "red")

    def _switched(self, event: ev.PolicySwitched) -> None:
        if event.left not in ("plan", "review"):
            return  # what was thought and written is shown as what was proposed
        text = " ".join(self._blobs.read_text(event.text).split())[:MOST_WIDTH]
        verdict = "" if event.left == "plan" else f" {event.outcome},"
        self._line(f"  ~ {event.left}:{verdict} {text}".rstrip(), style="blue")

    def _dropped(self, event: ev.StepDropped) -> None:
        state = "the state is as before it" if event.rolled_back else "its state stays"
        self._line(f"  ~ {event.id} is dropped from the context; {state}", style="yellow")

    def _compacted(self, event: ev.ContextCompacted) -> None:
        self._line(
            f"context: {event.steps} older steps are shown shortened, "
            f"about {event.before} -> {event.after} tokens",
            style="dim",
        )

    def _approval(self, event: ev.ApprovalRequested) -> None:
        self._line(
            f"{_where(event.id)}this {event.what} waits for your approval:", style="bold yellow"
        )
        self._text(self._blobs.read_text(event.text), mark="  ? ")

    def _command(self, event: ev.CommandReceived) -> None:
        self._line(f"you: {event.command} {event.text}".rstrip(), style="magenta")

    def _saved(self, event: ev.ActionSaved) -> None:
        signature = self._blobs.read_text(event.signature)
        self._line(f"  + saved {event.name} v{event.version}: {signature}", style="blue")

    def _verified(self, event: ev.ActionVerified) -> None:
        verdict = "verified" if event.ok else f"not verified: {event.reason}"
        style = "blue" if event.ok else "yellow"
        self._line(f"  + {event.name} v{event.version} {verdict}", style=style)

    def _retrieved(self, event: ev.ActionsRetrieved) -> None:
        how = {"offered": "offered", "searched": "found", "named": "loaded"}[event.how]
        self._line(f"  + {how} {', '.join(event.actions) or 'nothing'}", style="blue")

    def _diverged(self, event: ev.Diverged) -> None:
        self._line(f"  ! {event.id}: not as recorded: {event.what}", style="yellow")
        self._text(self._blobs.read_text(event.before), mark="    - ", style="yellow")
        self._text(self._blobs.read_text(event.now), mark="    + ", style="yellow")

    def _replayed(self, event: ev.Replayed) -> None:
        self._line(event.words, style="bold yellow" if event.divergences else "bold")

    def _noticed(self, event: ev.Noticed) -> None:
        self._text(event.text, mark="  ! ", style="yellow")

    def _answered(self, event: ev.Answered) -> None:
        label = "best-effort answer" if event.best_effort else "answer"
        self._line(f"{label}: {self._blobs.read_text(event.answer)}", style="bold green")

    def _ended(self, event: ev.RunEnded) -> None:
        tokens = f"{'about ' if event.estimated else ''}{event.input_tokens + event.output_tokens}"
        figures = (
            f"{event.steps} steps, {event.calls} model calls, {tokens} tokens, "
            f"cost {cost_text(event)}, {event.duration:.1f} s"
        )
        ending = "" if event.reason == "answered" else f"stopped ({event.reason}): {event.message}"
        if ending:
            self._line(ending, style="bold red")
        self._line(figures, style="dim")


def _where(id: str | None) -> str:
    """Return where in a search something happens; where there is one way only, nothing."""
    return f"{id}: " if id and is_node(id) else ""


def _step_number(event: ev.Event) -> str:
    return event.id.rpartition("/")[2]


def cost_text(event: ev.RunEnded) -> str:
    """Return the cost for people; an unknown price is never shown as nothing."""
    if event.unpriced and event.unpriced == event.calls:
        return "unknown"
    return f"{'>= ' if event.unpriced else ''}${event.cost:.4f}"
