"""A run as a column of blocks: what was said, thought, done and seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from treeact.planners.normalise import python_call
from treeact.trace import events as ev

Kind = Literal[
    "question", "you", "thought", "code", "call", "answer", "output", "observation", "error", "note"
]
SIGNS: dict[Kind, str] = {
    "question": "?",
    "you": ">",
    "thought": "~",
    "code": "#",
    "call": "#",
    "answer": "=",
    "output": "|",
    "observation": "|",
    "error": "!",
    "note": "-",
}
"""A sign for each kind, so that nothing depends on colour alone."""

SHOWN_LINES = 12
"""Lines of a long text that are shown until it is opened."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One thing that happened."""

    key: int
    """Number of the event it comes from; with several blocks of one event, see `part`."""
    part: int = 0
    kind: Kind
    id: str
    """Logical id of what it belongs to."""
    title: str
    text: ev.Text = ""
    pictures: int = 0


def blocks_of(event: ev.Event, number: int) -> list[Block]:
    """Return what an event adds to the column; most add one block or none."""
    maker = _MAKERS.get(type(event))
    found = maker(event) if maker else []
    return [
        Block(key=number, part=part, kind=kind, id=event.id, title=title, text=text)
        for part, (kind, title, text) in enumerate(found)
    ]


_Row = tuple[Kind, str, ev.Text]


def _started(event: ev.RunStarted) -> list[_Row]:
    files = f" (files: {', '.join(event.files)})" if event.files else ""
    return [("question", f"task{files}", event.question)]


def _proposed(event: ev.Proposed) -> list[_Row]:
    rows: list[_Row] = []
    if event.thought:
        rows.append(("thought", "thought", event.thought))
    match event.action:
        case "none":
            rows.append(("error", f"no action in the reply: {event.problem or 'empty'}", ""))
        case "answer":
            rows.append(("answer", "gives an answer", event.text))
        case "call":
            rows.append(("call", "call", event.text))
        case "code":
            rows.append(("code", "code", event.text))
        case "sketch":
            rows.append(("note", "imagined", event.text))
    return rows


def _code_run(event: ev.CodeRun) -> list[_Row]:
    rows: list[_Row] = []
    if event.stdout:
        rows.append(("output", "printed", event.stdout))
    if event.stderr:
        rows.append(("output", "standard error", event.stderr))
    if event.value is not None:
        rows.append(("output", "value", event.value))
    back = "; the state is as before it" if event.rolled_back else ""
    if event.error is not None:
        rows.append(("error", f"failed{back}", event.error))
    elif event.outcome != "ok":
        rows.append(("error", f"{event.outcome}{back}", ""))
    if event.images:
        rows.append(("note", f"drew {len(event.images)} pictures", ""))
    return rows


def _tool(event: ev.ToolCalled) -> list[_Row]:
    call = python_call(event.tool, event.kwargs, event.args)
    title = f"{call if len(call) <= 160 else call[:160] + ' ...)'} {event.status}"
    if event.error:
        return [("error", title, event.error)]
    return [("note", title, "")]


def _command(event: ev.CommandReceived) -> list[_Row]:
    if event.command == "send":
        return [("you", "you", event.text)]
    return [("you", f"you: {event.command}", event.text)]


def _policy(event: ev.PolicySwitched) -> list[_Row]:
    if event.left not in ("plan", "review"):
        return []
    return [("note", f"{event.left}: {event.outcome}, then {event.policy}", event.text)]


def _plan_checked(event: ev.PlanChecked) -> list[_Row]:
    if event.findings:
        return [("error", "plan rejected", "\n".join(event.findings))]
    return [("note", f"plan checked: {event.steps} steps", "")]


def _plan_step(event: ev.PlanStepFinished) -> list[_Row]:
    return [
        ("output" if event.ok else "error", f"plan step {event.id.rpartition('/')[2]}", event.text)
    ]


def _pruned(event: ev.NodePruned) -> list[_Row]:
    return [("note", f"{event.id} given up: {event.reason}", "")]


def _saved(event: ev.ActionSaved) -> list[_Row]:
    return [("note", f"saved {event.name} v{event.version}", event.signature)]


def _verified(event: ev.ActionVerified) -> list[_Row]:
    verdict = "verified" if event.ok else f"not verified: {event.reason}"
    return [("note", f"{event.name} v{event.version} {verdict}", "")]


def _retrieved(event: ev.ActionsRetrieved) -> list[_Row]:
    return [("note", f"actions {event.how}: {', '.join(event.actions) or 'none'}", "")]


def _sandbox(event: ev.SandboxStarted) -> list[_Row]:
    if event.restarted:
        return [("error", f"sandbox {event.kind} restarted", event.restarted)]
    return [("note", f"sandbox {event.kind} ready in {event.duration:.2f} s", "")]


def _retried(event: ev.ModelRetried) -> list[_Row]:
    return [("error", f"the model failed; again in {event.wait:.1f} s", event.problem)]


def _answer_rejected(event: ev.AnswerRejected) -> list[_Row]:
    return [("error", "answer of a wrong form", "\n".join(event.errors))]


def _answered(event: ev.Answered) -> list[_Row]:
    return [("answer", "best-effort answer" if event.best_effort else "answer", event.answer)]


def _ended(event: ev.RunEnded) -> list[_Row]:
    if event.reason == "answered":
        return []
    return [("error", f"stopped: {event.reason}", event.message)]


def _compacted(event: ev.ContextCompacted) -> list[_Row]:
    return [
        ("note", f"{event.steps} older steps shortened: {event.before} to {event.after} tokens", "")
    ]


def _diverged(event: ev.Diverged) -> list[_Row]:
    title = f"{event.what} not as recorded"
    return [("error", f"{title}; it was", event.before), ("error", "and is", event.now)]


_MAKERS: dict[type[ev.Event], Callable[..., list[_Row]]] = {
    ev.RunStarted: _started,
    ev.SandboxStarted: _sandbox,
    ev.ModelRetried: _retried,
    ev.Proposed: _proposed,
    ev.CodeRun: _code_run,
    ev.ToolCalled: _tool,
    ev.CommandReceived: _command,
    ev.PolicySwitched: _policy,
    ev.PlanChecked: _plan_checked,
    ev.PlanStepFinished: _plan_step,
    ev.NodePruned: _pruned,
    ev.StepDropped: lambda event: [("note", f"{event.id} dropped from the context", event.reason)],
    ev.ContextCompacted: _compacted,
    ev.ActionSaved: _saved,
    ev.ActionVerified: _verified,
    ev.ActionsRetrieved: _retrieved,
    ev.Diverged: _diverged,
    ev.Replayed: lambda event: [("note", event.words, "")],
    ev.Noticed: lambda event: [("note", "notice", event.text)],
    ev.AnswerRejected: _answer_rejected,
    ev.Answered: _answered,
    ev.RunEnded: _ended,
}
