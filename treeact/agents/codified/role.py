"""The roles that work on a task, as one describes them, and the three that come along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treeact.models.base import Model


@dataclass(frozen=True, kw_only=True)
class Role:
    """One of the models that work on a task, and what it is told.

    `planner` writes the first plan and `replanner` the patches; every other role can be called in
    plans, by its name.
    """

    name: str
    """The Python identifier under which plans call it."""
    instructions: str = ""
    """What it is for; plans are shown this, and so is the role."""
    signature: str = ""
    """Its parameters and result, such as `(claim: str, rows: list[str]) -> bool`. Without one it
    takes a goal and any named values, and gives what the plan declares."""
    model: Model | str | None = None
    """Its own model; None is the agent's."""
    prompt: str = ""
    """Its own system prompt as a Jinja template: the text, or the name of one in `prompts/`."""
    python: bool = False
    """Whether it may run Python in the run's sandbox; its values are variables there."""
    tools: tuple[str, ...] | None = None
    """Tools that its code may call; None are all."""
    inline: int = 2000
    """Characters of a value up to which its prompt shows it whole, and not as a reference."""
    max_turns: int = 8
    """Replies in one call."""


PLANNER = Role(name="planner", prompt="codified_planner")
REPLANNER = Role(name="replanner", prompt="codified_replanner")
SOLVER = Role(
    name="solver",
    instructions="Reaches a goal by writing Python: reads files, computes, calls tools in loops.",
    prompt="codified_solver",
    python=True,
)
