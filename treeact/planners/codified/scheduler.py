"""Executes a checked plan: steps that do not wait for each other run at the same time.

A step is done or it is not: one that fails leaves no trace in the variables. Steps that do not
depend on a failed one are still carried out, so that what was executed is the same however fast
each call was, and whether calls run at once or one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from treeact.planners.codified import nodes
from treeact.planners.codified.blocks import Block, Flow, StepFailed
from treeact.planners.codified.dependencies import Touch, dependency_graph, touch
from treeact.planners.codified.evaluate import Scope, changed, evaluate, holds, rounds
from treeact.planners.codified.feedback import Feedback, Kind
from treeact.planners.codified.render import render_line
from treeact.planners.codified.signatures import Signature
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import ANY, DictOf, ListOf, Type, Value, mismatch
from treeact.planners.codified.values import Fuel, Halt, SizedList, adopt, show, weigh
from treeact.trace.events import PlanStepFinished, PlanStepStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treeact.trace.log import EventLog

MAX_CALLS = 200
"""Calls of roles and tools that one step of a plan may make, its loops included."""
MAX_FEEDBACK = 5
"""Failures that are told of one plan."""
GOT = 160
"""Characters of each value in feedback."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of a role or a tool, as whoever carries it out gets it."""

    id: str
    """Logical id of the step, unique in the run."""
    callee: Signature
    arguments: tuple[Value, ...]
    named: Mapping[str, Value]
    returns: Type
    """The type that the result has to be of."""
    types: Mapping[str | int, Type] = field(default_factory=dict)
    """The declared types of arguments that are variables, by name or position."""


LINE = 240
"""Characters of a step that its events hold."""

Invoke = Callable[[Invocation], Awaitable[Any]]
"""Carries out a call and returns its JSON value, or raises `CallFailed`."""


class CallFailed(Exception):
    """A call gave no result, which a replanner may mend.

    Args:
        message: why.
        kind: what failed.
        halts: whether no further step should begin.
    """

    def __init__(self, message: str, *, kind: Kind = "tool error", halts: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.halts = halts


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of executing a plan."""

    answered: bool
    answer: Value = None
    feedback: tuple[Feedback, ...] = ()
    """Why it has no answer, in the plan's order."""


class Scheduler:
    """Executes one plan.

    Args:
        state: where variables are; the steps that were carried out are added to it.
        types: the types of the plan's variables.
        invoke: who carries out calls.
        id: logical id of the plan.
        log: where steps are written; None writes nothing.
        concurrency: calls at the same time.
        fuel: the work that the plan's own expressions may make.
    """

    def __init__(
        self,
        state: PlanState,
        types: Mapping[str, Type],
        invoke: Invoke,
        *,
        id: str,
        log: EventLog | None = None,
        concurrency: int = 4,
        fuel: Fuel | None = None,
    ) -> None:
        self._state = state
        self._types = types
        self._invoke = invoke
        self._id = id
        self._log = log
        self._free = asyncio.Semaphore(concurrency)
        self._fuel = fuel or Fuel()
        self._answer: Value = None
        self._halted = False
        self._calls: dict[str, int] = {}
        self._waits: dict[int, list[set[int]]] = {}
        self._touches: dict[int, Touch] = {}

    async def run(self, steps: Sequence[nodes.Step]) -> Outcome:
        """Execute the steps of a plan.

        Raises:
            TreeActError: what carries out calls had to give up, such as for a budget.
        """
        block = Block(steps)
        try:
            flow = await self._run_block(block, self._state.values, "")
        finally:
            self._state.executed += [steps[position] for position in sorted(block.done)]
            left = [step for n, step in enumerate(steps) if n not in block.done]
            self._state.remaining = tuple(left)
        if flow == "answer":
            return Outcome(answered=True, answer=self._answer)
        return Outcome(answered=False, feedback=block.feedback[:MAX_FEEDBACK])

    async def _run_block(self, block: Block, scope: Scope, label: str) -> Flow:
        """Run the steps of a block as soon as each may; those behind a failed one stay undone."""
        waits = self._waits_of(block.steps)
        try:
            while True:
                for position in range(len(block.steps)):
                    if waits[position] <= block.done and self._may_begin(block, position):
                        await self._begin(block, position, scope, label)
                if not block.running:
                    return block.flow
                await asyncio.wait(block.running, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in block.running if task.done()]:
                    block.settle(block.running.pop(task), task.result)
        finally:
            await _cancel(block.running)

    def _may_begin(self, block: Block, position: int) -> bool:
        return position not in block.begun and block.flow == "next" and not self._halted

    async def _begin(self, block: Block, position: int, scope: Scope, label: str) -> None:
        block.begun.add(position)
        step = block.steps[position]
        work = self._step(step, scope, f"{label}{block.first + position + 1}")
        if self._touch(step).calls:
            block.running[asyncio.ensure_future(work)] = position
            return
        try:
            flow = await work
        except StepFailed as failure:
            block.fail(position, failure)
        else:
            block.succeed(position, flow)

    def _waits_of(self, steps: Sequence[nodes.Step]) -> list[set[int]]:
        known = self._waits.get(id(steps))
        if known is None:
            graph = dependency_graph(steps, self._state.callees)
            known = [set(graph.predecessors(position)) for position in range(len(steps))]
            self._waits[id(steps)] = known
        return known

    def _touch(self, step: nodes.Step) -> Touch:
        """Return what a step has to do with others; found once, however often it runs."""
        known = self._touches.get(id(step))
        if known is None:
            known = self._touches[id(step)] = touch(step, self._state.callees)
        return known

    async def _step(self, step: nodes.Step, scope: Scope, label: str) -> Flow:
        """Carry out one step, and write down that it began and how it ended."""
        calls = self._touch(step).calls
        is_shown = _is_shown(step, label, calls)
        if is_shown and calls:
            self._emit(PlanStepStarted(id=f"{self._id}/{label}", text=_line(render_line(step))))
        try:
            with (
                self._undone_if_failed(step),
                self._explained(step, scope, label),
            ):
                flow = await self._carry_out(step, scope, label)
        except StepFailed as failure:
            if is_shown:
                self._finished(label, False, str(failure.feedback[0]))
            raise
        if is_shown:
            self._finished(label, True, self._made(step))
        return flow

    @contextmanager
    def _undone_if_failed(self, step: nodes.Step) -> Iterator[None]:
        """Give the variables that a step sets back what they were, if it fails."""
        values = self._state.values
        names = self._touch(step).sets
        before = {name: values[name] for name in names if name in values}
        try:
            yield
        except BaseException:  # a step is done or it is not, also where the run ends here
            for name in names:
                values.pop(name, None)
            values.update(before)
            raise

    @contextmanager
    def _explained(self, node: nodes.Node, scope: Scope, label: str) -> Iterator[None]:
        """Turn an expression without a value into the failure of the step it is in."""
        try:
            yield
        except Halt as halt:
            raise self._failure(node, scope, label, halt.kind, str(halt)) from halt

    async def _carry_out(self, step: nodes.Step, scope: Scope, label: str) -> Flow:
        match step:
            case nodes.If(test=test, body=body, other=other):
                if holds(test, scope, self._fuel):
                    return await self._inner(body, scope, f"{label}.")
                return await self._inner(other, scope, f"{label}.", len(body))
            case nodes.For() | nodes.While():
                return await self._loop(step, scope, label)
            case nodes.Answer(value=value):
                self._answer = self._typed(evaluate(value, scope, self._fuel), self._answer_type)
                return "answer"
            case nodes.Leave(how=how):
                return how
            case nodes.Assert():
                self._assert(step, scope, label)
            case nodes.Do(call=call):
                await self._result(call, scope, label, ANY)
            case nodes.Assign() | nodes.Update() | nodes.Append() | nodes.SetItem():
                await self._assign(step, scope, label)
        return "next"

    async def _assign(self, step: nodes.Setting, scope: Scope, label: str) -> None:
        kind = self._types[step.name]
        if isinstance(step, nodes.Assign) and isinstance(step.value, nodes.Call | nodes.CallEach):
            value = await self._result(step.value, scope, label, kind)
        else:
            value = changed(step, scope, self._fuel)
        self._check_set(step, value, kind, scope)
        self._state.set(step.name, value, kind)

    def _check_set(self, step: nodes.Setting, value: Value, kind: Type, scope: Scope) -> None:
        """Check the new value of a variable, or what is new in it where the rest was checked."""
        match step, kind:
            case nodes.Append(), ListOf(item=item):
                self._typed(value[-1], item, f"{step.name}[-1]")
            case nodes.SetItem(key=key), DictOf(value=item):
                place = evaluate(key, scope, self._fuel)
                self._typed(value[place], item, f"{step.name}[{place!r:.40}]")
            case _:
                self._typed(value, kind, step.name)

    @property
    def _answer_type(self) -> Type:
        return self._state.task.answer if self._state.task else ANY

    async def _inner(
        self, steps: Sequence[nodes.Step], scope: Scope, label: str, first: int = 0
    ) -> Flow:
        """Run a block within a step, which fails with it.

        Args:
            steps: the block.
            scope: its variables.
            label: what the numbers of its steps begin with.
            first: how many steps of the same step are numbered before these.
        """
        block = Block(steps, first)
        flow = await self._run_block(block, scope, label)
        if block.failures:
            raise StepFailed(block.feedback)
        return flow

    async def _loop(self, step: nodes.For | nodes.While, scope: Scope, label: str) -> Flow:
        inner_scopes = (
            rounds(step.targets, step.source, scope, self._fuel)
            if isinstance(step, nodes.For)
            else self._while(step, scope)
        )
        for number, inner in enumerate(inner_scopes, start=1):
            if number % 64 == 0:
                await asyncio.sleep(0)  # a long loop lets others run
            flow = await self._inner(step.body, inner, f"{label}.{number}.")
            if flow == "answer":
                return flow
            if flow == "break":
                break
        return "next"

    def _while(self, step: nodes.While, scope: Scope) -> Iterator[Scope]:
        for _ in range(step.limit):
            if step.test is not None and not holds(step.test, scope, self._fuel):
                return
            yield Scope(outer=scope)

    def _assert(self, step: nodes.Assert, scope: Scope, label: str) -> None:
        if holds(step.test, scope, self._fuel):
            return
        said = "" if step.feedback is None else evaluate(step.feedback, scope, self._fuel)
        message = said if isinstance(said, str) else show(said, GOT)
        raise self._failure(step.test, scope, label, "assertion", message)

    def _typed(self, value: Value, kind: Type, name: str = "the answer") -> Value:
        self._fuel.copy(weigh(value))
        if problem := mismatch(value, kind, self._state.records, name):
            raise Halt(problem, kind="type mismatch")
        return value

    async def _result(
        self, call: nodes.Call | nodes.CallEach, scope: Scope, label: str, kind: Type
    ) -> Value:
        if isinstance(call, nodes.Call):
            return await self._call(call, scope, label, kind)
        item = kind.item if isinstance(kind, ListOf) else ANY
        scopes = [
            inner
            for inner in rounds(call.targets, call.source, scope, self._fuel)
            if call.condition is None or holds(call.condition, inner, self._fuel)
        ]
        work = [(inner, f"{label}.{number}") for number, inner in enumerate(scopes, start=1)]
        callee = self._state.callees[call.call.callee]
        if callee.effects == "write" or callee.workspace:
            return SizedList([await self._call(call.call, s, at, item) for s, at in work])
        return await self._together([self._call(call.call, s, at, item) for s, at in work])

    async def _together(self, work: Sequence[Awaitable[Value]]) -> Value:
        """Return the results of calls made at the same time; all of them are made."""
        tasks = [asyncio.ensure_future(call) for call in work]
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await _cancel(tasks)
        feedback: list[Feedback] = []
        results = []
        for task in tasks:
            try:
                results.append(task.result())
            except StepFailed as failure:
                feedback.extend(failure.feedback)
        if feedback:
            raise StepFailed(feedback)
        return SizedList(results)

    async def _call(self, call: nodes.Call, scope: Scope, label: str, kind: Type) -> Value:
        """Make one call and return its result, which is of the type that it has to be of."""
        try:
            self._count(label)
            with self._explained(call, scope, label):
                return await self._invoked(call, scope, label, kind)
        except CallFailed as failure:
            self._halted = self._halted or failure.halts
            raise self._failure(call, scope, label, failure.kind, str(failure)) from failure

    async def _invoked(self, call: nodes.Call, scope: Scope, label: str, kind: Type) -> Value:
        arguments = [evaluate(value, scope, self._fuel) for value in call.arguments]
        named = {name: evaluate(value, scope, self._fuel) for name, value in call.named}
        invocation = Invocation(
            id=f"{self._id}/{label}",
            callee=self._state.callees[call.callee],
            arguments=tuple(arguments),
            named=named,
            returns=kind,
            types=self._declared_types(call),
        )
        async with self._free:
            if self._halted:
                raise CallFailed("the plan was interrupted", kind="interrupted", halts=True)
            result = adopt(await self._invoke(invocation))
        if problem := mismatch(result, kind, self._state.records, "the result"):
            raise CallFailed(problem, kind="type mismatch")
        return result

    def _declared_types(self, call: nodes.Call) -> dict[str | int, Type]:
        given: list[tuple[str | int, nodes.Expr]] = [*enumerate(call.arguments), *call.named]
        return {
            place: self._types[value.id]
            for place, value in given
            if isinstance(value, nodes.Name) and value.id in self._types
        }

    def _count(self, label: str) -> None:
        top = label.partition(".")[0]
        self._calls[top] = self._calls.get(top, 0) + 1
        if self._calls[top] > MAX_CALLS:
            raise CallFailed(f"the step makes more than {MAX_CALLS} calls", kind="limit")

    def _failure(
        self, node: nodes.Node, scope: Scope, label: str, kind: Kind, message: str
    ) -> StepFailed:
        names = dict.fromkeys(n.id for n in nodes.walk(node) if isinstance(n, nodes.Name))
        got = []
        for name in [*names][:6]:
            try:
                got.append(f"{name} = {show(scope[name], GOT)}")
            except Halt:
                continue
        feedback = Feedback(
            step=label, kind=kind, expression=render_line(node), got="; ".join(got), message=message
        )
        return StepFailed([feedback])

    def _made(self, step: nodes.Step) -> str:
        """Return what came of a step, in a line."""
        match step:
            case nodes.Assign(name=name) | nodes.Update(name=name):
                kind = self._types[name]
                return f"{name}: {kind} = {show(self._state.values[name], GOT, kind)}"
            case nodes.Answer():
                return f"answer({show(self._answer, GOT)})"
            case _:
                return render_line(step)

    def _finished(self, label: str, ok: bool, text: str) -> None:
        self._emit(PlanStepFinished(id=f"{self._id}/{label}", ok=ok, text=_line(text)))

    def _emit(self, event: PlanStepStarted | PlanStepFinished) -> None:
        if self._log is not None:
            self._log.emit(event)


def _line(text: str) -> str:
    return text if len(text) <= LINE else f"{text[:LINE]} ..."


def _is_shown(step: nodes.Step, label: str, calls: bool) -> bool:
    """Return whether a step is worth an event: each of the plan itself, and every call."""
    if "." in label:
        return calls and isinstance(step, nodes.Do | nodes.Assign)
    return not isinstance(step, nodes.Pass)


async def _cancel(tasks: Any) -> None:
    """Cancel what still runs, and wait until it has ended."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.gather(*running, return_exceptions=True)
