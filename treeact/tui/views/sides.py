"""What stands beside a run: its plan, the names that its code bound, and its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from treeact.agents.library.statements import read_statements
from treeact.errors import TraceError
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

Side = Literal["plan", "variables", "files", "tree"]


@dataclass
class _PlanStep:
    text: str
    sign: str = "."


@dataclass
class SidesView:
    """Collects from events what the sides of the run screen show.

    The values of variables are in no event: code that runs again brings them back. What is shown is
    which names the code bound that ran without an error, and where.
    """

    blobs: BlobStore
    _plan: ev.Text = ""
    _steps: dict[str, _PlanStep] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _codes: dict[str, ev.Text] = field(default_factory=dict)
    _asked: str = ""
    _ran: dict[str, None] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)
    _bound: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, event: ev.Event) -> None:
        """Take the next event in."""
        match event:
            case ev.RunStarted():
                self._files |= dict.fromkeys(event.files, "given")
            case ev.Proposed(action="code"):
                self._codes.setdefault(event.id, event.text)  # a node's comes below its own
            case ev.NodeAdded(action="code") | ev.ApprovalRequested(what="code"):
                self._codes[event.id] = event.text
                self._asked = event.id
            case ev.CommandReceived(command="edit"):
                self._codes[self._asked] = event.text
            case ev.CodeRun():
                if event.error is None and event.outcome == "ok":
                    self._ran[event.id] = None
                self._files |= dict.fromkeys(event.files, f"by {event.id}")
            case ev.ToolCalled():
                self._files |= dict.fromkeys(event.files, f"by {event.tool}, {event.id}")
            case ev.PolicySwitched(left="plan"):
                self._plan = event.text
            case _:
                self._take_plan(event)

    def _take_plan(self, event: ev.Event) -> None:
        match event:
            case ev.PlanChecked():
                self._notes.append("; ".join(event.findings) or f"checked: {event.steps} steps")
            case ev.PlanStepStarted():
                self._steps[event.id] = _PlanStep(event.text, ">")
            case ev.PlanStepFinished():
                step = self._steps.setdefault(event.id, _PlanStep(event.text))
                step.sign = "✓" if event.ok else "✗"
            case ev.Replanned():
                kept = f"{event.executed} kept, {event.dropped} dropped, {event.added} new"
                self._notes.append(f"replanned: {kept}")

    def lines(self, side: Side) -> list[str]:
        """Return the lines of the plan, the variables or the files."""
        match side:
            case "plan":
                return self._plan_lines() or ["no plan: PoAct and CodeAgents write one"]
            case "variables":
                names = [f"{name:<20} {where}" for name, where in self.names().items()]
                return names or ["no code has bound a name yet"]
            case _:
                files = [f"{name}  {origin}" for name, origin in self._files.items()]
                return files or ["no files yet"]

    def _plan_lines(self) -> list[str]:
        steps = [f"{step.sign} {step.text}" for step in self._steps.values()]
        return [*self._read(self._plan).splitlines(), *self._notes[-3:], *steps]

    def names(self) -> dict[str, str]:
        """Return the names that code bound, and the id of the code that did so last."""
        found: dict[str, str] = {}
        for id in self._ran:
            if id in self._codes:
                found |= dict.fromkeys(self._names_of(id), id)
        return found

    def _names_of(self, id: str) -> tuple[str, ...]:
        if id not in self._bound:
            statements = read_statements(self._read(self._codes[id]))
            names = (name for it in statements for name in sorted(it.binds))
            self._bound[id] = tuple(dict.fromkeys(names))
        return self._bound[id]

    def _read(self, text: ev.Text) -> str:
        try:
            return self.blobs.read_text(text)
        except TraceError as error:
            return f"# {error}"
