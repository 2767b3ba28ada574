"""The static check: what has to be right before any step of a plan runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from treeact.planners.codified import nodes
from treeact.planners.codified.findings import Finding
from treeact.planners.codified.infer import Typing, close_to, operation
from treeact.planners.codified.parser import parse_plan
from treeact.planners.codified.signatures import Callees, Signature, role_signature
from treeact.planners.codified.types import (
    ANY,
    FORMS,
    NONE,
    STR,
    DictOf,
    ListOf,
    Maybe,
    Records,
    Type,
    has_names,
    may_be,
)

PYTHON = "python"
"""What `@can(...)` calls running code."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What exists before a plan: at first the inputs of the run, later all that was executed."""

    variables: Mapping[str, Type] = field(default_factory=dict)
    """They have their values, and no plan gives them others."""
    records: Records = field(default_factory=dict)
    task: nodes.TaskDeclaration | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A plan that was read and checked. Only one without findings is ever run."""

    plan: nodes.Plan
    findings: tuple[Finding, ...]
    task: nodes.TaskDeclaration | None
    records: Records
    """All records, those of earlier plans among them."""
    callees: Callees
    """All roles and tools, those that the plan declares among them."""
    types: Mapping[str, Type]
    """The types of all variables."""


def check_plan(text: str, callees: Callees, prior: Prior) -> Checked:
    """Read and check a plan.

    Args:
        text: what the planner wrote.
        callees: the roles and tools that can be called.
        prior: what exists already.
    """
    plan, refused = parse_plan(text)
    check = _Check(plan, callees, prior)
    check.declarations()
    check.steps()
    found = {*refused, *check.typing.findings}
    if not refused:  # a step that was left out may set what seems to be missing
        found |= {*check.typing.undefined}
    findings = tuple(sorted(found))
    return Checked(
        plan=plan,
        findings=findings,
        task=check.task,
        records=check.typing.records,
        callees=check.callees,
        types=check.typing.types,
    )


class _Check:
    """The check of one plan."""

    def __init__(self, plan: nodes.Plan, callees: Callees, prior: Prior) -> None:
        self.plan = plan
        self.prior = prior
        self.task = plan.task or prior.task
        self.callees = dict(callees)
        records = {record.name: dict(record.fields) for record in plan.records}
        self.typing = Typing({**records, **prior.records}, dict(prior.variables))

    def declarations(self) -> None:
        plan, report = self.plan, self.typing.report
        if self.task is None:
            remedy = 'begin it with `task("what is asked", answer=float)`'
            report(plan if not plan.steps else plan.steps[0], "the plan declares no task", remedy)
        elif plan.task and self.prior.task and plan.task.answer != self.prior.task.answer:
            wanted = self.prior.task.answer
            report(plan.task, "the answer has another type than before", f"it is {wanted}")
        if self.task is not None:
            self._check_type(self.task, self.task.answer)
        for record in plan.records:
            if record.name in self.prior.records:
                report(record, f"the class {record.name} exists already", "use it, or rename yours")
            for _, kind in record.fields:
                self._check_type(record, kind)
        for role in plan.roles:
            self._role(role)

    def _check_type(self, node: nodes.Node, kind: Type) -> None:
        if not has_names(kind, self.typing.records):
            self.typing.report(node, f"the type {kind} is not known", f"use {FORMS}")

    def _role(self, role: nodes.RoleDeclaration) -> None:
        if role.name in self.callees:
            self.typing.report(role, f"{role.name} exists already", "use it, or rename yours")
            return
        tools = [name for name, known in self.callees.items() if not known.role]
        for name in role.can:
            if name != PYTHON and name not in tools:
                remedy = close_to(name, [PYTHON, *tools])
                self.typing.report(role, f"the role can call no tool {name}", remedy)
        for _, kind in (*role.parameters, ("", role.returns)):
            self._check_type(role, kind)
        self.callees[role.name] = role_signature(role, self.callees)
        contract = Typing(self.typing.records, {**dict(role.parameters), "result": role.returns})
        for condition in role.must:
            _check_assert(contract, condition)
        self.typing.findings += contract.findings
        self.typing.undefined += contract.undefined

    def steps(self) -> None:
        goes_on = self._block(self.plan.steps)
        if goes_on:
            last: nodes.Node = self.plan.steps[-1] if self.plan.steps else self.plan
            remedy = "end it with `answer(value)`, in each branch where it may end"
            self.typing.report(last, "the plan can end without an answer", remedy)

    def _block(self, steps: Sequence[nodes.Step], loops: int = 0) -> bool:
        """Check a block; return whether what stands behind it can be reached."""
        goes_on = True
        for step in steps:
            if not goes_on:
                remedy = "remove it, or put it before what ends the block"
                self.typing.report(step, "this step can never be reached", remedy)
                break
            goes_on = self._step(step, loops)
        return goes_on

    def _step(self, step: nodes.Step, loops: int) -> bool:
        match step:
            case nodes.If():
                return self._if(step, loops)
            case nodes.For() | nodes.While():
                self._loop(step, loops)
            case nodes.Answer(value=value):
                if self.task is not None:
                    self.typing.expect(value, self.task.answer, "the answer")
                return False
            case nodes.Leave(how=how):
                if not loops:
                    self.typing.report(step, f"{how} is in no loop", "remove it")
                return False
            case nodes.Assert():
                _check_assert(self.typing, step)
            case nodes.Do(call=call):
                self._result(call)
            case nodes.Assign() | nodes.Update() | nodes.Append() | nodes.SetItem():
                self._set(step)
        return True

    def _loop(self, step: nodes.For | nodes.While, loops: int) -> None:
        if isinstance(step, nodes.For):
            with self.typing.loop(step):
                self._body(step.body, loops + 1)
            return
        if step.test is not None:
            self._condition(step, step.test)
        self._body(step.body, loops + 1)

    def _body(self, steps: Sequence[nodes.Step], loops: int) -> None:
        """Check the body of a loop, after which nothing of it is sure to have happened."""
        before = set(self.typing.defined)
        self._block(steps, loops)
        self.typing.defined = before

    def _if(self, step: nodes.If, loops: int) -> bool:
        self._condition(step, step.test)
        before = set(self.typing.defined)
        ends = []
        for block in (step.body, step.other):
            self.typing.defined = set(before)
            if self._block(block, loops):
                ends.append(self.typing.defined)
        self.typing.defined = set.intersection(*ends) if ends else before
        return bool(ends)

    def _condition(self, step: nodes.Step, test: nodes.Expr) -> None:
        self.typing.infer(test)
        if isinstance(test, nodes.Constant):
            problem = f"the condition is always {bool(test.value)}, so a branch is never reached"
            self.typing.report(step, problem, "remove it, or test something")

    def _set(self, step: nodes.Setting) -> None:
        if not self._may_set(step):
            return
        match step:
            case nodes.Assign():
                self._assign(step)
            case nodes.Update(name=name, op=op, value=value):
                held = self.typing.infer(nodes.Name(name, at=step.at))
                made = operation(self.typing, step, op, held, self.typing.infer(value), value)
                self._fits(step, made, held)
            case nodes.Append(name=name, value=value):
                held = self.typing.infer(nodes.Name(name, at=step.at))
                if isinstance(held, ListOf):
                    self.typing.expect(value, held.item, f"an item of {name}")
                elif held != ANY:
                    self.typing.report(step, f"{name} is {held}, and no list", "append to a list")
            case nodes.SetItem():
                self._set_item(step)

    def _may_set(self, step: nodes.Setting) -> bool:
        name = step.name
        if name in self.prior.variables:
            problem = f"{name} has its value from what was executed, which cannot be changed"
        elif name in self.typing.local:
            problem = f"{name} is the variable of a loop"
        elif name in self.callees:
            problem = f"{name} is a role or tool"
        else:
            return True
        self.typing.report(step, problem, "use a new variable")
        return False

    def _assign(self, step: nodes.Assign) -> None:
        typing, known = self.typing, self.typing.types.get(step.name)
        wanted = step.type or known
        if step.type is not None:
            self._check_type(step, step.type)
            if known is not None and known != step.type:
                problem = f"{step.name} is {known}, and cannot be {step.type} as well"
                typing.report(step, problem, "use a new variable")
        if isinstance(step.value, nodes.Call | nodes.CallEach):
            found = self._result(step.value)
            if wanted is not None and not may_be(found, wanted, typing.records):
                problem = f"{step.name} is {wanted}, and this call gives {found}"
                typing.report(step, problem, "change the declared type or the call")
        elif wanted is not None:
            typing.expect(step.value, wanted, step.name)
            found = wanted
        else:
            found = typing.infer(step.value)
        if wanted is None and _is_open(found):
            problem = f"the type of {step.name} is not known"
            typing.report(step, problem, f"declare it: `{step.name}: T = ...`")
        typing.types[step.name] = wanted or found
        typing.defined.add(step.name)

    def _fits(self, step: nodes.Update, made: Type, held: Type) -> None:
        if not may_be(made, held, self.typing.records):
            problem = f"{step.name} is {held}, and this makes it {made}"
            self.typing.report(step, problem, f"declare it as {made}")

    def _set_item(self, step: nodes.SetItem) -> None:
        held = self.typing.infer(nodes.Name(step.name, at=step.at))
        if isinstance(held, DictOf):
            self.typing.expect(step.key, STR, "a key")
            self.typing.expect(step.value, held.value, f"a value of {step.name}")
            return
        self.typing.infer(step.key)
        self.typing.infer(step.value)
        if held != ANY:
            remedy = "set the items of a dict[str, T] alone; build a list by appending"
            self.typing.report(step, f"{step.name} is {held}, and no dict", remedy)

    def _result(self, value: nodes.Call | nodes.CallEach) -> Type:
        """Check a call, and return the type of what it gives."""
        if isinstance(value, nodes.Call):
            return self._call(value)
        with self.typing.loop(value):
            if value.condition is not None:
                self.typing.infer(value.condition)
            return ListOf(self._call(value.call))

    def _call(self, call: nodes.Call) -> Type:
        signature = self.callees.get(call.callee)
        if signature is None:
            problem = f"there is no role, tool or function {call.callee}"
            self.typing.report(call, problem, close_to(call.callee, self.callees))
            self.typing.infer_all([*call.arguments, *(value for _, value in call.named)])
            return ANY
        arguments, problem_ = signature.bind(call)
        if problem_ is not None:
            self.typing.report(call, problem_, f"call it as {signature}")
        self._check_arguments(signature, arguments)
        return signature.returns

    def _check_arguments(self, signature: Signature, given: Mapping[str, nodes.Expr]) -> None:
        kinds = {parameter.name: parameter.type for parameter in signature.parameters}
        for name, value in given.items():
            self.typing.expect(value, kinds.get(name, ANY), f"the argument {name}")


def _is_open(kind: Type) -> bool:
    match kind:
        case ListOf(item=inner) | DictOf(value=inner) | Maybe(item=inner):
            return _is_open(inner)
        case _:
            return kind in (ANY, NONE)


def _check_assert(typing: Typing, step: nodes.Assert) -> None:
    typing.infer(step.test)
    if step.feedback is not None:
        typing.infer(step.feedback)
