"""From the steps of a run to what a library keeps of them: pure functions of the path.

A step is kept track of as what ran and what came of it. A tree search hands over the steps of its
chosen path only, and so keeps the actions of that path only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from treeact.agents.library.extraction import Extractor, Program
from treeact.agents.library.records import Definition, Example
from treeact.agents.library.reports import Report
from treeact.agents.library.statements import Statement, read_statements

FAILING_LINE = re.compile(r'^  File "<step \d+>", line (\d{1,7}), in <module>', re.MULTILINE)


NOTHING = Report()


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A step that was taken, as far as a library cares."""

    code: str
    """What ran."""
    ok: bool
    """Whether it ran to its end."""
    report: Report = NOTHING
    traceback: str = ""
    """The traceback of the error that ended it."""

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The module-level statements that ran, the one that failed left out."""
        statements = read_statements(self.code)
        if self.ok:
            return statements
        failing = min((int(line) for line in FAILING_LINE.findall(self.traceback)), default=0)
        starts = [s.line for s in statements if s.line <= failing]
        return tuple(s for s in statements if s.line < max(starts, default=0))


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a step saw of one action."""

    action: str | int
    """The digest of a definition of the run, or the id of a stored action."""
    returned: bool
    raised: bool
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Harvest:
    """What a library keeps of one step."""

    definitions: tuple[Definition, ...] = ()
    """Each after those that it uses."""
    uses: tuple[Use, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Functions of the step that cannot be kept, and why."""


def harvest(
    path: Sequence[Taken], *, tools: Collection[str] = (), stored: Mapping[str, str] | None = None
) -> Harvest:
    """Return what is to be kept of the last step of `path`.

    After a step without error these are all functions that it defined; after one that failed, those
    that were defined before the error and of which a call returned.

    Args:
        path: the steps from the start of the interpreter on.
        tools: names of the host's tools.
        stored: digests of the actions that were loaded from a library, by name.
    """
    step = path[-1]
    statements = [statement for taken in path for statement in taken.statements]
    extractor = Extractor(Program(statements, tools, stored or {}))
    for name in _wanted(step):
        extractor.definition(name)
    wanted = set(_wanted(step))
    unfit = {s.function.name for s in step.statements if s.function is not None} - wanted
    uses = tuple(_uses(step, extractor, unfit))  # finds definitions of earlier steps, too
    return Harvest(
        definitions=tuple(extractor.definitions),
        uses=uses,
        left_out={n: why for n, why in extractor.problems.items() if n in wanted},
    )


def _wanted(step: Taken) -> list[str]:
    """Return the functions of a step that are worth keeping, in order."""
    named = [s.function.name for s in step.statements if s.function is not None]
    exercised = {called.function for called in step.report.calls if called.returned}
    return list(dict.fromkeys(name for name in named if step.ok or name in exercised))


def _uses(step: Taken, extractor: Extractor, unfit: Collection[str]) -> list[Use]:
    uses = []
    for called in step.report.calls:
        action: str | int = called.function
        if isinstance(action, str):
            definition = None if action in unfit else extractor.definition(action)
            if definition is None:
                continue
            action = definition.digest
        uses.append(
            Use(
                action=action,
                returned=called.returned,
                raised=called.raised,
                examples=called.examples,
            )
        )
    return uses
