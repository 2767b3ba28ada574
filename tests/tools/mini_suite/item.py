"""What a task's generator returns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True)
class Item:
    question: str
    answer: str


# Writes a task's files into the folder. The random numbers are seeded with the task's id.
Generator = Callable[[Path, Random], Item]


def the_most(values: dict[Key, int]) -> Key:
    """The key of the greatest value, which must be the only one: a tie has no exact answer."""
    first, second = sorted(values.values(), reverse=True)[:2]
    assert first > second, f"tie at {first}"
    return max(values, key=lambda key: values[key])
