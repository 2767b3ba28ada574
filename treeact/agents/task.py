"""What an agent is asked to do. It has no room for a truth, so none can leak to the agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T", default=str)


@dataclass(frozen=True)
class Task(Generic[T]):
    """A question, the files that belong to it, and what its answer has to be."""

    question: str
    files: tuple[Path, ...] = ()
    """Files on the host; each is put into the sandbox's working folder under its own name."""
    id: str = "run"
    """Short name that starts every logical id of the run, such as `run/step-3/propose`."""
    answer_type: type[T] | TypeAdapter[T] | Mapping[str, Any] | None = field(
        default=None, hash=False
    )
    """The type of the answer: a pydantic model, a dataclass, `int`, `list[str]`, whatever pydantic
    can check, or a `TypeAdapter` of it; or a JSON Schema. None takes any text."""
