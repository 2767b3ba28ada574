"""The state of a home: what there is, how it is, and where. Immutable, so that a fork is free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple


class Property(StrEnum):
    """What a thing always is, in VirtualHome's words."""

    SURFACES = "SURFACES"
    GRABBABLE = "GRABBABLE"
    SITTABLE = "SITTABLE"
    LIEABLE = "LIEABLE"
    HANGABLE = "HANGABLE"
    DRINKABLE = "DRINKABLE"
    EATABLE = "EATABLE"
    RECIPIENT = "RECIPIENT"
    CUTTABLE = "CUTTABLE"
    POURABLE = "POURABLE"
    CAN_OPEN = "CAN_OPEN"
    HAS_SWITCH = "HAS_SWITCH"
    READABLE = "READABLE"
    LOOKABLE = "LOOKABLE"
    CONTAINERS = "CONTAINERS"
    CLOTHES = "CLOTHES"
    PERSON = "PERSON"
    BODY_PART = "BODY_PART"
    COVER_OBJECT = "COVER_OBJECT"
    HAS_PLUG = "HAS_PLUG"
    HAS_PAPER = "HAS_PAPER"
    MOVABLE = "MOVABLE"
    CREAM = "CREAM"


class Condition(StrEnum):
    """How a thing is at the moment; VirtualHome calls it a state."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    ON = "ON"
    OFF = "OFF"
    SITTING = "SITTING"
    LYING = "LYING"
    DIRTY = "DIRTY"
    CLEAN = "CLEAN"
    PLUGGED_IN = "PLUGGED_IN"
    PLUGGED_OUT = "PLUGGED_OUT"

    @property
    def words(self) -> str:
        """The condition as a sentence has it."""
        return _WORDS.get(self, self.value.lower())


_WORDS = {
    Condition.ON: "switched on",
    Condition.OFF: "switched off",
    Condition.PLUGGED_IN: "plugged in",
    Condition.PLUGGED_OUT: "unplugged",
}

OPPOSITES = {
    Condition.OPEN: Condition.CLOSED,
    Condition.ON: Condition.OFF,
    Condition.CLEAN: Condition.DIRTY,
    Condition.PLUGGED_IN: Condition.PLUGGED_OUT,
    Condition.SITTING: Condition.LYING,
}
OPPOSITES |= {other: one for one, other in OPPOSITES.items()}


class Relation(StrEnum):
    """How one thing is to another."""

    ON = "ON"
    INSIDE = "INSIDE"
    BETWEEN = "BETWEEN"
    CLOSE = "CLOSE"
    FACING = "FACING"
    HOLDS_RH = "HOLDS_RH"
    HOLDS_LH = "HOLDS_LH"
    SITTING = "SITTING"


HANDS = (Relation.HOLDS_RH, Relation.HOLDS_LH)
"""Right before left: the order in which hands are filled."""
PLACES = (Relation.ON, Relation.INSIDE)

Edge = tuple[Relation, int]
"""A relation, and the id of the thing at its other end."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What never changes about an object, a room or the character."""

    id: int
    class_name: str
    category: str = ""
    properties: frozenset[Property] = frozenset()

    @property
    def name(self) -> str:
        """Class and id, such as `fridge_5`."""
        return f"{self.class_name}_{self.id}"

    @property
    def is_room(self) -> bool:
        """Whether it is a room."""
        return self.category == "Rooms"

    @property
    def is_person(self) -> bool:
        """Whether it can act."""
        return self.category == "Characters"


class Situation(NamedTuple):
    """How one thing is at the moment."""

    conditions: frozenset[Condition] = frozenset()
    out: frozenset[Edge] = frozenset()
    """Relations from it to others."""
    into: frozenset[Edge] = frozenset()
    """Relations from others to it."""


@dataclass(frozen=True, slots=True)
class Home:
    """One state of a home. A changed home shares with this one all that did not change."""

    things: Mapping[int, Thing]
    """By id; the same object in every state of one scene."""
    character: int
    """Id of the one who acts."""
    situations: Mapping[int, Situation]
    origins: Mapping[int, Edge] = field(default_factory=dict)
    """Where the things in hand were taken from."""

    def edges(self) -> Iterator[tuple[int, Relation, int]]:
        """Yield every relation: from, relation, to."""
        for id, situation in self.situations.items():
            for relation, to in situation.out:
                yield id, relation, to

    def conditions(self, id: int) -> frozenset[Condition]:
        """Return how a thing is."""
        return self.situations[id].conditions

    def related(self, id: int, *relations: Relation) -> list[int]:
        """Return the things to which `id` has one of the relations, by id."""
        return sorted({to for relation, to in self.situations[id].out if relation in relations})

    def relating(self, id: int, *relations: Relation) -> list[int]:
        """Return the things that have one of the relations to `id`, by id."""
        return sorted({at for relation, at in self.situations[id].into if relation in relations})

    def rooms(self, id: int) -> list[int]:
        """Return the room that a thing is in; of a door the rooms it joins; of a room itself."""
        if self.things[id].is_room:
            return [id]
        inside = [to for to in self.related(id, Relation.INSIDE) if self.things[to].is_room]
        return [*inside, *self.related(id, Relation.BETWEEN)]

    @property
    def room(self) -> int:
        """The room that the character is in."""
        return self.rooms(self.character)[0]

    def supports(self, id: int) -> list[int]:
        """Return what a thing is on or inside of, or who holds it; rooms are not counted."""
        places = [to for to in self.related(id, *PLACES) if not self.things[to].is_room]
        return [*places, *self.relating(id, *HANDS)]

    def contents(self, id: int) -> list[int]:
        """Return what is directly on or inside of a thing, or in its hands."""
        return [*self.relating(id, *PLACES), *self.related(id, *HANDS)]

    def above(self, id: int) -> set[int]:
        """Return a thing with all it is on or inside of, however indirectly."""
        return _closure(id, self.supports)

    def below(self, id: int) -> set[int]:
        """Return a thing with all that is on or inside of it, however indirectly."""
        return _closure(id, self.contents)

    def enclosed(self, id: int) -> bool:
        """Return whether a thing is inside something closed, however indirectly."""
        return any(
            Condition.CLOSED in self.conditions(box)
            for at in self.above(id)
            for box in self.related(at, Relation.INSIDE)
        )

    def held(self) -> list[int]:
        """Return what the character holds, right hand first."""
        return [id for hand in HANDS for id in self.related(self.character, hand)]

    def near(self, id: int) -> bool:
        """Return whether the character is close to a thing.

        It is close to what it walked to and what it carries, and to what is on, in, under, around
        or next to such a thing in the same room (VirtualHome's loose rule).
        """
        if self.room not in self.rooms(id):
            return False
        anchors = {self.character, *self.related(self.character, Relation.CLOSE)}
        beside = {*self.related(id, Relation.CLOSE), *self.relating(id, Relation.CLOSE)}
        if anchors & (self.above(id) | beside):
            return True
        return any(id in self.above(anchor) for anchor in anchors - {self.character})

    def facing(self, id: int) -> bool:
        """Return whether the character faces a thing, or one that faces it."""
        faced = self.related(self.character, Relation.FACING)
        return id in faced or any(id in self.related(at, Relation.FACING) for at in faced)

    def visible(self) -> list[int]:
        """Return the things in the character's room that no closed thing hides, by id."""
        here = self.relating(self.room, Relation.INSIDE, Relation.BETWEEN)
        return [id for id in here if id != self.character and not self.enclosed(id)]


class Draft:
    """A home in the making: take changes, then make the next state of them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        """The state before."""
        self._situations = dict(home.situations)
        self._origins = dict(home.origins)

    def finish(self) -> Home:
        """Return the next state."""
        return replace(self.home, situations=self._situations, origins=self._origins)

    def now(self) -> Home:
        """Return the state so far, to ask it something; it changes with the draft."""
        return replace(self.home, situations=self._situations)

    def become(self, id: int, condition: Condition) -> None:
        """Make a thing have a condition, and no longer the opposite one."""
        self._drop_conditions(id, {OPPOSITES[condition]}, condition)

    def stand(self, id: int) -> None:
        """Make a person neither sit nor lie, nor be on anything."""
        self._drop_conditions(id, {Condition.SITTING, Condition.LYING})
        self.unrelate(id, Relation.ON)

    def relate(self, at: int, relation: Relation, to: int) -> None:
        """Add a relation."""
        self._edit(at, out=self._situations[at].out | {(relation, to)})
        self._edit(to, into=self._situations[to].into | {(relation, at)})

    def unrelate(self, at: int, *relations: Relation) -> None:
        """Take away every relation of these kinds from a thing to others."""
        gone = {edge for edge in self._situations[at].out if edge[0] in relations}
        self._edit(at, out=self._situations[at].out - gone)
        for relation, to in gone:
            self._edit(to, into=self._situations[to].into - {(relation, at)})

    def free(self, id: int, *relations: Relation) -> None:
        """Take away every relation of these kinds to a thing from others."""
        gone = {edge for edge in self._situations[id].into if edge[0] in relations}
        self._edit(id, into=self._situations[id].into - gone)
        for relation, at in gone:
            self._edit(at, out=self._situations[at].out - {(relation, id)})

    def approach(self, id: int) -> None:
        """Make the character close to a thing."""
        self.relate(self.home.character, Relation.CLOSE, id)
        self.relate(id, Relation.CLOSE, self.home.character)

    def put(self, id: int, relation: Relation | None = None, to: int | None = None) -> None:
        """Take a thing, with all that is on and in it, from its place to another where one is."""
        self.unrelate(id, *PLACES, Relation.CLOSE, Relation.FACING)
        self.free(id, *HANDS, Relation.CLOSE, Relation.FACING)
        self._origins.pop(id, None)
        if relation is not None and to is not None:
            subject, object = (to, id) if relation in HANDS else (id, to)
            self.relate(subject, relation, object)
        self.enter(id, self.home.room)

    def enter(self, id: int, room: int) -> None:
        """Make `room` the room of a thing and of all that is on and in it."""
        for moved in self.now().below(id):
            for old in self.now().rooms(moved):
                self._edit(moved, out=self._situations[moved].out - {(Relation.INSIDE, old)})
                self._edit(old, into=self._situations[old].into - {(Relation.INSIDE, moved)})
            self.relate(moved, Relation.INSIDE, room)

    def remember(self, id: int, origin: Edge) -> None:
        """Note where a thing in hand was taken from."""
        self._origins[id] = origin

    def _drop_conditions(self, id: int, gone: Iterable[Condition], *new: Condition) -> None:
        self._edit(id, conditions=self._situations[id].conditions.difference(gone).union(new))

    def _edit(self, id: int, **changes: frozenset[Edge] | frozenset[Condition]) -> None:
        self._situations[id] = self._situations[id]._replace(**changes)  # type: ignore[arg-type]


def _closure(start: int, neighbours: Callable[[int], Iterable[int]]) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        for id in neighbours(waiting.pop()):
            if id not in found:
                found.add(id)
                waiting.append(id)
    return found
