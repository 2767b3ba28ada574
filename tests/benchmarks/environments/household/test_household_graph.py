"""Graphs: read, written, and refused with the place of the fault."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.environments.household.small_home import small_graph, small_home
from treeact.benchmarks.environments.household.graph import graph_of, home_from, read_home
from treeact.benchmarks.environments.household.home import Relation
from treeact.errors import ConfigError


def test_a_graph_survives_reading_and_writing() -> None:
    home = small_home()
    again = home_from(json.loads(json.dumps(graph_of(home))))
    assert again == home


def test_rooms_follow_from_places() -> None:
    home = small_home()
    assert [home.rooms(id) for id in (18, 19, 14, 3)] == [[1], [1], [2], [2]]


def test_spelling_is_forgiven() -> None:
    graph = small_graph()
    graph["nodes"][3].update(class_name="Fridge", states=["closed"], properties=["can_open"])
    graph["edges"][0]["relation_type"] = "inside"
    home = home_from(graph)
    assert home.things[4].name == "fridge_4" and home.room == 2


def test_fixed_things_may_be_inside_one_another() -> None:
    graph = small_graph()
    graph["edges"] += [edge(4, "INSIDE", 12), edge(12, "INSIDE", 4)]
    home = home_from(graph)
    assert home.above(5) >= {4, 12, 5} and home.enclosed(5)


def edge(at: Any, relation: Any, to: Any) -> dict[str, Any]:
    return {"from_id": at, "relation_type": relation, "to_id": to}


def node(graph: dict[str, Any], index: int, **fields: Any) -> None:
    graph["nodes"][index].update(fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("nodes"), "the graph: nodes: Field required"),
        (lambda g: g.update(edges={}), "edges: Input should be a valid list"),
        (lambda g: g.update(nodes=[3]), "nodes.0: Input should be a valid dictionary"),
        (lambda g: node(g, 4, id="5"), "nodes.4.id: Input should be a valid integer"),
        (lambda g: node(g, 4, id=True), "nodes.4.id: Input should be a valid integer"),
        (lambda g: node(g, 4, id=-1), "nodes.4.id: Input should be greater"),
        (lambda g: node(g, 4, id=4), "nodes.4 (apple): id 4 is used twice"),
        (lambda g: node(g, 4, class_name="a(b)"), "nodes.4.class_name: String should match"),
        (lambda g: node(g, 4, class_name="a\nb"), "nodes.4.class_name: String should match"),
        (lambda g: node(g, 4, class_name=None), "nodes.4.class_name: Input should be a valid str"),
        (lambda g: node(g, 4, properties=["TASTY"]), "nodes.4.properties.0: Input should be"),
        (lambda g: node(g, 4, states="OPEN"), "nodes.4.states: Input should be a valid frozenset"),
        (lambda g: node(g, 3, states=["OPEN", "CLOSED"]), "nodes.3 (fridge): it is CLOSED and OP"),
        (lambda g: g["edges"].append(edge(5, "ON", 999)), "edges.20 (ON): there is no node 999"),
        (lambda g: g["edges"].append(edge(5, "OVER", 6)), "edges.20.relation_type: Input should"),
        (lambda g: g["edges"].append(edge(5.5, "ON", 6)), "edges.20.from_id: Input should be a"),
        (lambda g: g["edges"].append(edge(5, "ON", 5)), "apple_5 cannot be in its own place"),
        (lambda g: g["edges"].append(edge(4, "INSIDE", 2)), "fridge_4 is inside kitchen_1 and h"),
        (lambda g: g["edges"].append(edge(17, "INSIDE", 18)), "these are inside one another: "),
        (
            lambda g: g["edges"].extend([edge(3, "HOLDS_RH", 5), edge(3, "HOLDS_RH", 8)]),
            "character_3 holds two things in one hand",
        ),
        (lambda g: node(g, 2, class_name="cat"), "nobody is there to act"),
        (lambda g: g["edges"].pop(0), "character_3 is in no room"),
    ],
)
def test_a_broken_graph_is_refused_with_its_place(change: Any, message: str) -> None:
    graph = small_graph()
    change(graph)
    with pytest.raises(ConfigError, match=re.escape(message)):
        home_from(graph)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[1",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"nodes": 1e999}',
        b'{"nodes":[],"edges":[]}',
    ],
    ids=lambda content: repr(content[:12]),
)
def test_files_that_hold_no_graph_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"graph\.json: "):
        read_home(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json cannot be read"):
        read_home(tmp_path / "none.json")


def test_a_deep_nest_of_boxes_is_read_and_looked_through() -> None:
    graph = small_graph()
    for number in range(3000):
        graph["nodes"].append(
            {"id": 100 + number, "class_name": "box", "properties": ["GRABBABLE"]}
        )
        graph["edges"].append(edge(100 + number, "INSIDE", 99 + number if number else 1))
    home = home_from(graph)
    assert home.rooms(3099) == [1] and len(home.above(3099)) == 3000
    assert home.related(3099, Relation.INSIDE) == [1, 3098]
