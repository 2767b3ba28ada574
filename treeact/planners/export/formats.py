"""Action trees as graphs for other programs: networkx, JSON, GraphML and DOT."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from treeact.planners.export.outline import CHOSEN, SIGNS, cut, facts, label, xml_text
from treeact.planners.export.rows import Row, rows
from treeact.planners.tree import ActionTree

if TYPE_CHECKING:
    import networkx

LABEL_LENGTH = 60
"""Characters of an action in a picture; graphs for programs have the whole of it."""
TOOLTIP_LENGTH = 1000

COLOURS = {
    "planned": "#eceff1",
    "open": "#e3f2fd",
    "expanded": "#bbdefb",
    "answered": "#c8e6c9",
    "pruned": "#ffcdd2",
}
"""Light fills, for dark text on a background of any colour."""


def as_graph(*trees: ActionTree) -> networkx.DiGraph:
    """Return a tree, or the trees of the turns of a run, as a networkx graph.

    Nodes are logical ids, edges lead from a node to its children. The attributes of a node are the
    fields of `Row` but for the ids; what is None there is missing.
    """
    return _graph(rows(*trees), lambda value: value)


def to_json(*trees: ActionTree) -> str:
    """Return trees as JSON in networkx' node-link form; numbers that are not finite are null."""
    import networkx

    data = networkx.node_link_data(_graph(rows(*trees), _json_value), edges="edges")
    return json.dumps(data, allow_nan=False, indent=1) + "\n"


def to_graphml(*trees: ActionTree) -> str:
    """Return trees as GraphML, in which lists are texts with commas.

    Characters that XML cannot hold are spelt out.
    """
    import networkx

    graph = _graph(rows(*trees), _graphml_value)
    return "\n".join(networkx.generate_graphml(graph)) + "\n"


def to_dot(*trees: ActionTree) -> str:
    """Return trees as DOT, for Graphviz: short labels, signs and colours by status."""
    nodes = rows(*trees)
    lines = [
        "digraph tree {",
        "  rankdir=LR; bgcolor=transparent;",
        '  node [shape=box, style="rounded,filled", fontname=monospace, fontsize=10];',
        '  edge [color="#888888"];',
        *(_dot_node(row) for row in nodes),
        *(_dot_edge(row) for row in nodes if row.parent is not None),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _graph(nodes: list[Row], value: Callable[[Any], Any]) -> networkx.DiGraph:
    import networkx

    graph = networkx.DiGraph()
    for row in nodes:
        attributes = {name: value(item) for name, item in asdict(row).items() if item is not None}
        id, parent = attributes.pop("id"), attributes.pop("parent", None)
        graph.add_node(id, **attributes)
        if parent is not None:
            graph.add_edge(parent, id)
    return graph


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _graphml_value(value: Any) -> Any:
    if isinstance(value, tuple):
        value = ", ".join(value)
    return xml_text(value) if isinstance(value, str) else value


def _dot_node(row: Row) -> str:
    mark = f" {CHOSEN}" if row.on_path else ""
    lines = [f"{SIGNS[row.status]} {row.id}{mark}", cut(label(row), LABEL_LENGTH), *facts(row)]
    attributes = {
        "label": "\n".join(cut(line, LABEL_LENGTH) for line in lines if line),
        "tooltip": (row.reason or row.text)[:TOOLTIP_LENGTH] or row.id,
        "fillcolor": COLOURS[row.status],
        "penwidth": "2.5" if row.on_path else "1",
    }
    inside = ", ".join(f"{name}={_dot_text(value)}" for name, value in attributes.items())
    return f"  {_dot_text(row.id)} [{inside}];"


def _dot_edge(row: Row) -> str:
    bold = " [penwidth=2.5]" if row.on_path else ""
    return f"  {_dot_text(row.parent or '')} -> {_dot_text(row.id)}{bold};"


def _dot_text(text: str) -> str:
    """Return a quoted text in which nothing is an escape or an entity but line ends."""
    return f'"{xml_text(text).translate(_DOT_ESCAPES)}"'


_DOT_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;", "\n": "\\n"})
