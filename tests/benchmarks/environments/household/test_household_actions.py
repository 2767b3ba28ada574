"""Each action: its preconditions in words, its effects in the graph, and what can never be."""

import pytest

from tests.benchmarks.environments.household.small_home import (
    act,
    refusal,
    small_graph,
    small_home,
)
from treeact.benchmarks.environments.household.actions import ACTIONS
from treeact.benchmarks.environments.household.graph import home_from
from treeact.benchmarks.environments.household.home import Condition, Home, Relation
from treeact.benchmarks.environments.household.household import take_action
from treeact.benchmarks.environments.household.metrics import changes
from treeact.planners.protocols import Answer, Call, Code, NoAction, Sketch

HOME = small_home()
CHARACTER = 3


def new(*lines: str) -> set[tuple[object, ...]]:
    """Return the facts that actions bring about, by words."""
    after, observation = act(HOME, *lines)
    assert observation.ok, observation.text
    return {tuple(str(part) for part in fact) for fact in changes(HOME, after)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["fly moon_1"], "never: There is no action 'fly'; the actions are: walk, run"),
        (["walk"], "never: walk takes object, given by name."),
        (["walk fridge_4 table_6"], "never: walk takes object, given by name."),
        (["standup sofa_12"], "never: standup takes no object, given by name."),
        (["putin apple_5"], "never: putin takes object and target, given by name."),
        (["walk unicorn_1"], "never: There is no unicorn_1 here."),
        (["walk fridge_6"], "never: There is no fridge_6 here."),
        (["walk cup"], "never: Which cup? There are cup_10, cup_19."),
        (["grab fridge_4"], "never: fridge_4 cannot be grabbed."),
        (["open apple_5"], "never: apple_5 cannot be opened or closed."),
        (["switchon apple_5"], "never: apple_5 has no switch."),
        (["plugin apple_5"], "never: apple_5 has no plug."),
        (["sit table_6"], "never: table_6 is nothing to sit on."),
        (["lie chair_11"], "never: chair_11 is nothing to lie on."),
        (["drink apple_5"], "never: apple_5 cannot be drunk."),
        (["cut milk_9"], "never: milk_9 is no food."),
        (["cut egg_18"], "never: egg_18 cannot be cut."),
        (["read apple_5"], "never: apple_5 cannot be read."),
        (["watch apple_5"], "never: apple_5 is nothing to watch."),
        (["puton apple_5"], "never: apple_5 is not clothes."),
        (["move fridge_4"], "never: fridge_4 cannot be moved."),
        (["push fridge_4"], "never: fridge_4 cannot be pushed."),
        (["squeeze apple_5"], "never: apple_5 cannot be squeezed."),
        (["type apple_5"], "never: apple_5 has no keys."),
        (["greet sofa_12"], "never: sofa_12 is no person."),
        (["pour apple_5 cup_10"], "never: apple_5 cannot be poured."),
        (["pour milk_9 table_6"], "never: table_6 cannot be poured into."),
        (["putin apple_5 sofa_12"], "never: sofa_12 holds nothing inside."),
        (["putback apple_5 kitchen_1"], "never: kitchen_1 is no place to put things."),
        (["putback apple_5 character_3"], "never: character_3 is no place to put things."),
        (["putin box_17 box_17"], "never: box_17 cannot go on or into itself."),
        (["grab plate_7"], "You are not close to plate_7."),
        (["walk fridge_4", "grab apple_5"], "apple_5 is inside something closed."),
        (["walk fridge_4", "open fridge_4", "grab egg_18"], "egg_18 is inside something closed."),
        (["walk fridge_4", "close fridge_4"], "fridge_4 is not open."),
        (["walk fridge_4", "switchon fridge_4", "open fridge_4"], "fridge_4 is switched on."),
        (["walk fridge_4", "open fridge_4", "open fridge_4"], "fridge_4 is not closed."),
        (
            ["walk table_6", "grab plate_7", "grab knife_8", "grab cup_10"],
            "You have no free hand.",
        ),
        (
            ["walk table_6", "grab plate_7", "grab knife_8", "walk fridge_4", "open fridge_4"],
            "You have no free hand.",
        ),
        (["walk table_6", "grab plate_7", "grab plate_7"], "plate_7 is in a hand already."),
        (["walk table_6", "putback plate_7 table_6"], "You are not holding plate_7."),
        (["walk table_6", "grab knife_8", "putin knife_8 fridge_4"], "You are not close to fr"),
        (["walk table_6", "grab cup_10", "walk fridge_4", "putin cup_10 fridge_4"], "fridge_4 is"),
        (["walk table_6", "grab plate_7", "putback plate_7 cup_19"], "cup_19 is on or inside pl"),
        (["walk sofa_12", "sit sofa_12", "walk fridge_4"], "You are sitting: stand up first."),
        (["walk sofa_12", "sit sofa_12", "find fridge_4"], "You are sitting: stand up first."),
        (["walk sofa_12", "sit sofa_12", "sit sofa_12"], "You are sitting."),
        (["walk sofa_12", "lie sofa_12", "lie sofa_12"], "You are lying."),
        (["walk chair_11", "sit chair_11", "grab chair_11"], "You are on chair_11 yourself."),
        (["sit sofa_12"], "You are not close to sofa_12."),
        (["standup"], "You are neither sitting nor lying."),
        (["sleep"], "You are neither sitting nor lying."),
        (["walk tv_13", "switchon tv_13"], "tv_13 is unplugged."),
        (["walk tv_13", "switchoff tv_13"], "tv_13 is not switched on."),
        (["walk tv_13", "plugout tv_13"], "tv_13 is not plugged in."),
        (
            ["walk tv_13", "plugin tv_13", "switchon tv_13", "plugout tv_13"],
            "tv_13 is switched on.",
        ),
        (["watch tv_13"], "You do not face tv_13."),
        (["lookat tv_13"], "You do not face tv_13."),
        (["turnto fridge_4"], "fridge_4 is not in the room."),
        (["walk kitchen_1", "greet visitor_20"], "visitor_20 is not in the room."),
        (["walk kitchen_1", "turnto milk_9"], "milk_9 is inside something closed."),
        (["walk table_6", "wipe table_6"], "You hold nothing to do that with."),
        (["walk book_15", "read book_15"], "You are not holding book_15."),
        (["drink milk_9"], "You are not holding milk_9."),
        (["eat plate_7"], "You are not close to plate_7."),
        (["walk table_6", "eat plate_7"], "Neither plate_7 nor anything on it can be eaten."),
        (
            ["walk fridge_4", "open fridge_4", "cut apple_5"],
            "You are not holding a knife.",
        ),
        (["putoff coat_14"], "You are not wearing coat_14."),
        (["walk book_15", "grab book_15", "putobjback book_15"], "book_15 was not taken from"),
        (["walk door_16", "close door_16", "walk fridge_4"], "The way to fridge_4 is closed by d"),
    ],
)
def test_what_is_in_the_way_is_said(lines: list[str], message: str) -> None:
    assert refusal(HOME, *lines).startswith(message)


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (["walk fridge_4"], {("3", "INSIDE", "1")}),
        (["run kitchen_1"], {("3", "INSIDE", "1")}),
        (["walk fridge_4", "open fridge_4"], {("3", "INSIDE", "1"), ("4", "OPEN")}),
        (["walk coat_14", "grab coat_14", "puton coat_14"], {("14", "ON", "3")}),
        (["walk coat_14", "grab coat_14", "puton coat_14", "putoff coat_14"], set()),
        (["walk book_15", "grab book_15"], {("3", "HOLDS_RH", "15")}),
        (["walk book_15", "grab book_15", "drop book_15"], set()),
        (["walk book_15", "grab book_15", "read book_15", "release book_15"], set()),
        (["walk book_15", "grab book_15", "walk kitchen_1", "drop book_15"], {
            ("3", "INSIDE", "1"), ("15", "INSIDE", "1")}),
        (["walk sofa_12", "sit sofa_12"], {
            ("3", "SITTING"), ("3", "ON", "12"), ("3", "FACING", "13")}),
        (["walk sofa_12", "sit sofa_12", "watch tv_13", "standup"], {("3", "FACING", "13")}),
        (["walk sofa_12", "sit sofa_12", "lie sofa_12", "sleep", "wakeup"], {
            ("3", "LYING"), ("3", "ON", "12"), ("3", "FACING", "13")}),
        (["walk tv_13", "plugin tv_13", "switchon tv_13"], {("13", "PLUGGED_IN"), ("13", "ON")}),
        (["turnto tv_13", "lookat tv_13", "pointat tv_13"], {("3", "FACING", "13")}),
        (["greet visitor_20"], set()),
        (["walk table_6", "wash table_6"], {("3", "INSIDE", "1"), ("6", "CLEAN")}),
        (["walk table_6", "grab knife_8", "wipe plate_7", "drop knife_8", "find knife_8"], {
            ("3", "INSIDE", "1"), ("7", "CLEAN")}),
        (["walk fridge_4", "open fridge_4", "grab milk_9", "walk table_6", "pour milk_9 cup_10"], {
            ("3", "INSIDE", "1"), ("4", "OPEN"), ("9", "INSIDE", "10")}),
        (["walk fridge_4", "open fridge_4", "grab milk_9", "drink milk_9", "putobjback milk_9"], {
            ("3", "INSIDE", "1"), ("4", "OPEN")}),
        (["walk table_6", "grab knife_8", "walk fridge_4", "open fridge_4", "cut apple_5",
          "eat apple_5", "putin knife_8 fridge_4", "close fridge_4"], {
            ("3", "INSIDE", "1"), ("8", "INSIDE", "4")}),
        (["walk table_6", "push table_6", "pull table_6", "walk chair_11", "move chair_11",
          "touch chair_11"], {
            ("3", "INSIDE", "1")}),
    ],
)  # fmt: skip
def test_what_an_action_brings_about(lines: list[str], facts: set[tuple[str, ...]]) -> None:
    assert new(*lines) == facts


def test_what_is_on_a_thing_moves_with_it() -> None:
    home, _ = act(HOME, "walk table_6", "grab plate_7", "walk hall_2")
    assert home.rooms(19) == [2] and home.related(19, Relation.ON) == [7]
    assert "cup_19 is on plate_7" in act(home, "drop plate_7")[1].text


def test_one_stays_close_to_the_table_that_one_took_something_from() -> None:
    home, _ = act(HOME, "walk plate_7", "grab plate_7")
    assert home.near(6) and home.near(8) and not home.near(4)


def test_things_close_to_one_another_are_close_to_whom_is_close_to_one() -> None:
    home, _ = act(HOME, "walk sofa_12")
    assert home.near(14) and not home.near(15)


def test_a_door_is_reached_from_both_sides_and_closes_the_way() -> None:
    home, _ = act(HOME, "walk door_16", "close door_16")
    assert home.room == 2
    home, seen = act(home, "open door_16", "walk fridge_4", "walk door_16", "close door_16")
    assert home.room == 1 and seen.ok
    assert refusal(home, "walk sofa_12") == "The way to sofa_12 is closed by door_16."
    assert act(home, "walk cellar_21")[0].room == 21  # no known door is in the way


def test_a_closed_door_further_on_is_reached_on_this_side() -> None:
    graph = small_graph()
    for room in (21, 1):  # named first, and the room that it is in: the far side
        graph["edges"].append({"from_id": 22, "relation_type": "BETWEEN", "to_id": room})
    graph["edges"].append({"from_id": 22, "relation_type": "INSIDE", "to_id": 21})
    graph["nodes"].append(
        {"id": 22, "class_name": "door", "properties": ["CAN_OPEN"], "states": ["CLOSED"]}
    )
    home, _ = act(home_from(graph), "walk door_22")
    assert home.room == 1
    assert refusal(home, "walk cellar_21") == "The way to cellar_21 is closed by door_22."
    assert act(home, "open door_22", "walk cellar_21")[0].room == 21


def test_too_many_things_on_a_seat_leave_no_room() -> None:
    home, _ = act(HOME, "walk table_6", "grab knife_8", "walk chair_11", "putback knife_8 chair_11")
    assert refusal(home, "sit chair_11") == "There are too many things on chair_11."


def test_the_number_may_be_left_out_where_there_is_one() -> None:
    home, seen = act(HOME, "walk fridge", "open fridge", "grab apple")
    assert seen.ok and home.held() == [5]


def test_script_names_of_the_original_are_known() -> None:
    original = """close drink find walk grab lookat open pointat putback putin putobjback run sit
        standup switchoff switchon touch turnto watch wipe puton putoff greet drop read lie pour
        type push pull move wash rinse scrub squeeze plugin plugout cut eat sleep wakeup release"""
    assert set(original.split()) == set(ACTIONS)
    assert act(HOME, "turnto tv_13", "lookat_long tv_13")[1].ok


def test_actions_that_are_no_calls() -> None:
    for action in (Code("print(1)"), Sketch("walk"), NoAction("no action was found")):
        home, observation = take_action(HOME, action)
        assert home is HOME and observation.invalid and not observation.ok
    home, observation = take_action(HOME, Answer("done"))
    assert home is HOME and observation.done and observation.answer == "done"


def test_arguments_of_any_kind_are_refused_in_words() -> None:
    for value in (
        None,
        4,
        ["fridge_4"],
        "",
        "_",
        "fridge_" + "9" * 5000,
        "fridge_٤",
        "fridge_04",
        "\x00",
        "_4",
    ):
        _, observation = take_action(HOME, Call("walk", {"object": value}))
        assert observation.invalid and observation.text.startswith("There is no ")
    _, observation = take_action(HOME, Call("walk", {"target": "fridge_4"}))
    assert observation.text == "walk takes object, given by name."


def test_an_earlier_state_stays_as_it_was() -> None:
    before = {id: HOME.situations[id] for id in HOME.things}
    after, _ = act(HOME, "walk fridge_4", "open fridge_4", "grab milk_9")
    assert dict(HOME.situations) == before
    assert after.situations[12] is HOME.situations[12]  # what did not change is shared
    assert isinstance(HOME, Home) and Condition.CLOSED in HOME.conditions(4)
