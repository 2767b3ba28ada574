"""The abstract syntax of a codified plan. Equal plans are equal whatever their layout was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal

from treeact.planners.codified.types import Type

Scalar = None | bool | int | float | str


@dataclass(frozen=True)
class Place:
    """Where something stands in the text of a plan, both counted from 1."""

    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, kw_only=True)
class Node:
    """Anything of a plan."""

    at: Place = field(default=Place(), compare=False, repr=False)


# Expressions: pure, total, evaluated on plain data.


@dataclass(frozen=True)
class Constant(Node):
    """A scalar as it is written."""

    value: Scalar

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Constant)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True)
class Name(Node):
    """A variable."""

    id: str


@dataclass(frozen=True)
class Items(Node):
    """A list: `[a, b]`."""

    values: tuple[Expr, ...]


@dataclass(frozen=True)
class Pairs(Node):
    """A dict: `{"a": b}`."""

    values: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True)
class Slot(Node):
    """A value in a text: `{total:.2f}`."""

    value: Expr
    spec: str = ""


@dataclass(frozen=True)
class Text(Node):
    """A text with values in it: `f"{n} rows"`."""

    parts: tuple[str | Slot, ...]


@dataclass(frozen=True)
class Unary(Node):
    """`not a` or `-a`."""

    op: Literal["not", "-"]
    value: Expr


@dataclass(frozen=True)
class Binary(Node):
    """Arithmetic; `+` also joins texts and lists."""

    op: Literal["+", "-", "*", "/", "//", "%", "**"]
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Compare(Node):
    """`a < b`, also in a chain: `0 < a < 9`."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Logic(Node):
    """`a and b`, `a or b`: as in Python, the operand that decides."""

    op: Literal["and", "or"]
    values: tuple[Expr, ...]


@dataclass(frozen=True)
class Choice(Node):
    """`a if test else b`."""

    then: Expr
    test: Expr
    other: Expr


@dataclass(frozen=True)
class Item(Node):
    """`rows[0]`, `row["name"]`."""

    value: Expr
    key: Expr


@dataclass(frozen=True)
class Slice(Node):
    """`rows[1:5]`."""

    value: Expr
    lower: Expr | None
    upper: Expr | None


@dataclass(frozen=True)
class Field(Node):
    """`row.name`: the field of a record, never an attribute of an object."""

    value: Expr
    name: str


@dataclass(frozen=True)
class Apply(Node):
    """A function of the language: `len(rows)`."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Method(Node):
    """A method of plain data: `name.lower()`."""

    value: Expr
    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Comprehension(Node):
    """`[row["n"] for row in rows if row["ok"]]`."""

    element: Expr
    targets: tuple[str, ...]
    source: Expr
    condition: Expr | None


Expr = (
    Constant
    | Name
    | Items
    | Pairs
    | Text
    | Unary
    | Binary
    | Compare
    | Logic
    | Choice
    | Item
    | Slice
    | Field
    | Apply
    | Method
    | Comprehension
)

# Calls: what leaves the plan. They stand alone, or behind a typed variable.


@dataclass(frozen=True)
class Call(Node):
    """A call of a role or a tool."""

    callee: str
    arguments: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class CallEach(Node):
    """One call for each item, at the same time: `[weather(city) for city in cities]`."""

    call: Call
    targets: tuple[str, ...]
    source: Expr
    condition: Expr | None = None


# Steps.


@dataclass(frozen=True)
class Assign(Node):
    """`total: float = 0.0`, or a new value for a variable: `total = 1.5`."""

    name: str
    type: Type | None
    value: Expr | Call | CallEach


@dataclass(frozen=True)
class Update(Node):
    """`total += price`."""

    name: str
    op: Literal["+", "-", "*", "/", "//", "%", "**"]
    value: Expr


@dataclass(frozen=True)
class Append(Node):
    """`rows.append(row)`: the variable has a longer list from now on."""

    name: str
    value: Expr


@dataclass(frozen=True)
class SetItem(Node):
    """`prices[name] = 2.5`: the variable has another dict from now on."""

    name: str
    key: Expr
    value: Expr


@dataclass(frozen=True)
class Do(Node):
    """A call whose result nobody needs."""

    call: Call | CallEach


@dataclass(frozen=True)
class If(Node):
    """A conditional."""

    test: Expr
    body: tuple[Step, ...]
    other: tuple[Step, ...] = ()


@dataclass(frozen=True)
class For(Node):
    """A loop over something finite."""

    targets: tuple[str, ...]
    source: Expr
    body: tuple[Step, ...]


@dataclass(frozen=True)
class While(Node):
    """A loop with a limit: `while limit(5) and not done:`."""

    limit: int
    test: Expr | None
    body: tuple[Step, ...]


@dataclass(frozen=True)
class Assert(Node):
    """`assert total > 0, f"no rows in {len(rows)}"`: what has to hold, and what to say if not."""

    test: Expr
    feedback: Expr | None = None


@dataclass(frozen=True)
class Answer(Node):
    """`answer(total)`: the answer, and the end of the plan."""

    value: Expr


@dataclass(frozen=True)
class Leave(Node):
    """`break` or `continue`."""

    how: Literal["break", "continue"]


@dataclass(frozen=True)
class Pass(Node):
    """`pass`."""


Setting = Assign | Update | Append | SetItem
"""A step that gives a variable its value."""
Step = Assign | Update | Append | SetItem | Do | If | For | While | Assert | Answer | Leave | Pass

# Declarations.


@dataclass(frozen=True)
class TaskDeclaration(Node):
    """`task("what is asked", answer=float)`."""

    goal: str
    answer: Type


@dataclass(frozen=True)
class RecordDeclaration(Node):
    """A class with typed fields and nothing else."""

    name: str
    fields: tuple[tuple[str, Type], ...]


@dataclass(frozen=True)
class RoleDeclaration(Node):
    """A function without code: whom the plan may call, for what, and what its result has to be."""

    name: str
    parameters: tuple[tuple[str, Type], ...]
    returns: Type
    instructions: str
    can: tuple[str, ...] = ()
    """Tools that it may call, and `python` if it may run code; named by `@can(...)`."""
    must: tuple[Assert, ...] = ()
    """What has to hold of `result`."""


@dataclass(frozen=True)
class Plan(Node):
    """What a planner writes."""

    task: TaskDeclaration | None
    records: tuple[RecordDeclaration, ...]
    roles: tuple[RoleDeclaration, ...]
    steps: tuple[Step, ...]


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all below it."""
    yield node
    for item in fields(node):
        yield from _nodes(getattr(node, item.name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield from walk(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def calls_of(node: Node) -> Iterator[Call]:
    """Yield the calls in `node`, in source order."""
    return (found for found in walk(node) if isinstance(found, Call))
