"""The policies of PoAct over a toy world: who has the word when, and what a drop takes back."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planners.support import World, add, answer
from treeact import Budget
from treeact.errors import BudgetExceeded, ConfigError
from treeact.planners import PoAct
from treeact.planners.path_review import Verdict
from treeact.planners.poact import TRANSITIONS, Outcome, Policy, Situation, next_policy
from treeact.planners.protocols import Observation, Path, Proposal, Solution, Step
from treeact.planners.tree import ActionTree
from treeact.trace.events import PolicySwitched, StepDropped
from treeact.trace.log import EventLog

KEEP = Verdict(kind="keep", rule="model")


class Policies:
    """Policies that follow scripts, and remember when they had the word."""

    def __init__(
        self,
        actions: Iterator[Proposal],
        verdicts: Iterator[Verdict] | None = None,
        thoughts: Iterator[str | Proposal] | None = None,
    ) -> None:
        self.actions = actions
        self.verdicts = verdicts or itertools.repeat(KEEP)
        self.thoughts = thoughts or itertools.repeat("think")
        self.calls: list[tuple[Policy, str, Situation]] = []
        self.paths: list[Path] = []

    def _note(self, policy: Policy, path: Path, situation: Situation, id: str) -> None:
        self.calls.append((policy, id, situation))
        self.paths.append(path)

    async def plan(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        self._note(Policy.PLAN, path, situation, id)
        return f"plan {sum(call[0] is Policy.PLAN for call in self.calls)}"

    async def think(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        self._note(Policy.THOUGHT, path, situation, id)
        return next(self.thoughts)

    async def write(self, path: Path, situation: Situation, *, id: str) -> Proposal:
        self._note(Policy.CODE, path, situation, id)
        return next(self.actions)

    async def review(self, path: Path, situation: Situation, *, id: str) -> Verdict:
        self._note(Policy.REVIEW, path, situation, id)
        return next(self.verdicts)

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        raise AssertionError("a policy is asked, not the proposer as such")

    def words(self) -> list[str]:
        return [policy for policy, _, _ in self.calls]


async def solve(
    policies: Policies, planner: PoAct, world: Any = None, steps: int = 12
) -> tuple[Solution, list[Any]]:
    log = EventLog(None)
    tree = ActionTree(log=log)
    solution = await planner.solve(world or World(), policies, Budget(steps=steps), tree=tree)
    return solution, list(log.events())


@pytest.mark.parametrize(("policy", "outcome"), list(itertools.product(Policy, Outcome)))
def test_only_transitions_of_the_table_can_happen(policy: Policy, outcome: Outcome) -> None:
    if outcome in TRANSITIONS[policy]:
        assert next_policy(policy, outcome) is TRANSITIONS[policy][outcome]
        return
    with pytest.raises(ValueError, match=f"{policy} cannot end with {outcome}"):
        next_policy(policy, outcome)


def test_the_table_is_whole() -> None:
    assert set(TRANSITIONS) == set(Policy)
    reached = {policy for row in TRANSITIONS.values() for policy in row.values()}
    assert reached == set(Policy)
    assert {outcome for row in TRANSITIONS.values() for outcome in row} == set(Outcome)
    with pytest.raises(TypeError):
        TRANSITIONS[Policy.DONE] = {}  # type: ignore[index]


verdicts = st.lists(
    st.sampled_from(["keep", "repair", "drop", "replan"]).map(
        lambda kind: Verdict(kind=kind, rule="model", reason=f"because {kind}")
    )
)
numbers = st.lists(st.sampled_from([1, 2, 3, 13, -1]))
planners = st.builds(
    PoAct,
    replan_every_step=st.booleans(),
    repairs=st.integers(0, 2),
    stall=st.integers(1, 4),
    replans=st.integers(0, 2),
    reviews=st.integers(0, 6),
    rollback=st.booleans(),
)


@given(planners, numbers, verdicts)
def test_every_run_follows_the_table_and_keeps_to_its_bounds(
    planner: PoAct, numbers: list[int], verdicts: list[Verdict]
) -> None:
    actions = itertools.chain(map(add, numbers), itertools.repeat(answer("end")))
    policies = Policies(actions, itertools.chain(verdicts, itertools.repeat(KEEP)))
    world = World()
    solution, events = asyncio.run(solve(policies, planner, world))
    switches = [event for event in events if isinstance(event, PolicySwitched)]
    at = Policy.PLAN
    for event in switches:
        assert event.left == at
        at = next_policy(at, Outcome(event.outcome))
        assert event.policy == at
    if solution.stopped is None:
        assert at is Policy.DONE
        assert solution.answer == "end"
    else:
        assert isinstance(solution.stopped, BudgetExceeded)
    assert policies.words().count("review") <= planner.reviews
    plans = policies.words().count("plan")
    if not planner.replan_every_step:
        assert plans == 1 + sum(e.outcome == "replan" for e in switches if e.policy == "plan")
        assert plans <= 1 + planner.replans
    repaired = [e.outcome for e in switches if e.outcome in ("repair", "thought")]
    runs = (len(list(run)) for kind, run in itertools.groupby(repaired) if kind == "repair")
    assert max(runs, default=0) <= planner.repairs
    assert len(solution.path) <= 12
    assert [step.id for step in solution.path] == [
        f"run/step-{n}" for n in range(1, len(solution.path) + 1)
    ]
    kept = tuple(
        step.proposal.actions[0].arguments["number"]  # type: ignore[union-attr]
        for step in solution.path
        if step.observation.ok
        and not step.observation.done
        and not (step.dropped and planner.rollback)
    )
    assert world.numbers == kept  # the state is that of the steps that were not taken back
    assert [twin for twin in world.live if twin is not world and not twin.closed] == []


async def test_the_plan_is_made_once_and_the_thought_reaches_the_code() -> None:
    policies = Policies(iter([add(1), add(2), answer("3")]), thoughts=iter(["a", "b", "c"]))
    solution, _ = await solve(policies, PoAct(reviews=0))
    assert solution.answer == "3"
    assert policies.words() == ["plan", *["thought", "code"] * 3]
    assert [s.thought for policy, _, s in policies.calls if policy is Policy.CODE] == [
        "a",
        "b",
        "c",
    ]
    assert {s.plan for policy, _, s in policies.calls if policy is Policy.CODE} == {"plan 1"}
    assert [id for _, id, _ in policies.calls] == [
        "run/step-1",
        "run/step-1",
        "run/step-1",
        "run/step-2",
        "run/step-2",
        "run/step-3",
        "run/step-3",
    ]


async def test_another_plan_after_every_step_if_that_is_wanted() -> None:
    policies = Policies(iter([add(1), add(2), answer("3")]))
    await solve(policies, PoAct(reviews=0, replan_every_step=True))
    assert policies.words() == ["plan", "thought", "code"] * 3
    assert policies.calls[-1][2].plan == "plan 3"


async def test_an_error_is_repaired_so_often_and_then_thought_over() -> None:
    actions = iter([add(13), add(-1), add(-2), add(4), answer("4")])
    policies = Policies(actions)
    solution, _ = await solve(policies, PoAct(reviews=0, repairs=2, stall=9))
    assert policies.words() == [
        "plan",
        "thought",
        "code",
        "code",
        "code",
        "thought",
        "code",
        "thought",
        "code",
    ]
    assert [s.repairs for policy, _, s in policies.calls if policy is Policy.CODE] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert len(solution.path) == 5


async def test_a_dropped_step_takes_its_state_back_and_leaves_a_note() -> None:
    drop = Verdict(kind="drop", rule="model", reason="a wrong turn")
    policies = Policies(iter([add(1), add(5), add(2), answer("3")]), iter([KEEP, drop, KEEP]))
    world = World()
    solution, events = await solve(policies, PoAct(), world)
    assert world.numbers == (1, 2)
    assert [step.dropped for step in solution.path] == ["", "a wrong turn", "", ""]
    [dropped] = [event for event in events if isinstance(event, StepDropped)]
    assert (dropped.id, dropped.reason, dropped.rolled_back) == ("run/step-2", "a wrong turn", True)
    thoughts = [s.note for policy, _, s in policies.calls if policy is Policy.THOUGHT]
    assert thoughts == ["", "", "a wrong turn", ""]


class Rigid:
    """A world that cannot be forked."""

    def __init__(self) -> None:
        self.world = World()

    async def step(self, action: Any, *, id: str) -> Any:
        return await self.world.step(action, id=id)


async def test_where_nothing_forks_a_drop_is_one_of_the_context_alone() -> None:
    drop = Verdict(kind="drop", rule="model", reason="no")
    rigid = Rigid()
    policies = Policies(iter([add(1), add(2), answer("3")]), iter([drop, KEEP]))
    solution, events = await solve(policies, PoAct(), rigid)
    assert rigid.world.numbers == (1, 2)
    [dropped] = [event for event in events if isinstance(event, StepDropped)]
    assert not dropped.rolled_back
    assert solution.path[0].dropped


async def test_an_answer_may_come_from_a_thought() -> None:
    policies = Policies(iter([add(1)]), thoughts=iter(["add", answer("1")]))
    solution, _ = await solve(policies, PoAct(reviews=0))
    assert solution.answer == "1"
    assert policies.words() == ["plan", "thought", "code", "thought"]


async def test_a_limit_comes_back_with_the_path() -> None:
    policies = Policies(map(add, itertools.count(1)))
    solution, _ = await solve(policies, PoAct(reviews=0), steps=3)
    assert isinstance(solution.stopped, BudgetExceeded)
    assert len(solution.path) == 3
    assert policies.words().count("thought") == 3  # nothing is asked that has no step


async def test_a_follow_up_is_planned_anew() -> None:
    first = Step(
        id="run/step-1", proposal=answer("1"), observation=Observation(text="", answer="1")
    )
    said = Step(id="run/step-2", proposal=None, observation=Observation(text="and twice that?"))
    tree = ActionTree(path=(first, said))
    policies = Policies(iter([answer("2")]))
    solution = await PoAct().solve(World(), policies, Budget(steps=3), tree=tree)
    assert solution.answer == "2"
    assert policies.calls[0][:2] == (Policy.PLAN, "run/step-3")


async def test_a_proposer_without_policies_is_refused() -> None:
    class Plain:
        async def propose(self, *_: Any, **__: Any) -> Any: ...

    make: Callable[[], Any] = Plain
    with pytest.raises(ConfigError, match="use the poact agent"):
        await PoAct().solve(World(), make(), Budget(steps=1))
