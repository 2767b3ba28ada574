"""The suites. Each module here is one: its name is the suite's, its `load` returns it.

`load(data, split)` takes the path of the user's data, or None, and the name of a split, or None.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from treeact.benchmarks.suite import Suite
from treeact.errors import ConfigError


def suite_names() -> list[str]:
    """Lists the names that `load_suite` takes, without importing the suites."""
    return sorted(module.name for module in iter_modules(__path__))


def load_suite(name: str, *, data: Path | None = None, split: str | None = None) -> Suite:
    """Loads and checks a suite.

    Args:
        name: One of `suite_names()`, such as `mini`.
        data: Where the suite's data is; suites that come with their data need none.
        split: Which part of the data; None is the suite's usual one.

    Raises:
        ConfigError: There is no such suite or split, its data is missing (the message says where
            to get it), or nothing in it can be used.
    """
    if name not in suite_names():
        known = ", ".join(suite_names())
        raise ConfigError(f"There is no suite {name!r}; the suites are: {known}.")
    suite: Suite = import_module(f"{__name__}.{name}").load(data, split)
    return suite


def describe_suites() -> dict[str, str]:
    """Returns what each suite is, in a line, by name."""
    modules = {name: import_module(f"{__name__}.{name}") for name in suite_names()}
    return {name: (module.__doc__ or "").partition("\n")[0] for name, module in modules.items()}
