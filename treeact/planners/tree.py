"""The action tree: what a search has tried, what came of it, and why it let go of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from treeact.planners.protocols import Action, Observation, Path, Proposal, Score, Step
from treeact.trace import events as ev

if TYPE_CHECKING:
    from treeact.trace.log import EventLog

Status = Literal["planned", "open", "expanded", "answered", "pruned"]
"""Not carried out yet; carried out and not expanded; expanded; holds an answer; given up."""


@dataclass(eq=False, slots=True)
class Node:
    """One action in its place. The root has none."""

    id: str
    """Logical id, such as `run/2.1`: the first child of the second child of the root."""
    parent: Node | None
    proposal: Proposal | None = None
    observation: Observation | None = None
    """What came of the action; None at the root and where it was not carried out."""
    depth: int = 0
    status: Status = "open"
    reason: str = ""
    """Why it was pruned."""
    order: int = 0
    """Which expansion of the search it was the first time, from 1; 0 before that."""
    g: float = 0.0
    """Cost of the path so far, in searches that have one."""
    h: float = 0.0
    """Estimated cost of what is left, in searches that have one."""
    score: Score | None = None
    """What the scorer made of it."""
    visits: int = 0
    total: float = 0.0
    """Sum of the values that were backed up through this node."""
    children: list[Node] = field(default_factory=list)

    @property
    def action(self) -> Action | None:
        """The action that leads here."""
        return self.proposal.actions[0] if self.proposal else None

    @property
    def f(self) -> float:
        """The whole cost, `g + h`."""
        return self.g + self.h

    @property
    def value(self) -> float:
        """Mean of the values that were backed up; 0 before the first."""
        return self.total / self.visits if self.visits else 0.0

    @property
    def worth(self) -> float:
        """What the scorer gave it, from 0 to 1; 0 before it was asked."""
        return self.score.value if self.score else 0.0

    @property
    def lineage(self) -> list[Node]:
        """The nodes from the root's child to this one."""
        nodes = []
        node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class ActionTree:
    """A tree of actions that grows with a search, and writes each change to the log.

    Args:
        run: logical id that those of the nodes begin with.
        path: the steps that were taken before the search.
        log: where changes are written; None keeps the tree in memory alone.
    """

    def __init__(self, *, run: str = "run", path: Path = (), log: EventLog | None = None) -> None:
        self.run = run
        """The logical id of the run."""
        self.trunk = path
        """The steps below the root: they are never taken back."""
        self._prefix = f"{run}/from-{len(path)}" if path else run
        self.root = Node(f"{self._prefix}/root", None)
        self.best: Node = self.root
        """The best node so far; of a search that has ended, the chosen one."""
        self.expansions = 0
        """How many nodes were expanded."""
        self._log = log

    def __iter__(self) -> Iterator[Node]:
        """Yield every node, parents before children, children in order."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def path(self, node: Node) -> Path:
        """Return the steps of the trunk and those to `node`; planned actions are no steps."""
        return (*self.trunk, *(step for node in node.lineage if (step := as_step(node))))

    def extend_trunk(self, step: Step) -> None:
        """Put a step that is never taken back below the root, for planners that do not branch."""
        self.trunk = (*self.trunk, step)

    def child_id(self, node: Node, number: int) -> str:
        """Return the id of the child of `node` with a number, counted from 1."""
        if node.parent is None:
            return f"{self._prefix}/{number}"
        return f"{node.id}.{number}"

    def add(
        self,
        parent: Node,
        proposal: Proposal,
        observation: Observation | None = None,
        *,
        g: float = 0.0,
        h: float = 0.0,
    ) -> Node:
        """Add a child: an action, what came of it if it was carried out, and its costs."""
        node = Node(
            self.child_id(parent, len(parent.children) + 1),
            parent,
            proposal,
            depth=parent.depth + 1,
            status="planned",
            g=g,
            h=h,
        )
        parent.children.append(node)
        if observation is not None:
            node.observation = observation
            node.status = "answered" if observation.done else "open"
        self._emit_added(node, proposal, observation)
        return node

    def observe(self, node: Node, observation: Observation) -> None:
        """Note what came of carrying out a planned node."""
        node.observation = observation
        node.status = "answered" if observation.done else "open"
        if self._log:
            self._log.emit(
                ev.NodeObserved(
                    id=node.id,
                    ok=observation.ok,
                    text=self._log.text(observation.text),
                    answer=observation.answer,
                )
            )

    def expand(self, node: Node, *, samples: int) -> None:
        """Note that `node` is expanded next, with that many samples."""
        node.status = "expanded"
        self.expansions += 1
        node.order = node.order or self.expansions
        if self._log:
            self._log.emit(ev.NodeExpanded(id=node.id, order=self.expansions, samples=samples))

    def prune(self, node: Node, reason: str) -> None:
        """Note that nobody goes on from `node`, and why."""
        node.status, node.reason = "pruned", reason
        if self._log:
            self._log.emit(ev.NodePruned(id=node.id, reason=reason))

    def score(self, node: Node, score: Score) -> None:
        """Note how good `node` looks."""
        node.score = score
        if self._log:
            self._log.emit(ev.NodeScored(id=node.id, score=score.value, reason=score.reason))

    def back_up(self, node: Node, value: float) -> None:
        """Count a value for `node` and all above it."""
        above: Node | None = node
        while above is not None:
            above.visits += 1
            above.total += value
            above = above.parent
        if self._log:
            self._log.emit(ev.ValueBackedUp(id=node.id, value=value))

    def return_to(self, node: Node, undone: Node) -> None:
        """Note that the search steps back from the child `undone` to `node`."""
        if self._log:
            self._log.emit(ev.SteppedBack(id=node.id, undone=undone.id))

    def choose(self, node: Node) -> None:
        """Note that the search ends with the path to `node`."""
        self.best = node
        if self._log:
            self._log.emit(ev.NodeChosen(id=node.id))

    def _emit_added(self, node: Node, proposal: Proposal, observation: Observation | None) -> None:
        if not self._log or not node.parent:
            return
        action = proposal.actions[0]
        self._log.emit(
            ev.NodeAdded(
                id=node.id,
                parent=node.parent.id,
                action=action.kind,
                text=self._log.text(action.text),
                calls=action.calls,
                thought=self._log.text(proposal.thought),
                votes=proposal.votes,
                carried_out=observation is not None,
                ok=observation is None or observation.ok,
                observation=self._log.text(observation.text) if observation else "",
                answer=observation.answer if observation else None,
                g=node.g,
                h=node.h,
            )
        )


def as_step(node: Node) -> Step | None:
    """Return the step that a node is, or None where nothing was carried out."""
    if node.observation is None:
        return None
    return Step(id=node.id, proposal=node.proposal, observation=node.observation)
