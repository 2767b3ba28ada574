"""Exports hold what the tree holds, and no text breaks them."""

import io
import json
import math
import shutil
import subprocess
import sys
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given, settings

from tests.planners.export.support import ANY_TEXT, HOSTILE, code, grown, seen
from treeact.planners.export import as_graph, rows, to_dot, to_graphml, to_json, to_svg
from treeact.planners.export.outline import cells
from treeact.planners.protocols import Answer, Call, Proposal, Score
from treeact.planners.tree import ActionTree
from treeact.trace.log import EventLog

SVG = "{http://www.w3.org/2000/svg}"


def a_tree() -> ActionTree:
    tree = ActionTree()
    tree.expand(tree.root, samples=3)
    call = Proposal(actions=(Call("look", {"at": "x"}),), thought="Let me see.", votes=2)
    good = tree.add(tree.root, call, seen("a table"), g=1.0, h=2.0)
    bad = tree.add(tree.root, code("1/0"), seen("ZeroDivisionError", ok=False))
    tree.score(good, Score(value=0.75, reason="Close."))
    tree.prune(bad, "failed: <ZeroDivisionError> & co")
    tree.expand(good, samples=1)
    end = tree.add(good, Proposal(actions=(Answer("4"),)), seen("", answer="4"))
    tree.add(good, code("planned()"))
    tree.back_up(end, 0.5)
    tree.choose(end)
    return tree


def hostile_tree() -> ActionTree:
    tree = ActionTree(run=HOSTILE[0] + HOSTILE[1] + HOSTILE[2])
    for text in HOSTILE:
        node = tree.add(
            tree.root, code(text, thought=text), seen(text, answer=text), g=math.inf, h=-math.inf
        )
        tree.score(node, Score(value=math.nan, reason=text))
        tree.prune(tree.add(node, Proposal(actions=(Answer(text),))), text)
    tree.choose(tree.root.children[0].children[0])
    return tree


def test_the_graph_has_every_fact_as_an_attribute() -> None:
    graph = as_graph(a_tree())
    assert [*graph.edges] == [
        ("run/root", "run/1"),
        ("run/root", "run/2"),
        ("run/1", "run/1.1"),
        ("run/1", "run/1.2"),
    ]
    assert graph.nodes["run/1"] == {
        "action": "call",
        "text": "look(at='x')",
        "calls": ("look",),
        "thought": "Let me see.",
        "votes": 2,
        "observation": "a table",
        "ok": True,
        "g": 1.0,
        "h": 2.0,
        "f": 3.0,
        "score": 0.75,
        "score_reason": "Close.",
        "visits": 1,
        "value": 0.5,
        "status": "expanded",
        "reason": "",
        "order": 2,
        "chosen": False,
        "on_path": True,
    }
    bad, end = graph.nodes["run/2"], graph.nodes["run/1.1"]
    assert (bad["status"], bad["ok"], bad["on_path"]) == ("pruned", False, False)
    assert bad["reason"] == "failed: <ZeroDivisionError> & co"
    assert (end["answer"], end["chosen"], end["on_path"]) == ("4", True, True)
    assert "observation" not in graph.nodes["run/1.2"]


def test_json_reads_back_as_the_same_graph() -> None:
    tree = a_tree()
    graph = networkx.node_link_graph(json.loads(to_json(tree)), edges="edges")
    expected = as_graph(tree)
    assert [*graph.edges] == [*expected.edges]
    for id, attributes in expected.nodes.items():
        assert graph.nodes[id] == {**attributes, "calls": [*attributes["calls"]]}


def test_graphml_reads_back_as_the_same_graph() -> None:
    tree = a_tree()
    graph = networkx.read_graphml(io.BytesIO(to_graphml(tree).encode()))
    expected = as_graph(tree)
    assert {*graph.edges} == {*expected.edges}
    for id, attributes in expected.nodes.items():
        assert graph.nodes[id] == {**attributes, "calls": ", ".join(attributes["calls"])}


def check_all(tree: ActionTree) -> None:
    """Parse every export of a tree and count its nodes."""
    count = len(rows(tree))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    data = json.loads(to_json(tree), parse_constant=refuse)
    assert len(data["nodes"]) == count
    graphml = ElementTree.fromstring(to_graphml(tree).encode())
    assert len([*graphml.iter("{http://graphml.graphdrawing.org/xmlns}node")]) == count
    svg = ElementTree.fromstring(to_svg(tree).encode())
    assert len([*svg.iter(f"{SVG}g")]) == count
    to_dot(tree).encode()


@given(grown(ANY_TEXT))
@settings(max_examples=50, deadline=None)
def test_no_text_breaks_an_export(case: tuple[ActionTree, EventLog]) -> None:
    check_all(case[0])


def test_hostile_text_breaks_no_export() -> None:
    check_all(hostile_tree())


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("make", [a_tree, hostile_tree])
def test_graphviz_draws_the_dot_with_its_labels(make: Any) -> None:
    tree = make()
    done = subprocess.run(
        ["dot", "-Tsvg"], input=to_dot(tree).encode(), capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    drawn = ElementTree.fromstring(done.stdout)
    classes = [group.get("class") for group in drawn.iter(f"{SVG}g")]
    assert classes.count("node") == len(rows(tree))
    assert classes.count("edge") == len(rows(tree)) - 1
    if make is hostile_tree:
        texts = " ".join(text.text or "" for text in drawn.iter(f"{SVG}text"))
        assert HOSTILE[0][:50] in texts.replace("\xa0", " ")


def test_the_picture_shows_signs_figures_reasons_and_the_chosen_path() -> None:
    svg = ElementTree.fromstring(to_svg(a_tree()))
    groups = {group[0].text.split(":")[0]: group for group in svg.iter(f"{SVG}g")}  # type: ignore[union-attr]
    words = {id: [text.text for text in g.iter(f"{SVG}text")] for id, g in groups.items()}
    assert words["run/1"] == [
        "● ★ look(at='x')",
        "run/1 · g 1.00 h 2.00 · score 0.75 · value 0.50 (1 visit) · 2 votes",
    ]
    assert words["run/2"][0] == "✗ 1/0"
    assert words["run/1.1"][0] == "✓ ★ answer: 4"
    assert words["run/1.2"][0] == "· planned()"
    assert "pruned: failed: <ZeroDivisionError> & co" in (groups["run/2"][0].text or "")
    bold = {id for id, g in groups.items() if "bold" in g[1].get("class", "").split()}
    assert bold == {"run/root", "run/1", "run/1.1"}


def test_boxes_of_a_big_tree_do_not_overlap_and_stay_in_the_picture() -> None:
    tree = ActionTree()
    nodes = [tree.root]
    for number in range(500):
        text = "漢字" * 50 if number % 7 == 0 else f"x = {number}"
        nodes.append(tree.add(nodes[number * 7 % len(nodes)], code(text), seen()))
    svg = ElementTree.fromstring(to_svg(tree))
    boxes = [
        {name: float(box.get(name, "0")) for name in ("x", "y", "width", "height")}
        for box in svg.iter(f"{SVG}rect")
    ]
    assert len(boxes) == 502
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] < below["y"]
    groups = [group for group in svg.iter(f"{SVG}g")]
    for box, group in zip(boxes[1:], groups, strict=True):
        longest = max(0.85 * cells(text.text or "") for text in group.iter(f"{SVG}text"))
        assert 7 * longest < box["width"]
    assert max(box["x"] + box["width"] for box in boxes) < float(svg.get("width", "0")) < 1000
    assert boxes[-1]["y"] + boxes[-1]["height"] < float(svg.get("height", "0"))


def test_the_agent_and_the_text_tree_do_without_networkx() -> None:
    program = (
        "import sys, treeact, treeact.cli.tree, treeact.planners.export\n"
        "assert 'networkx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
