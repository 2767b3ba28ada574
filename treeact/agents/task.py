"""What an agent is asked to do. It has no room for a truth, so none can leak to the agent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """A question and the files that belong to it."""

    question: str
    files: tuple[Path, ...] = ()
    """Files on the host; each is put into the sandbox's working folder under its own name."""
    id: str = "run"
    """Short name that starts every logical id of the run, such as `run/step-3/propose`."""
