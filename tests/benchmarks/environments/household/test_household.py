"""The environment: forks, what is seen, and what holds in every home whatever is done."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.environments.household.small_home import act, small_home
from treeact.benchmarks.environments.household.actions import ACTIONS, ROLES
from treeact.benchmarks.environments.household.graph import graph_of, home_from
from treeact.benchmarks.environments.household.home import HANDS, OPPOSITES, Home, Relation
from treeact.benchmarks.environments.household.household import Household, homes_along, take_action
from treeact.benchmarks.environments.household.programs import action, parse_line
from treeact.benchmarks.environments.household.tasks import household_tasks
from treeact.benchmarks.environments.household.views import (
    describe,
    describe_candidates,
    overview,
)
from treeact.planners.protocols import Answer, Call, Code, Forkable, Proposal, Step

HOME = small_home()


async def test_a_fork_shares_the_state_and_goes_its_own_way() -> None:
    env = Household(HOME)
    assert isinstance(env, Forkable)
    fork = await env.fork(id="run/1")
    assert fork.home is env.home
    await fork.step(parse_line("[walk] <fridge> (4)"), id="run/1")
    assert (fork.home.room, env.home.room) == (1, 2)
    twin = await fork.fork(id="run/1.1")
    assert await env.choose(twin) == "" and env.home is fork.home
    await fork.close()


async def test_an_answer_ends_the_episode() -> None:
    env = Household(HOME)
    observation = await env.step(Answer("tidy"), id="run/1")
    assert observation.done and observation.answer == "tidy" and env.home is HOME


def test_only_the_room_is_seen_and_not_what_is_shut_away() -> None:
    assert describe(HOME) == (
        "You are standing in hall_2, with empty hands.\n"
        "tv_13 is switched off, unplugged.\n"
        "coat_14 is on sofa_12.\n"
        "door_16 is open.\n"
        "Also here: sofa_12, book_15, visitor_20."
    )
    home, seen = act(HOME, "walk fridge_4")
    assert "apple_5" not in seen.text and "tv_13" not in seen.text and "door_16" in seen.text
    home, seen = act(home, "open fridge_4")
    assert "apple_5 is inside fridge_4." in seen.text
    assert "egg_18" not in seen.text  # the box in the fridge is closed


def test_the_character_is_told_of_in_one_line() -> None:
    _, seen = act(
        HOME, "walk coat_14", "grab coat_14", "puton coat_14", "walk table_6", "grab knife_8",
        "grab cup_10", "walk sofa_12", "sit sofa_12",
    )  # fmt: skip
    assert seen.text.splitlines()[0] == (
        "You are sitting on sofa_12 in hall_2, with knife_8 in your right hand and cup_10 in your "
        "left hand."
    )
    assert "coat_14 is on you." in seen.text
    assert "tv_13 is switched off, unplugged, before you." in seen.text


def test_the_observation_for_a_decision_holds_the_objects_of_the_candidates() -> None:
    candidates = [action("open", "fridge_4"), action("putin", "knife_8", "plate_7"), Answer("x")]
    home, _ = act(HOME, "walk table_6")
    assert describe_candidates(home, candidates) == (
        "You are standing in kitchen_1, with empty hands.\n"
        "fridge_4 is closed, switched off, plugged in.\n"
        "plate_7 is dirty, on table_6.\n"
        "knife_8 is on table_6."
    )
    unseen = [action("grab", "apple_5"), action("walk", "sofa_12"), action("fly", "moon")]
    assert describe_candidates(home, [*unseen, Code("1")]) == (
        "You are standing in kitchen_1, with empty hands."
    )


def test_the_overview_names_rooms_and_objects_but_not_where_they_are() -> None:
    text = overview(HOME)
    assert text.startswith("Rooms: kitchen_1, hall_2, cellar_21.\nYou are standing in hall_2")
    assert "egg_18" in text and " is inside " not in text


def test_states_along_a_path_are_those_that_were_lived() -> None:
    lines = ["walk fridge_4", "open fridge_4", "open fridge_4", "grab milk_9"]
    home, path, lived = HOME, [], [HOME]
    for number, line in enumerate(lines):
        call = action(*line.split())
        home, observation = take_action(home, call)
        lived.append(home)
        path.append(
            Step(id=str(number), proposal=Proposal(actions=(call,)), observation=observation)
        )
    assert homes_along(HOME, tuple(path)) == lived


SCENES = {"small": HOME, **{task.scene: task.home for task in household_tasks()}}


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, list[Call]]:
    """A scene, and calls of any action on any things, walking to them more often than not."""
    scene = draw(st.sampled_from(sorted(SCENES)))
    home = SCENES[scene]
    thing = st.sampled_from(sorted(home.things))
    calls = []
    for _ in range(draw(st.integers(1, 25))):
        name = draw(st.sampled_from(sorted(ACTIONS)))
        names = [home.things[draw(thing)].name for _ in range(ACTIONS[name].arity)]
        if draw(st.booleans()):
            calls += [action("walk", it) for it in names[:1]]
            calls += [action("open", it) for it in names[:1] if draw(st.booleans())]
            calls += [action("grab", it) for it in names[:1] if draw(st.booleans())]
            calls += [action("walk", it) for it in names[1:]]
        calls.append(Call(name, dict(zip(ROLES, names, strict=False))))
    return scene, calls


def check(home: Home) -> None:
    """What holds in every home."""
    assert len(home.held()) <= 2
    for hand in HANDS:
        assert len(home.related(home.character, hand)) <= 1
    for id, thing in home.things.items():
        situation = home.situations[id]
        if not thing.is_room and not home.related(id, Relation.BETWEEN):
            assert len(home.rooms(id)) == 1, thing.name
        for place in home.supports(id):
            assert id not in home.above(place), f"{thing.name} is in itself"
            assert set(home.rooms(place)) & set(home.rooms(id)), f"{thing.name} is far off"
        for condition in situation.conditions:
            assert OPPOSITES[condition] not in situation.conditions
        for relation, to in situation.out:
            assert (relation, id) in home.situations[to].into
        for relation, at in situation.into:
            assert (relation, id) in home.situations[at].out
    for id in home.held():
        assert not home.related(id, Relation.ON) and home.near(id)


@settings(max_examples=60, deadline=None)
@given(programs())
def test_whatever_is_done_the_home_stays_possible(program: tuple[str, list[Call]]) -> None:
    scene, calls = program
    home = SCENES[scene]
    for call in calls:
        before, kept = home, dict(home.situations)
        home, observation = take_action(home, call)
        assert dict(before.situations) == kept  # states are never changed, only left behind
        assert observation.ok or (home is before and observation.text)
        check(home)
        if observation.invalid:  # it fails in every state: at the start as well
            assert take_action(SCENES[scene], call)[1].invalid
    again = home_from(graph_of(home))
    assert again.situations == home.situations
