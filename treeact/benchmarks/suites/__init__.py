"""The built-in suites. Each module here is one: its name is the suite's, its `load` returns it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from treeact.benchmarks.suite import Suite
from treeact.errors import ConfigError


def suite_names() -> list[str]:
    """Lists the names that `load_suite` takes, without importing the suites."""
    return sorted(module.name for module in iter_modules(__path__))


def load_suite(name: str) -> Suite:
    """Loads and checks a suite.

    Args:
        name: One of `suite_names()`, such as `mini`.

    Raises:
        ConfigError: There is no such suite, or its files are damaged.
    """
    if name not in suite_names():
        known = ", ".join(suite_names())
        raise ConfigError(f"There is no suite {name!r}; the suites are: {known}.")
    suite: Suite = import_module(f"{__name__}.{name}").load()
    return suite
