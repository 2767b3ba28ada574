"""Whole plans merged into an action tree by their shared prefixes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
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


def prune_invalid(tree: ActionTree, nodes: Iterable[Node], invalid: Mapping[str, str]) -> None:
    """Prune planned nodes whose action fails in every state, for the reasons given by key.

    As everywhere here, a node goes as well when nothing is left to try after it.
    """
    for node in nodes:
        if node.status == "planned" and node.action and node.action.key in invalid:
            _prune(tree, node, f"fails in every state: {invalid[node.action.key]}")


def prune_failed(tree: ActionTree, root: Node, failed: Iterable[Keys]) -> None:
    """Prune planned nodes at paths that failed at their last action before."""
    for path in failed:
        node = _planned(root, path)
        if node:
            _prune(tree, node, "failed in the same state before")


def _planned(root: Node, path: Keys) -> Node | None:
    node = root
    for key in path:
        found = (child for child in options(node) if child.action and child.action.key == key)
        child = next(found, None)
        if child is None:
            return None
        node = child
    return node


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
