"""Action trees for other eyes: read back from a trace, and written as graphs and pictures."""

from treeact.planners.export.formats import as_graph, to_dot, to_graphml, to_json
from treeact.planners.export.outline import Place, outline
from treeact.planners.export.rebuild import read_trees
from treeact.planners.export.rows import Row, rows
from treeact.planners.export.svg import to_svg

__all__ = [
    "Place",
    "Row",
    "as_graph",
    "outline",
    "read_trees",
    "rows",
    "to_dot",
    "to_graphml",
    "to_json",
    "to_svg",
]
