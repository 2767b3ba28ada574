"""What the environments of agents share: answers, messages, interrupts and the trace."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from treeact.agents.answers import AnswerCheck
from treeact.agents.control import Control
from treeact.agents.observations import INTERRUPTED
from treeact.planners.protocols import Action, Answer, Call, Code, NoAction, Observation, Sketch
from treeact.trace.events import Observed
from treeact.trace.log import EventLog


class AgentEnvironment(ABC):
    """Takes answers, non-actions and messages; a subclass takes the actions that do something.

    Args:
        control: who approves, speaks and interrupts.
        log: where everything is written.
        listens: whether what the user says becomes part of observations; in a search it reaches all
            paths by the proposer instead.
        answers: looks at answers before they count; None takes any.
    """

    def __init__(
        self,
        *,
        control: Control,
        log: EventLog,
        listens: bool = True,
        answers: AnswerCheck | None = None,
    ) -> None:
        self._control = control
        self._log = log
        self._listens = listens
        self._answers = answers or AnswerCheck(None, log)

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take one action; see `Environment.step`."""
        observation = self._answers.look(await self._act(action, id), id)
        if self._listens and (messages := await self._control.catch_up()):
            observation = add_messages(reopened(observation), messages)
        self._log.emit(Observed(id=id, text=self._log.text(observation.text), ok=observation.ok))
        return observation

    async def _act(self, action: Action, id: str) -> Observation:
        match action:
            case Answer():
                return Observation(text="", answer=action.text)
            case NoAction(text=text) if text == INTERRUPTED:
                return await self._hear(Observation(text=text, ok=False))
            case NoAction():
                return Observation(text=action.text, ok=False, invalid=True)
            case Sketch():
                raise TypeError("a sketch is only imagined and cannot be carried out")
            case Code() | Call():
                return await self._take(action, id)

    @abstractmethod
    async def _take(self, action: Code | Call, id: str) -> Observation:
        """Take an action that does something."""

    async def _hear(self, observation: Observation) -> Observation:
        """Add what the user says after an interrupt, waiting for it."""
        if not self._listens:
            return observation
        return add_messages(observation, [await self._control.next_message()])


def as_answer(value: Any) -> dict[str, Any]:
    """Return what an observation says of an answer that was given as a JSON value."""
    return {"answer": answer_text(value), "given": value}


def answer_text(value: Any) -> str:
    """Return a JSON value as an answer is written: text as it is, lists with commas."""
    match value:
        case str():
            return value.strip()
        case list() if not any(isinstance(item, list | dict) for item in value):
            return ", ".join(answer_text(item) for item in value)
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return str(value)


def reopened(observation: Observation) -> Observation:
    """Return `observation` without its answer: the user has said something meanwhile."""
    if not observation.done:
        return observation
    text = f"Your answer was: {observation.answer}"
    return replace(observation, text=text, answer=None, given=None)


def add_messages(observation: Observation, messages: list[str]) -> Observation:
    """Return `observation` with what the user said behind it."""
    if not messages:
        return observation
    said = "\n".join(f"The user says: {message}" for message in messages)
    text = f"{observation.text}\n\n{said}".strip()
    return replace(observation, text=text, empty=False, lasting=True)
