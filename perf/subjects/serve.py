"""The side of a subject's process: one line of JSON in, one out, for as long as it is asked.

It runs in peers' environments as well, so that it needs nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any


def serve(measure: Callable[..., Any]) -> None:
    """Answer each line of stdin with what `measure(**line)` returns.

    What the measured code prints goes to stderr, where it cannot be taken for an answer.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answer = measure(**json.loads(line))
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def gaps(times: list[float]) -> list[float]:
    """Return the seconds from each moment to the next."""
    return [later - earlier for earlier, later in pairwise(times)]


THOUGHT = "The table has one row for each station; the mean is taken over all of them. " * 13
"""About 1 kB, as much as a model's reply; the same for every subject."""
