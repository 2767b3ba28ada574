"""The parts of a plan agent: a world that is written down, and a model that plans in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from treeact.agents import prompts
from treeact.agents.answers import AnswerCheck
from treeact.agents.assembly import make_caller, make_last_call, system_message, with_form
from treeact.agents.control import Control, Interrupted
from treeact.agents.environment import AgentEnvironment
from treeact.agents.judging import JudgingProposer
from treeact.agents.proposers import Reading
from treeact.agents.run import Context, Parts
from treeact.errors import TreeActError
from treeact.models.base import Message
from treeact.planners.protocols import (
    Action,
    Answer,
    Call,
    Code,
    Forkable,
    NoAction,
    Observation,
    Path,
    Proposal,
)
from treeact.planners.votes import count_votes, option_letters
from treeact.trace.events import Proposed
from treeact.trace.log import EventLog

if TYPE_CHECKING:
    from treeact.agents.plans.agent import PlanAgent, World

VOTE_TOKENS = 50
"""Output cap of one vote: a letter, and room for a few words (as in Tree-Planner)."""
MAX_PLAN = 100
"""Calls of one plan that are read: a plan without end is no plan."""

FORM = "Write calls, one on each line, in one block between ``` lines; `finish()` ends the task."

_BLOCK = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_FINISH = re.compile(r"finish\(\s*(?P<answer>.*?)\s*\)\s*;?\s*(?:#.*)?$", re.DOTALL)
_CALL = re.compile(r"(?:\w+\s*=\s*)?[A-Za-z_][\w.]*\(")
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.):]\s+|[-*•]\s+)")


def assemble_plan_agent(agent: PlanAgent, world: World, context: Context) -> Parts:
    """Return the parts of a run in a world.

    Raises:
        ConfigError: a dollar budget meets an unknown price.
    """
    kind = WorldEnvironment if agent.policy is None else _SimulatedWork
    env = kind(
        world.start(),
        control=context.control,
        log=context.log,
        listens=not agent.planner.forks,
        answers=context.answers,
    )
    if agent.policy is not None:
        policy = agent.policy(context.budget, context.ledger)
        return Parts(
            planner=agent.planner, env=env, proposer=policy, last_call=None, close=env.close
        )
    caller = make_caller(agent, context)
    opening = plan_opening(agent, world, context)
    return Parts(
        planner=agent.planner,
        env=env,
        proposer=PlanProposer(
            world,
            agent.votes,
            caller=caller,
            control=context.control,
            log=context.log,
            opening=opening,
            read=plan_reader(world, whole=agent.planner.imagines),
            words=call_words,
            listens=agent.planner.forks,
            context_tokens=agent.context_tokens,
        ),
        last_call=make_last_call(context, caller, opening),
        close=env.close,
    )


def plan_opening(agent: PlanAgent, world: World, context: Context) -> list[Message]:
    """Return the system prompt and the task."""
    system = prompts.render(
        "plan", calls=world.calls, whole=agent.planner.imagines, instructions=agent.instructions
    )
    question = context.task.question
    task = prompts.render("plan_task", question=question, situation=world.situation)
    task = with_form(task, context)
    return [system_message(system, [world.calls]), Message("user", task, part="task")]


class WorldEnvironment(AgentEnvironment):
    """Carries calls out in a world, and writes down what came of them.

    Args:
        world: where they act.
        control: who speaks and interrupts.
        log: where everything is written.
        listens: see `AgentEnvironment`.
        answers: see `AgentEnvironment`.
    """

    def __init__(
        self,
        world: Forkable,
        *,
        control: Control,
        log: EventLog,
        listens: bool = True,
        answers: AnswerCheck | None = None,
    ) -> None:
        super().__init__(control=control, log=log, listens=listens, answers=answers)
        self._world = world

    async def _take(self, action: Code | Call, id: str) -> Observation:
        return await self._world.step(action, id=id)

    async def fork(self, *, id: str) -> WorldEnvironment:
        """Return a copy of the world; see `Forkable.fork`."""
        world = await self._world.fork(id=id)
        return WorldEnvironment(
            world,
            control=self._control,
            log=self._log,
            listens=False,
            answers=self._answers.in_fork(),
        )

    async def choose(self, fork: WorldEnvironment, *, commit: bool = True) -> str:
        """Go on in a copy; see `Forkable.choose`."""
        return await self._world.choose(fork._world, commit=commit)

    async def close(self) -> None:
        """Drop the world."""
        await self._world.close()


class _SimulatedWork(WorldEnvironment):
    """The world of a simulated policy, whose actions no reply of a model tells of."""

    async def step(self, action: Action, *, id: str) -> Observation:
        """Write the action down and take it; see `Environment.step`."""
        text = "" if action.kind == "none" else self._log.text(action.text)
        self._log.emit(Proposed(id=id, action=action.kind, text=text))
        return await super().step(action, id=id)


class PlanProposer(JudgingProposer):
    """Proposes calls, judges paths, and decides by vote where plans part.

    Args:
        world: what plans are about.
        votes: samples of one decision.
        options: see `ModelProposer`.
    """

    def __init__(self, world: World, votes: int, **options: Any) -> None:
        super().__init__(**options)
        self._world = world
        self._votes = votes

    async def choose(
        self, path: Path, options: Sequence[Proposal], *, id: str, note: str = ""
    ) -> int | None:
        """Return the option that most votes are for; see `Decider.choose`.

        Grounded deciding of Tree-Planner (Hu et al. 2024, section 3.3): the history, what is seen
        of the objects that the options name, and the options by letter.
        """
        actions = [option.actions[0] for option in options]
        letters = option_letters(len(options))
        request = prompts.render(
            "decide",
            seen=self._world.look(path, actions) if self._world.look else "",
            options=list(zip(letters, map(action_words, actions), strict=True)),
            note=note,
        )
        call = self._caller.call(
            (*self.prompt(path), Message("user", request, part="system")),
            id=id,
            phase="decide",
            n=self._votes,
            max_output_tokens=VOTE_TOKENS,
        )
        try:
            completion = await self._control.interruptible(call)
        except Interrupted:
            return None
        return count_votes(completion.texts, options)


def plan_reader(world: World, *, whole: bool) -> Callable[[str], Reading]:
    """Return what reads a reply as calls: the next one, and with `whole` those to follow it."""

    def read(text: str) -> Reading:
        found = _BLOCK.search(text)
        thought = text[: found.start()].strip() if found else ""
        lines = (found[1] if found else text).splitlines()
        actions, faults = _read_lines(world, lines, strict=found is not None)
        if not actions:
            problem = "no call" if text.strip() else "empty reply"
            feedback = " ".join([*(f"{fault.rstrip('.')}." for fault in faults[:1]), FORM])
            return Reading(NoAction(feedback), thought=thought, problem=problem)
        repairs = (f"left out {len(faults)} lines that are no calls",) if faults else ()
        first, *later = actions
        return Reading(first, thought=thought, repairs=repairs, later=tuple(later) if whole else ())

    return read


def _read_lines(
    world: World, lines: Sequence[str], *, strict: bool
) -> tuple[list[Action], list[str]]:
    """Return the actions of lines up to the end of the plan, and what is wrong with the others."""
    actions: list[Action] = []
    faults: list[str] = []
    for line in lines:
        line = _NUMBER.sub("", line).strip()
        if not line or line.startswith("#") or (not strict and "(" not in line):
            continue
        if ending := _FINISH.fullmatch(line):
            return [*actions, Answer(ending["answer"].strip("\"'") or "done")], faults
        try:
            actions.append(world.read(line))
        except TreeActError as fault:
            faults.append(str(fault))
            if not actions and _CALL.match(line):
                break  # what comes next was not meant to come first
        if len(actions) == MAX_PLAN:
            break
    return actions, faults


def call_words(proposal: Proposal) -> str:
    """Return the one call of a step that was carried out, in the form of a reply."""
    return f"```\n{action_words(proposal.actions[0])}\n```"


def action_words(action: Action) -> str:
    """Return an action as a line of a plan."""
    return f"finish({action.text!r})" if isinstance(action, Answer) else action.text
