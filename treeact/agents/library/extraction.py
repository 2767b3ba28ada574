"""From the code of a run to definitions: each function with the module-level code it needs.

What a function needs is a backward slice of the run's module-level statements: those that bind a
name it refers to or change its value in place, and what those need in turn. Another function of the
agent's is not copied into the slice but referred to, as an action of its own, unless the two need
each other. Syntax trees only: nothing is run on the host.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from treeact.agents.library.records import Definition
from treeact.agents.library.statements import STAR, Function, Statement

FUTURE = "from __future__ "
MAX_CODE = 64 * 1024
"""Characters of one function with what it needs."""
KNOWN = frozenset(dir(builtins)) | {"ToolError", "display", "__name__"}
"""Names that each interpreter of a sandbox has."""
OUTSIDE = frozenset({"open", "input", "exec", "eval", "breakpoint", "exit", "quit"})
"""Names that module-level code cannot refer to and still be loaded anywhere."""


@dataclass(frozen=True)
class Program:
    """The module-level statements of a run up to some moment, in the order they ran.

    Args:
        statements: of all steps.
        tools: names of the host's tools.
        stored: digests of the actions that were loaded from a library, by name.
    """

    statements: Sequence[Statement]
    tools: Collection[str] = ()
    stored: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def bindings(self) -> Mapping[str, Sequence[int]]:
        """The places where each name is bound or changed, in order."""
        found: dict[str, list[int]] = {}
        for place, statement in enumerate(self.statements):
            for name in statement.binds | statement.changes:
                found.setdefault(name, []).append(place)
        return found

    def makers(self, name: str) -> list[int]:
        """Return the places of the statements that make the value which `name` has at the end."""
        made: list[int] = []
        for place in reversed(self.bindings.get(name, ())):
            made.append(place)
            statement = self.statements[place]
            if name in statement.binds and _is_final(statement, name):
                break
        return made

    def function_at(self, name: str) -> int | None:
        """Return the place of the function that `name` is at the end, or None."""
        made = self.makers(name)
        is_function = len(made) == 1 and self.statements[made[0]].function is not None
        return made[0] if is_function else None


class Extractor:
    """Reads definitions out of a program, each once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._needed: dict[int, frozenset[int]] = {}
        self._found: dict[str, Definition] = {}
        self.problems: dict[str, str] = {}
        """Why a function cannot be kept, by its name."""

    def definition(self, name: str) -> Definition | None:
        """Return the definition of a function of the agent's, None if it cannot be kept."""
        if name in self._found or name in self.problems:
            return self._found.get(name)
        try:
            definition = self._read(name)
        except _CannotKeepError as problem:
            self.problems[name] = str(problem)
            return None
        except RecursionError:
            self.problems[name] = "it is nested too deeply"
            return None
        self._found[name] = definition
        return definition

    @property
    def definitions(self) -> list[Definition]:
        """What was found so far; each after those that it uses."""
        return list(self._found.values())

    def _read(self, name: str) -> Definition:
        program = self._program
        place = program.function_at(name)
        function = None if place is None else program.statements[place].function
        if place is None or function is None:
            raise _CannotKeepError("its name was given to something else")
        if name in program.tools:
            raise _CannotKeepError("a tool has its name")
        slice_ = self._slice(place)
        text = "\n".join(self._context(slice_.places - {place}, name))
        source = program.statements[place].text
        if len(text) + len(source) > MAX_CODE:
            raise _CannotKeepError(f"it has more than {MAX_CODE} characters with what it needs")
        header, docstring = describe_function(function)
        return Definition(
            name=name,
            source=source,
            context=text,
            header=header,
            docstring=docstring,
            tools=tuple(sorted(slice_.tools)),
            uses=slice_.uses,
        )

    def _slice(self, start: int) -> _Slice:
        """Return what the function at `start` needs."""
        slice_ = _Slice()
        waiting = [start]
        while waiting:
            place = waiting.pop()
            if place in slice_.places:
                continue
            slice_.places.add(place)
            for name in sorted(self._program.statements[place].needs):
                waiting.extend(self._resolve(name, start, slice_))
        return slice_

    def _resolve(self, name: str, start: int, slice_: _Slice) -> Sequence[int]:
        """Return the statements to copy for `name`; else note what stands for it."""
        program = self._program
        function = program.function_at(name)
        if function == start:
            return ()
        if function is not None and start not in self._reach(function):
            slice_.uses[name] = self._used(name)
            return ()
        if made := program.makers(name):
            return made
        if name in program.stored:
            slice_.uses[name] = program.stored[name]
        elif name in program.tools:
            slice_.tools.add(name)
        elif name not in KNOWN:
            return self._from_star(name)
        return ()

    def _used(self, name: str) -> str:
        used = self.definition(name)
        if used is None:
            raise _CannotKeepError(f"it uses {name}, which cannot be kept: {self.problems[name]}")
        return used.digest

    def _from_star(self, name: str) -> Sequence[int]:
        stars = [p for p, s in enumerate(self._program.statements) if STAR in s.binds]
        if not stars:
            raise _CannotKeepError(f"it uses {name}, which nothing defines")
        return stars

    def _reach(self, start: int) -> frozenset[int]:
        """Return the places of all that the statement at `start` needs, functions included."""
        if start not in self._needed:
            seen: set[int] = set()
            waiting = [start]
            while waiting:
                place = waiting.pop()
                if place not in seen:
                    seen.add(place)
                    for name in self._program.statements[place].needs:
                        waiting.extend(self._program.makers(name))
            self._needed[start] = frozenset(seen)
        return self._needed[start]

    def _context(self, places: Collection[int], name: str) -> list[str]:
        """Return the texts of statements, once it is sure that they can run anywhere."""
        statements = [self._program.statements[place] for place in sorted(places)]
        for statement in statements:
            if not isinstance(statement.node, Function | ast.ClassDef):
                self._check(statement, name)
        futures = [s.text for s in self._program.statements if s.text.startswith(FUTURE)]
        return list(dict.fromkeys([*futures, *(statement.text for statement in statements)]))

    def _check(self, statement: Statement, name: str) -> None:
        outside = statement.needs & (OUTSIDE | set(self._program.tools) - statement.binds)
        made = " or ".join(sorted(statement.binds | statement.changes))
        if outside or _awaits(statement.node):
            what = ", ".join(sorted(outside)) or "await"
            raise _CannotKeepError(
                f"it uses {made}, made by module-level code with {what}: pass it as a parameter"
            )
        if name in statement.needs:
            raise _CannotKeepError(f"it uses {made}, which is made with it")


@dataclass
class _Slice:
    places: set[int] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    uses: dict[str, str] = field(default_factory=dict)


class _CannotKeepError(Exception):
    """A function cannot be kept; the text says why."""


def describe_function(function: Function) -> tuple[str, str]:
    """Return the `def` line of a function, without its colon, and the docstring."""
    keyword = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    returns = "" if function.returns is None else f" -> {ast.unparse(function.returns)}"
    header = f"{keyword} {function.name}({ast.unparse(function.args)}){returns}"
    return header, ast.get_docstring(function) or ""


def _is_final(statement: Statement, name: str) -> bool:
    """Return whether what `name` was before does not matter after `statement`."""
    if isinstance(statement.node, Function | ast.ClassDef):
        return True
    return not hasattr(statement.node, "body") and name not in statement.needs


def _awaits(node: ast.stmt) -> bool:
    return any(isinstance(inner, ast.Await) for inner in ast.walk(node))
