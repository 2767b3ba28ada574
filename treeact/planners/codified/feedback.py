"""What a replanner is told when a step failed: few words, each in its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "assertion",
    "tool error",
    "role error",
    "type mismatch",
    "evaluation error",
    "limit",
    "interrupted",
]
"""What failed: a condition, a tool, a role, a value's type, an expression; or a limit was reached,
or the user interrupted the plan."""

MESSAGE = 600
"""Characters of one message."""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Why one step failed."""

    step: str
    """Its number in the plan: `3`, or `3.2.1` for the first step of the second round of step 3."""
    kind: Kind
    expression: str
    """The condition, call or step that failed, as the plan says it."""
    got: str = ""
    """The variables in it, by value or by reference."""
    message: str = ""
    """The assertion's own feedback, or what went wrong."""

    def __str__(self) -> str:
        fields = ("step", "kind", "expression", "got", "message")
        given = [(name, getattr(self, name)) for name in fields if getattr(self, name)]
        quoted = (
            f"{name}={json.dumps(text[:MESSAGE], ensure_ascii=False)}" for name, text in given
        )
        return f"Feedback({', '.join(quoted)})"
