"""Plans merged by prefix."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.planners.planning import call, plan
from treeact.planners.plan_tree import END, Plan, grow, keys, read_plans
from treeact.planners.protocols import Action, Answer, NoAction, Proposal, Sketch
from treeact.planners.tree import ActionTree, Node


def grown(*plans: Proposal) -> ActionTree:
    tree = ActionTree()
    grow(tree, tree.root, read_plans(plans))
    return tree


def shape(node: Node) -> dict[str, object]:
    return {child.action.text: shape(child) for child in node.children if child.action}


def test_nodes_are_shared_by_whole_prefixes_only() -> None:
    tree = grown(plan("a b c"), plan("a b d"), plan("x b c"))
    assert shape(tree.root) == {
        "a()": {"b()": {"c()": {"done": {}}, "d()": {"done": {}}}},
        "x()": {"b()": {"c()": {"done": {}}}},
    }
    assert len(list(tree)) == 1 + 7 + 3
    assert [node.id for node in tree.root.children] == ["run/1", "run/2"]


def test_the_end_and_a_continuation_are_siblings_and_an_empty_plan_ends_at_the_root() -> None:
    tree = grown(plan("a"), plan("a b"), plan("", votes=2), plan("b"))
    assert shape(tree.root) == {
        "a()": {"done": {}, "b()": {"done": {}}},
        "done": {},
        "b()": {"done": {}},
    }
    assert [node.proposal.votes for node in tree.root.children if node.proposal] == [2, 2, 1]


def test_a_plan_stops_at_its_answer() -> None:
    tree = grown(plan("a 'x' b"), plan("a 'y'"), plan("a"))
    assert shape(tree.root) == {"a()": {"x": {}, "y": {}, "done": {}}}


def test_plans_that_nobody_can_carry_out_are_left_out() -> None:
    broken = [
        Proposal(actions=(call("a"), NoAction("what?"))),
        Proposal(actions=(call("a"), Sketch("then b"))),
    ]
    assert read_plans(broken) == []
    assert read_plans([plan("a")]) == [Plan((call("a"), END))]


def test_equal_actions_are_one_however_they_are_written() -> None:
    from treeact.planners.protocols import Code

    tree = grown(
        Proposal(actions=(Code("x = 1  # one"),)), Proposal(actions=(Code("x=1"), call("b")))
    )
    [child] = tree.root.children
    assert child.proposal and child.proposal.votes == 2 and len(child.children) == 2


def test_a_plan_of_thousands_of_actions_is_no_trouble() -> None:
    tree = grown(plan("a " * 5000), plan("a " * 4999 + "b"))
    assert len(list(tree)) == 1 + 5000 + 1 + 2


PLANS = st.lists(
    st.tuples(st.lists(st.sampled_from(["a", "b", "c", "'x'"]), max_size=5), st.integers(1, 4)),
    max_size=12,
)


@given(PLANS)
def test_the_tree_holds_exactly_the_plans(plans: list[tuple[list[str], int]]) -> None:
    proposals = [plan(" ".join(words), votes=votes) for words, votes in plans]
    wanted: Counter[tuple[str, ...]] = Counter()
    for it in read_plans(proposals):
        wanted[tuple(action.key for action in it.actions)] += it.votes
    tree = grown(*proposals)
    leaves = [node for node in tree if not node.children and node.parent]
    assert {keys(leaf): leaf.proposal.votes for leaf in leaves if leaf.proposal} == wanted
    assert all(isinstance(leaf.action, Answer) for leaf in leaves)
    prefixes = {it[:length] for it in wanted for length in range(len(it) + 1)}
    assert len(list(tree)) == len(prefixes | {()})
    for node in tree:
        if node.children and node.proposal:
            assert node.proposal.votes == sum(
                child.proposal.votes for child in node.children if child.proposal
            )


def first_seen(actions: list[Action]) -> list[str]:
    return list(dict.fromkeys(action.key for action in actions))


@given(PLANS)
def test_children_are_in_the_order_in_which_plans_name_them(
    plans: list[tuple[list[str], int]],
) -> None:
    proposals = [plan(" ".join(words), votes=votes) for words, votes in plans]
    order = first_seen([it.actions[0] for it in read_plans(proposals)])
    assert [child.action.key for child in grown(*proposals).root.children if child.action] == order
