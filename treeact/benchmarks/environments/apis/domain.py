"""What the domains share: calls as methods, and a state that is replaced and never changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from treeact.errors import ToolError
from treeact.tools import ToolSet
from treeact.tools.function import make_tool

State = TypeVar("State")
Item = TypeVar("Item")

DATA = files("treeact.benchmarks.environments.apis") / "data"
_WORLDS: dict[str, Any] = {}


class Domain(ABC, Generic[State]):
    """One domain at one moment. Its public methods are the calls, with their types and texts.

    A call that fails raises `ToolError`, and the state is as before. States are frozen dataclasses
    of plain values, so that two moments share what did not change and a copy costs nothing.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    @classmethod
    @abstractmethod
    def _start(cls) -> State:
        """Return the state that every task begins in."""

    def _set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[type-var]


@cache
def calls_of(domain: type[Domain[Any]]) -> ToolSet:
    """Return the calls of a domain, in the order of their definition."""
    template = domain(start_of(domain))
    return ToolSet(
        make_tool(getattr(template, name), effects="none")
        for name, value in vars(domain).items()
        if callable(value) and not name.startswith("_")
    )


@cache
def start_of(domain: type[Domain[Any]]) -> Any:
    """Return the state that every task of a domain begins in."""
    return domain._start()


def world(kind: type[Item], name: str) -> Item:
    """Return the packaged file `data/NAME` as a value of type `kind`; it is read once."""
    if name not in _WORLDS:
        _WORLDS[name] = TypeAdapter(kind).validate_json((DATA / name).read_bytes())
    content: Item = _WORLDS[name]
    return content


def named(items: Iterable[Item], name: str, *, of: Callable[[Item], str], what: str) -> Item:
    """Return the item that is called `name`.

    Raises:
        ToolError: there is none; the text lists up to ten that there are.
    """
    items = list(items)
    for item in items:
        if of(item) == name:
            return item
    there = ", ".join(of(item) for item in items[:10]) or "none"
    raise ToolError(f"there is no {what} {name[:100]!r}; there are: {there}")


def require(condition: object, problem: str) -> None:
    """Raise a `ToolError` with `problem` unless `condition` holds."""
    if not condition:
        raise ToolError(problem)
