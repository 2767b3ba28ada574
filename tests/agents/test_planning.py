"""The agent that plans by typed calls in a world, with the household as the world."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.agents.support import of_type
from treeact import Result, ScriptedModel, Task
from treeact.agents.plans.agent import PlanAgent
from treeact.agents.plans.parts import plan_reader
from treeact.benchmarks.environments.worlds import PlanTask, find_task, plan_tasks
from treeact.errors import ConfigError
from treeact.models.base import Request
from treeact.planners import MCTS, BestOfN, Greedy, TreePlanner
from treeact.planners.protocols import Answer, Call, NoAction
from treeact.trace.events import Event, ModelCalled, NodePruned, SteppedBack


@pytest.fixture(scope="module")
def task() -> PlanTask:
    return find_task("household", "flat-movie")


def plan(*lines: str) -> str:
    return "I do it.\n```\n" + "\n".join(lines) + "\n```"


def gold(task: PlanTask) -> list[str]:
    return [*(action.text for action in task.gold[:-1]), "finish()"]


async def run(
    task: PlanTask, planner: Any, reply: Any, **options: Any
) -> tuple[Result, list[Event], list[Request]]:
    asked: list[Request] = []

    def answer(request: Request) -> str | Sequence[str]:
        asked.append(request)
        return reply(request)

    agent = PlanAgent(ScriptedModel(answer), world=task.world, planner=planner, **options)
    started = agent.start(Task(task.question))
    return await started.result(), list(started.log.events()), asked


async def test_a_plan_is_sampled_once_and_carried_out_to_its_end(task: PlanTask) -> None:
    result, _, asked = await run(
        task, TreePlanner(N=3), lambda request: [plan(*gold(task))] * request.n
    )
    assert (result.answer, result.reason) == ("done", "answered")
    assert [request.path for request in asked] == ["run/root/propose"]
    assert "Objects: " in asked[0].messages[1].content
    assert len(result.path) == len(task.gold)


async def test_where_plans_part_votes_decide_by_what_is_seen(task: PlanTask) -> None:
    first, *rest = gold(task)
    detour = [first, "walk('bed_49')", *rest]

    def reply(request: Request) -> list[str]:
        if request.path.endswith("propose"):
            return [*[plan(*detour)] * 2, plan(*gold(task))]
        return ["B", "B.", "(b)", "A", "who knows"]

    result, _, asked = await run(task, TreePlanner(N=3), reply, votes=5)
    assert [request.path for request in asked] == ["run/root/propose", "run/1/decision-1"]
    decision = asked[1].messages[-1].content
    assert "A. walk(object='bed_49')" in decision
    assert "television_6 is switched off" in decision
    assert asked[1].n == 5
    assert [step.proposal.actions[0].text for step in result.path][1] == rest[0]  # type: ignore[union-attr]


async def test_a_failure_steps_back_and_is_told_in_the_next_decision(task: PlanTask) -> None:
    first, *rest = gold(task)
    wrong = [first, "grab('television_6')", *rest]
    also = [first, "grab('sofa_4')", *rest]

    def reply(request: Request) -> list[str]:
        if request.path.endswith("propose"):
            return [plan(*wrong), plan(*also), plan(*gold(task))]
        return ["A"] if request.path.endswith("decision-1") else ["B"]

    result, events, asked = await run(task, TreePlanner(N=3), reply, votes=1)
    assert result.reason == "answered"
    assert [request.path for request in asked] == [
        "run/root/propose",
        "run/1/decision-1",
        "run/1/decision-2",
    ]
    assert "were tried and undone" in asked[2].messages[-1].content
    assert of_type(events, SteppedBack)[0].id == "run/1"
    assert of_type(events, NodePruned)


async def test_vote_only_asks_nobody(task: PlanTask) -> None:
    first, *rest = gold(task)
    detour = [first, "walk('bed_49')", *rest]
    result, events, _ = await run(
        task,
        TreePlanner(N=3, vote_only=True),
        lambda request: [plan(*detour), *[plan(*gold(task))] * 2],
    )
    assert len(of_type(events, ModelCalled)) == 1
    assert len(result.path) == len(task.gold)


@pytest.mark.parametrize("planner", [Greedy(), BestOfN(n=2), MCTS(n=2, threshold=0.5, depth=9)])
async def test_other_planners_ask_for_one_call_at_a_time(task: PlanTask, planner: Any) -> None:
    steps = gold(task)

    def reply(request: Request) -> list[str]:
        if request.path.endswith("score"):
            return ["Good. <score>6</score>"]
        done = sum(message.role == "assistant" for message in request.messages)
        return [plan(*steps[done:]), plan("walk('bed_49')")][: request.n]

    result, _, asked = await run(task, planner, reply)
    assert result.reason == "answered"
    assert [step.proposal.actions[0] for step in result.path] == list(task.gold)  # type: ignore[union-attr]
    assert "the next call alone" in asked[0].messages[0].content


async def test_the_conversation_shows_the_one_call_that_was_carried_out(task: PlanTask) -> None:
    steps = gold(task)
    _, _, asked = await run(
        task,
        Greedy(),
        lambda request: plan(*steps[sum(m.role == "assistant" for m in request.messages) :]),
    )
    assert asked[1].messages[2].content == f"```\n{steps[0]}\n```"


@pytest.mark.parametrize(
    ("reply", "first", "later"),
    [
        (plan("walk('sofa_4')", "sit('sofa_4')", "finish()"), "walk(object='sofa_4')", 2),
        ("walk('sofa_4')\nsit('sofa_4')", "walk(object='sofa_4')", 1),
        (plan("1. [walk] <sofa> (4)", "2. [sit] <sofa> (4)"), "walk(object='sofa_4')", 1),
        (plan("# first", "", "- walk('sofa_4')  ", "nonsense"), "walk(object='sofa_4')", 0),
        (plan("There I go:", "walk('sofa_4')"), "walk(object='sofa_4')", 0),
        (plan("sofa = find('sofa_4')", "sit(sofa)", "grab('sofa_4')"), None, 0),
        (plan("finish('42')", "walk('sofa_4')"), "42", 0),
        ("I go there with walk (quickly).", None, 0),
        ("```\nwalk('sofa_4')", "walk(object='sofa_4')", 0),
        ("", None, 0),
        ("```\n```", None, 0),
        (plan(*["walk('sofa_4')"] * 5000), "walk(object='sofa_4')", 99),
        (plan("__import__('os').system('x')"), None, 0),
        (plan("\x00", "\ud800", "walk(" * 3000), None, 0),
    ],
)
def test_replies_are_read_tolerantly(
    task: PlanTask, reply: str, first: str | None, later: int
) -> None:
    reading = plan_reader(task.world, whole=True)(reply)
    if first is None:
        assert isinstance(reading.action, NoAction)
        assert "one on each line" in reading.action.text
    else:
        assert isinstance(reading.action, Call | Answer)
        assert reading.action.text == first
    assert len(reading.later) == later
    assert plan_reader(task.world, whole=False)(reply).later == ()


def test_an_agent_without_a_world_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a world"):
        PlanAgent(ScriptedModel([])).run_sync(Task("?"))


def test_tasks_are_found_by_id_and_told_by_name() -> None:
    assert len(plan_tasks("household")) >= 35
    with pytest.raises(ConfigError, match="flat-movie"):
        find_task("household", "flat-movies")
    with pytest.raises(ConfigError, match="choose one of apis, household"):
        plan_tasks("garden")
