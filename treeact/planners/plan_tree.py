"""Whole plans merged into an action tree by their shared prefixes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from treeact.planners.protocols import Action, Answer, Proposal
from treeact.planners.tree import ActionTree, Node

END = Answer("done")
"""What ends a plan that has no answer of its own."""

Keys = tuple[str, ...]
"""The keys of the actions from the root to a node."""


@dataclass(frozen=True)
class Plan:
    """Actions from the first to the answer, and how many samples they stand for."""

    actions: tuple[Action, ...]
    votes: int = 1


def read_plans(proposals: Iterable[Proposal]) -> list[Plan]:
    """Return the plans that proposals are, each ended by an answer.

    What follows an answer is left out, and so is a plan with something that nobody can carry out:
    a reply without an action, or a step that was only imagined.
    """
    return [
        Plan(_to_the_end(proposal.actions), proposal.votes)
        for proposal in proposals
        if all(action.kind not in ("none", "sketch") for action in proposal.actions)
    ]


def grow(tree: ActionTree, root: Node, plans: Sequence[Plan]) -> list[Node]:
    """Add plans below `root` as planned nodes, and return those, parents before children.

    Plans share a node exactly if they are equal up to there. Children are in the order in which
    plans first name them, and a node's votes are the plans through it (Tree-Planner, Hu et al.
    2024, section 3.2).
    """
    added = []
    waiting = deque([(root, list(plans), 0)])
    while waiting:
        node, through, depth = waiting.popleft()
        branches: dict[str, list[Plan]] = defaultdict(list)
        for plan in through:
            if depth < len(plan.actions):
                branches[plan.actions[depth].key].append(plan)
        for branch in branches.values():
            votes = sum(plan.votes for plan in branch)
            action = branch[0].actions[depth]
            child = tree.add(node, Proposal(actions=(action,), votes=votes))
            added.append(child)
            waiting.append((child, branch, depth + 1))
    return added


def options(node: Node) -> list[Node]:
    """Return the children that may still be tried."""
    return [child for child in node.children if child.status == "planned"]


def keys(node: Node) -> Keys:
    """Return the keys of the actions that lead to a node."""
    return tuple(action.key for at in node.lineage if (action := at.action))


def prune_hopeless(
    tree: ActionTree,
    nodes: Iterable[Node],
    failed: Collection[Keys],
    invalid: Mapping[str, str],
) -> None:
    """Prune planned nodes known to fail, and those above them that nothing is left to try after.

    Args:
        tree: the tree that they are in.
        nodes: planned nodes.
        failed: paths that failed at their last action.
        invalid: why actions fail in every state, by key.
    """
    for node in nodes:
        action = node.action
        if action is None or node.status != "planned":
            continue
        if action.key in invalid:
            _prune(tree, node, f"fails in every state: {invalid[action.key]}")
        elif failed and keys(node) in failed:
            _prune(tree, node, "failed in the same state before")


def _prune(tree: ActionTree, node: Node, reason: str) -> None:
    tree.prune(node, reason)
    parent = node.parent
    while parent and parent.status == "planned" and not options(parent):
        tree.prune(parent, "every plan through it fails")
        parent = parent.parent


def _to_the_end(actions: Sequence[Action]) -> tuple[Action, ...]:
    for number, action in enumerate(actions, start=1):
        if action.kind == "answer":
            return tuple(actions[:number])
    return (*actions, END)
