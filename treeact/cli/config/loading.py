"""From files and the environment to values; options of a command come before both."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from treeact.cli.config.definition import (
    BY_KEY,
    PREFIX,
    SETTINGS,
    TABLES,
    Profile,
    Setting,
)
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
        for problem in problems_of(file):
            raise ConfigError(problem)
    given = [typed_values(file) for file in files]
    settings = _merge(given)
    values = {setting.key: getattr(settings, setting.field) for setting in SETTINGS}
    return Loaded(values=values, files=files)


def problems_of(file: ConfigFile) -> list[str]:
    """Return what is wrong in a file, each with its line and the remedy."""
    found = [(place, _unknown(place, names)) for place, names in _unknown_keys(file.data)]
    for key, value in _known_values(file.data):
        found += _faults(BY_KEY[key], value)
    return [f"{file.where(place)}: {fault}" for place, fault in found]


def typed_values(file: ConfigFile) -> dict[str, Any]:
    """Return the values of a file that has no problems, by the fields of their settings."""
    values = {}
    for key, value in _known_values(file.data):
        setting = BY_KEY[key]
        typed = _typed(setting, value)
        if setting.kind is Path:
            typed = file.path.parent / typed.expanduser()
        values[setting.field] = typed
    return values


def _known_values(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in BY_KEY:
            yield name, value
        elif name in TABLES and isinstance(value, Mapping):
            yield from ((f"{name}.{k}", v) for k, v in value.items() if f"{name}.{k}" in BY_KEY)


def _unknown_keys(data: Mapping[str, Any]) -> Iterator[tuple[Place, list[str]]]:
    """Yield the places that no setting has, and the names that it could have been."""
    for name, value in data.items():
        if name in TABLES and isinstance(value, Mapping):
            names = [key.partition(".")[2] for key in BY_KEY if key.startswith(f"{name}.")]
            yield from (((name, inner), names) for inner in value if inner not in names)
        elif name in TABLES or name not in BY_KEY:
            yield (name,), [key.partition(".")[0] for key in BY_KEY]


def _unknown(place: Place, names: list[str]) -> str:
    if place[0] in TABLES and len(place) == 1:
        return f"{place[0]} is a table: write [{place[0]}], and its settings below"
    close = get_close_matches(place[-1], names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(dict.fromkeys(names))}"
    return f"there is no setting {'.'.join(place)}: {hint}"


def _faults(setting: Setting, value: Any) -> list[tuple[Place, str]]:
    place = tuple(setting.key.split("."))
    try:
        _typed(setting, value)
    except ValidationError as error:
        return [
            ((*place, *map(str, fault["loc"])), _words(setting, fault)) for fault in error.errors()
        ]
    return []


def _words(setting: Setting, fault: Any) -> str:
    """Return what is wrong with a value; the value itself may be a key, and is not told."""
    name = ".".join([setting.key, *map(str, fault["loc"])])
    if fault["type"] == "unexpected_keyword_argument":
        fields = list(Profile.__dataclass_fields__)
        return _unknown(tuple(name.split(".")), fields)
    message = fault["msg"]
    return f"{name}: {message[:1].lower()}{message[1:]}"


def _typed(setting: Setting, value: Any) -> Any:
    """Return a value of a file as its setting has it.

    Raises:
        ValidationError: it is of another type, or too small.
    """
    if setting.kind == Mapping[str, str] and isinstance(value, Mapping):
        value = dict(_flat(value))
    return _adapter(setting.key).validate_json(_as_json(value), strict=True)


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a table and of those in it, whose names are joined by dots."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", part) for inner, part in _flat(value))
        else:
            yield name, value


def _as_json(value: Any) -> str:
    return json.dumps(value, default=lambda other: {"of type": type(other).__name__})


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(_annotation(BY_KEY[key]))


def _annotation(setting: Setting) -> Any:
    kind: Any = setting.kind
    if setting.least is not None:
        kind = Annotated[kind, Field(ge=setting.least)]
    return tuple[kind, ...] if setting.many else kind


class _Environment(EnvSettingsSource):
    """Variables; lists are split at commas, or are JSON."""

    def __call__(self) -> dict[str, Any]:
        given = super().__call__()
        return {
            setting.field: _split(given[setting.field]) if setting.many else given[setting.field]
            for setting in SETTINGS
            if setting.field in given and not setting.in_file_only
        }


def _split(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text  # which is no list, and is told so
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _merge(files: list[dict[str, Any]]) -> BaseSettings:
    """Return the settings of the environment, over those of files, over the defaults."""

    class Sources(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix=PREFIX, env_ignore_empty=True, protected_namespaces=()
        )

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Return the sources, the strongest first."""
            return (
                _Environment(settings_cls),
                *(InitSettingsSource(settings_cls, init_kwargs=values) for values in files),
            )

    fields: dict[str, Any] = {
        setting.field: (_field_type(setting), _default(setting)) for setting in SETTINGS
    }
    try:
        return create_model("Settings", __base__=Sources, **fields)()
    except ValidationError as error:  # files were checked
        fault = error.errors()[0]
        setting = next(it for it in SETTINGS if it.field == fault["loc"][0])
        raise ConfigError(
            f"{setting.variable}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
        ) from None


def _field_type(setting: Setting) -> Any:
    kind = _annotation(setting)
    if setting.many:
        return Annotated[kind, NoDecode]
    return kind if setting.default is not None or setting.in_file_only else kind | None


def _default(setting: Setting) -> Any:
    if setting.many:
        return ()
    return {} if setting.in_file_only else setting.default
