"""What a study is: a question, settings to sweep, how one seed runs, and how the outcome is shown.

Nothing heavy is imported until a table or a plot is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from treeact.benchmarks.tables import Table as Table
from treeact.benchmarks.tables import Value as Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Settings = Mapping[str, Value]
"""One point of the sweep; plain values, as it is written as JSON."""
Measures = Mapping[str, float]
"""What one run comes to, by name."""


class Results:
    """What the cells of a study came to, by settings.

    Args:
        rows: for each setting, the measures of each seed, in the order of the seeds.
    """

    def __init__(self, rows: Iterable[tuple[Settings, Sequence[Measures]]]) -> None:
        self.rows = [(dict(settings), list(measures)) for settings, measures in rows]

    def values(self, measure: str, **where: Value) -> list[float]:
        """Return a measure for each seed, of the one setting that agrees with `where`.

        Raises:
            KeyError: no setting agrees, or several do.
        """
        found = [measures for settings, measures in self.rows if where.items() <= settings.items()]
        if len(found) != 1:
            raise KeyError(f"{len(found)} settings agree with {where}")
        return [measures[measure] for measures in found[0]]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A simulated study.

    `run`, and all it imports, must be found again by name in another process.
    """

    name: str
    question: str
    """What it asks, in a sentence."""
    version: int
    """Raised whenever the same settings and seed come to something else than before: results of
    other versions are not reused."""
    settings: tuple[Settings, ...]
    """The points of the sweep, in the order in which they run."""
    run: Callable[[Settings, int], Awaitable[Measures]]
    """Runs one setting with one seed. It must depend on nothing else, not even the time."""
    tables: Callable[[Results], Sequence[Table]]
    draw: Callable[[Results, Figure], None]
    """Draws the plot on an empty figure."""


def sweep(**values: Sequence[Value]) -> list[dict[str, Value]]:
    """Return the settings of all combinations, the last name varying fastest."""
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]
