"""What is wrong with a plan before it runs: where, what, and what to do about it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from treeact.planners.codified.nodes import Place


@dataclass(frozen=True, order=True)
class Finding:
    """One reason why a plan is not run."""

    line: int
    column: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.problem}: {self.remedy}"


class Refused(Exception):
    """A part of the text is not of the language."""

    def __init__(self, at: Place, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.finding = Finding(at.line, at.column, problem, remedy)


def place(node: ast.AST) -> Place:
    """Return where a node of Python's syntax begins."""
    return Place(getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)


def refuse(node: ast.AST, problem: str, remedy: str) -> Refused:
    """Return the refusal of a node of Python's syntax."""
    return Refused(place(node), problem, remedy)
