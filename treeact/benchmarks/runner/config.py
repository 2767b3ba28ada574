"""What a benchmark is run with: the part that decides results, and the part that does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, field_validator

from treeact.trace.budget import BudgetLimits


class TaskLimits(BaseModel):
    """What one attempt at one sample may use; None does not limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: PositiveInt = 20
    tokens: PositiveInt | None = None
    usd: PositiveFloat | None = None
    seconds: PositiveFloat | None = None
    """Wall time."""
    working: PositiveFloat | None = None
    """Seconds without those of waiting for rate limits and after failures of the model."""

    def budget(self) -> BudgetLimits:
        """Return the limits that a budget watches."""
        return BudgetLimits(tokens=self.tokens, usd=self.usd, seconds=self.seconds)


class BenchConfig(BaseModel):
    """Everything that decides what comes of a sample: names only, for any process to use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str
    """One of `suites.suite_names()`."""
    split: str | None = None
    data: Path | None = None
    """Where the suite's data is, for suites that do not come with it."""
    agent: str = "codeact"
    model: str
    """As `resolve_model` takes it; `replay:FOLDER` for one recording a task; `oracle:act=0.8` for a
    simulated policy, in suites with a world."""
    base_url: str | None = None
    planner: str | None = None
    """A name with its settings, such as `mcts:n=3`; None is the agent's own."""
    sandbox: str = "auto"
    tools: tuple[str, ...] = ()
    """Names of sets of tools, such as `gaia`."""
    instructions: str = ""
    step_timeout: PositiveFloat = 60.0
    max_output_tokens: PositiveInt = 4096
    context_tokens: PositiveInt | None = None
    library: Path | None = None
    """DynaSaur's library; None is an empty one in the benchmark's own directory."""
    frozen: bool = False
    """Whether the library is left as it is."""
    limits: TaskLimits = TaskLimits()

    @field_validator("instructions", "model")
    @classmethod
    def _is_text(cls, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("it holds bytes that are no UTF-8") from error
        return value

    def course(self) -> dict[str, Any]:
        """Return what decides results, but for the data, which has a fingerprint of its own."""
        return self.model_dump(mode="json", exclude={"data", "base_url"})

    @property
    def hash(self) -> str:
        """SHA-256 of `course`: attempts under the same hash are attempts at the same thing."""
        text = json.dumps(self.course(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def simulated(self) -> str:
        """What answers in a model's place, in words; empty where a model does."""
        kind = self.model.partition(":")[0]
        return {"replay": "recorded replies", "oracle": "a simulated policy"}.get(kind, "")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return where two configurations differ, a sentence each."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{key}.{line}" for line in differences(old, new)]
        elif old != new:
            found.append(f"{key} was {old!r} and is {new!r}")
    return found
