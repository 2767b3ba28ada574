"""Roles of a plan at work: a typed question in pseudo-code, and a value of the type asked for."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treeact.agents import prompts
from treeact.agents.assembly import system_message
from treeact.agents.calls import ModelCaller
from treeact.agents.codified.role import Role
from treeact.agents.codified.solving import SolvingEnvironment
from treeact.agents.compaction import Compacted, Compaction, Room
from treeact.agents.control import Control, Interrupted
from treeact.agents.replies import parse_reply
from treeact.models.base import Image, Message
from treeact.planners.codified import nodes
from treeact.planners.codified.evaluate import Scope, evaluate, holds
from treeact.planners.codified.render import render, render_plan
from treeact.planners.codified.scheduler import CallFailed, Invocation
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import ANY, STR, Type, Value, mismatch, type_of
from treeact.planners.codified.values import Fuel, Halt, adopt, show
from treeact.planners.protocols import Code
from treeact.trace.budget import Budget
from treeact.trace.log import EventLog

FORM = "Reply with a short thought, then the value alone between tags: <answer>...</answer>"


@dataclass(frozen=True)
class Cast:
    """A role with what it works with."""

    role: Role
    caller: ModelCaller
    declaration: nodes.RoleDeclaration | None = None
    """What a plan declared it as."""

    @property
    def must(self) -> tuple[nodes.Assert, ...]:
        """What has to hold of its result."""
        return self.declaration.must if self.declaration else ()


class RolePlayer:
    """Has models play roles.

    Args:
        state: the run's variables and declarations.
        control: where interrupts come from.
        budget: each reply takes a step of it.
        sandbox: what a prompt says about the sandbox.
        solving: opens the place where roles run code.
        stubs: the tools that code can call, as prompts show them, by name.
        instructions: added to every prompt.
        vision: whether pictures that code draws are shown to the role that drew them.
        log: where compactions of long conversations are written.
        context_tokens: tokens of a prompt above which older replies of a role are shown shortened;
            None goes by its model's context window.
    """

    def __init__(
        self,
        state: PlanState,
        *,
        control: Control,
        budget: Budget,
        sandbox: Mapping[str, Any],
        solving: Callable[[], SolvingEnvironment],
        stubs: Mapping[str, str],
        instructions: str,
        vision: bool,
        log: EventLog,
        context_tokens: int | None,
    ) -> None:
        self._state = state
        self._control = control
        self._budget = budget
        self._sandbox = sandbox
        self._solving = solving
        self._stubs = stubs
        self._instructions = instructions
        self.vision = vision
        self._log = log
        self._context_tokens = context_tokens

    async def play(self, cast: Cast, call: Invocation) -> Value:
        """Return the value that a role gives.

        Raises:
            CallFailed: it gave none of the type that is asked for, or the user interrupted it.
            BudgetExceeded: there is no room for another reply.
            ModelError: the model failed for good.
        """
        given = arguments_of(call)
        env = None
        if cast.role.python:
            env = self._solving()
            await env.bind(given, id=call.id, tools=cast.role.tools)
        return await _Scene(self, cast, call, given, env).play()

    def opening(self, cast: Cast, call: Invocation, given: Mapping[str, Value]) -> list[Message]:
        """Return the prompt of a call."""
        role = cast.role
        stubs = {n: s for n, s in self._stubs.items() if role.tools is None or n in role.tools}
        shown = [*stubs.values()] if role.python else []
        render_template = prompts.render_text if is_template(role.prompt) else prompts.render
        system = render_template(
            role.prompt or "codified_role",
            role=role.name,
            about=role.instructions,
            returns=str(call.returns),
            records=self._records(),
            must=[render(check.test) for check in cast.must],
            tools=shown,
            instructions=self._instructions,
            **self._sandbox,
        )
        kinds = _kinds(call)
        lines = [
            f"{name}: {kinds.get(name) or type_of(value)} = "
            f"{show(value, role.inline, kinds.get(name))}"
            for name, value in given.items()
        ]
        asked = f"result: {call.returns} = {role.name}({', '.join(f'{n}={n}' for n in given)})"
        question = prompts.render("codified_call", lines=lines, asked=asked, returns=call.returns)
        return [system_message(system, shown), Message("user", question, part="task")]

    def _records(self) -> str:
        records = [
            nodes.RecordDeclaration(name, tuple(fields.items()))
            for name, fields in self._state.records.items()
        ]
        return render_plan(nodes.Plan(None, tuple(records), (), ())).strip()

    def compaction(self, cast: Cast, opening: Sequence[Message]) -> Compaction | None:
        """Return what keeps the conversation of a call small, or None where nothing limits it."""
        room = Room.of(self._context_tokens, cast.caller.model.context_window, opening)
        return None if room is None else Compaction(room, opening, self._note_compaction)

    def _note_compaction(self, made: Compacted) -> None:
        self._log.emit(made.event())

    async def reply(self, cast: Cast, messages: Sequence[Message], id: str) -> str:
        """Return the next reply of a role."""
        self._budget.take("steps")
        asked = cast.caller.call(messages, id=id, role=cast.role.name, phase="act")
        try:
            return (await self._control.interruptible(asked)).text
        except Interrupted:
            raise interruption() from None

    def problem(self, cast: Cast, call: Invocation, value: Value) -> str | None:
        """Return why a value cannot be the result, or None where it can."""
        if problem := mismatch(value, call.returns, self._state.records, "the result"):
            return problem
        scope = Scope({**arguments_of(call), "result": value})
        for check in cast.must:
            try:
                if holds(check.test, scope, Fuel()):
                    continue
                said = check.feedback and evaluate(check.feedback, scope, Fuel())
            except Halt as halt:
                said = str(halt)
            return f"it has to be true that {render(check.test)}{f': {said}' if said else ''}"
        return None


class _Scene:
    """One call of one role: replies, and what comes of them, to a value."""

    def __init__(
        self,
        player: RolePlayer,
        cast: Cast,
        call: Invocation,
        given: Mapping[str, Value],
        env: SolvingEnvironment | None,
    ) -> None:
        self._player = player
        self._cast = cast
        self._call = call
        self._env = env
        self._images: tuple[Image, ...] = ()
        self._opening = player.opening(cast, call, given)
        self._messages = [*self._opening]
        self._compaction = player.compaction(cast, self._opening)

    async def play(self) -> Value:
        """Return the value; see `RolePlayer.play`."""
        turns = self._cast.role.max_turns if self._env else 2  # without code, one correction
        problem = ""
        for turn in range(1, turns + 1):
            id = f"{self._call.id}/{self._cast.role.name}-{turn}"
            reply = await self._player.reply(self._cast, self._messages, id)
            value, problem = await self._read(reply, id)
            if not problem:
                return value
            self._add([Message("assistant", reply), Message("user", problem, self._images)], id)
        said = f"{self._cast.role.name} gave no usable result in {turns} replies: {problem}"
        raise CallFailed(said, kind="role error")

    def _add(self, turn: Sequence[Message], id: str) -> None:
        """Add a reply and what came of it; older ones are shortened where they grow too long."""
        self._messages += turn
        compaction = self._compaction
        if compaction is None:
            return
        if compaction.add(id, turn, said=False, dropped=False):
            self._messages = [*self._opening, *compaction.messages]
        if compaction.full is not None:
            raise CallFailed(str(compaction.full), kind="limit")

    async def _read(self, text: str, id: str) -> tuple[Value, str]:
        """Return the value that a reply gives, or what its author is told instead."""
        reply = parse_reply(text)
        self._images = ()
        if self._env is not None and reply.code is not None:
            observation = await self._env.step(Code(reply.code), id=id)
            if self._player.vision:
                self._images = tuple(Image(data=data) for data in observation.images)
            if not observation.done:
                return None, observation.text
            return self._judged(self._env.submitted)
        answer = reply.answer if reply.answer is not None else _bare(text)
        if answer is None:
            feedback = reply.feedback if self._env is not None else None
            return None, feedback or f"Your reply held no value. {FORM}"
        try:
            return self._judged(read_value(answer, self._call.returns))
        except ValueError as error:
            return None, f"The value cannot be read ({error}): give {self._call.returns} as JSON."

    def _judged(self, value: Any) -> tuple[Value, str]:
        try:
            adopted = adopt(value)
        except Halt as halt:
            return None, f"The value cannot be used: {halt}."
        problem = self._player.problem(self._cast, self._call, adopted)
        return (None, f"That cannot be the result: {problem}.") if problem else (adopted, "")


def is_template(prompt: str) -> bool:
    """Return whether a role's prompt is a template itself, and not the name of one."""
    return any(mark in prompt for mark in "\n{ ")


def interruption() -> CallFailed:
    """Return the failure of a call that the user interrupted."""
    return CallFailed("the user interrupted the plan", kind="interrupted", halts=True)


def arguments_of(call: Invocation) -> dict[str, Value]:
    """Return the arguments of a call by name."""
    places = [parameter.name for parameter in call.callee.parameters]
    return {**dict(zip(places, call.arguments, strict=False)), **call.named}


def _kinds(call: Invocation) -> dict[str, Type]:
    """Return the types of arguments, as far as they are declared, by the callee or the plan."""
    kinds = {parameter.name: parameter.type for parameter in call.callee.parameters}
    places = [*kinds]
    declared = {
        places[place] if isinstance(place, int) else place: kind
        for place, kind in call.types.items()
    }
    return {name: kind for name, kind in {**kinds, **declared}.items() if kind != ANY}


def _bare(text: str) -> str | None:
    """Return the value of a reply that holds nothing else."""
    stripped = text.strip()
    return stripped if stripped and "\n" not in stripped and "<" not in stripped else None


def read_value(text: str, kind: Type) -> Any:
    """Return the value that a text stands for: JSON, a Python literal, or the text itself.

    Raises:
        ValueError: it is none of the type that is wanted.
    """
    if kind == STR and not text.strip().startswith('"'):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if kind == STR:
            return text
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(str(error)) from None
