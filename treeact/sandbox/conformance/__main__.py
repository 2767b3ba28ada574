"""`python -m treeact.sandbox.conformance KIND`: check a sandbox and print the report."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Sequence

from treeact.errors import ConfigError, TreeActError
from treeact.sandbox.conformance import AREAS, Factory, Row, check
from treeact.sandbox.select import KINDS, sandbox_class


def find(name: str) -> Factory:
    """Return the class of a kind, or what `module:factory` names.

    Raises:
        ConfigError: there is no such kind, module or factory.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        return sandbox_class(name)
    try:
        found: Factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot find {name}: {error}") from error
    return found


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m treeact.sandbox.conformance", description="Check a kind of sandbox."
    )
    parser.add_argument("sandbox", help=f"{', '.join(KINDS)}, or module:factory")
    parser.add_argument("--area", action="append", choices=AREAS, help="only these areas")
    parser.add_argument("--check", action="append", metavar="NAME", help="only these checks")
    return parser.parse_args(arguments)


def _show(row: Row) -> None:
    sys.stderr.write(f"{row.outcome:<7} {row.name}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; return 0 when none failed, 1 when some did, 2 when they could not run."""
    asked = _arguments(arguments)
    progress = _show if sys.stderr.isatty() else None
    try:
        factory = find(asked.sandbox)
        report = asyncio.run(check(factory, areas=asked.area, names=asked.check, on_row=progress))
    except TreeActError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(report.table() + "\n")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
