"""Secrets that files of settings bring in: found, and kept out of traces and output."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treeact.cli.config.definition import SETTINGS
from treeact.trace.redact import keep_secret

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A variable within a text of a file, such as `${MY_KEY}`."""
_KEY_IN_TEXT = re.compile(
    r"(?<![a-z])(?:(?:api)?key|token|secret|password|passwd|credentials?|bearer)[\"']?\s*[=:\s]\s*[\"']?([^\s\"',&]+)"
    r"|://[^/\s:@]*:([^/\s@]+)@",
    re.IGNORECASE,
)
"""What looks like a key in a command or a URL."""


def keep_secrets(data: Mapping[str, Any]) -> None:
    """Have everything redacted from now on that a file brings in as a secret."""
    for place, text in _delicate(data):
        for name in REFERENCE.findall(text):
            value = os.environ.get(name, "")
            if not os.path.exists(value):  # noqa: PTH110  # as that of HOME does
                keep_secret(name, value)
        if place[-1] == "key_env":
            keep_secret(text, os.environ.get(text, ""))
        for key in _literals(place, text):
            keep_secret(".".join(place), key)


def keep_keys(name: str, value: str | Sequence[str] | None) -> None:
    """Have the keys redacted that commands and URLs hold, wherever they were given."""
    for text in [value] if isinstance(value, str) else value or ():
        for key in _literals((name,), text):
            keep_secret(name, key)


def literal_keys(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the places of a file that hold a key itself."""
    for place, text in _delicate(data):
        if any(_literals(place, text)):
            yield place


def _literals(place: tuple[str, ...], text: str) -> Iterator[str]:
    if place[-1] == "key_env":
        return
    whole = [text] if place[-1] == "api_key" else None
    for key in whole or (found[1] or found[2] for found in _KEY_IN_TEXT.finditer(text)):
        if not REFERENCE.search(key):
            yield key


def _delicate(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the texts of a file that secrets may be in, and their places."""
    for setting in SETTINGS:
        if setting.expands:
            value = data.get(setting.key)
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    yield (setting.key,), text
    models = data.get("models")
    for name, profile in models.items() if isinstance(models, Mapping) else ():
        for key, text in profile.items() if isinstance(profile, Mapping) else ():
            if isinstance(text, str):
                yield ("models", name, key), text
