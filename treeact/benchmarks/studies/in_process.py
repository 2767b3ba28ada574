"""A sandbox that is none: it runs code in this very process, for code that a study has made up.

An action library is at work in it as in any other, in milliseconds instead of tens of them. Nothing
is kept apart or limited, so that no code of a model may ever come near it.
"""

from __future__ import annotations

import ast
import random
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from types import ModuleType
from typing import Any

from treeact.sandbox.base import Branch, Execution, ExecutionError, HostTool

OWN = "treeact_actions"
"""The module by which a library speaks to an interpreter, and the parent of loaded actions."""


class _Cell:
    """What the library's prelude takes for the driver's part of an interpreter."""

    calls = 0
    rewrite: Any = None

    def display(self, *values: object) -> None:
        """Show nothing."""


class InProcessBranch:
    """A namespace to run code in.

    Args:
        modules: modules that only this namespace can import.
        seed: of the `random` that its code sees, so that a run is the same each time.
    """

    id = "in-process"

    def __init__(self, modules: Mapping[str, ModuleType], seed: str) -> None:
        self._cell = _Cell()
        self._names: dict[str, Any] = {"display": self._cell.display, "compile": _compile}
        self._modules = dict(modules)
        self._seed = seed
        self._runs = 0

    async def run(self, code: str, **_: object) -> Execution:
        """Run code, and echo its last expression; options of other sandboxes mean nothing here."""
        self._runs += 1
        tree = ast.parse(code)
        with self._at_home():
            try:
                if self._cell.rewrite is not None:
                    self._cell.rewrite(tree)
                value = self._execute(tree, f"<step {self._runs}>")
            except Exception as error:
                name = type(error).__name__
                shown = ExecutionError(
                    type=name, message=str(error), traceback=traceback.format_exc()
                )
                return Execution(outcome="error", error=shown)
        return Execution(outcome="ok", value=None if value is None else repr(value))

    def _execute(self, tree: ast.Module, file: str) -> object:
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, file, "exec"), self._names)
        if not isinstance(last, ast.Expr):
            return None
        return eval(compile(ast.Expression(last.value), file, "eval"), self._names)

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        """Give the code its own modules and random numbers, and take them back."""
        state, depth = random.getstate(), sys.getrecursionlimit()
        random.seed(f"{self._seed}/{self._runs}")
        sys.modules.update(self._modules)
        known = len(sys.modules)
        try:
            yield
        finally:
            new = islice(reversed(sys.modules), len(sys.modules) - known)
            self._modules |= {name: sys.modules[name] for name in new if _own(name)}
            for name in self._modules:
                sys.modules.pop(name, None)
            sys.setrecursionlimit(depth)
            random.setstate(state)

    async def close(self) -> None:
        """Do nothing: nothing is held."""


class InProcessSandbox:
    """Opens namespaces of this process; see `InProcessBranch` for the arguments."""

    kind = "in-process"

    def __init__(self, modules: Mapping[str, ModuleType], seed: str) -> None:
        self._modules = modules
        self._seed = seed

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> Branch:
        """Return a fresh namespace; it has no tools."""
        branch: Any = InProcessBranch(self._modules, self._seed)
        return branch  # type: ignore[no-any-return]

    async def __aenter__(self) -> InProcessSandbox:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Do nothing: nothing is held."""


def _own(name: str) -> bool:
    return name == OWN or name.startswith(f"{OWN}.")


@lru_cache(maxsize=1)
def _compile(source: str, file: str, mode: str) -> Any:
    """Compile the library's prelude once instead of for each namespace."""
    return compile(source, file, mode)
