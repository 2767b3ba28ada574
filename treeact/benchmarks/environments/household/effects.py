"""What actions bring about."""

from __future__ import annotations

from collections.abc import Callable

from treeact.benchmarks.environments.household.home import (
    HANDS,
    PLACES,
    Condition,
    Draft,
    Relation,
)
from treeact.benchmarks.environments.household.needs import Things, open_rooms

Effect = Callable[[Draft, Things], None]


def go(draft: Draft, things: Things) -> None:
    """Walk to a thing, with all that is carried, and be close to it and what it is on or in."""
    home, goal = draft.home, things[0]
    rooms = home.rooms(goal.id)
    here = [room for room in rooms if room == home.room]
    open_to = [room for room in rooms if room in open_rooms(home)]
    draft.unrelate(home.character, Relation.CLOSE, Relation.FACING)
    draft.free(home.character, Relation.CLOSE)
    draft.enter(home.character, [*here, *open_to, *rooms][0])  # a closed door: on this side
    if not goal.is_room:
        for id in sorted(home.above(goal.id) - {home.character}):
            draft.approach(id)


def find(draft: Draft, things: Things) -> None:
    """Walk to a thing unless it is close, and look for it there."""
    if not draft.home.near(things[0].id):
        go(draft, things)
    draft.unrelate(draft.home.character, Relation.FACING)
    if not things[0].is_room:
        draft.approach(things[0].id)


def take(draft: Draft, things: Things) -> None:
    """Take a thing into the first free hand, and stay close to what it was at."""
    home, id = draft.home, things[0].id
    hand = next(hand for hand in HANDS if not home.related(home.character, hand))
    around = [*home.supports(id), *home.related(id, Relation.CLOSE)]
    origin = next(
        ((rel, to) for rel in PLACES for to in home.related(id, rel) if to in home.supports(id)),
        None,
    )
    draft.put(id, hand, home.character)
    for other in around:
        if other != home.character:
            draft.approach(other)
    draft.approach(id)
    if origin:
        draft.remember(id, origin)


def place(relation: Relation) -> Effect:
    """Return the effect of putting the first object on or into the second."""

    def effect(draft: Draft, things: Things) -> None:
        draft.put(things[0].id, relation, things[1].id)
        draft.approach(things[1].id)

    return effect


def place_back(draft: Draft, things: Things) -> None:
    """Put a thing where it was taken from."""
    relation, to = draft.home.origins[things[0].id]
    place(relation)(draft, (*things, draft.home.things[to]))


def let_go(draft: Draft, things: Things) -> None:
    """Put a thing down where one is."""
    draft.put(things[0].id)
    draft.approach(things[0].id)


def wear(draft: Draft, things: Things) -> None:
    """Put a thing on."""
    draft.put(things[0].id, Relation.ON, draft.home.character)


def turn(condition: Condition) -> Effect:
    """Return the effect that the object gets a condition and loses its opposite."""
    return lambda draft, things: draft.become(things[0].id, condition)


def rest(posture: Condition) -> Effect:
    """Return the effect of sitting or lying down on the object, which faces what it faces."""

    def effect(draft: Draft, things: Things) -> None:
        home = draft.home
        draft.stand(home.character)
        draft.become(home.character, posture)
        draft.relate(home.character, Relation.ON, things[0].id)
        for faced in home.related(things[0].id, Relation.FACING):
            draft.relate(home.character, Relation.FACING, faced)

    return effect


def stand_up(draft: Draft, things: Things) -> None:
    """Leave the seat."""
    draft.stand(draft.home.character)


def face(draft: Draft, things: Things) -> None:
    """Face a thing, and nothing else."""
    draft.unrelate(draft.home.character, Relation.FACING)
    draft.relate(draft.home.character, Relation.FACING, things[0].id)
