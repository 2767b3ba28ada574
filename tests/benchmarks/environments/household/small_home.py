"""A home small enough to see through, and a shorthand for acting in it."""

from typing import Any

from treeact.benchmarks.environments.household.graph import home_from
from treeact.benchmarks.environments.household.home import Home
from treeact.benchmarks.environments.household.household import take_action
from treeact.benchmarks.environments.household.programs import parse_line
from treeact.planners.protocols import Observation

NODES = {
    1: ("kitchen", "", ""),
    2: ("hall", "", ""),
    3: ("character", "", ""),
    4: ("fridge", "CAN_OPEN CONTAINERS HAS_PLUG HAS_SWITCH", "CLOSED PLUGGED_IN OFF"),
    5: ("apple", "GRABBABLE EATABLE CUTTABLE", ""),
    6: ("table", "SURFACES MOVABLE", "DIRTY"),
    7: ("plate", "GRABBABLE SURFACES RECIPIENT", "DIRTY"),
    8: ("knife", "GRABBABLE", ""),
    9: ("milk", "GRABBABLE DRINKABLE POURABLE", ""),
    10: ("cup", "GRABBABLE RECIPIENT", ""),
    11: ("chair", "GRABBABLE SITTABLE", ""),
    12: ("sofa", "SITTABLE LIEABLE", ""),
    13: ("tv", "HAS_SWITCH HAS_PLUG LOOKABLE", "OFF PLUGGED_OUT"),
    14: ("coat", "GRABBABLE CLOTHES", ""),
    15: ("book", "GRABBABLE READABLE", ""),
    16: ("door", "CAN_OPEN", "OPEN"),
    17: ("box", "GRABBABLE CAN_OPEN CONTAINERS", "CLOSED"),
    18: ("egg", "GRABBABLE EATABLE", ""),
    19: ("cup", "GRABBABLE RECIPIENT", ""),
    20: ("visitor", "PERSON", ""),
    21: ("cellar", "", ""),
}
ROOMS = {1, 2, 21}
EDGES = [
    (3, "INSIDE", 2),
    (4, "INSIDE", 1),
    (5, "INSIDE", 4),
    (6, "INSIDE", 1),
    (7, "ON", 6),
    (8, "ON", 6),
    (9, "INSIDE", 4),
    (10, "ON", 6),
    (11, "INSIDE", 1),
    (12, "INSIDE", 2),
    (12, "FACING", 13),
    (13, "INSIDE", 2),
    (14, "ON", 12),
    (15, "INSIDE", 2),
    (16, "BETWEEN", 1),
    (16, "BETWEEN", 2),
    (17, "INSIDE", 4),
    (18, "INSIDE", 17),
    (19, "ON", 7),
    (20, "INSIDE", 2),
]


def small_graph() -> dict[str, Any]:
    return {
        "nodes": [
            {
                "id": id,
                "class_name": name,
                "category": "Rooms" if id in ROOMS else "Props",
                "properties": properties.split(),
                "states": states.split(),
                "bounding_box": None,
            }
            for id, (name, properties, states) in NODES.items()
        ],
        "edges": [
            {"from_id": at, "relation_type": relation, "to_id": to} for at, relation, to in EDGES
        ],
    }


def small_home() -> Home:
    return home_from(small_graph())


def act(home: Home, *lines: str) -> tuple[Home, Observation]:
    """Take actions such as `grab apple_5`; all but the last have to succeed."""
    observation = Observation(text="")
    for line in lines:
        assert observation.ok, observation.text
        name, *objects = line.split()
        home, observation = take_action(
            home, parse_line(f"{name}({', '.join(map(repr, objects))})")
        )
    return home, observation


def refusal(home: Home, *lines: str) -> str:
    """Return why the last of the actions failed, which it has to."""
    before, observation = act(home, *lines[:-1])
    assert observation.ok, observation.text
    after, observation = act(before, lines[-1])
    assert not observation.ok and after is before
    return ("never: " if observation.invalid else "") + observation.text
