"""What may be in the way of an action: each need returns the reason, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection

from treeact.benchmarks.environments.household.home import (
    HANDS,
    Condition,
    Home,
    Property,
    Relation,
    Thing,
)

Things = tuple[Thing, ...]
"""The objects of an action, in order."""
Need = Callable[[Home, Things], str]

SEATS = {"couch": 4, "bed": 4, "loveseat": 2, "sofa": 4, "pianobench": 2, "bench": 2}
"""How many things fit on a seat; one where it is not named."""
BERTHS = {"couch": 2, "bathtub": 2, "bed": 3, "loveseat": 2, "sofa": 2}
"""How many fit where one lies down; one where it is not named."""


def standing(home: Home, things: Things) -> str:
    """The character stands."""
    posture = home.conditions(home.character) & {Condition.SITTING, Condition.LYING}
    return f"You are {min(posture).words}: stand up first." if posture else ""


def resting(home: Home, things: Things) -> str:
    """The character sits or lies."""
    return "" if standing(home, things) else "You are neither sitting nor lying."


def reachable(home: Home, things: Things) -> str:
    """A way of open doors leads to the object's room."""
    goals = home.rooms(things[0].id)
    if not goals:
        return f"{things[0].name} is in no room."
    if home.room in goals:
        return ""
    doors, at_hand = _doors(home), open_rooms(home)
    known = _spread({home.room}, doors.values())
    if any(goal in at_hand or goal not in known for goal in goals):
        return ""  # VirtualHome's graphs lack many a door: only a known one is in the way
    beyond = _spread(set(goals), [rooms - at_hand for rooms in doors.values()])
    closed = sorted(
        home.things[door].name
        for door, rooms in doors.items()
        if rooms & at_hand and rooms & beyond
    )
    return f"The way to {things[0].name} is closed by {', '.join(closed)}."


def close_to(home: Home, things: Things) -> str:
    """The last object is within reach of the character."""
    return "" if home.near(things[-1].id) else f"You are not close to {things[-1].name}."


def uncovered(home: Home, things: Things) -> str:
    """The last object is in nothing that is closed."""
    return f"{things[-1].name} is inside something closed." if home.enclosed(things[-1].id) else ""


def holding(home: Home, things: Things) -> str:
    """The first object is in hand."""
    return "" if things[0].id in home.held() else f"You are not holding {things[0].name}."


def not_held(home: Home, things: Things) -> str:
    """Nobody holds the object."""
    held = home.relating(things[0].id, *HANDS)
    return f"{things[0].name} is in a hand already." if held else ""


def not_under_you(home: Home, things: Things) -> str:
    """The character is not on the object."""
    under = things[0].id in home.above(home.character)
    return f"You are on {things[0].name} yourself." if under else ""


def free_hand(home: Home, things: Things) -> str:
    """A hand is empty."""
    return "" if len(home.held()) < len(HANDS) else "You have no free hand."


def something_held(home: Home, things: Things) -> str:
    """A hand holds something."""
    return "" if home.held() else "You hold nothing to do that with."


def knife_held(home: Home, things: Things) -> str:
    """A hand holds a knife."""
    knife = any("knife" in home.things[id].class_name for id in home.held())
    return "" if knife else "You are not holding a knife."


def being(condition: Condition) -> Need:
    """Return the need that the object has a condition."""

    def need(home: Home, things: Things) -> str:
        has = condition in home.conditions(things[0].id)
        return "" if has else f"{things[0].name} is not {condition.words}."

    return need


def not_being(condition: Condition) -> Need:
    """Return the need that the object does not have a condition."""

    def need(home: Home, things: Things) -> str:
        has = condition in home.conditions(things[0].id)
        return f"{things[0].name} is {condition.words}." if has else ""

    return need


def not_yet(posture: Condition) -> Need:
    """Return the need that the character does not sit, or lie, already."""

    def need(home: Home, things: Things) -> str:
        return f"You are {posture.words}." if posture in home.conditions(home.character) else ""

    return need


def not_closed(home: Home, things: Things) -> str:
    """The last object, where it opens, is open."""
    goal = things[-1]
    opens = Property.CAN_OPEN in goal.properties
    shut = opens and Condition.OPEN not in home.conditions(goal.id)
    return f"{goal.name} is not open." if shut else ""


def not_within(home: Home, things: Things) -> str:
    """The last object is not on or in the first."""
    within = things[-1].id in home.below(things[0].id)
    return f"{things[-1].name} is on or inside {things[0].name}." if within else ""


def can_go_back(home: Home, things: Things) -> str:
    """The place that the object was taken from is known, and takes it."""
    relation, id = home.origins.get(things[0].id, (None, 0))
    if relation is None:
        return f"{things[0].name} was not taken from anywhere."
    pair = (*things, home.things[id])
    refusal = close_to(home, pair) or uncovered(home, pair) or not_within(home, pair)
    return refusal or (not_closed(home, pair) if relation == Relation.INSIDE else "")


def room_for(places: dict[str, int]) -> Need:
    """Return the need that not too much is on the object for the character to be there as well."""

    def need(home: Home, things: Things) -> str:
        others = set(home.relating(things[0].id, Relation.ON)) - {home.character}
        full = len(others) >= places.get(things[0].class_name, 1)
        return f"There are too many things on {things[0].name}." if full else ""

    return need


def same_room(home: Home, things: Things) -> str:
    """The object is in the character's room."""
    here = home.room in home.rooms(things[0].id)
    return "" if here else f"{things[0].name} is not in the room."


def facing(home: Home, things: Things) -> str:
    """The character faces the object."""
    return "" if home.facing(things[0].id) else f"You do not face {things[0].name}."


def worn(home: Home, things: Things) -> str:
    """The character wears the object."""
    on = home.character in home.related(things[0].id, Relation.ON)
    return "" if on else f"You are not wearing {things[0].name}."


def eatable(home: Home, things: Things) -> str:
    """The object, or something on it, can be eaten."""
    found = [things[0].id, *home.relating(things[0].id, Relation.ON)]
    edible = any(Property.EATABLE in home.things[id].properties for id in found)
    return "" if edible else f"Neither {things[0].name} nor anything on it can be eaten."


def near_or_reachable(home: Home, things: Things) -> str:
    """The character is close to the object, or can walk there."""
    if home.near(things[0].id):
        return ""
    return standing(home, things) or reachable(home, things)


def open_rooms(home: Home) -> set[int]:
    """Return the rooms that open doors lead to from where the character is, and that one."""
    doors = _doors(home).items()
    is_open = [rooms for id, rooms in doors if Condition.CLOSED not in home.conditions(id)]
    return _spread({home.room}, is_open)


def _doors(home: Home) -> dict[int, set[int]]:
    """Return the doors with the rooms that each joins."""
    joined = {id: set(home.related(id, Relation.BETWEEN)) for id in home.things}
    return {id: rooms for id, rooms in joined.items() if len(rooms) > 1}


def _spread(rooms: set[int], doors: Collection[set[int]]) -> set[int]:
    """Return `rooms` with all that doors lead to from there."""
    size = 0
    while len(rooms) > size:
        size = len(rooms)
        rooms = rooms.union(*(joined for joined in doors if joined & rooms))
    return rooms
