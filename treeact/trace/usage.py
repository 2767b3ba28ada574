"""Tokens and dollars: what one call used, and the ledger that adds calls up by role and phase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one call. `cached_tokens` are part of input, `reasoning_tokens` part of output."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    """True when nobody reported the usage and it was counted from the text."""

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            estimated=self.estimated or other.estimated,
        )


@dataclass(kw_only=True)
class Entry:
    """The sum of some calls."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    """Dollars of the calls whose price is known."""
    unpriced: int = 0
    """Calls whose price is not known; when there are any, `cost` is a lower bound."""
    parts: dict[str, int] = field(default_factory=dict)
    """Input tokens by part of the prompt: system, tools, task, history, observation."""

    @property
    def price(self) -> str:
        """The dollars in words: `n/a` where no price is known, `>=` where some are not."""
        if self.calls and self.unpriced == self.calls:
            return "n/a"
        return f"{'>= ' if self.unpriced else ''}${self.cost:.4f}"

    def add(self, usage: Usage, cost: float | None, parts: Mapping[str, int] | None = None) -> None:
        """Add one call that used `usage` and cost `cost` dollars."""
        self.calls += 1
        self.usage += usage
        self.unpriced += cost is None
        self.cost += cost or 0.0
        self._add_parts(parts or {})

    def merge(self, other: Entry) -> None:
        """Add the calls of another sum."""
        self.calls += other.calls
        self.usage += other.usage
        self.cost += other.cost
        self.unpriced += other.unpriced
        self._add_parts(other.parts)

    def _add_parts(self, parts: Mapping[str, int]) -> None:
        for part, tokens in parts.items():
            self.parts[part] = self.parts.get(part, 0) + tokens


def share_tokens(tokens: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Divide the input tokens of a call among the parts of its prompt, in proportion to size.

    Providers report one figure for a prompt; what each part had of it is an estimate by its length.
    The shares add up to `tokens` exactly: what rounding leaves goes to the largest remainders.
    """
    whole = sum(sizes.values())
    if not whole:
        return {}
    shares = {part: tokens * size // whole for part, size in sizes.items()}
    rests = sorted(sizes, key=lambda part: (-(tokens * sizes[part] % whole), part))
    for part in rests[: tokens - sum(shares.values())]:
        shares[part] += 1
    return shares


class Ledger:
    """Calls of a run, added up by role (who asked) and phase (what for)."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def add(
        self,
        role: str,
        phase: str,
        usage: Usage,
        cost: float | None,
        parts: Mapping[str, int] | None = None,
    ) -> None:
        """Book one call; `parts` are its input tokens by part of the prompt, if they are known."""
        self._entries.setdefault((role, phase), Entry()).add(usage, cost, parts)

    def renamed(self, rename: Callable[[str], str]) -> Ledger:
        """Return the same calls under other roles; what gets one name is added up."""
        ledger = Ledger()
        for role, phase, entry in self.rows():
            ledger._entries.setdefault((rename(role), phase), Entry()).merge(entry)
        return ledger

    def rows(self) -> Iterable[tuple[str, str, Entry]]:
        """Yield role, phase and sum, in the order in which they first occurred."""
        for (role, phase), entry in self._entries.items():
            yield role, phase, entry

    @property
    def total(self) -> Entry:
        """The sum over every role and phase."""
        total = Entry()
        for entry in self._entries.values():
            total.merge(entry)
        return total
