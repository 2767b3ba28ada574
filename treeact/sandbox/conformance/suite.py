"""What the checks have in common: the bench they run on, and the report that comes of them."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from treeact.errors import ConfigError, SandboxUnavailable, TreeActError
from treeact.sandbox.base import Branch, Effects, Execution, HostTool, Limits, Sandbox

Area = Literal["state", "forks", "limits", "timeouts", "clean-up", "isolation", "latency"]
AREAS: tuple[Area, ...] = (
    "state",
    "forks",
    "limits",
    "timeouts",
    "clean-up",
    "isolation",
    "latency",
)
Outcome = Literal["passed", "failed", "skipped"]

PATIENCE = 90.0
"""Seconds after which a check counts as hung; none should need a tenth of that."""
USUAL = Limits(timeout=20.0, grace=0.5)
"""The limits of sandboxes under test, where a check does not name others."""


class Factory(Protocol):
    """Makes the sandboxes under test; a sandbox's class will do."""

    def __call__(self, *, limits: Limits) -> Sandbox:
        """Return a sandbox that has not been entered yet and keeps to `limits`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Row:
    """The outcome of one check."""

    name: str
    area: Area
    outcome: Outcome
    detail: str = ""
    """What was wrong, why the check was skipped, or a figure worth knowing."""
    duration: float = 0.0
    """Seconds that the check took."""


@dataclass(frozen=True)
class Report:
    """The outcomes of all checks that ran."""

    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """True when no check failed."""
        return not self.failed()

    def failed(self, area: Area | None = None) -> tuple[str, ...]:
        """Return the names of the checks that failed, in one area or in all."""
        rows = (row for row in self.rows if area in (None, row.area))
        return tuple(row.name for row in rows if row.outcome == "failed")

    def table(self) -> str:
        """Return the report as text: a line for each check, then a line for each area."""
        width = max((len(row.name) for row in self.rows), default=0)
        lines = [
            f"{row.area:<10} {row.name:<{width}}  {row.outcome:<7} {row.duration:7.2f} s  "
            f"{row.detail}".rstrip()
            for row in self.rows
        ]
        return "\n".join([*lines, "", *self._summary()])

    def _summary(self) -> list[str]:
        lines = []
        for area in AREAS:
            outcomes = [row.outcome for row in self.rows if row.area == area]
            counts = (f"{outcomes.count(o)} {o}" for o in ("passed", "failed", "skipped"))
            if outcomes:
                lines.append(f"{area:<10} {', '.join(counts)}")
        if self.failed("isolation"):
            lines.append("NOT ISOLATED: code in this sandbox can reach the host")
        return lines


class Failed(Exception):
    """A sandbox is not what it should be."""


class Skipped(Exception):
    """A check cannot be made here."""


class Bench:
    """Hands sandboxes and branches to one check, and closes them after it."""

    def __init__(self, factory: Factory, stack: AsyncExitStack) -> None:
        self._factory, self._stack = factory, stack

    async def sandbox(self, **limits: Any) -> Sandbox:
        """Start a sandbox with the usual limits but for those named."""
        made = self._factory(limits=replace(USUAL, **limits))
        return await self._stack.enter_async_context(made)

    async def branch(self, *, tools: Sequence[HostTool] = (), **limits: Any) -> Branch:
        """Start a sandbox and return a root branch of it."""
        return await (await self.sandbox(**limits)).branch(tools=tools)

    def unopened(self) -> Sandbox:
        """Return a sandbox that the check itself enters and leaves."""
        return self._factory(limits=USUAL)


Test = Callable[[Bench], Awaitable[str | None]]


@dataclass(frozen=True)
class Check:
    """One thing that a sandbox must do; what it returns is shown beside a pass."""

    name: str
    area: Area
    test: Test


CHECKS: dict[str, Check] = {}
"""Every check by name."""


def in_area(area: Area) -> Callable[[Test], Test]:
    """Register a function as a check, under its own name."""

    def register(test: Test) -> Test:
        name: str = test.__name__
        if name in CHECKS:
            raise ConfigError(f"there are two checks named {name}: rename one")
        CHECKS[name] = Check(name, area, test)
        return test

    return register


async def check(
    factory: Factory,
    *,
    areas: Collection[str] | None = None,
    names: Collection[str] | None = None,
    on_row: Callable[[Row], None] | None = None,
) -> Report:
    """Run the checks against sandboxes from `factory`, each in sandboxes of its own.

    Args:
        factory: makes a sandbox with given limits, such as the class `JailSandbox`.
        areas: run only the checks of these areas.
        names: run only these checks.
        on_row: called with each row as it comes.

    Raises:
        ConfigError: there is no such area or check.
        SandboxUnavailable: this kind of sandbox cannot be used here.
    """
    chosen = _choose(areas, names)
    rows = []
    for item in chosen:
        rows.append(await _run(item, factory))
        if on_row:
            on_row(rows[-1])
    return Report(tuple(rows))


def _choose(areas: Collection[str] | None, names: Collection[str] | None) -> list[Check]:
    if unknown := sorted({*(areas or ())} - {*AREAS}):
        raise ConfigError(f"no area {unknown[0]!r}: choose from {', '.join(AREAS)}")
    if unknown := sorted({*(names or ())} - {*CHECKS}):
        raise ConfigError(f"no check {unknown[0]!r}: choose from {', '.join(CHECKS)}")
    wanted = [
        item
        for item in CHECKS.values()
        if (areas is None or item.area in areas) and (names is None or item.name in names)
    ]
    return sorted(wanted, key=lambda item: AREAS.index(item.area))


async def _run(item: Check, factory: Factory) -> Row:
    began = time.perf_counter()
    outcome, detail = await _judge(item, factory)
    duration = time.perf_counter() - began
    return Row(name=item.name, area=item.area, outcome=outcome, detail=detail, duration=duration)


async def _judge(item: Check, factory: Factory) -> tuple[Outcome, str]:
    try:
        async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
            return "passed", await item.test(Bench(factory, stack)) or ""
    except Skipped as reason:
        return "skipped", str(reason)
    except Failed as fault:
        return "failed", str(fault)
    except SandboxUnavailable:
        raise
    except TimeoutError:
        return "failed", f"it hung: no end after {PATIENCE:g} s"
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"


# What checks are written with -----------------------------------------------------------------


def require(condition: object, fault: str) -> None:
    """Fail the check unless `condition` holds; `fault` says what is wrong then."""
    if not condition:
        raise Failed(fault)


def equal(actual: object, wanted: object, what: str) -> None:
    """Fail the check unless two values are equal."""
    require(actual == wanted, f"{what}: {_short(actual)} instead of {_short(wanted)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def code(source: str) -> str:
    """Return indented source as code."""
    return textwrap.dedent(source).strip("\n")


async def run(branch: Branch, source: str, **options: Any) -> Execution:
    """Run code that has to succeed."""
    execution = await branch.run(code(source), **options)
    if not execution.ok:
        reason = execution.error.traceback if execution.error else "; ".join(execution.notes)
        raise Failed(f"{_short(code(source))} ended as {execution.outcome}: {reason}")
    return execution


async def value(branch: Branch, expression: str) -> str:
    """Return the text of an expression's value."""
    return (await run(branch, expression)).value or ""


async def refused(operation: Awaitable[object], what: str) -> None:
    """Fail the check unless the operation raises an error that is fit to show."""
    try:
        await operation
    except TreeActError:
        return
    raise Failed(f"{what} was not refused")


class Counter:
    """A host tool that remembers its calls: the witness of what happened outside, and when."""

    returns_nothing = False

    def __init__(self, name: str = "count", effects: Effects = "read") -> None:
        self.name, self.effects = name, effects
        self.calls: list[tuple[Any, ...]] = []

    def stub(self) -> str:
        """Describe the function."""
        return f'def {self.name}(*args) -> int:\n    """Count the calls so far."""'

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Remember the call and return how many there were."""
        self.calls.append(tuple(args))
        return len(self.calls)


class Sender(Counter):
    """A host tool that changes the world and gives nothing back, so that it can wait."""

    returns_nothing = True

    def __init__(self, name: str = "send") -> None:
        super().__init__(name, "write")

    def stub(self) -> str:
        """Describe the function."""
        return f'def {self.name}(*args) -> None:\n    """Send something away."""'

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Remember the call."""
        self.calls.append(tuple(args))
