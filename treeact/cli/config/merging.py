"""The environment over files over defaults, by pydantic-settings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from treeact.cli.config.checking import annotation, lower_case
from treeact.cli.config.definition import SETTINGS, Setting
from treeact.errors import ConfigError


def _environment() -> dict[str, Any]:
    """Return what variables say, in capitals alone; lists are split at commas, or are JSON."""
    return {
        setting.field: _split(text) if setting.many else text
        for setting in SETTINGS
        if (text := os.environ.get(setting.variable))
    }


def _split(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text  # which is no list, and is told so
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def merge(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of the environment, over those of files, over the defaults, by key.

    Args:
        files: what files say, by the fields of settings; the stronger first.

    Raises:
        ConfigError: a variable is wrong; the message names it.
    """

    class Sources(BaseSettings):
        model_config = SettingsConfigDict(protected_namespaces=())

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Return the sources, the strongest first."""
            said = (_environment(), *files)
            return tuple(InitSettingsSource(settings_cls, init_kwargs=dict(it)) for it in said)

    fields: dict[str, Any] = {
        setting.field: (_field_type(setting), setting.start) for setting in SETTINGS
    }
    try:
        merged = create_model("Settings", __base__=Sources, **fields)()
    except ValidationError as error:  # files were checked
        fault = error.errors()[0]
        setting = next(it for it in SETTINGS if it.field == fault["loc"][0])
        raise ConfigError(f"{setting.variable}: {lower_case(fault['msg'])}") from None
    return {setting.key: getattr(merged, setting.field) for setting in SETTINGS}


def _field_type(setting: Setting) -> Any:
    kind = annotation(setting)
    has_value = setting.many or setting.in_file_only or setting.default is not None
    return kind if has_value else kind | None
