"""What an action needs to be loaded: itself and all that it uses, in an order that works."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from treeact.errors import ActionCycle

CLOSURE = """
WITH RECURSIVE needed (id) AS (
    SELECT value FROM json_each(?) UNION SELECT used FROM needed JOIN uses ON action = needed.id
)
SELECT needed.id, name || ' v' || version AS label FROM needed JOIN actions USING (id)
"""


def load_order(db: sqlite3.Connection, ids: Sequence[int]) -> list[int]:
    """Return the ids of actions and of all that they use, each after what it uses.

    Raises:
        ActionCycle: some use each other in a circle.
    """
    labels = {row["id"]: row["label"] for row in db.execute(CLOSURE, [json.dumps(list(ids))])}
    edges = db.execute(
        "SELECT action, used FROM uses WHERE action IN (SELECT value FROM json_each(?))",
        [json.dumps(list(labels))],
    )
    uses: dict[int, list[int]] = {id: [] for id in labels}
    for action, used in edges:
        uses[action].append(used)
    return in_order(uses, labels)


def in_order(uses: Mapping[int, Sequence[int]], labels: Mapping[int, str]) -> list[int]:
    """Return the keys of `uses`, each after those that it uses; equal ones by number.

    Raises:
        ActionCycle: some use each other in a circle; `labels` are what they are called.
    """
    if not any(uses.values()):
        return sorted(uses)
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(uses)
    graph.add_edges_from((used, action) for action, all_ in uses.items() for used in all_)
    try:
        return list(networkx.lexicographical_topological_sort(graph))
    except networkx.NetworkXUnfeasible:
        around = [action for action, _ in networkx.find_cycle(graph.reverse(copy=False))]
        first = around.index(min(around))
        raise ActionCycle(tuple(labels[id] for id in around[first:] + around[:first])) from None
