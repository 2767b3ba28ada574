"""The order and the words in which trees are shown."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.planners.export.support import ANY_TEXT, code, grown, seen
from treeact.planners.export import outline, rows
from treeact.planners.export.outline import cells, cut
from treeact.planners.tree import ActionTree
from treeact.trace.log import EventLog


def ids(tree: ActionTree, fold: int | None = None) -> list[str]:
    return [place.row.id for place in outline(rows(tree), fold=fold)]


def a_search() -> ActionTree:
    tree = ActionTree()
    for number in range(1, 4):
        tree.add(tree.root, code(f"x = {number}"), seen())
    first, second, third = tree.root.children
    tree.add(second, code("a"), seen())
    tree.add(tree.add(first, code("b"), seen()), code("c"), seen())
    tree.prune(third, "no good")
    tree.choose(second)
    return tree


@given(grown())
def test_every_node_has_one_line_below_the_node_above_it(case: tuple[ActionTree, EventLog]) -> None:
    found = rows(case[0])
    places = outline(found)
    assert sorted(place.row.id for place in places) == sorted(row.id for row in found)
    lines = {place.row.id: (line, place.level) for line, place in enumerate(places)}
    for place in places:
        if place.row.parent is not None:
            line, level = lines[place.row.parent]
            assert line < lines[place.row.id][0]
            assert place.level == level + (not place.straight)


@given(st.lists(st.integers(0, 10**6), max_size=120))
def test_only_few_levels_are_set_in_however_deep_the_tree(parents: list[int]) -> None:
    tree = ActionTree()
    nodes = [tree.root]
    for parent in parents:
        nodes.append(tree.add(nodes[parent % len(nodes)], code("x"), seen()))
    deepest = max(place.level for place in outline(rows(tree)))
    assert deepest <= math.log2(len(nodes)) + 1


def test_the_chosen_path_goes_straight_on_and_the_others_branch_off_before_it() -> None:
    tree = a_search()
    assert ids(tree) == ["run/root", "run/1", "run/1.1", "run/1.1.1", "run/3", "run/2", "run/2.1"]
    levels = [place.level for place in outline(rows(tree))]
    assert levels == [0, 1, 1, 1, 1, 0, 0]


def test_many_pruned_siblings_are_one_line_that_counts_them() -> None:
    tree = a_search()
    for number in range(4):
        node = tree.add(tree.root, code(f"y = {number}"), seen(ok=False))
        tree.prune(node, "failed: KeyError")
    tree.add(tree.root.children[-1], code("below"), seen())
    assert len(outline(rows(tree), fold=5)) == 12
    (folded,) = [place for place in outline(rows(tree), fold=4) if len(place.rows) > 1]
    assert [row.id for row in folded.rows] == ["run/3", "run/4", "run/5", "run/6", "run/7"]
    assert folded.hidden == 1
    assert "run/7.1" not in ids(tree, fold=4)


def test_a_chain_of_any_depth_is_a_column() -> None:
    tree = ActionTree()
    node = tree.root
    for _ in range(5000):
        node = tree.add(node, code("x"), seen())
    assert {place.level for place in outline(rows(tree))} == {0}


@given(ANY_TEXT, st.integers(1, 12))
def test_cut_text_fits_and_short_text_is_left_alone(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width
    if cells(text) <= width:
        assert cut(text, width) == text
