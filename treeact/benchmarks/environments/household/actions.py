"""What can be done in a home: each action's objects, preconditions and effect.

Actions, their arity, the properties they ask for and their effects are VirtualHome's (Puig et al.
2018; the evolving graph of its version 2.3). It departs where the original leaves a home that
cannot be, or lets through what it means to refuse:

- A thing is in one place: pouring moves what is poured, standing up leaves the seat.
- What is on or in a thing moves with it, and a thing cannot be put on or in itself.
- Closed doors are in the way, and what is in a closed box in a box is out of reach too.
- Turning to a thing, or greeting someone, takes being in the same room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from treeact.benchmarks.environments.household import effects, needs
from treeact.benchmarks.environments.household.effects import Effect
from treeact.benchmarks.environments.household.home import (
    Condition,
    Draft,
    Home,
    Property,
    Relation,
    Thing,
)
from treeact.benchmarks.environments.household.needs import Need, Things

ROLES = ("object", "target")
"""The arguments of a call, in order."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What an object of an action has to be, in every state of the home."""

    words: str
    """What is said of one that is not."""
    suits: Callable[[Thing], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One action: what it asks of each object, what it needs, and what it brings about."""

    fits: tuple[tuple[Fit, ...], ...] = ()
    """By object."""
    needs: tuple[Need, ...] = ()
    effect: Effect | None = None
    """None changes nothing that the graph shows."""

    @property
    def arity(self) -> int:
        """How many objects the action takes."""
        return len(self.fits)


def resolve(home: Home, name: str, arguments: Mapping[str, Any]) -> tuple[Rule, Things] | str:
    """Return the rule and the objects of a call, or why it can never succeed in this home."""
    rule = ACTIONS.get(ALIASES.get(name, name))
    if rule is None:
        return f"There is no action {name[:100]!r}; the actions are: {', '.join(ACTIONS)}."
    wanted = ROLES[: rule.arity]
    if set(arguments) != set(wanted):
        return f"{name} takes {' and '.join(wanted) or 'no object'}, given by name."
    things = []
    for role in wanted:
        thing = find_thing(home, arguments[role])
        if isinstance(thing, str):
            return thing
        things.append(thing)
    return _misfit(rule, tuple(things)) or (rule, tuple(things))


def find_thing(home: Home, name: Any) -> Thing | str:
    """Return the thing with a name, or why there is none.

    The number may be left out where there is one thing of the class.
    """
    text = str(name)
    number = text.rpartition("_")[2]
    if number.isdecimal() and len(number) < 20:
        thing = home.things.get(int(number))
        if thing and thing.name == text:
            return thing
    same = [thing for thing in home.things.values() if thing.class_name == text]
    if len(same) == 1:
        return same[0]
    if same:
        return f"Which {text}? There are {', '.join(thing.name for thing in same)}."
    return f"There is no {text[:100]} here."


def _misfit(rule: Rule, things: Things) -> str:
    for fits, thing in zip(rule.fits, things, strict=True):
        for fit in fits:
            if not fit.suits(thing):
                return f"{thing.name} {fit.words}."
    if len(things) > len(set(things)):
        return f"{things[0].name} cannot go on or into itself."
    return ""


def act(home: Home, rule: Rule, things: Things) -> Home | str:
    """Return the home after an action, or why it cannot be done now."""
    for need in rule.needs:
        if reason := need(home, things):
            return reason
    if rule.effect is None:
        return home
    draft = Draft(home)
    rule.effect(draft, things)
    return draft.finish()


def having(words: str, *properties: Property, classes: str = "") -> tuple[Fit, ...]:
    """Return what asks for one of the properties, or one of the classes (parted by spaces)."""
    names = frozenset(classes.split())
    wanted = frozenset(properties)
    return (Fit(words, lambda thing: bool(wanted & thing.properties) or thing.class_name in names),)


def _in_and_out(*checks: Need) -> tuple[Need, ...]:
    return (needs.close_to, needs.uncovered, *checks)


ANY: tuple[Fit, ...] = ()
PLACE = (Fit("is no place to put things", lambda thing: not (thing.is_room or thing.is_person)),)
GRABBABLE = having("cannot be grabbed", Property.GRABBABLE, classes="water child")
OPENS = having("cannot be opened or closed", Property.CAN_OPEN, classes="desk window")
SWITCHED = having("has no switch", Property.HAS_SWITCH)
PLUGGED = having("has no plug", Property.HAS_PLUG)
CLOTHES = having("is not clothes", Property.CLOTHES)
MOVABLE = having("cannot be moved", Property.MOVABLE, classes="chair curtain")
PUSHABLE = having("cannot be pushed", Property.MOVABLE, classes="chair curtain button")
HOLLOW = having("holds nothing inside", Property.CAN_OPEN, Property.CONTAINERS, Property.RECIPIENT)
POURABLE = having("cannot be poured", Property.POURABLE, Property.DRINKABLE)
VESSEL = having("cannot be poured into", Property.RECIPIENT, classes="hands_both sponge face")
SQUEEZABLE = having(
    "cannot be squeezed",
    Property.CLOTHES,
    classes="cleaning_solution tooth_paste shampoo food_peanut_butter dish_soap soap towel rag "
    "paper sponge food_lemon check",
)
CUTTABLE = having("is no food", Property.EATABLE) + having("cannot be cut", Property.CUTTABLE)
DRINKABLE = having("cannot be drunk", Property.DRINKABLE, Property.RECIPIENT)

_WALK = Rule((ANY,), (needs.standing, needs.reachable), effects.go)
_LOOK = Rule((ANY,), (needs.facing,))
_LET_GO = Rule((ANY,), (needs.holding,), effects.let_go)
_WASH = Rule((ANY,), (needs.close_to,), effects.turn(Condition.CLEAN))
_SHIFT = _in_and_out(needs.free_hand)
_PUT = (needs.holding, *_in_and_out(needs.not_within))

ACTIONS = {
    # going and looking
    "walk": _WALK,
    "run": _WALK,
    "find": Rule((ANY,), (needs.near_or_reachable,), effects.find),
    "turnto": Rule((ANY,), (needs.same_room, needs.uncovered), effects.face),
    "lookat": _LOOK,
    "pointat": _LOOK,
    "watch": Rule(
        (having("is nothing to watch", Property.LOOKABLE),),
        (needs.same_room, needs.facing, needs.uncovered),
    ),
    "touch": Rule((ANY,), _in_and_out()),
    "greet": Rule((having("is no person", Property.PERSON),), (needs.same_room,)),
    # taking and putting
    "grab": Rule(
        (GRABBABLE,),
        (needs.not_held, *_in_and_out(needs.not_under_you, needs.free_hand)),
        effects.take,
    ),
    "drop": _LET_GO,
    "release": _LET_GO,
    "putback": Rule((ANY, PLACE), _PUT, effects.place(Relation.ON)),
    "putin": Rule((ANY, HOLLOW), (*_PUT, needs.not_closed), effects.place(Relation.INSIDE)),
    "putobjback": Rule((ANY,), (needs.holding, needs.can_go_back), effects.place_back),
    "pour": Rule((POURABLE, VESSEL), _PUT, effects.place(Relation.INSIDE)),
    "puton": Rule((CLOTHES,), (needs.holding,), effects.wear),
    "putoff": Rule((CLOTHES,), (needs.worn,), effects.let_go),
    # opening and switching
    "open": Rule(
        (OPENS,),
        _in_and_out(needs.free_hand, needs.being(Condition.CLOSED), needs.not_being(Condition.ON)),
        effects.turn(Condition.OPEN),
    ),
    "close": Rule(
        (OPENS,), _in_and_out(needs.being(Condition.OPEN)), effects.turn(Condition.CLOSED)
    ),
    "switchon": Rule(
        (SWITCHED,),
        _in_and_out(needs.being(Condition.OFF), needs.not_being(Condition.PLUGGED_OUT)),
        effects.turn(Condition.ON),
    ),
    "switchoff": Rule(
        (SWITCHED,), _in_and_out(needs.being(Condition.ON)), effects.turn(Condition.OFF)
    ),
    "plugin": Rule(
        (PLUGGED,),
        _in_and_out(needs.free_hand, needs.being(Condition.PLUGGED_OUT)),
        effects.turn(Condition.PLUGGED_IN),
    ),
    "plugout": Rule(
        (PLUGGED,),
        _in_and_out(
            needs.free_hand, needs.being(Condition.PLUGGED_IN), needs.not_being(Condition.ON)
        ),
        effects.turn(Condition.PLUGGED_OUT),
    ),
    # resting
    "sit": Rule(
        (having("is nothing to sit on", Property.SITTABLE),),
        (needs.close_to, needs.not_yet(Condition.SITTING), needs.room_for(needs.SEATS)),
        effects.rest(Condition.SITTING),
    ),
    "lie": Rule(
        (having("is nothing to lie on", Property.LIEABLE),),
        (needs.close_to, needs.not_yet(Condition.LYING), needs.room_for(needs.BERTHS)),
        effects.rest(Condition.LYING),
    ),
    "standup": Rule((), (needs.resting,), effects.stand_up),
    "sleep": Rule((), (needs.resting,)),
    "wakeup": Rule((), (needs.resting,)),
    # using
    "eat": Rule((ANY,), (needs.close_to, needs.eatable)),
    "drink": Rule((DRINKABLE,), (needs.holding,)),
    "cut": Rule((CUTTABLE,), (needs.close_to, needs.free_hand, needs.knife_held)),
    "wash": _WASH,
    "rinse": _WASH,
    "scrub": _WASH,
    "wipe": Rule((ANY,), (needs.close_to, needs.something_held), effects.turn(Condition.CLEAN)),
    "squeeze": Rule((SQUEEZABLE,), (needs.close_to, needs.free_hand)),
    "read": Rule((having("cannot be read", Property.READABLE),), (needs.holding,)),
    "type": Rule(
        (having("has no keys", Property.HAS_SWITCH, classes="keyboard"),), (needs.close_to,)
    ),
    "push": Rule((PUSHABLE,), _SHIFT),
    "pull": Rule((MOVABLE,), _SHIFT),
    "move": Rule((MOVABLE,), _SHIFT),
}
"""By name, as VirtualHome's scripts have them, in lower case."""

ALIASES = {
    "lookat_short": "lookat",
    "lookat_medium": "lookat",
    "lookat_long": "lookat",
    "put": "putback",
}
"""Other names that scripts use."""
