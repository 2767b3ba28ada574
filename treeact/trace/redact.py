"""Keeping secrets out of traces: values of variables that are named so, and what is said to be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_SHORTEST = 8  # shorter values are words such as "true", which would blank innocent text

_told: dict[str, str] = {}
"""Secrets that were told, and their names."""


def keep_secret(name: str, value: str) -> None:
    """Have every redactor that is made from now on replace `value` by `[redacted NAME]`.

    Args:
        name: what stands in its place.
        value: the secret; one of less than 8 characters is left, as it may be part of any word.
    """
    if len(value) >= _SHORTEST:
        _told[value] = name


class Redactor:
    """Replaces known secrets in text by the names of their variables."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        names = filter(_SECRET_NAME.search, environment)
        found = _told | {
            environment[name]: name for name in names if len(environment[name]) >= _SHORTEST
        }
        # a secret may stand in a log line as JSON spells it
        self._names = found | {json.dumps(value)[1:-1]: name for value, name in found.items()}
        alternatives = "|".join(map(re.escape, sorted(self._names, key=len, reverse=True)))
        self._pattern = re.compile(alternatives) if alternatives else None

    @property
    def active(self) -> bool:
        """Whether there is any secret to replace."""
        return self._pattern is not None

    @property
    def longest(self) -> int:
        """Characters of the longest secret."""
        return max(map(len, self._names), default=0)

    def clean(self, text: str) -> str:
        """Return `text` with each secret replaced by `[redacted NAME]`."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"[redacted {self._names[match[0]]}]", text)
