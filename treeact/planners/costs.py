"""The costs of ToolChain*: how far a path strays from what worked, and from what is agreed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treeact.planners.protocols import Proposal
from treeact.planners.tree import Node

if TYPE_CHECKING:
    from treeact.planners.plan_scores import PlanScores

EPS = 0.001
"""Scores are kept this far from 0 and 1: a score of 1 would make a step free, and a path of free
steps could grow without end. Ours."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The cost functions (Zhuang et al. 2024, section 3), with scores clamped and averaged.

    Args:
        alpha: weight of the memory in a step's cost, against that of the votes.
        beta: weight of the memory in the estimate of what is left, against the imagined plan.
        scaled: estimate what is left in the unit of what was spent; see `ToolChain`.
        scores: the plans of the memory; None without one.
    """

    alpha: float
    beta: float
    scaled: bool
    scores: PlanScores | None

    def g(self, parent: Node, calls: tuple[str, ...], agreed: float) -> float:
        """Return the cost from the root to a child: its parent's and that of one more step.

        Args:
            parent: the node above.
            calls: those from the root to the child.
            agreed: the share of the samples that propose the child, the paper's g2.
        """
        g1 = self.scores.match(calls) if self.scores else 0.0
        return parent.g + blend(g1, agreed, self.alpha)

    def h(self, g: float, depth: int, calls: tuple[str, ...], proposal: Proposal) -> float:
        """Return the estimated cost from a child to the end.

        Args:
            g: its cost from the root.
            depth: its depth, at least 1.
            calls: those from the root to it.
            proposal: its action, and those that are imagined to follow.
        """
        imagined = len(proposal.actions) - 1
        h1 = self.scores.position(calls[-1]) if self.scores and calls else 0.0
        if self.scaled:
            return steps_left(depth, imagined, h1) * g / depth
        return blend(h1, done_share(depth, imagined), self.beta)


def blend(by_memory: float, by_samples: float, weight: float) -> float:
    """Return the weighted geometric mean of what two scores lack to 1."""
    lack_by_memory, lack_by_samples = 1 - clamped(by_memory), 1 - clamped(by_samples)
    return float(lack_by_memory**weight * lack_by_samples ** (1 - weight))


def done_share(depth: int, imagined: int) -> float:
    """Return h2: the depth over that of the imagined end; 0, unknown, where nothing is imagined."""
    return depth / (depth + imagined) if imagined else 0.0


def steps_left(depth: int, imagined: int, h1: float) -> float:
    """Return the steps that are left: as imagined, or by the position in plans, or else 1."""
    if imagined:
        return imagined
    return depth * (1 / clamped(h1) - 1) if h1 else 1.0


def clamped(score: float) -> float:
    """Return a score as one that is neither 0 nor 1."""
    return min(max(score, EPS), 1 - EPS)


def calls_to(node: Node) -> tuple[str, ...]:
    """Return the calls of the actions from the root to a node."""
    return tuple(call for above in node.lineage if above.action for call in above.action.calls)
