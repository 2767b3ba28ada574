"""What is seen of a home, in words: the character's room, but not what is shut away."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from treeact.benchmarks.environments.household.actions import ROLES, find_thing
from treeact.benchmarks.environments.household.home import (
    HANDS,
    PLACES,
    Condition,
    Home,
    Relation,
    Thing,
)
from treeact.planners.protocols import Action, Call

_HAND_WORDS = {Relation.HOLDS_RH: "right hand", Relation.HOLDS_LH: "left hand"}


def describe(home: Home, only: Collection[int] | None = None) -> str:
    """Return what the character sees: itself in one line, then the things in its room.

    Things in other rooms, or in something closed, are not seen (room-level partial observability).

    Args:
        home: the state.
        only: ids of the things that matter; None describes all.
    """
    seen = {id: _thing(home, id) for id in home.visible() if only is None or id in only}
    told = [text for text in seen.values() if text]
    plain = [home.things[id].name for id, text in seen.items() if not text]
    if plain:
        told.append(f"Also here: {', '.join(plain)}.")
    return "\n".join([_character(home), *told])


def describe_candidates(home: Home, candidates: Iterable[Action]) -> str:
    """Return what the character sees of the objects of candidate actions.

    The observation of grounded deciding (Tree-Planner, Hu et al. 2024, section 3.3).
    """
    found = set()
    for action in candidates:
        if isinstance(action, Call):
            things = (find_thing(home, action.arguments.get(role)) for role in ROLES)
            found |= {thing.id for thing in things if isinstance(thing, Thing)}
    return describe(home, found)


def overview(home: Home) -> str:
    """Return the rooms, the character and the objects of a home, as a planner is told at first."""
    rooms = [thing.name for thing in home.things.values() if thing.is_room]
    others = [
        thing.name
        for thing in sorted(home.things.values(), key=lambda thing: (thing.class_name, thing.id))
        if not thing.is_room and thing.id != home.character
    ]
    return f"Rooms: {', '.join(rooms)}.\n{_character(home)}\nObjects: {', '.join(others)}."


def _character(home: Home) -> str:
    conditions = home.conditions(home.character)
    posture = next(
        (it.words for it in (Condition.SITTING, Condition.LYING) if it in conditions), "standing"
    )
    seat = [home.things[id].name for id in home.related(home.character, Relation.ON)]
    hands = [
        f"{home.things[id].name} in your {_HAND_WORDS[hand]}"
        for hand in HANDS
        for id in home.related(home.character, hand)
    ]
    return (
        f"You are {posture}{' on ' + ', '.join(seat) if seat else ''} in "
        f"{home.things[home.room].name}, with {' and '.join(hands) or 'empty hands'}."
    )


def _thing(home: Home, id: int) -> str:
    """Return how and where a thing is, or nothing where it is just there."""
    facts = [condition.words for condition in sorted(home.conditions(id))]
    for relation in PLACES:
        facts += [
            f"{relation.lower()} {'you' if to == home.character else home.things[to].name}"
            for to in home.related(id, relation)
            if not home.things[to].is_room
        ]
    if home.facing(id):
        facts.append("before you")
    return f"{home.things[id].name} is {', '.join(facts)}." if facts else ""
