"""The nodes of action trees as flat records: what every export is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from treeact.planners.tree import ActionTree, Node, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One node, in plain values; None is what there is nothing to say about."""

    id: str
    """Logical id, such as `run/2.1`."""
    parent: str | None
    """Id of the node above."""
    action: str
    """`code`, `call`, `answer`, `none` or `sketch`; `root`; `message` where a user spoke."""
    text: str
    """The action, the answer or the message."""
    calls: tuple[str, ...]
    """The tools that the action calls."""
    thought: str
    votes: int
    """How many samples, or plans, propose the action here."""
    observation: str | None
    """What came of the action, where it was carried out."""
    ok: bool | None
    """Whether it succeeded, where it was carried out."""
    answer: str | None
    """The final answer, where the action gave it."""
    g: float
    h: float
    f: float
    """Costs so far, of what is left, and both; 0 in searches that have none."""
    score: float | None
    score_reason: str
    visits: int
    value: float
    """Mean of the values that were backed up."""
    status: Status
    reason: str
    """Why it was pruned."""
    order: int | None
    """Which expansion of the search it was, from 1."""
    chosen: bool
    """Whether the search ended here; of a search in progress, the best so far."""
    on_path: bool
    """Whether it is on the path to the chosen node."""


def rows(*trees: ActionTree) -> list[Row]:
    """Return the nodes of the trees of a run, each after the one above it.

    The steps of a trunk come first. Where a later turn's trunk goes on from an earlier turn's tree,
    its nodes are those of that tree, so that the turns of a run are one tree.
    """
    found: dict[str, Row] = {}
    for tree in trees:
        for row in _rows(tree):
            found.setdefault(row.id, row)
    return list(found.values())


def _rows(tree: ActionTree) -> Iterator[Row]:
    above: str | None = None
    bare = bool(tree.trunk) and not tree.root.children and not tree.root.order
    for place, step in enumerate(tree.trunk, start=1):
        is_end = bare and place == len(tree.trunk)
        status: Status = "answered" if step.observation.done else "open" if is_end else "expanded"
        node = Node(step.id, None, step.proposal, step.observation, status=status)
        chosen = is_end and step.observation.done
        yield _row(node, above, chosen=chosen, on_path=True)
        above = step.id
    if bare:  # the root of a planner that does not branch is nobody's
        return
    chosen_path = {tree.root, *tree.best.lineage} if tree.best is not tree.root else set()
    for node in tree:
        parent = node.parent.id if node.parent else above
        yield _row(
            node,
            parent,
            chosen=node is tree.best and node is not tree.root,
            on_path=node in chosen_path,
        )


def _row(node: Node, parent: str | None, *, chosen: bool, on_path: bool) -> Row:
    action, observation = node.action, node.observation
    return Row(
        id=node.id,
        parent=parent,
        action=action.kind if action else "message" if observation else "root",
        text=action.text if action else observation.text if observation else "",
        calls=action.calls if action else (),
        thought=node.proposal.thought if node.proposal else "",
        votes=node.proposal.votes if node.proposal else 1,
        observation=observation.text if action and observation else None,
        ok=observation.ok if observation else None,
        answer=observation.answer if observation else None,
        g=node.g,
        h=node.h,
        f=node.f,
        score=node.score.value if node.score else None,
        score_reason=node.score.reason if node.score else "",
        visits=node.visits,
        value=node.value,
        status=node.status,
        reason=node.reason,
        order=node.order or None,
        chosen=chosen,
        on_path=on_path,
    )
