"""The API catalogue: every gold chain, wrong chains, hostile calls, and forks."""

import ast
import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact import Budget, ScriptedModel, Task
from treeact.agents.plans.agent import PlanAgent
from treeact.benchmarks.environments.apis import (
    DOMAINS,
    ApiEnvironment,
    ApiTask,
    Condition,
    Goal,
    api_tasks,
    read_call,
    score,
)
from treeact.benchmarks.environments.worlds import find_task
from treeact.errors import ConfigError, ToolError
from treeact.models.base import Request
from treeact.planners import ActionTree, Greedy, ToolChain
from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Code,
    Forkable,
    Path,
    Proposal,
    Sketch,
    Solution,
    Step,
)
from treeact.tools.results import to_json

TASKS = api_tasks()
IDS = [task.id for task in TASKS]


async def take(env: ApiEnvironment, actions: Sequence[Action]) -> Path:
    return tuple(
        [
            Step(
                id=f"run/{number}",
                proposal=Proposal(actions=(action,)),
                observation=await env.step(action, id=f"run/{number}"),
            )
            for number, action in enumerate(actions, start=1)
        ]
    )


async def outcome(task: ApiTask, actions: Sequence[Action]) -> bool:
    return score(task, await take(task.environment(), actions)).success


def test_there_are_enough_tasks_in_enough_domains() -> None:
    counts = Counter(task.domain for task in TASKS)
    assert counts.keys() == DOMAINS.keys()
    assert len(counts) >= 4
    assert min(counts.values()) >= 20
    assert len({task.id for task in TASKS}) == len(TASKS) >= 100
    assert len({task.question for task in TASKS}) == len(TASKS)
    assert [task for task in TASKS if task.domain == "trips"] == [*api_tasks("trips")]


@pytest.mark.parametrize("task", TASKS, ids=IDS)
async def test_the_gold_chain_meets_the_goal_without_an_error(task: ApiTask) -> None:
    result = score(task, await take(task.environment(), task.gold))
    assert (result.success, result.calls, result.errors) == (True, len(task.chain), 0)


@pytest.mark.parametrize("task", TASKS, ids=IDS)
async def test_a_wrong_chain_does_not_meet_the_goal(task: ApiTask) -> None:
    *calls, answer = task.gold
    assert not await outcome(task, [*calls]), "without an answer nothing is solved"
    assert not await outcome(task, [Answer("no idea")])
    if task.goal.answer is not None:
        assert not await outcome(task, [*calls, Answer("17.25")])
    if task.goal.state and task.goal.state[-1].value != 0:
        last = await last_change(task)
        assert not await outcome(task, [*calls[:last], *calls[last + 1 :], answer])


async def last_change(task: ApiTask) -> int:
    """Return which call of the gold chain is the last that changes what the goal looks at."""
    env, last = task.environment(), 0
    fields = {condition.at.partition(".")[0] for condition in task.goal.state}
    for number, call in enumerate(task.gold[:-1]):
        before = env.state
        await env.step(call, id="x")
        if any(getattr(before, field) != getattr(env.state, field) for field in fields):
            last = number
    return last


@pytest.mark.parametrize("domain", DOMAINS)
async def test_no_task_is_solved_by_the_chain_of_another(domain: str) -> None:
    for chain in api_tasks(domain):
        path = await take(chain.environment(), chain.gold)
        solved = [task.id for task in api_tasks(domain) if score(task, path).success]
        assert solved == [chain.id]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_stubs_are_python_with_texts_and_types(domain: str) -> None:
    env = ApiEnvironment(domain)
    functions = ast.parse(env.stubs).body
    assert [f.name for f in functions if isinstance(f, ast.FunctionDef)] == list(env.names)
    for function in functions:
        assert isinstance(function, ast.FunctionDef)
        assert ast.get_docstring(function)
        assert function.returns is not None
        assert all(argument.annotation for argument in function.args.args)
        assert "self" not in [argument.arg for argument in function.args.args]


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (Call("serch"), "Did you mean search?"),
        (Call("set_city"), "missing a required argument: 'city'"),
        (Call("set_city", {"town": "Lund"}), "no argument 'town'"),
        (Call("set_deal", {"deal": "lease"}), "'deal' must be Literal['rent', 'buy']"),
        (Call("set_bedrooms", {"at_least": "many"}), "must be int"),
        (Call("_set", {"saved": ["H01"]}), "no tool named '_set'"),
        (Call("state"), "no tool named 'state'"),
        (Code("search()"), "one call"),
        (Sketch("search"), "one call"),
    ],
)
async def test_what_is_wrong_in_every_state_is_invalid(action: Action, says: str) -> None:
    observation = await ApiEnvironment("homes").step(action, id="x")
    assert (observation.ok, observation.invalid) == (False, True)
    assert says in observation.text


async def test_what_is_wrong_in_this_state_is_not_invalid() -> None:
    env = ApiEnvironment("homes")
    for call in (Call("search"), Call("save", {"home_id": "H01"})):
        observation = await env.step(call, id="x")
        assert (observation.ok, observation.invalid) == (False, False)
        assert "first" in observation.text
    await take(env, [Call("set_city", {"city": "Lund"}), Call("set_deal", {"deal": "rent"})])
    found = await env.step(Call("search"), id="x")
    home = json.loads(found.text)[0]["id"]
    assert (await env.step(Call("save", {"home_id": home}), id="x")).ok
    await env.step(Call("set_bedrooms", {"at_least": 1}), id="x")
    stale = await env.step(Call("save", {"home_id": home}), id="x")
    assert stale.text == "save: search first", "a search holds only for its criteria"


async def test_dates_are_read_from_iso_texts_and_numbers_from_texts() -> None:
    env = ApiEnvironment("trips")
    call = Call("set_dates", {"leaves": "2027-05-03", "returns": "2027-05-01"})
    assert "after the departure" in (await env.step(call, id="x")).text
    assert (await env.step(Call("set_travellers", {"count": "2"}), id="x")).ok
    assert env.state.travellers == 2


async def test_a_fork_shares_the_state_and_changes_only_its_own() -> None:
    env = ApiEnvironment("kitchen")
    assert isinstance(env, Forkable)
    fork = await env.fork(id="run/1")
    assert fork.state is env.state, "a fork copies nothing"
    before = to_json(env.state, "state")
    await fork.step(Call("discard", {"item": "ham"}), id="run/1")
    assert to_json(env.state, "state") == before
    assert fork.state.stock[0] is env.state.stock[0], "what did not change is shared"
    assert await env.choose(fork) == ""
    assert env.state is fork.state
    await fork.close()


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KNOWN = st.sampled_from(
    ["Lund", "rent", "H01", "H02", "F001", "Oslo", "Porto", "2027-06-08", "stock", "item", "price",
     "pieces", "M1", "E1", "Alva", "alva@firm.example", "Birch", "sales", "eggs", "omelette",
     "monday", "market", "fridge", "vegan", 1, 2, 9, ["Alva"], ["a", "b"], {"item": "x"}, 10**400]
)  # fmt: skip


@st.composite
def a_call(draw: st.DrawFn, domain: str) -> Call:
    tool = draw(st.sampled_from(ApiEnvironment(domain).names))
    function = getattr(DOMAINS[domain], tool)
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    return Call(tool, {name: draw(KNOWN | PLAIN) for name in names})


@pytest.mark.parametrize("domain", DOMAINS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_no_call_breaks_a_domain_or_half_changes_it(domain: str, data: Any) -> None:
    env = ApiEnvironment(domain)
    for call in data.draw(st.lists(a_call(domain), max_size=12)):
        fork, before = await env.fork(id="x"), env.state
        observation = await fork.step(call, id="x")
        assert env.state is before
        if not observation.ok:
            assert fork.state is before
        again = await fork.fork(id="y")
        assert again.state is fork.state
        await env.choose(fork)
    to_json(env.state, "state")


@pytest.mark.parametrize(
    ("at", "op", "value", "holds"),
    [
        ("a", "is", 1, True),
        ("a", "is", 2, False),
        ("list.1.x", "is", "Two ", True),
        ("list.9.x", "is", None, True),
        ("a.b.c", "is", 1, False),
        ("list", "has", {"x": "two"}, True),
        ("list", "has", {"x": "two", "y": 1}, False),
        ("list", "lacks", {"x": "three"}, True),
        ("list", "lacks", {"x": "one"}, False),
        ("list", "count", 2, True),
        ("list", "is", [{"x": "one"}], False),
        ("nothing", "lacks", 1, False),
        ("nothing", "count", 0, False),
        ("a", "has", 1, False),
    ],
)
def test_conditions(at: str, op: Any, value: Any, holds: bool) -> None:
    state = {"a": 1, "list": [{"x": "one", "z": 0}, {"x": "two", "z": 0}]}
    assert Condition(at=at, op=op, value=value).holds(state) is holds


def test_a_goal_may_ask_for_an_answer_alone() -> None:
    goal = Goal(answer="1200")
    assert goal.met({}, "1,200")
    assert not goal.met({}, None)
    assert not goal.met({}, "12")


def test_unknown_domains_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of homes, kitchen"):
        api_tasks("moon")
    with pytest.raises(ConfigError, match="choose one of homes, kitchen"):
        ApiEnvironment("moon")


@pytest.mark.parametrize("line", ["{", '{"id": "homes-01"}', "[]", '"\\ud800"'])
def test_a_damaged_line_names_its_place(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from treeact.benchmarks.environments.apis import tasks

    good = TASKS[0].model_dump_json()
    (tmp_path / "homes_tasks.jsonl").write_text(f"{good}\n{line}\n")
    monkeypatch.setattr(tasks, "DATA", tmp_path)
    tasks._read_tasks.cache_clear()
    with pytest.raises(ConfigError, match=r"homes_tasks.jsonl, line 2.*reinstall"):
        api_tasks("homes")
    tasks._read_tasks.cache_clear()


@pytest.mark.parametrize("task", TASKS[::7], ids=IDS[::7])
def test_the_gold_chain_can_be_written_and_read(task: ApiTask) -> None:
    calls = [call for call in task.gold if isinstance(call, Call)]
    assert [read_call(call.text, domain=task.domain) for call in calls] == calls


def test_calls_are_read_with_arguments_by_place() -> None:
    read = partial(read_call, domain="homes")
    call = Call("book_visit", {"home_id": "H01", "day": "2027-03-01", "hour": 9})
    assert read("  book_visit('H01', '2027-03-01', hour=9) ") == call
    assert read("search(1)") == Call("search", {"argument 1": 1})
    assert read("fly('H01')") == Call("fly", {"argument 1": "H01"})
    for line in ("", "search", "search(", "a.b()", "f(x)", "f(**{1: 2}, *[3])", "f({[]: 1})"):
        with pytest.raises(ToolError, match="is no call"):
            read(line)


async def test_a_model_plans_in_the_catalogue() -> None:
    task = find_task("apis", "kitchen-01")
    plan = [*(action.text for action in task.gold[:-1]), "finish()"]

    def reply(request: Request) -> list[str]:
        done = sum(message.role == "assistant" for message in request.messages)
        rest = "\n".join(plan[done:])
        return [f"```\n{rest}\n```"] * request.n

    agent = PlanAgent(ScriptedModel(reply), world=task.world, planner=ToolChain(k=2))
    run = agent.start(Task(task.question))
    result = await run.result()
    assert result.answer == "done"
    measures = task.measure(Solution(path=result.path), ActionTree())
    assert measures == {"success": True, "calls": len(task.gold) - 1, "errors": 0}


class Gold:
    """Proposes the gold chain, and reads no state."""

    def __init__(self, task: ApiTask) -> None:
        self._gold = task.gold

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> list[Proposal]:
        return [Proposal(actions=self._gold[len(path) :])]


async def test_the_plain_loop_runs_a_task() -> None:
    task = api_tasks("office")[0]
    solution = await Greedy().solve(task.environment(), Gold(task), Budget(steps=30))
    assert score(task, solution.path).success
    assert solution.stopped is None
