"""What screens show is told by events alone, whatever they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agents.support import agent, answer, code
from tests.agents.test_search import STEP_BACK, scripted
from treeact import CodeAct, ScriptedModel, Task
from treeact.agents.blocks import blocks_of
from treeact.planners import TreePlanner
from treeact.planners.best_of_n import BestOfN
from treeact.planners.export import Row, read_trees
from treeact.trace import events as ev
from treeact.trace.blobs import BlobStore
from treeact.trace.index import TraceIndex
from treeact.trace.log import EventLog
from treeact.tui.session import Session
from treeact.tui.views import search as searches
from treeact.tui.views.details import details, read_prompt
from treeact.tui.views.run import Gauge, RunView
from treeact.tui.views.search import Moment, SearchView, columns, heading
from treeact.tui.views.trace import TraceTree, prefixes
from treeact.tui.widgets.gauges import gauge_line, status_line

REPLIES = [code("x = 1\nprint(x)", "I look."), code("1 / 0"), answer("1")]


async def recorded(directory: Path, replies: Sequence[Any] = REPLIES, **options: Any) -> Session:
    await agent(replies, **options).run(Task("What is it?"), trace=directory)
    session = Session(directory)
    session.refresh()
    return session


async def test_a_run_is_told_from_its_first_event_to_its_last(tmp_path: Path) -> None:
    view = (await recorded(tmp_path / "r")).view
    assert (view.agent, view.model, view.planner) == ("codeact", "scripted", "greedy")
    assert (view.state, view.reason, view.step, view.answer) == ("ended", "answered", 3, "1")
    kinds = [block.kind for block in view.blocks if block.kind != "note"]
    assert kinds == ["question", "thought", "code", "output", "thought", "code", "error",
                     "thought", "answer", "answer"]  # fmt: skip
    assert view.ledger.total.calls == 3
    assert view.cost == "cost n/a"
    assert not view.waiting


def told(view: RunView) -> dict[str, Any]:
    """Return all that a view knows, as values that can be compared."""
    known = {name: value for name, value in vars(view).items() if name != "ledger"}
    return known | {"spent": list(view.ledger.rows()), "total": view.ledger.total}


async def test_events_may_come_one_by_one_or_all_at_once(tmp_path: Path) -> None:
    whole = await recorded(tmp_path / "r")
    lines = (tmp_path / "r" / "events.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "s").mkdir()
    session = Session(tmp_path / "s")
    steps = []
    with (tmp_path / "s" / "events.jsonl").open("wb", buffering=0) as log:
        for line in lines:
            log.write(line[:7])
            assert not session.refresh()  # half a line is no news
            log.write(line[7:])
            assert session.refresh()
            steps.append(session.view.step)
    assert steps == sorted(steps)
    assert steps[-1] == 3
    assert told(session.view) == told(whole.view)
    assert told(RunView()) != told(whole.view)


async def test_a_log_cut_off_anywhere_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    await recorded(tmp_path / "r")
    log = tmp_path / "r" / "events.jsonl"
    data = log.read_bytes()
    for cut in range(0, len(data), max(1, len(data) // 40)):
        log.write_bytes(data[:cut])
        session = Session(tmp_path / "r")
        session.refresh()
        assert session.view.state in ("starting", "working", "ended")
        assert not session.problem
        TraceTree().take(session.index.entries)


def test_what_waits_and_what_was_decided() -> None:
    view = RunView()
    view.take(ev.RunStarted(id="run", question="?", agent="a", model="m", planner="p", sandbox="s",
                            settings={"budget": {"steps": 10, "usd": None}}))  # fmt: skip
    view.take(ev.ApprovalRequested(id="run/step-1", what="code", text="x"))
    assert view.state == "waiting"
    assert view.waiting is not None
    view.take(ev.CommandReceived(id="run/command", command="approve"))
    assert (view.state, view.waiting) == ("working", None)
    view.take(ev.CommandReceived(id="run/command", command="interrupt"))
    assert view.state == "interrupted"
    view.take(ev.CommandReceived(id="run/command", command="send", text="go on"))
    assert view.state == "working"
    view.take(ev.CommandReceived(id="run/command", command="limit", text="steps=20"))
    assert view.limits["steps"] == 20
    view.take(ev.CommandReceived(id="run/command", command="limit", text="steps=none"))
    assert view.limits["steps"] is None


@pytest.mark.parametrize(
    ("gauge", "line"),
    [
        (Gauge(limit="usd", spent=4.7, allowed=10), "cost ▓▓▓▓░░░░░░ 47% $4.70 of $10.00"),
        (Gauge(limit="usd", spent=0.5, allowed=None, at_least=True), "cost >= $0.5000"),
        (Gauge(limit="usd", spent=0.0, allowed=None, at_least=True), "cost n/a"),
        (Gauge(limit="steps", spent=8, allowed=10), "steps ▓▓▓▓▓▓▓▓░░ 80% 8 of 10 !"),
        (Gauge(limit="tokens", spent=9_600, allowed=10_000),
         "tokens ▓▓▓▓▓▓▓▓▓░ 96% 9,600 of 10,000 !!"),
        (Gauge(limit="seconds", spent=75, allowed=None), "time 1:15"),
    ],
)  # fmt: skip
def test_gauges_alarm_in_words(gauge: Gauge, line: str) -> None:
    assert gauge_line(gauge) == line


def test_the_head_is_as_long_as_the_screen_lets_it_be() -> None:
    view = RunView(agent="codeact", model="openai/gpt-5-mini")
    assert status_line(view, 0.0, width=200).endswith("openai/gpt-5-mini · codeact")
    assert len(status_line(view, 0.0, width=40)) <= 40


def test_events_of_every_kind_can_be_shown() -> None:
    assert {kind for kind in ev.Event.__subclasses__()} >= {ev.Noticed}
    shown = blocks_of(ev.Noticed(id="run", text="so"), 3)
    assert [(block.key, block.kind, block.text) for block in shown] == [(3, "note", "so")]
    assert blocks_of(ev.Unknown(id="run", type="from_later"), 0) == []


async def test_the_tree_of_a_trace_holds_each_event_once(tmp_path: Path) -> None:
    session = await recorded(tmp_path / "r")
    tree = TraceTree()
    tree.take(session.index.entries)
    found: list[int] = []

    def visit(id: str) -> None:
        for item in tree.items(id):
            if item.entry is None:
                visit(item.id)
            else:
                found.append(item.entry.number)

    visit("")
    assert sorted(found) == list(range(len(session.index.entries)))
    (top,) = tree.items()
    assert (top.name, top.events, top.failed) == ("run", len(found), True)
    failure = tree.failure(-1)
    assert failure is not None
    assert failure.id.startswith("run/step-2")
    assert tree.lineage(failure)[0] == "run"


def test_a_step_of_which_only_something_below_is_known_is_a_group(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.emit(ev.Noticed(id="run/step-1/call-1/look", text="so"))
    log.close()
    index, tree = TraceIndex(tmp_path), TraceTree()
    (entry,) = index.refresh()
    tree.take([entry])
    assert [it.entry for it in tree.items("run")] == [None]
    assert [it.entry for it in tree.items("run/step-1")] == [None]
    assert [it.entry for it in tree.items("run/step-1/call-1")] == [entry]
    assert tree.lineage(entry) == ["run", "run/step-1", "run/step-1/call-1"]


def test_prefixes_of_an_id() -> None:
    assert [*prefixes("run/step-3/propose")] == ["run", "run/step-3", "run/step-3/propose"]
    assert [*prefixes("run")] == ["run"]


async def test_a_prompt_is_put_together_from_what_each_call_added(tmp_path: Path) -> None:
    asked: list[Any] = []
    replies = iter(REPLIES)

    def script(request: Any) -> str:
        asked.append(request.messages)
        return next(replies)

    agent = CodeAct(ScriptedModel(script), sandbox="unsafe-local")
    await agent.run("What is it?", trace=tmp_path / "r")
    index = TraceIndex(tmp_path / "r")
    calls = [it for it in index.events(index.refresh()) if isinstance(it, ev.ModelCalled)]
    for call, messages in zip(calls, asked, strict=True):
        told = [(it.role, index.blobs.read_text(it.content)) for it in read_prompt(index, call)]
        assert told == [(message.role, message.content) for message in messages]


async def test_an_event_in_full(tmp_path: Path) -> None:
    session = await recorded(tmp_path / "r")
    call = next(it for it in session.index.entries if it.type == "model_called")
    parts = {part.title: part.text for part in details(session.index, call)}
    assert [*parts] == ["reply", "prompt", "usage", "raw"]
    assert "print(x)" in parts["reply"]
    assert "What is it?" in parts["prompt"]
    proposed = next(it for it in session.index.entries if it.type == "proposed")
    shown = {part.title: part for part in details(session.index, proposed)}
    assert shown["text"].language == "python"


def test_an_event_that_cannot_be_read_is_shown_as_what_it_is(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.emit(ev.Noticed(id="run", text="\x1b[31m red"))
    log.close()
    index = TraceIndex(tmp_path)
    (entry,) = index.refresh()
    assert all("\x1b" not in part.text for part in details(index, entry))
    log_file = tmp_path / "events.jsonl"
    log_file.write_bytes(log_file.read_bytes().replace(b'"text"', b'"test"'))
    assert details(index, entry)[0].title == "error"
    log_file.unlink()
    assert [part.title for part in details(index, entry)] == ["error"]


async def search(directory: Path) -> tuple[SearchView, list[ev.Event]]:
    agent = CodeAct(scripted(STEP_BACK), sandbox="unsafe-local", planner=BestOfN(n=2))
    started = agent.start("?", trace=directory)
    await started.result()
    events = list(started.log.events())
    view = SearchView(started.log.blobs)
    for event in events:
        view.take(event)
    return view, events


async def test_a_search_is_drawn_as_it_was_at_each_tick(tmp_path: Path) -> None:
    view, events = await search(tmp_path / "r")
    assert view.ticks >= 2
    assert [[node.id for node in tree] for tree in view.trees()] == [
        [node.id for node in tree] for tree in read_trees(events)
    ]
    sizes = [sum(1 for tree in view.trees(tick) for _ in tree) for tick in range(view.ticks + 1)]
    assert sizes == sorted(sizes)
    assert sizes[0] <= 1
    assert any("★" in line.text for line in view.at().lines())
    assert not any("★" in line.text for line in view.at(1).lines())


async def test_a_run_without_a_search_has_no_ticks(tmp_path: Path) -> None:
    session = await recorded(tmp_path / "r")
    assert session.search.ticks == 0
    assert session.search.at().frontier == []
    assert TreePlanner.forks


async def test_what_is_shown_of_a_search_is_worked_out_once_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, _ = await search(tmp_path / "r")
    read: list[int] = []

    def counted(events: Sequence[ev.Event], blobs: Any) -> Any:
        read.append(len(events))
        return read_trees(events, blobs)

    monkeypatch.setattr(searches, "read_trees", counted)
    moment = view.at()
    assert (moment.summary, moment.frontier, moment.lines(), moment.shown[1]) is not None
    assert view.at() is moment
    assert len(read) == 1
    assert view.at(1) is not moment
    assert len(read) == 2


def row(id: str, parent: str | None, **options: Any) -> Row:
    plain: dict[str, Any] = {
        "action": "call", "text": f"do({id})", "calls": (), "thought": "", "votes": 1,
        "observation": None, "ok": None, "answer": None, "g": 0.0, "h": 0.0, "f": 0.0,
        "score": None, "score_reason": "", "visits": 0, "value": 0.0, "status": "open",
        "reason": "", "order": None, "chosen": False, "on_path": False,
    }  # fmt: skip
    return Row(id=id, parent=parent, **(plain | options))


def test_nodes_stand_as_a_tree_by_cost_or_in_the_order_of_expansion() -> None:
    moment = Moment([
        row("r", None, status="expanded", order=1),
        row("a", "r", g=1.0, h=4.0, f=5.0, status="expanded", order=3),
        row("b", "r", g=1.0, h=2.0, f=3.0, status="expanded", order=2),
        row("c", "b", g=2.0, h=0.0, f=2.0, status="pruned", reason="failed"),
    ])  # fmt: skip
    by_cost = [line.place.row.id for line in moment.lines(order="f")]
    assert by_cost == ["r", "b", "a", "c"]
    assert [line.place.row.id for line in moment.lines(order="expansion")] == ["r", "b", "a"]
    assert heading(moment.nodes).split() == ["g", "h", "f"]
    assert columns(moment.nodes[1]).split() == ["1.00", "4.00", "5.00"]
    assert heading([row("x", None)]) == ""
    assert len(heading(moment.nodes)) == len(columns(moment.nodes[1])) == len(columns(row("x", "")))
    assert not any("g 1.00" in line.text for line in moment.lines())


def test_of_a_large_tree_the_first_levels_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_NODES", 20)
    nodes = [row("r", None)]
    for depth in range(1, 4):
        above = [it for it in nodes if it.id.count(".") == depth - 1]
        nodes += [row(f"{it.id}.{n}", it.id) for it in above for n in range(4)]
    drawn, hidden = Moment(nodes).shown
    assert [it.id.count(".") for it in drawn] == [0] + [1] * 4
    assert hidden == len(nodes) - 5
    assert len(Moment(nodes).lines()) == 5
    monkeypatch.setattr(searches, "MOST_NODES", 3)
    assert len(Moment(nodes).shown[0]) <= 3


def plans_followed() -> list[ev.Event]:
    """Return the events of a search of two plans, of which the first one fails."""

    def added(id: str, parent: str) -> ev.NodeAdded:
        return ev.NodeAdded(id=id, parent=parent, action="call", text=id, carried_out=False)

    return [
        ev.NodeExpanded(id="run/root", order=1, samples=2),
        added("run/1", "run/root"),
        added("run/1.1", "run/1"),
        added("run/1.2", "run/1"),
        ev.NodeObserved(id="run/1", ok=True, text="done"),
        ev.NodeObserved(id="run/1.1", ok=False, text="locked"),
        ev.NodePruned(id="run/1.1", reason="failed: locked"),
        ev.SteppedBack(id="run/1", undone="run/1.1"),
        ev.NodeObserved(id="run/1.2", ok=True, text="done"),
        ev.NodeChosen(id="run/1.2"),
    ]


def test_where_plans_are_followed_it_is_told_where_the_search_is_and_was() -> None:
    view = SearchView(BlobStore(None))
    for event in plans_followed():
        view.take(event)

    def signs(tick: int | None) -> list[str]:
        lines = [line.text.lstrip(" │├└─") for line in view.at(tick).lines()]
        return sorted(" ".join(line.split()[:2]) for line in lines)

    assert signs(1) == ["● run/root"]
    assert signs(2) == ["@ run/1", "· run/1.2", "● run/root", "✗ run/1.1"]
    assert signs(None) == ["@ run/1.2", "● run/root", "✓ run/1", "✗ run/1.1"]
    (back,) = view.backs
    assert (back.number, back.to, back.undone, back.tick) == (1, "run/1", "run/1.1", 3)
    assert view.back_before(None) is back
    assert view.back_before(4) is back
    assert view.back_before(3) is None


def test_a_search_that_follows_no_plans_has_no_place() -> None:
    view = SearchView(BlobStore(None))
    view.take(ev.NodeExpanded(id="run/root", order=1, samples=2))
    view.take(ev.SteppedBack(id="run/root", undone="run/1"))
    assert view.at().position is None


def test_events_that_contradict_each_other_are_a_problem_and_no_tree() -> None:
    view = SearchView(BlobStore(None))
    view.take(ev.NodeExpanded(id="run/7", order=1, samples=1))
    assert "never added" in view.at().problem
    assert view.at().lines() == view.at().frontier == []
