"""How well a path agrees with plans that are known to work: subsequences and positions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

K = TypeVar("K")
V = TypeVar("V")

MAX_CALLS = 64
"""Calls of the longest plan that is scored: a row of its table is the bits of one machine word."""
ROWS_BYTES = 32 * 1024**2
"""Memory for rows of prefixes, and as much for places of calls; what was not used for the longest
time goes first."""
MATCHES = 100_000
"""Scores of prefixes that are kept."""


class PlanScores:
    """The scores of ToolChain* (Zhuang et al. 2024, section 3) over a fixed set of plans.

    The row of a path in the subsequence tables of all plans is an array with one word for each plan
    (see `lcs_length`), and extends the row of the path's parent: one more call costs a few
    operations on such arrays, whatever the path's length.

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
        self._rows: OrderedDict[tuple[str, ...], Words] = OrderedDict()
        self._places: OrderedDict[str, Words] = OrderedDict()
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
            score = float((_zeros(self._row(calls)) / shorter).max())
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

        self._lengths = np.fromiter(map(len, self.plans), np.int64, len(self.plans))
        self._start = np.full(len(self.plans), 2**64 - 1, np.uint64)
        self._most_rows = max(8, ROWS_BYTES // self._start.nbytes)
        self._occurrences: dict[str, tuple[list[int], list[int]]] = {
            call: ([], []) for call in self._positions
        }
        for number, plan in enumerate(self.plans):
            for place, call in enumerate(plan):
                numbers, places = self._occurrences[call]
                numbers.append(number)
                places.append(place)

    def _row(self, calls: tuple[str, ...]) -> Words:
        """Return the row for `calls`, from that of its longest prefix that is kept."""
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

    def _extended(self, row: Words, call: str) -> Words:
        if call not in self._occurrences:
            return row
        same = row & self._places_of(call)
        extended: Words = row + same  # what is carried beyond the word is dropped
        extended |= row - same
        return extended

    def _places_of(self, call: str) -> Words:
        """Return, for each plan, the bits of the places where it holds `call`."""
        import numpy as np

        bits = self._places.get(call)
        if bits is None:
            numbers, places = self._occurrences[call]
            bits = np.zeros(len(self.plans), np.uint64)
            np.bitwise_or.at(bits, numbers, np.uint64(1) << np.array(places, np.uint64))
            _remember(self._places, call, bits, limit=self._most_rows)
        else:
            self._places.move_to_end(call)
        return bits


def lcs_length(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Return the length of the longest common subsequence.

    A row of the table is the bits of one integer: a zero says that the length grows by one at that
    place of `first` (Hyyrö 2004).
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


def _zeros(words: Words) -> NDArray[np.int64]:
    """Return how many bits of each word are zero, by a table of those of 16 bits."""
    import numpy as np

    quarters = _zeros_of_16()[words.view(np.uint16)].reshape(-1, 4)
    zeros: NDArray[np.int64] = quarters.sum(axis=1, dtype=np.int64)
    return zeros


@cache
def _zeros_of_16() -> NDArray[np.uint8]:
    import numpy as np

    return np.array([16 - number.bit_count() for number in range(2**16)], np.uint8)


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


def _remember(kept: OrderedDict[K, V], key: K, value: V, *, limit: int) -> None:
    kept[key] = value
    if len(kept) > limit:
        kept.popitem(last=False)
