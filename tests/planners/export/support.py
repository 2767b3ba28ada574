"""Trees for tests: grown by any operations, written to a log, and what they are compared by."""

import json
from typing import Any

from hypothesis import strategies as st

from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Code,
    NoAction,
    Observation,
    Proposal,
    Score,
    Sketch,
    Step,
)
from treeact.planners.tree import ActionTree, Node
from treeact.trace.events import Event, parse_event
from treeact.trace.log import EventLog

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
"""With control characters, half surrogate pairs and what XML cannot hold."""
PLAIN_TEXT = st.text(max_size=20)

HOSTILE = (
    "<script>alert('x')</script> & ]]> \"quoted\" \\l \\N &amp; \\",
    "NUL \x00 ESC \x1b[31m DEL \x7f CSI \x9b",
    "surrogates \ud800 \udfff nonchars \ufffe \uffff",
    "lines\r\nof\rall\x0bkinds\x85and\u2028more",
    "x" * 100_000,
    "漢字" * 200,
    "",
    "   \n\n  ",
)


def code(text: str, **options: Any) -> Proposal:
    return Proposal(actions=(Code(text),), **options)


def seen(text: str = "ok", **options: Any) -> Observation:
    return Observation(text=text, **options)


def grown(text: st.SearchStrategy[str] = PLAIN_TEXT) -> st.SearchStrategy[Any]:
    """Return trees with their logs, after any operations in any order."""
    change = st.tuples(
        st.sampled_from(["add"] * 4 + ["observe", "expand", "prune", "score", "value", "choose"]),
        st.integers(0, 1000),
        text,
        st.floats(allow_nan=False),
        st.integers(0, 63),
    )
    return st.builds(_grow, st.integers(0, 2), st.lists(change, max_size=25))


def _grow(
    steps: int, changes: list[tuple[str, int, str, float, int]]
) -> tuple[ActionTree, EventLog]:
    log = EventLog()
    trunk = tuple(
        Step(id=f"run/step-{number}", proposal=code("x"), observation=seen())
        for number in range(1, steps + 1)
    )
    tree = ActionTree(log=log, path=trunk)
    nodes = [tree.root]
    for what, place, text, number, bits in changes:
        node = nodes[place % len(nodes)]
        if what == "add":
            nodes.append(_add(tree, node, text, number, bits))
        else:
            _change(tree, node, what, text, number)
    return tree, log


def _add(tree: ActionTree, node: Node, text: str, number: float, bits: int) -> Node:
    kinds = (
        Code(f"f()\ng({text!r})\nf()", tools=("f", "g", "h")),
        Code(text),
        Call("act", {"what": text, "n": [1.5, None]}),
        Answer(text),
        NoAction(text),
        Sketch(text, ("act",)),
    )
    action: Action = kinds[bits % 6]
    proposal = Proposal(actions=(action,), thought=text, votes=1 + bits % 3)
    observation = seen(text, ok=bool(bits & 8), answer=text if bits & 16 else None)
    return tree.add(node, proposal, observation if bits & 32 else None, g=number, h=-number / 3)


def _change(tree: ActionTree, node: Node, what: str, text: str, number: float) -> None:
    match what:
        case "observe" if node.parent:
            tree.observe(node, seen(text, ok=number > 0, answer=text if number > 9 else None))
        case "expand":
            tree.expand(node, samples=len(text))
        case "prune":
            tree.prune(node, text)
        case "score":
            tree.score(node, Score(value=number, reason=text))
        case "value":
            tree.back_up(node, min(1.0, abs(number)))
        case "choose":
            if node.parent:
                tree.return_to(node.parent, node)
            tree.choose(node)


def written(log: EventLog) -> list[Event]:
    """Return the events as they are read from a file."""
    return [parse_event(json.loads(event.model_dump_json())) for event in log.events()]


def facts(tree: ActionTree) -> list[tuple[Any, ...]]:
    """Return all that a log says about a tree."""
    return [
        *(_facts(node) for node in tree),
        (tree.best.id, tree.expansions, tree.root.id),
    ]


def _facts(node: Node) -> tuple[Any, ...]:
    action, observation = node.action, node.observation
    return (
        node.id,
        node.parent and node.parent.id,
        [child.id for child in node.children],
        (action.kind, action.text, action.calls) if action else None,
        (node.proposal.thought, node.proposal.votes) if node.proposal else None,
        (observation.text, observation.ok, observation.answer) if observation else None,
        (node.status, node.reason, node.order, node.depth),
        (node.g, node.h, node.score, node.visits, node.total),
    )
