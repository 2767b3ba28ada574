"""Action trees read back from the events of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from treeact.errors import TraceError
from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Code,
    NoAction,
    Observation,
    Path,
    Proposal,
    Score,
    Sketch,
    Step,
)
from treeact.planners.tree import ActionTree, Node
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore


def read_trees(events: Iterable[ev.Event], blobs: BlobStore | None = None) -> list[ActionTree]:
    """Return the trees of a run, one for each of its turns.

    A planner that does not branch leaves no nodes; the trunk of its tree holds its steps. A run
    that was cut off, or still goes on, has the tree that it had by then.

    Args:
        events: the events of one run, from the first on.
        blobs: where its big texts are.

    Raises:
        TraceError: the events contradict each other, or a big text is missing.
    """
    reader = _Reader(blobs or BlobStore(None))
    for event in events:
        reader.take(event)
    return reader.finish()


@dataclass(frozen=True)
class RecordedCall(Call):
    """A call of which the text is known, and not the arguments apart from it."""

    words: str = ""

    @property
    def text(self) -> str:
        """The call as Python would write it."""
        return self.words

    @property
    def key(self) -> str:
        """The text: equal calls that were written differently are not found equal."""
        return self.words


_CHANGES = (
    ev.NodeObserved,
    ev.NodeExpanded,
    ev.NodePruned,
    ev.NodeScored,
    ev.ValueBackedUp,
    ev.SteppedBack,
    ev.NodeChosen,
)


@dataclass
class _Turn:
    """What is known of one turn."""

    path: Path
    """The steps before it."""
    tree: ActionTree | None = None
    """The tree of its search, once there is a node."""
    steps: list[Step] = field(default_factory=list)
    """Its own steps, if its planner does not branch."""


class _Reader:
    """Takes the events of a run one after the other."""

    def __init__(self, blobs: BlobStore) -> None:
        self._text = blobs.read_text
        self._run = "run"
        self._trees: list[ActionTree] = []
        self._path: Path = ()
        self._turn: _Turn | None = None
        self._proposed: dict[str, Proposal] = {}
        self._nodes: dict[str, Node] = {}

    def take(self, event: ev.Event) -> None:
        match event:
            case ev.RunStarted():
                self._run = event.id
                self._turn = _Turn(self._path)
            case ev.RunEnded() if self._turn:
                self._end_turn(kept=event.reason not in ("cancelled", "trace failure"))
            case ev.CommandReceived(command="send") if self._turn is None:
                self._follow_up(event.text)
            case ev.Proposed() | ev.Observed() | ev.Answered(best_effort=False):
                self._take_step(event)
            case _:
                self._take_node(event)

    def finish(self) -> list[ActionTree]:
        if self._turn:
            self._end_turn(kept=True)
        return self._trees

    def _follow_up(self, text: str) -> None:
        id = f"{self._run}/step-{len(self._path) + 1}"
        said = Step(id=id, proposal=None, observation=Observation(text=text))
        self._path = (*self._path, said)
        self._turn = _Turn(self._path)

    def _end_turn(self, *, kept: bool) -> None:
        turn, self._turn = self._current, None
        tree = turn.tree or ActionTree(run=self._run, path=turn.path)
        if turn.tree is None:
            tree.trunk = (*tree.trunk, *turn.steps)
        if kept:  # what is said next follows on the path that was chosen
            self._path = tree.path(tree.best)
        self._trees.append(tree)

    @property
    def _current(self) -> _Turn:
        if self._turn is None:
            self._turn = _Turn(self._path)
        return self._turn

    def _take_step(self, event: ev.Proposed | ev.Observed | ev.Answered) -> None:
        turn = self._current
        match event:
            case ev.Proposed():
                action = _action(event.action, self._text(event.text), ())
                thought, reply = self._text(event.thought), self._text(event.reply)
                self._proposed[event.id] = Proposal(actions=(action,), thought=thought, reply=reply)
            case ev.Observed() if "/" not in event.id.removeprefix(f"{self._run}/"):
                proposal = self._proposed.pop(event.id, None)
                seen = Observation(text=self._text(event.text), ok=event.ok)
                turn.steps.append(Step(id=event.id, proposal=proposal, observation=seen))
            case ev.Answered() if turn.steps:
                seen = replace(turn.steps[-1].observation, answer=self._text(event.answer))
                turn.steps[-1] = replace(turn.steps[-1], observation=seen)

    def _take_node(self, event: ev.Event) -> None:
        if isinstance(event, ev.NodeAdded):
            self._add(event)
        elif isinstance(event, _CHANGES):
            node = self._node(event.id)
            self._change(self._tree, node, event)

    def _change(self, tree: ActionTree, node: Node, event: ev.Event) -> None:
        match event:
            case ev.NodeObserved():
                tree.observe(node, self._seen(event.text, event.ok, event.answer))
            case ev.NodeExpanded():
                tree.expand(node, samples=event.samples)
            case ev.NodePruned():
                tree.prune(node, event.reason)
            case ev.NodeScored():
                tree.score(node, Score(value=event.score, reason=event.reason))
            case ev.ValueBackedUp():
                tree.back_up(node, event.value)
            case ev.NodeChosen():
                tree.choose(node)

    @property
    def _tree(self) -> ActionTree:
        tree = self._current.tree
        assert tree is not None  # `_node` has made it
        return tree

    def _node(self, id: str) -> Node:
        """Return the node with an id; the first mention of a root makes its tree."""
        prefix, _, name = id.rpartition("/")
        if name == "root" and id not in self._nodes:
            turn = self._current
            turn.tree = ActionTree(run=prefix)
            turn.tree.run, turn.tree.trunk = self._run, (*turn.path, *turn.steps)
            self._nodes = {id: turn.tree.root}
        if id not in self._nodes:
            raise TraceError(f"the trace tells of node {id!r}, which it never added: it is damaged")
        return self._nodes[id]

    def _add(self, event: ev.NodeAdded) -> None:
        parent = self._node(event.parent or "")
        action = _action(event.action, self._text(event.text), event.calls)
        proposal = Proposal(actions=(action,), thought=self._text(event.thought), votes=event.votes)
        seen = self._seen(event.observation, event.ok, event.answer) if event.carried_out else None
        node = self._tree.add(parent, proposal, seen, g=event.g, h=event.h)
        if node.id != event.id:
            raise TraceError(
                f"the trace adds node {event.id!r} where {node.id!r} comes next: it is damaged"
            )
        self._nodes[node.id] = node

    def _seen(self, text: ev.Text, ok: bool, answer: str | None) -> Observation:
        return Observation(text=self._text(text), ok=ok, answer=answer)


def _action(kind: str, text: str, calls: tuple[str, ...]) -> Action:
    match kind:
        case "code":
            return Code(text, tools=tuple(dict.fromkeys(calls)))
        case "call":
            return RecordedCall(calls[0] if calls else text.partition("(")[0], words=text)
        case "answer":
            return Answer(text)
        case "sketch":
            return Sketch(text, calls)
        case _:
            return NoAction(text)
