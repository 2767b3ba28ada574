"""Reads the later steps that a reply imagines behind its action."""

from __future__ import annotations

import re
from collections.abc import Collection

from treeact.planners.protocols import Sketch

MAX_SKETCHES = 50
"""Imagined steps that are kept: a list without end says nothing about what is left."""

_BLOCK = re.compile(r"<later>(?P<lines>.*?)(?:</later>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])?\s*")
_NAME = re.compile(r"\w+")


def split_sketches(text: str, tools: Collection[str]) -> tuple[str, tuple[Sketch, ...]]:
    """Return a reply without its `<later>` list, and what that list holds, a line each.

    Args:
        text: the reply.
        tools: names of the tools that a line may name.
    """
    blocks = list(_BLOCK.finditer(text))
    if not blocks:
        return text, ()
    found = blocks[-1]
    lines = [_BULLET.sub("", line).strip() for line in found["lines"].splitlines()]
    known = frozenset(tools)
    sketches = [
        Sketch(line, tuple(name for name in _NAME.findall(line) if name in known))
        for line in lines
        if line and line.lower() not in ("none", "nothing")
    ]
    rest = f"{text[: found.start()].rstrip()}{text[found.end() :]}"
    return rest, tuple(sketches[:MAX_SKETCHES])
