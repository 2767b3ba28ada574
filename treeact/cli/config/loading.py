"""From files and the environment to values; options of a command come before both."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treeact.cli.config.definition import BY_KEY, SETTINGS, Profile
from treeact.cli.config.files import ConfigFile, Place, read_files
from treeact.cli.config.secrets import REFERENCE, keep_secrets
from treeact.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a value is from."""

    kind: str
    """`environment`, `project`, `user` or `default`."""
    where: str = ""
    """The variable, or the file and line."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The settings as they are here."""

    values: Mapping[str, Any]
    """By key; texts are as they were written, with `${NAME}` in them."""
    files: tuple[ConfigFile, ...]
    """The stronger first."""

    def value(self, key: str) -> Any:
        """Return a value that can be used, variables put in.

        Raises:
            ConfigError: a variable that it refers to is not set.
        """
        value, where = self.values[key], self.origin(key).where
        if isinstance(value, Path):
            return value.expanduser()
        if not BY_KEY[key].expands or value is None:
            return value
        if isinstance(value, str):
            return expand(value, where)
        return tuple(expand(text, where) for text in value)

    def origin(self, key: str) -> Origin:
        """Return where the value of a setting is from."""
        variable = BY_KEY[key].variable
        if variable and os.environ.get(variable):
            return Origin(kind="environment", where=variable)
        return self.origin_of(tuple(key.split(".")))

    def origin_of(self, place: Place) -> Origin:
        """Return where in the files what is at a place is from."""
        for file in self.files:
            if file.line(place) is not None:
                return Origin(kind=file.origin, where=file.where(place))
        return Origin(kind="default")

    def profile(self, name: str) -> Profile | None:
        """Return the model profile of a name, or None."""
        found: Profile | None = self.values["models"].get(name)
        return found


def expand(text: str, where: str) -> str:
    """Return a text with its variables put in.

    Raises:
        ConfigError: one is not set.
    """

    def put_in(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise ConfigError(f"{where}: the variable {found[1]} is not set: export it")
        return os.environ[found[1]]

    return REFERENCE.sub(put_in, text)


def load(folder: Path | None = None) -> Loaded:
    """Return the settings that hold in a folder, without those that options give.

    Args:
        folder: where the project's file is looked for, there and above; None takes the working
            folder.

    Raises:
        ConfigError: a file or a variable is wrong; the message names it, and the line.
    """
    files = tuple(read_files(folder))
    for file in files:
        keep_secrets(file.data)
    if not files and not any(os.environ.get(setting.variable) for setting in SETTINGS):
        return Loaded(values={it.key: it.start for it in SETTINGS}, files=())
    from treeact.cli.config.checking import checked_values  # pydantic takes its time
    from treeact.cli.config.merging import merge

    return Loaded(values=merge([checked_values(file) for file in files]), files=files)
