"""What selects the next step.

The public names are imported when they are first used, so that the plain loop stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.planners.best_of_n import BestOfN as BestOfN
    from treeact.planners.greedy import Greedy as Greedy
    from treeact.planners.mcts import MCTS as MCTS
    from treeact.planners.memory import PlanMemory as PlanMemory
    from treeact.planners.poact import PoAct as PoAct
    from treeact.planners.protocols import Decider as Decider
    from treeact.planners.protocols import Environment as Environment
    from treeact.planners.protocols import Forkable as Forkable
    from treeact.planners.protocols import Planner as Planner
    from treeact.planners.protocols import Proposer as Proposer
    from treeact.planners.protocols import Scorer as Scorer
    from treeact.planners.toolchain import ToolChain as ToolChain
    from treeact.planners.tree import ActionTree as ActionTree
    from treeact.planners.tree_planner import TreePlanner as TreePlanner

_HOMES = {
    "ActionTree": "tree",
    "BestOfN": "best_of_n",
    "Decider": "protocols",
    "Environment": "protocols",
    "Forkable": "protocols",
    "Greedy": "greedy",
    "MCTS": "mcts",
    "PlanMemory": "memory",
    "Planner": "protocols",
    "PoAct": "poact",
    "Proposer": "protocols",
    "Scorer": "protocols",
    "ToolChain": "toolchain",
    "TreePlanner": "tree_planner",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'treeact.planners' has no attribute {name!r}")
    return getattr(import_module(f"treeact.planners.{home}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
