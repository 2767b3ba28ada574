"""From the names of models that commands take, profiles of files among them, to models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.errors import ConfigError

if TYPE_CHECKING:
    from treeact.cli.config.definition import Profile
    from treeact.cli.config.loading import Loaded
    from treeact.models.base import Model


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which model was asked for: a profile is what it says, and has its key with it."""

    name: str = ""
    base_url: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that stand in for those of the environment."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        return not self.name and self.base_url is None

    def open(self, *, record: Path | None = None) -> Model:
        """Return the model; see `resolve_model`."""
        from treeact.models import resolve_model

        env = {**os.environ, **self.keys}
        return resolve_model(self.name, base_url=self.base_url, record=record, env=env)


def find_model(name: str | None, base_url: str | None, settings: Loaded) -> ModelChoice:
    """Return what the options and settings ask for.

    A name that says itself where its model is, such as `replay:PATH` or that of a profile, is not
    looked for at a base URL.

    Raises:
        ConfigError: a profile is incomplete, or a variable that it names is not set.
    """
    name = name or ""
    profile = settings.profile(name)
    if profile is not None:
        return _from_profile(name, profile, settings)
    is_complete = name == "human" or name.startswith(("replay:", "oracle")) or "://" in name
    return ModelChoice(name=name, base_url=None if is_complete else base_url)


def _from_profile(name: str, profile: Profile, settings: Loaded) -> ModelChoice:
    from treeact.cli.config.loading import expand

    where = settings.origin_of(("models", name)).where
    base_url = expand(profile.base_url, where) if profile.base_url else None
    if not profile.model and base_url is None:
        raise ConfigError(f"{where}: models.{name} names no model: give model or base_url")
    key = expand(profile.api_key, where) if profile.api_key else None
    if profile.key_env:
        key = os.environ.get(profile.key_env)
        if not key:
            raise ConfigError(f"{where}: the variable {profile.key_env} is not set: export it")
    keys = {} if key is None else {_key_variable(name, profile, where): key}
    return ModelChoice(name=profile.model, base_url=base_url, keys=keys)


def _key_variable(name: str, profile: Profile, where: str) -> str:
    """Return the variable under which the model of a profile looks for its key."""
    from treeact.models.providers import PROVIDERS
    from treeact.models.resolve import KEY_VARIABLE

    if profile.base_url or "://" in profile.model:
        return KEY_VARIABLE
    prefix = profile.model.partition("/")[0]
    for provider in PROVIDERS:
        if provider.name == prefix:
            return provider.key_variables[0]
    known = ", ".join(provider.name for provider in PROVIDERS)
    raise ConfigError(
        f"{where}: models.{name} has a key of its own, which only models of {known} and those with "
        "a base_url can have: leave it out, and export the provider's variable"
    )
