"""Simulated studies: planners over abstract tasks, with a noisy oracle in a model's place.

Each module of `catalogue` is a study; adding one is adding a file there that holds a `STUDY`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

from treeact.benchmarks.studies.study import Study
from treeact.errors import ConfigError

_CATALOGUE = "treeact.benchmarks.studies.catalogue"


def study_names() -> list[str]:
    """Return the names of all studies."""
    path = import_module(_CATALOGUE).__path__
    return sorted(module.name.replace("_", "-") for module in iter_modules(path))


def find_study(name: str) -> Study:
    """Return the study called `name`, or the one at `package.module:NAME`.

    Raises:
        ConfigError: there is none; the message names the choices.
    """
    names = study_names()
    home, _, attribute = name.partition(":")
    if name in names:
        home, attribute = f"{_CATALOGUE}.{name.replace('-', '_')}", "STUDY"
    elif not attribute:
        close = get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}"
        raise ConfigError(f"no study named {name!r}: {hint}")
    try:
        study = getattr(import_module(home), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"study {name!r} cannot be imported: {error}") from error
    if not isinstance(study, Study):
        raise ConfigError(f"{name} is no study: name a `Study` of that module")
    return study
