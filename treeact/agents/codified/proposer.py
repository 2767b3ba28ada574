"""Who writes plans: the planner at first, and the replanner once something was executed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from treeact.agents.calls import ModelCaller
from treeact.agents.control import Control, Interrupted
from treeact.agents.observations import INTERRUPTED
from treeact.agents.proposers import ModelProposer, Reading
from treeact.agents.replies import parse_reply
from treeact.models.base import Message
from treeact.planners.codified.state import PlanState
from treeact.planners.protocols import Action, Answer, Code, NoAction, Path, Proposal, Step
from treeact.trace.log import EventLog

FORM = """\
Write a short thought, then the plan in one block:

```python
...
answer(...)
```"""

PHASES = {"planner": "plan", "replanner": "replan"}


class PlanProposer(ModelProposer):
    """Proposes plans: the conversation starts anew each time a plan was executed.

    Args:
        callers: how the planner and the replanner are called.
        state: what was executed.
        opening: returns the prompt of a role for the state, given what came of the last plan.
        control: where interrupts come from.
        log: where proposals are written.
        read: how a reply becomes an action.
    """

    def __init__(
        self,
        callers: Mapping[str, ModelCaller],
        *,
        state: PlanState,
        opening: Callable[[str, str], Sequence[Message]],
        control: Control,
        log: EventLog,
        read: Callable[[str], Reading],
    ) -> None:
        super().__init__(
            callers["planner"], control=control, log=log, opening=opening("planner", ""), read=read
        )
        self._callers = callers
        self._state = state
        self._opening = opening
        self._made: tuple[tuple[str, str], tuple[Message, ...]] | None = None

    @property
    def _role(self) -> str:
        return "replanner" if self._state.plans else "planner"

    async def propose(
        self, path: Path, n: int, *, id: str, notes: Sequence[str] = ()
    ) -> Sequence[Proposal]:
        """Return the plans, or patches, of `n` samples; see `Proposer.propose`."""
        await asyncio.sleep(0)  # a model that never waits would keep everybody else from running
        role = self._role
        call = self._callers[role].call(
            self.messages(path, notes), id=f"{id}/propose", role=role, phase=PHASES[role], n=n
        )
        try:
            completion = await self._control.interruptible(call)
        except Interrupted:
            return [Proposal(actions=(NoAction(INTERRUPTED),))]
        return self._proposals(completion.texts, id)

    def messages(self, path: Path, notes: Sequence[str] = ()) -> tuple[Message, ...]:
        """Return the prompt of whoever plans next: its opening, and what was said since."""
        told, since = self._since_execution(path)
        key = (self._state.last, told)
        if self._made is None or self._made[0] != key:
            self._made = key, tuple(self._opening(self._role, told))
        return (*self._made[1], *(message for step in since for message in _turn(step)))

    def _since_execution(self, path: Path) -> tuple[str, Path]:
        """Return what came of the last plan that was executed, and the steps since then."""
        if not self._state.plans:
            return "", path
        for number, step in enumerate(path):
            if step.id == self._state.last:
                return step.observation.text, path[number + 1 :]
        return "\n".join(map(str, self._state.feedback)), ()  # it was cut off in the middle


def _turn(step: Step) -> list[Message]:
    said = Message("user", step.observation.text)
    if step.proposal is None or not step.proposal.reply:
        return [said]
    return [Message("assistant", step.proposal.reply), said]


def plan_reader(state: PlanState) -> Callable[[str], Reading]:
    """Return what reads a reply as a plan."""

    def read(text: str) -> Reading:
        reply = parse_reply(text)
        action: Action
        if reply.code is not None:
            action = Code(reply.code, tuple(state.callees))
        elif reply.answer is not None:
            action = Answer(reply.answer)
        else:
            action = NoAction(f"Your reply held no plan. {FORM}")
        return Reading(action, thought=reply.thought, problem=reply.problem, repairs=reply.repairs)

    return read
