"""Questions of several hops over a catalogue of tools: each hop needs the one tool that fits it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from treeact.tools import Tool
from treeact.tools.function import make_tool

THINGS = (
    *("company", "court", "lawyer", "patent", "licence", "vessel", "hospital", "museum", "bridge"),
    *("school", "airport", "mine", "farm", "festival", "library", "factory", "theatre", "harbour"),
    *("hotel", "station"),
)
ASPECTS = (
    *("owner", "address", "founder", "auditor", "insurer", "tenant", "architect", "director"),
    *("registration", "postcode", "successor", "predecessor", "supplier", "customer", "creditor"),
    *("guarantor", "trustee", "regulator", "sponsor", "contractor", "landlord", "inspector"),
    *("valuation", "opening", "closure", "capacity", "turnover", "inventory", "complaint"),
    *("verdict", "sentence", "appeal", "permit", "fine", "mortgage", "pledge", "warranty"),
    *("emblem", "motto", "telephone", "website", "chairman", "treasurer", "secretary", "deputy"),
    *("witness", "claimant", "defendant", "statute", "archive"),
)


@dataclass(frozen=True)
class Hop:
    """One thing to find out, and the tool that finds it."""

    thing: str
    aspect: str

    @property
    def tool(self) -> str:
        """Name of the tool."""
        return f"get_{self.thing}_{self.aspect}"

    @property
    def words(self) -> str:
        """What is wanted, in words."""
        return f"the {self.aspect} of the {self.thing}"


@dataclass(frozen=True)
class HopTask:
    """A question that takes one hop after the other, each from what the last one gave."""

    hops: tuple[Hop, ...]
    key: str
    """What it begins with."""

    @property
    def question(self) -> str:
        """The question."""
        chain = ", then ".join(hop.words for hop in self.hops)
        return f"Beginning with {self.key}, find {chain}, each from the record before it."

    @property
    def answer(self) -> str:
        """The record that the last hop leads to."""
        key = self.key
        for hop in self.hops:
            key = record(hop.tool, key)
        return key


def make_task(seed: int | str, *, hops: int, tools: int) -> HopTask:
    """Return the task of a seed, whose hops need different tools of a catalogue."""
    rng = random.Random(f"hops {seed}")
    return HopTask(tuple(rng.sample(_needs(tools), hops)), record("start", str(seed)))


def record(tool: str, key: str) -> str:
    """Return the record that a tool finds for a key."""
    return hashlib.sha256(f"{tool}/{key}".encode()).hexdigest()[:6]


@cache
def make_tools(count: int) -> tuple[Tool, ...]:
    """Return a catalogue of so many tools, up to 1000."""
    return tuple(map(_make_tool, _needs(count)))


@cache
def _needs(count: int) -> Sequence[Hop]:
    pairs = [Hop(thing, aspect) for thing, aspect in product(THINGS, ASPECTS)]
    random.Random("catalogue").shuffle(pairs)
    return pairs[:count]


def _make_tool(hop: Hop) -> Tool:
    def look_up(key: str) -> str:
        return record(hop.tool, key)

    look_up.__doc__ = (
        f"Return the record of {hop.words}.\n\nArgs:\n    key: the record of the {hop.thing}."
    )
    return make_tool(look_up, effects="none", name=hop.tool)
