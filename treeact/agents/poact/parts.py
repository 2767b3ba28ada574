"""The parts of PoAct: its conversation, the prompts of its policies, and how replies are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from treeact.agents import prompts
from treeact.agents.assembly import (
    check_rules,
    code_reader,
    describe_sandbox,
    make_caller,
    make_code_environment,
    make_last_call,
    make_workspace,
    system_message,
    task_message,
)
from treeact.agents.control import Interrupted
from treeact.agents.observations import INTERRUPTED
from treeact.agents.poact.action_space import ActionSpace
from treeact.agents.proposers import ModelProposer, Reading
from treeact.agents.run import Context, Parts
from treeact.agents.workspace import guard
from treeact.errors import ConfigError
from treeact.models.base import Message
from treeact.planners.path_review import Kind, Verdict
from treeact.planners.poact import PoAct as Policies
from treeact.planners.poact import Policy, Situation
from treeact.planners.protocols import Answer, Code, NoAction, Path, Proposal
from treeact.tools import ToolSet, final_answer

if TYPE_CHECKING:
    from treeact.agents.library.attached import AttachedLibrary
    from treeact.agents.poact.agent import PoAct

SHORT_TOKENS = 1024
"""Output cap of a plan, a thought or a review."""
PLAN_LENGTH = 4000
"""Characters of a plan that prompts show."""
REASON_LENGTH = 500
"""Characters of a review's reason that prompts show."""
NO_PLAN = "(There is none.)"

_VERDICT = re.compile(r"<verdict>\s*(keep|repair|drop|replan)\b", re.IGNORECASE)


def assemble_poact(agent: PoAct, context: Context) -> Parts:
    """Return the parts of a run.

    Raises:
        ConfigError: the planner is another one, tools clash or are not there, or a dollar budget
            meets an unknown price.
        LibraryError: the library cannot be used.
    """
    if not isinstance(agent.planner, Policies):
        raise ConfigError(
            f"the poact agent switches policies, which the {agent.planner.name} planner does not: "
            "leave the planner out, or use the codeact agent"
        )
    library = _library_of(agent, context)
    searches = [library.session.search_tool()] if library else []
    tools = ToolSet([*agent.tools, *searches, final_answer])
    check_rules(agent, tools)
    space = ActionSpace(
        [*agent.tools, *searches],
        most=agent.tools_shown,
        always=[*agent.always_shown, *(tool.name for tool in searches)],
        selector=agent.selector,
        library=library.session if library else None,
    )
    caller = make_caller(agent, context)
    opening = poact_opening(agent, context)
    guarded = space.guard(guard(tools, context.control, root=context.task.id))
    wrap = {"wrap": library.wrap} if library else {}
    workspace = make_workspace(agent, context, guarded, **wrap)
    proposer = PolicyModel(
        space,
        question=context.task.question,
        caller=caller,
        control=context.control,
        log=context.log,
        opening=opening,
        read=code_reader(agent, tools.names),
        words=step_words,
        vision=agent.vision,
        context_tokens=agent.context_tokens,
    )
    parts = Parts(
        planner=agent.planner,
        env=make_code_environment(agent, context, workspace),
        proposer=proposer,
        last_call=make_last_call(context, caller, opening),
        close=workspace.close,
    )
    return library.attach(parts) if library else parts


def _library_of(agent: PoAct, context: Context) -> AttachedLibrary | None:
    if agent.library is None:
        return None
    from treeact.agents.library.attached import AttachedLibrary

    return AttachedLibrary(agent.library, agent, context, frozen=agent.frozen)


def poact_opening(agent: PoAct, context: Context) -> list[Message]:
    """Return the prompt that all policies share, and the task."""
    system = prompts.render("poact", **describe_sandbox(agent), instructions=agent.instructions)
    files = [file.name for file in context.task.files]
    return [system_message(system, ()), task_message(context, files)]


class PolicyModel(ModelProposer):
    """A model that is asked as one policy after the other; see `PolicyProposer`.

    Args:
        space: what tools each of them is shown.
        question: what the task is.
        options: see `ModelProposer`.
    """

    def __init__(self, space: ActionSpace, *, question: str, **options: Any) -> None:
        super().__init__(**options)
        self._space = space
        self._question = question
        self._interrupted = False

    async def plan(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        """Return sub-goals; see `PolicyProposer.plan`."""
        words = (situation.note, situation.plan, self._question)
        reply = await self._ask(Policy.PLAN, path, situation, words, id=id)
        if reply is None:
            return _interruption()
        return reply.strip()[:PLAN_LENGTH] or NO_PLAN

    async def think(self, path: Path, situation: Situation, *, id: str) -> str | Proposal:
        """Return a thought, or the answer or code where the reply holds one."""
        words = (situation.plan, self._question)
        reply = await self._ask(Policy.THOUGHT, path, situation, words, id=id)
        if reply is None:
            return _interruption()
        reading = self._read(reply)
        if isinstance(reading.action, NoAction):
            return reply.strip()
        return self._proposal(reading, reply, id)

    async def write(self, path: Path, situation: Situation, *, id: str) -> Proposal:
        """Return the code for a thought; see `PolicyProposer.write`."""
        words = (situation.thought, situation.plan, self._question)
        reply = await self._ask(Policy.CODE, path, situation, words, id=id)
        if reply is None:
            return _interruption()
        reading = self._read(reply)
        if not situation.repairs:
            reading = _with_thought(reading, situation.thought)
        return self._proposal(reading, reply, id)

    async def review(self, path: Path, situation: Situation, *, id: str) -> Verdict:
        """Return what the model makes of the newest step; what cannot be read keeps it."""
        reply = await self._ask(Policy.REVIEW, path, situation, None, id=id)
        if reply is None:
            self._interrupted = True  # whoever is asked next lets the user speak
            return Verdict(kind="keep", rule="interrupted")
        return read_verdict(reply)

    async def _ask(
        self,
        policy: Policy,
        path: Path,
        situation: Situation,
        words: Sequence[str] | None,
        *,
        id: str,
    ) -> str | None:
        """Return the reply of a policy, or None when it was interrupted."""
        if self._interrupted:
            self._interrupted = False
            return None
        messages = self.messages(path)
        self.check_context()
        call = self._caller.call(
            (*messages, await self._step_prompt(policy, path, situation, words)),
            id=f"{id}/{policy}",
            phase=policy,
            max_output_tokens=None if policy is Policy.CODE else SHORT_TOKENS,
        )
        try:
            return (await self._control.interruptible(call)).text
        except Interrupted:
            return None

    async def _step_prompt(
        self, policy: Policy, path: Path, situation: Situation, words: Sequence[str] | None
    ) -> Message:
        """Return the message that says whose turn it is; tools for `words`, or none."""
        shown = [] if words is None else await self._space.show(path, words)
        stubs = [tool.stub() for tool in shown]
        text = prompts.render(
            f"poact_{policy}",
            situation=situation,
            tools=stubs,
            hidden=0 if words is None else self._space.hidden,
            began=bool(path),
        )
        return Message("user", text, part="system", tools=sum(map(len, stubs)))


def step_words(proposal: Proposal) -> str:
    """Return what a step is shown as: its thought, and the code or the answer."""
    action = proposal.actions[0]
    if isinstance(action, Code):
        return f"{proposal.thought}\n```python\n{action.source}\n```".strip()
    if isinstance(action, Answer):
        return f"{proposal.thought}\n<answer>{action.text}</answer>".strip()
    return proposal.reply


def read_verdict(reply: str) -> Verdict:
    """Return the last verdict in a reply, with the words before it as the reason."""
    found = list(_VERDICT.finditer(reply))
    if not found:
        return Verdict(kind="keep", rule="unreadable")
    kind = cast("Kind", found[-1][1].lower())
    reason = " ".join(reply[: found[-1].start()].split())[:REASON_LENGTH]
    return Verdict(kind=kind, rule="model", reason=reason)


def _with_thought(reading: Reading, thought: str) -> Reading:
    reading.thought = thought
    return reading


def _interruption() -> Proposal:
    return Proposal(actions=(NoAction(INTERRUPTED),))
