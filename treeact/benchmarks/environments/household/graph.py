"""Reads and writes homes as VirtualHome's graphs: JSON with `nodes` and `edges`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from treeact.benchmarks.environments.household.home import (
    HANDS,
    OPPOSITES,
    PLACES,
    Condition,
    Edge,
    Home,
    Property,
    Relation,
    Situation,
    Thing,
)
from treeact.benchmarks.suite import first_fault
from treeact.errors import ConfigError


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return value.lower().replace(" ", "_") if isinstance(value, str) else value


class _Node(BaseModel):
    id: Annotated[int, Field(strict=True, ge=0)]
    class_name: Annotated[
        str, BeforeValidator(_plain), StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")
    ]
    category: str = ""
    properties: frozenset[Annotated[Property, BeforeValidator(_upper)]] = frozenset()
    states: frozenset[Annotated[Condition, BeforeValidator(_upper)]] = frozenset()

    def thing(self) -> Thing:
        category = "Characters" if self.class_name == "character" else self.category
        return Thing(self.id, self.class_name, category, self.properties)


class _Edge(BaseModel):
    from_id: Annotated[int, Field(strict=True)]
    relation_type: Annotated[Relation, BeforeValidator(_upper)]
    to_id: Annotated[int, Field(strict=True)]


class _Graph(BaseModel):
    nodes: list[_Node]
    edges: list[_Edge]


def read_home(path: Path) -> Home:
    """Return the home in a file.

    Raises:
        ConfigError: the file cannot be read, or is no such graph; see `home_from`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): give a graph file") from error
    try:
        graph = _Graph.model_validate_json(content)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)}") from error
    return _home(graph, str(path))


def home_from(graph: Mapping[str, Any], *, name: str = "the graph") -> Home:
    """Return the home that a graph, as read from JSON, describes.

    Fields of later simulators, such as bounding boxes, are left out.

    Args:
        graph: `nodes` with id, class_name, category, properties and states; `edges` with from_id,
            relation_type and to_id.
        name: what error messages call it.

    Raises:
        ConfigError: a field is missing or wrong, an id is taken twice or unknown, a thing is in two
            rooms or inside itself, a hand holds two things, or nobody is there to act; the message
            names the node or edge.
    """
    try:
        checked = _Graph.model_validate(graph)
    except ValidationError as error:
        raise ConfigError(f"{name}: {first_fault(error)}") from error
    return _home(checked, name)


def graph_of(home: Home) -> dict[str, Any]:
    """Return a home as a graph that `home_from` reads."""
    nodes = [
        {
            "id": id,
            "class_name": thing.class_name,
            "category": thing.category,
            "properties": sorted(thing.properties),
            "states": sorted(home.conditions(id)),
        }
        for id, thing in home.things.items()
    ]
    edges = [
        {"from_id": at, "relation_type": str(relation), "to_id": to}
        for at, relation, to in sorted(home.edges())
    ]
    return {"nodes": nodes, "edges": edges}


def _home(graph: _Graph, name: str) -> Home:
    things = _things(graph.nodes, name)
    edges = _edges(graph.edges, things, name)
    edges |= _missing_rooms(edges, things)
    _check_places(edges, things, name)
    out: dict[int, set[Edge]] = defaultdict(set)
    into: dict[int, set[Edge]] = defaultdict(set)
    for at, relation, to in edges:
        out[at].add((relation, to))
        into[to].add((relation, at))
    situations = {
        node.id: Situation(node.states, frozenset(out[node.id]), frozenset(into[node.id]))
        for node in graph.nodes
    }
    return Home(things, _character(things, situations, name), situations)


def _things(nodes: Iterable[_Node], name: str) -> dict[int, Thing]:
    things: dict[int, Thing] = {}
    for number, node in enumerate(nodes):
        where = f"{name}: nodes.{number} ({node.class_name})"
        if node.id in things:
            raise ConfigError(f"{where}: id {node.id} is used twice; give it another")
        for state in sorted(node.states):
            if OPPOSITES[state] in node.states:
                raise ConfigError(
                    f"{where}: it is {state} and {OPPOSITES[state]} at once; drop one"
                )
        things[node.id] = node.thing()
    return things


def _edges(
    edges: Iterable[_Edge], things: Mapping[int, Thing], name: str
) -> set[tuple[int, Relation, int]]:
    found = set()
    for number, edge in enumerate(edges):
        where = f"{name}: edges.{number} ({edge.relation_type})"
        for id in (edge.from_id, edge.to_id):
            if id not in things:
                raise ConfigError(f"{where}: there is no node {id}; add it or drop the edge")
        if edge.from_id == edge.to_id and edge.relation_type in (*PLACES, *HANDS):
            raise ConfigError(f"{where}: {things[edge.to_id].name} cannot be in its own place")
        found.add((edge.from_id, edge.relation_type, edge.to_id))
    return found


def _missing_rooms(
    edges: Iterable[tuple[int, Relation, int]], things: Mapping[int, Thing]
) -> set[tuple[int, Relation, int]]:
    """Return the rooms of things that only say what they are on, inside of or held by."""
    supports: dict[int, list[int]] = defaultdict(list)
    rooms: dict[int, int] = {}
    for at, relation, to in sorted(edges):
        if relation == Relation.INSIDE and things[to].is_room:
            rooms[at] = to
        elif relation in PLACES:
            supports[at].append(to)
        elif relation in HANDS:
            supports[to].append(at)
    found = set()
    for id, thing in things.items():
        reached, waiting = {id}, [id]
        while waiting and not thing.is_room and id not in rooms:
            at = waiting.pop(0)
            if at in rooms:
                rooms[id] = rooms[at]
                found.add((id, Relation.INSIDE, rooms[at]))
            waiting += [to for to in supports[at] if to not in reached]
            reached.update(supports[at])
    return found


def _check_places(
    edges: Iterable[tuple[int, Relation, int]], things: Mapping[int, Thing], name: str
) -> None:
    inside: dict[int, list[int]] = defaultdict(list)
    in_hand: dict[tuple[int, Relation], int] = {}
    for at, relation, to in sorted(edges):
        if relation == Relation.INSIDE:
            inside[at].append(to)
        elif relation in HANDS and in_hand.setdefault((at, relation), to) != to:
            raise ConfigError(f"{name}: {things[at].name} holds two things in one hand")
    for id, places in inside.items():
        rooms = [things[to].name for to in places if things[to].is_room]
        if len(rooms) > 1:
            raise ConfigError(f"{name}: {things[id].name} is inside {rooms[0]} and {rooms[1]}")
    try:
        TopologicalSorter(_movable(inside, things)).prepare()
    except CycleError as error:
        names = ", ".join(things[id].name for id in error.args[1])
        raise ConfigError(f"{name}: these are inside one another: {names}") from error


def _movable(inside: Mapping[int, list[int]], things: Mapping[int, Thing]) -> dict[int, list[int]]:
    """Leave out fixed things in one another: VirtualHome's graphs have curtains like that."""
    grabbable = {id for id, thing in things.items() if Property.GRABBABLE in thing.properties}
    return {
        id: [to for to in places if id in grabbable or to in grabbable]
        for id, places in inside.items()
    }


def _character(things: Mapping[int, Thing], situations: Mapping[int, Situation], name: str) -> int:
    for id, thing in things.items():
        if thing.is_person:
            if not any(
                relation == Relation.INSIDE and things[to].is_room
                for relation, to in situations[id].out
            ):
                raise ConfigError(f"{name}: {thing.name} is in no room; add an INSIDE edge")
            return id
    raise ConfigError(f"{name}: nobody is there to act; add a node of category Characters")
