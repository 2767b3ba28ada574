"""What the library keeps: definitions, stored actions, examples; plain frozen records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from treeact.planners.normalise import code_key
from treeact.sandbox.base import ToolCall
from treeact.tools.stubs import render_stub

Status = Literal["candidate", "exercised", "verified", "disabled"]
"""*candidate*: defined. *exercised*: a call of it returned. *verified*: a recorded call gave the
same result again in a fresh sandbox. *disabled*: never offered."""

STATUSES: tuple[Status, ...] = ("candidate", "exercised", "verified", "disabled")
SHOWN: tuple[Status, ...] = ("verified", "exercised")
"""What a search finds unless it is asked for more, best first."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One call that returned, and what it got from tools meanwhile."""

    arguments: str
    """A Python literal: the tuple of positional arguments and the dict of named ones."""
    result: str
    """A Python literal; what no literal can show is described by one."""
    calls: tuple[ToolCall, ...] = ()
    """The tool calls that it made, in order."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A function with all that it needs, as read from an agent's code."""

    name: str
    source: str
    """The function as its author wrote it, with its decorators."""
    context: str = ""
    """Module-level code that is to run before it: imports, constants, classes, helpers."""
    header: str
    """Its `def` line without the colon, such as `def area(side: float) -> float`."""
    docstring: str = ""
    tools: tuple[str, ...] = ()
    """Tools of the host that it calls."""
    uses: Mapping[str, str] = field(default_factory=dict)
    """The actions that it calls: the name it calls them by, and their digest."""

    @cached_property
    def code(self) -> str:
        """The module that defines it."""
        return f"{self.context}\n\n\n{self.source}" if self.context else self.source

    @cached_property
    def digest(self) -> str:
        """A hash of the normalised AST of the code and of the actions that it calls.

        Code that differs in layout, comments or docstrings only has the same.
        """
        parts = [self.name, code_key(self.code), *map(":".join, sorted(self.uses.items()))]
        return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class StoredAction(Definition):
    """One version of an action in a library."""

    id: int
    version: int
    status: Status
    task: str = ""
    """The question of the run that it comes from."""
    created: float = 0.0
    """Seconds since the epoch."""
    successes: int = 0
    """Steps in which calls of it returned, and verifications that succeeded."""
    failures: int = 0
    """Steps in which a call of it raised, and verifications that failed."""
    examples: tuple[Example, ...] = ()
    """The latest few calls that returned, newest first."""
    pinned: bool = False
    """Whether a person wants its name to mean this version."""

    @property
    def label(self) -> str:
        """Name and version, as in `area v2`."""
        return f"{self.name} v{self.version}"

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.docstring.strip().partition("\n")[0]

    def stub(self) -> str:
        """Return the action as prompts show it: its `def` line and what it does, valid Python."""
        keyword, _, signature = self.header.rpartition("def ")
        return f"{keyword}{render_stub(signature, self.summary or 'Not documented.')}"

    def describe(self) -> dict[str, Any]:
        """Return what listings show, as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "status": self.status,
            "signature": self.header,
            "summary": self.summary,
            "uses": sorted(self.uses),
            "tools": list(self.tools),
            "successes": self.successes,
            "failures": self.failures,
            "examples": len(self.examples),
            "pinned": self.pinned,
            "task": self.task,
        }
