"""How well a path agrees with plans that are known to work: subsequences and positions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Row = NDArray[np.uint8]

T = TypeVar("T")

MAX_CALLS = 64
"""Calls of the longest plan that is scored; an entry of a row must fit a byte."""
ROWS_BYTES = 64 * 1024**2
"""Memory for rows of prefixes; those that were not used for the longest time go first."""
MATCHES = 100_000
"""Scores of prefixes that are kept."""


class PlanScores:
    """The scores of ToolChain* (Zhuang et al. 2024, section 3) over a fixed set of plans.

    The subsequence table of all plans at once is a matrix with a column for each plan, and the row
    of a path extends that of its parent, so that one more call costs one pass over the matrix.

    Args:
        plans: each the calls of a plan in order, of at most `MAX_CALLS`; empty ones are no plans.

    Raises:
        ValueError: a plan is too long.
    """

    def __init__(self, plans: Sequence[Sequence[str]]) -> None:
        self.plans = tuple(tuple(plan) for plan in plans if plan)
        """What is scored against."""
        if any(len(plan) > MAX_CALLS for plan in self.plans):
            raise ValueError(f"a plan has more than {MAX_CALLS} calls: split it")
        self._positions = _positions(self.plans)
        self._nearest: dict[str, float] = {}
        self._rows: OrderedDict[tuple[str, ...], Row] = OrderedDict()
        self._matches: OrderedDict[tuple[str, ...], float] = OrderedDict()
        if self.plans:
            self._tabulate()

    def match(self, calls: tuple[str, ...]) -> float:
        """Return the best `lcs_score` of `calls` with a plan, from 0 to 1; 0 without plans."""
        if not self.plans or not calls:
            return 0.0
        score = self._matches.get(calls)
        if score is None:
            import numpy as np

            shorter = np.minimum(self._lengths, len(calls))
            score = float((self._row(calls)[-1] / shorter).max())
            _remember(self._matches, calls, score, limit=MATCHES)
        return score

    def position(self, call: str) -> float:
        """Return how far into plans `call` stands, from 0 to 1; 0 where nothing is like it.

        It is the mean, over the plans that hold the call, of the place of its first occurrence over
        the plan's length. A call that no plan holds has the position of the one whose name has the
        greatest `lcs_score` with its own; among equals the longest subsequence, then the alphabet.
        """
        known = self._positions.get(call)
        if known is None:
            known = self._nearest.get(call)
        if known is None:
            known = self._nearest[call] = self._position_of_nearest(call)
        return known

    def _position_of_nearest(self, call: str) -> float:
        best, position = (0.0, 0), 0.0
        for name in sorted(self._positions):
            length = lcs_length(call, name)
            rank = (length / max(1, min(len(call), len(name))), length)
            if rank > best:
                best, position = rank, self._positions[name]
        return position

    def _tabulate(self) -> None:
        import numpy as np

        self._ids = {call: id for id, call in enumerate(self._positions)}
        self._lengths = np.fromiter(map(len, self.plans), np.int32, len(self.plans))
        longest = int(self._lengths.max())
        self._calls = np.full((longest, len(self.plans)), -1, np.int32)
        for column, plan in enumerate(self.plans):
            self._calls[: len(plan), column] = [self._ids[call] for call in plan]
        self._start = np.zeros((longest + 1, len(self.plans)), np.uint8)
        self._most_rows = max(8, ROWS_BYTES // self._start.nbytes)

    def _row(self, calls: tuple[str, ...]) -> Row:
        """Return the table's row for `calls`: entry (j, plan) is their LCS with its first j."""
        known = len(calls)
        while known and calls[:known] not in self._rows:
            known -= 1
        row = self._start
        if known:
            row = self._rows[calls[:known]]
            self._rows.move_to_end(calls[:known])
        for end in range(known, len(calls)):
            row = self._extended(row, calls[end])
            _remember(self._rows, calls[: end + 1], row, limit=self._most_rows)
        return row

    def _extended(self, row: Row, call: str) -> Row:
        import numpy as np

        id = self._ids.get(call)
        if id is None:
            return row
        longer = row.copy()
        np.maximum(row[1:], row[:-1] + (self._calls == id), out=longer[1:])
        np.maximum.accumulate(longer, axis=0, out=longer)
        return longer


def lcs_length(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Return the length of the longest common subsequence, by the bits of one integer.

    A zero bit of `row` says that the length grows at that place of `first` (Hyyrö 2004).
    """
    places: dict[Hashable, int] = {}
    for place, item in enumerate(first):
        places[item] = places.get(item, 0) | 1 << place
    full = row = (1 << len(first)) - 1
    for item in second:
        same = row & places.get(item, 0)
        row = ((row + same) | (row - same)) & full
    return len(first) - row.bit_count()


def lcs_score(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Return the LCS's length over that of the shorter one; 0 when one is empty."""
    shorter = min(len(first), len(second))
    return lcs_length(first, second) / shorter if shorter else 0.0


def _positions(plans: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """Return the mean position of each call, from running sums."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for plan in plans:
        first = {call: place for place, call in reversed([*enumerate(plan, start=1)])}
        for call, place in first.items():
            sums[call] = sums.get(call, 0.0) + place / len(plan)
            counts[call] = counts.get(call, 0) + 1
    return {call: total / counts[call] for call, total in sums.items()}


def _remember(
    kept: OrderedDict[tuple[str, ...], T], key: tuple[str, ...], value: T, *, limit: int
) -> None:
    kept[key] = value
    if len(kept) > limit:
        kept.popitem(last=False)
