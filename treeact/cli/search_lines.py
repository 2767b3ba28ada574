"""How a search is shown while it goes on: candidates, what came of them, and what was decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from treeact.cli.lines import Lines
from treeact.planners.normalise import code_key
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore

_NODE = re.compile(r"(?P<node>.*/(?:root|\d+(?:\.\d+)*))(?:/(?:sampling-\d+|commit))?")


def is_node(id: str) -> bool:
    """Return whether a logical id names a node of a search, or something done there."""
    return _NODE.fullmatch(id) is not None


class SearchLines:
    """Writes the events of searches.

    A node's action is proposed before the node is there, and its outcome is observed before that,
    too: they are shown when they come, under the id that the node will have. When the node is
    added, what was not shown yet is.

    Args:
        lines: where to write.
        blobs: where big texts are.
    """

    def __init__(self, lines: Lines, blobs: BlobStore) -> None:
        self._lines = lines
        self._read = blobs.read_text
        self._children: Counter[str] = Counter()
        self._candidates: dict[str, dict[str, str]] = {}
        """Of each node where actions are proposed: ids of its candidates by key."""
        self._expanded = ""
        self._shown: dict[str, ev.Text] = {}
        """Actions that were shown, by node."""
        self._told: set[str] = set()
        """Nodes whose outcome was shown."""
        self._planned: dict[str, ev.NodeAdded] = {}
        """Nodes that were not carried out yet."""
        self._writers: dict[type[ev.Event], Callable[..., None]] = {
            ev.Proposed: self._proposed,
            ev.Observed: self._observed,
            ev.NodeExpanded: self._expansion,
            ev.NodeAdded: self._added,
            ev.NodeObserved: self._carried_out,
            ev.NodePruned: self._pruned,
            ev.NodeScored: self._scored,
            ev.SteppedBack: self._stepped_back,
            ev.NodeChosen: self._chosen,
        }

    def show(self, event: ev.Event) -> bool:
        """Write an event of a search; return whether it was one."""
        writer = self._writers.get(type(event))
        if writer is None or not is_node(event.id):
            return False
        writer(event)
        return True

    def _proposed(self, event: ev.Proposed) -> None:
        found = _NODE.fullmatch(event.id)
        assert found
        node = found["node"]
        if node not in self._candidates:
            self._candidates[node] = {}
            self._lines.heading(node)
        candidates = self._candidates[node]
        text = self._read(event.text)
        key = code_key(text) if event.action == "code" else text or event.problem or ""
        if key not in candidates:  # plans may begin alike
            id = candidates[key] = _child(node, self._children[node] + len(candidates) + 1)
            self._show_action(id, event.action, event.text, event.thought, event.problem)

    def _expansion(self, event: ev.NodeExpanded) -> None:
        candidates = self._candidates.pop(event.id, None)
        if candidates is None:
            self._lines.heading(event.id)
        self._expanded = event.id
        count = f", {_count(len(candidates), 'candidate')}" if candidates else ""
        text = f"expansion {event.order}: {_count(event.samples, 'sample')}{count}"
        self._lines.line(text, style="dim")

    def _observed(self, event: ev.Observed) -> None:
        self._told.add(event.id)
        self._show_outcome(event.id, event.text, ok=event.ok)

    def _added(self, event: ev.NodeAdded) -> None:
        self._children[event.parent or ""] += 1
        if not event.carried_out:
            self._planned[event.id] = event
        if not (event.carried_out or event.parent == self._expanded):
            return  # the rest of a plan is shown as it is carried out
        shown = self._shown.get(event.id)
        if shown is None or (shown != event.text and event.action != "none"):
            self._show_action(
                event.id, event.action, event.text, event.thought, self._read(event.text)
            )
        if event.carried_out and event.id not in self._told:
            self._show_outcome(event.id, event.observation, ok=event.ok)
        if figures := _figures(event):
            self._lines.line(f"  {event.id}: {figures}", style="dim")

    def _carried_out(self, event: ev.NodeObserved) -> None:
        if event.id not in self._told:
            self._show_outcome(event.id, event.text, ok=event.ok)

    def _pruned(self, event: ev.NodePruned) -> None:
        if event.id in self._shown:
            reason = next(iter(event.reason.splitlines()), "")
            self._lines.line(f"✗ {event.id} pruned: {reason}", style="yellow")

    def _scored(self, event: ev.NodeScored) -> None:
        reason = f": {' '.join(event.reason.split())}" if event.reason else ""
        self._lines.line(f"  {event.id}: score {event.score:.2f}{reason}", style="dim")

    def _stepped_back(self, event: ev.SteppedBack) -> None:
        self._lines.line(f"↩ back to {event.id}: {event.undone} is undone", style="yellow")

    def _chosen(self, event: ev.NodeChosen) -> None:
        self._lines.line(f"★ {event.id} chosen", style="bold")

    def _show_action(
        self, id: str, kind: str, text: ev.Text, thought: ev.Text, problem: str | None
    ) -> None:
        self._shown[id] = text
        self._lines.line(f"· {id}", style="cyan")
        self._lines.text(self._read(thought))
        self._write_action(kind, self._read(text), problem)

    def _write_action(self, kind: str, text: str, problem: str | None = None) -> None:
        if kind == "answer":
            self._lines.line(f"answer: {text}", style="green")
        else:
            self._lines.action(kind, text, problem=problem)

    def _show_outcome(self, id: str, text: ev.Text, *, ok: bool) -> None:
        planned = self._planned.pop(id, None)
        is_new = planned is not None and id not in self._shown
        if not text and not is_new:
            return
        self._lines.line(f"▸ {id}{'' if ok else ' failed'}", style="cyan")
        if planned and is_new:
            self._shown[id] = planned.text
            self._write_action(planned.action, self._read(planned.text))
        self._lines.text(self._read(text), mark="  │ ", style="" if ok else "red")


def _child(node: str, number: int) -> str:
    """Return the id that a child of a node has; see `ActionTree.child_id`."""
    return f"{node.removesuffix('root')}{number}" if node.endswith("/root") else f"{node}.{number}"


def _figures(event: ev.NodeAdded) -> str:
    votes = _count(event.votes, "vote") if event.votes > 1 else ""
    costs = f"g {event.g:.2f} h {event.h:.2f}" if event.g or event.h else ""
    return ", ".join(filter(None, (votes, costs)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
