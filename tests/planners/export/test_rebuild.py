"""A tree read back from its events is the tree that wrote them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.agents.support import answer
from tests.agents.support import code as reply
from tests.planners.export.support import code, facts, grown, seen, written
from treeact import CodeAct, ScriptedModel, Task
from treeact.errors import TraceError
from treeact.models.base import Request
from treeact.planners import BestOfN
from treeact.planners.export import read_trees, rows
from treeact.planners.tree import ActionTree
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, EventLog, read_events


@given(grown())
def test_any_tree_equals_the_one_rebuilt_from_its_events(case: tuple[ActionTree, EventLog]) -> None:
    tree, log = case
    trees = read_trees(written(log), log.blobs)
    if not list(log.events()):
        assert trees == []
        return
    assert [facts(found) for found in trees] == [facts(tree)]


@given(grown())
@settings(max_examples=50, deadline=None)
def test_a_log_cut_off_anywhere_has_the_tree_so_far(case: tuple[ActionTree, EventLog]) -> None:
    tree, log = case
    whole, events = [node.id for node in tree], written(log)
    for end in range(1, len(events)):
        (part,) = read_trees(events[:end], log.blobs)
        assert {node.id for node in part} <= {*whole}


def test_big_texts_come_from_the_blobs_and_a_missing_one_is_said(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    big = "y" * 20_000
    tree = ActionTree(log=log)
    tree.add(tree.root, code(big), seen(big[1:]))
    log.close()
    blobs = BlobStore(tmp_path / BLOBS_FOLDER)
    (found,) = read_trees(read_events(tmp_path), blobs)
    assert facts(found) == facts(tree)
    for file in (tmp_path / BLOBS_FOLDER).iterdir():
        file.unlink()
    with pytest.raises(TraceError, match="missing"):
        read_trees(read_events(tmp_path), blobs)


@pytest.mark.parametrize(
    "event",
    [
        ev.NodePruned(id="run/7", reason="gone"),
        ev.NodeChosen(id="run/7"),
        ev.NodeAdded(id="run/1", parent="run/7", action="code", text="x"),
        ev.NodeAdded(id="run/3", parent="run/root", action="code", text="x"),
        ev.NodeAdded(id="run/1", action="code", text="x"),
        ev.NodeObserved(id="", ok=True, text=""),
    ],
)
def test_events_that_contradict_each_other_are_damage(event: ev.Event) -> None:
    began = ev.NodeExpanded(id="run/root", order=1, samples=1)
    with pytest.raises(TraceError, match="damaged"):
        read_trees([began, event])


async def run(planner: object, replies: object, *more: str, trace: Path | None = None) -> EventLog:
    model = ScriptedModel(replies)  # type: ignore[arg-type]
    options = {} if planner is None else {"planner": planner}
    agent = CodeAct(model, sandbox="unsafe-local", **options)  # type: ignore[arg-type]
    async with agent.start(Task("How many?"), trace=trace, follow_up=True) as started:
        await started.result()
        for text in more:
            started.send(text)
            await started.result()
        return started.log


async def test_the_steps_of_a_planner_that_does_not_branch_are_a_chain() -> None:
    log = await run(None, [reply("1/0"), reply("print(6)"), answer("6")])
    (tree,) = read_trees(log.events(), log.blobs)
    found = rows(tree)
    assert [row.id for row in found] == ["run/step-1", "run/step-2", "run/step-3"]
    assert [row.parent for row in found] == [None, "run/step-1", "run/step-2"]
    assert [row.text for row in found] == ["1/0", "print(6)", "6"]
    assert [row.ok for row in found] == [False, True, True]
    assert [row.status for row in found] == ["expanded", "expanded", "answered"]
    assert (found[-1].answer, found[-1].chosen) == ("6", True)
    assert all(row.on_path for row in found)


async def test_code_that_gives_the_answer_holds_it() -> None:
    log = await run(None, [reply("final_answer(7)")])
    (tree,) = read_trees(log.events(), log.blobs)
    (row,) = rows(tree)
    assert (row.action, row.answer, row.status) == ("code", "7", "answered")


def search(request: Request) -> Sequence[str]:
    if request.path.endswith("/score"):
        return ["Fine. <score>7</score>"]
    if request.path.endswith("/root/propose"):
        return [reply("x = 1\nprint(x)"), reply("1/0")]
    return [answer("1")] * request.n


async def test_each_turn_has_a_tree_that_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    log = await run(BestOfN(n=2), search, "And now?", trace=tmp_path)
    first, second = read_trees(read_events(tmp_path), BlobStore(tmp_path / BLOBS_FOLDER))
    assert [node.id for node in first] == ["run/root", "run/1", "run/1.1", "run/2"]
    assert second.root.id == "run/from-3/root"
    assert [step.id for step in second.trunk] == ["run/1", "run/1.1", "run/step-3"]
    assert second.trunk[-1].observation.text == "And now?"
    joined = {row.id: row.parent for row in rows(first, second)}
    assert joined["run/step-3"] == "run/1.1"
    assert joined["run/from-3/root"] == "run/step-3"
    assert joined["run/from-3/1.1"] == "run/from-3/1"
    assert len(joined) == 4 + 1 + 4
    assert first.best.id == "run/1.1"
    assert list(log.events())


async def test_a_greedy_follow_up_goes_on_with_the_chain() -> None:
    log = await run(None, [answer("1"), reply("print(2)"), answer("2")], "And then?")
    found = rows(*read_trees(log.events(), log.blobs))
    assert [row.id for row in found] == [f"run/step-{n}" for n in range(1, 5)]
    assert [row.action for row in found] == ["answer", "message", "code", "answer"]
    assert found[1].text == "And then?"


def test_nothing_is_made_of_nothing() -> None:
    assert read_trees([]) == []
    (tree,) = read_trees(
        [ev.RunStarted(id="run", question="?", agent="a", model="m", planner="p", sandbox="s")]
    )
    assert [row.action for row in rows(tree)] == ["root"]
