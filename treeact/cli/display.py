"""How a run is shown in a terminal. Every display is a reader of events and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from treeact.cli.lines import Lines, printable
from treeact.cli.search_lines import SearchLines, is_node
from treeact.planners.normalise import python_call
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

if TYPE_CHECKING:
    from rich.console import Console


class Display(Protocol):
    """Shows events one after the other."""

    def show(self, event: ev.Event) -> None:
        """Show one event."""


def make_display(name: str, blobs: BlobStore) -> Display:
    """Return the display called `name`: auto, plain, jsonl or quiet."""
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
            ev.ToolCalled: self._tool,
            ev.Observed: self._observed,
            ev.ApprovalRequested: self._approval,
            ev.CommandReceived: self._command,
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

    def _tool(self, event: ev.ToolCalled) -> None:
        call = python_call(event.tool, event.kwargs, event.args)
        outcome = f": {event.error}" if event.error else ""
        self._line(f"  {_where(event.parent)}{call} {event.status}{outcome}", style="dim")

    def _observed(self, event: ev.Observed) -> None:
        text = self._blobs.read_text(event.text)
        self._text(text, mark="  │ ", style="" if event.ok else "red")

    def _approval(self, event: ev.ApprovalRequested) -> None:
        self._line(
            f"{_where(event.id)}this {event.what} waits for your approval:", style="bold yellow"
        )
        self._text(self._blobs.read_text(event.text), mark="  ? ")

    def _command(self, event: ev.CommandReceived) -> None:
        self._line(f"you: {event.command} {event.text}".rstrip(), style="magenta")

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


def cost_text(event: ev.RunEnded) -> str:
    """Return the cost for people; an unknown price is never shown as nothing."""
    if event.unpriced and event.unpriced == event.calls:
        return "unknown"
    return f"{'>= ' if event.unpriced else ''}${event.cost:.4f}"
