"""Programs: VirtualHome's text form, `[putin] <apple> (3) <fridge> (5)`, and calls in Python."""

from __future__ import annotations

import re
from collections.abc import Iterable

from treeact.benchmarks.environments.household.actions import ALIASES, ROLES
from treeact.errors import ConfigError
from treeact.planners.normalise import parse_call
from treeact.planners.protocols import Call

_ACTION = re.compile(r"\[\s*(\w+)\s*\]")
_OBJECT = re.compile(r"\s*<\s*([^<>()]+?)\s*>(?:\s*\(\s*(?:\d+\.)?(\d+)\s*\))?")
_NAME = re.compile(r"(.+)_(\d+)")
_ASIDE = re.compile(r"\s*\[\d+\]\s*")


def action(name: str, *objects: str) -> Call:
    """Return the call of an action, such as `action("putin", "apple_3", "fridge_5")`."""
    plain = name.lower()
    return Call(ALIASES.get(plain, plain), dict(zip(ROLES, objects, strict=False)))


def parse_program(text: str) -> list[Call]:
    """Return the calls of a program, one a line, in either form; blank lines are left out.

    Raises:
        ConfigError: a line is no action; the message names it.
    """
    lines = enumerate(text.splitlines(), start=1)
    return [parse_line(line, where=f"line {number}") for number, line in lines if line.strip()]


def parse_line(line: str, *, where: str = "the line") -> Call:
    """Return the call that a line of a program is.

    Whether there is such an action, with so many objects, and such objects, is for the home to say.

    Raises:
        ConfigError: it is no action.
    """
    found = _from_text(line.strip()) or _from_python(line.strip())
    if found is None:
        raise ConfigError(
            f"{where} is no action: {line.strip()[:200]!r}; write it as "
            "[putin] <apple> (3) <fridge> (5) or putin('apple_3', 'fridge_5')"
        )
    return found


def write_program(calls: Iterable[Call]) -> str:
    """Return calls as the text of a program, one a line."""
    return "\n".join(map(write_line, calls))


def write_line(call: Call) -> str:
    """Return a call as a line of a program."""
    objects = [_NAME.fullmatch(str(name)) or str(name) for name in call.arguments.values()]
    return " ".join(
        [
            f"[{call.tool}]",
            *(f"<{it}>" if isinstance(it, str) else f"<{it[1]}> ({it[2]})" for it in objects),
        ]
    )


def _from_text(line: str) -> Call | None:
    head = _ACTION.match(line)
    if not head:
        return None
    objects, at = [], head.end()
    while found := _OBJECT.match(line, at):
        objects.append(_name(*found.groups()))
        at = found.end()
    rest = line[at:]
    if len(objects) > len(ROLES) or (rest.strip() and not _ASIDE.fullmatch(rest)):
        return None
    return action(head[1], *objects)


def _from_python(line: str) -> Call | None:
    call = parse_call(line)
    if call is None:
        return None
    name, objects, named = call
    given = [*ROLES[: len(objects)], *named]
    if len(objects) > len(ROLES) or sorted(given, key=str) != sorted(ROLES[: len(given)]):
        return None
    named |= dict(zip(ROLES, objects, strict=False))
    objects = [named[role] for role in ROLES if role in named]
    if not all(isinstance(it, str) for it in objects):
        return None
    return action(name, *objects)


def _name(class_name: str, id: str | None) -> str:
    plain = class_name.lower().replace(" ", "_")
    return f"{plain}_{id}" if id else plain
