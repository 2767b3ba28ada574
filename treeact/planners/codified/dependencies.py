"""Which steps of a block have to wait for which: the dependency graph.

A step waits for those that set what it reads, for those that read or set what it sets, and for the
assertions about what it uses. What writes outside waits for everything before it, and what reads
outside waits for the last write before it; steps that run code keep the plan's order among each
other. Whatever is left may run at the same time, and in any order the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from treeact.planners.codified import nodes
from treeact.planners.codified.render import render_line
from treeact.planners.codified.signatures import Callees

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, kw_only=True)
class Touch:
    """What a step has to do with the steps around it."""

    reads: frozenset[str]
    sets: frozenset[str]
    guards: frozenset[str]
    """Variables that it asserts something about."""
    calls: bool
    """Whether it calls roles or tools."""
    looks: bool
    """Whether it depends on the world outside."""
    writes: bool
    """Whether it changes the world outside: then it waits for all before, which may still fail."""
    leaves: bool
    """Whether what stands behind it may be left out because of it."""
    workspace: bool
    """Whether it runs code in the one interpreter of the run."""

    def waits_for(self, before: Touch) -> str:
        """Return why a step that stands behind another one has to wait for it, or nothing."""
        for names, why in (
            (before.sets & self.reads, "reads"),
            (before.guards & (self.reads | self.sets), "relies on"),
            ((before.reads | before.sets) & self.sets, "sets"),
        ):
            if names:
                return f"{why} {', '.join(sorted(names))}"
        if self.writes or self.leaves or before.leaves or (before.writes and self.looks):
            return "keeps the order"
        return "shares the interpreter" if self.workspace and before.workspace else ""


def touch(step: nodes.Step, callees: Callees) -> Touch:
    """Return what a step has to do with the steps around it."""
    called = [callees[call.callee] for call in nodes.calls_of(step)]
    reads = frozenset(_reads(step))
    return Touch(
        reads=reads,
        sets=frozenset(_sets(step)),
        guards=reads if isinstance(step, nodes.Assert) else frozenset(),
        calls=bool(called),
        looks=any(callee.effects != "none" for callee in called),
        writes=any(callee.effects == "write" for callee in called),
        leaves=_may_leave(step),
        workspace=any(callee.workspace for callee in called),
    )


def _reads(node: nodes.Node) -> Iterator[str]:
    """Yield the variables that are read, but for those of loops within."""
    match node:
        case nodes.Name(id=name):
            yield name
        case nodes.Update(name=name) | nodes.Append(name=name) | nodes.SetItem(name=name):
            yield name
    own = set(getattr(node, "targets", ()))
    source = getattr(node, "source", None)
    for child in _children(node):
        hidden = set() if child is source else own
        yield from (name for name in _reads(child) if name not in hidden)


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the nodes right below one."""
    waiting: list[Any] = [value for name, value in vars(node).items() if name != "at"]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, nodes.Node):
            yield value
        elif isinstance(value, tuple):
            waiting.extend(value)


def _sets(step: nodes.Step) -> Iterator[str]:
    for node in nodes.walk(step):
        if isinstance(node, nodes.Assign | nodes.Update | nodes.Append | nodes.SetItem):
            yield node.name


def _may_leave(step: nodes.Step, loops: int = 0) -> bool:
    """Return whether what stands behind a step may be left out because of it."""
    match step:
        case nodes.Answer():
            return True
        case nodes.Leave():
            return not loops
        case nodes.If(body=body, other=other):
            return any(_may_leave(inner, loops) for inner in (*body, *other))
        case nodes.For(body=body) | nodes.While(body=body):
            return any(_may_leave(inner, loops + 1) for inner in body)
        case _:
            return False


def dependency_graph(steps: Sequence[nodes.Step], callees: Callees) -> nx.DiGraph[int]:
    """Return the graph of a block: an edge from each step to those that wait for it.

    Nodes are positions from 0, with the step's first line as `text`; edges say `why`. The graph is
    reduced: an edge that others imply is left out.
    """
    import networkx as nx

    touches = [touch(step, callees) for step in steps]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for position, step in enumerate(steps):
        graph.add_node(position, text=render_line(step))
    why = {
        (before, after): reason
        for after in range(len(steps))
        for before in range(after)
        if (reason := touches[after].waits_for(touches[before]))
    }
    graph.add_edges_from(why)
    reduced = nx.transitive_reduction(graph)
    reduced.add_nodes_from(graph.nodes(data=True))
    nx.set_edge_attributes(reduced, {edge: why[edge] for edge in reduced.edges}, "why")
    return reduced
