"""From text to plan. Python's own parser reads the syntax; nothing of it is ever run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TypeVar

from treeact.planners.codified import nodes
from treeact.planners.codified.expressions import (
    check_callee,
    check_name,
    operator_of,
    read_call,
    read_expression,
    read_generator,
    read_targets,
)
from treeact.planners.codified.findings import Finding, Refused, place, refuse
from treeact.planners.codified.functions import FUNCTIONS
from treeact.planners.codified.types import FORMS, Type, read_type
from treeact.planners.codified.values import MAX_ITEMS
from treeact.planners.normalise import SyntaxFailure, parse_python

MAX_TEXT = 20_000
"""Characters of one plan."""
MAX_BLOCKS = 8
"""Levels of loops and conditionals in each other."""

USE = "use typed assignments, if, for, while, assert, calls and answer(...)"
Made = TypeVar("Made")


def parse_plan(text: str) -> tuple[nodes.Plan, tuple[Finding, ...]]:
    """Return the plan that a text is, and what in it is not of the language.

    Any text at all has an outcome. A plan with findings is only what could be read of it.
    """
    if len(text) > MAX_TEXT:
        return _nothing(
            1, 1, f"the plan has more than {MAX_TEXT} characters", "write a shorter one"
        )
    try:
        module = parse_python(text)
    except SyntaxError as error:
        line, column = max(1, error.lineno or 1), max(1, error.offset or 1)
        return _nothing(line, column, f"no Python syntax ({error.msg})", "correct that line")
    except SyntaxFailure as error:
        problem = f"this cannot be read ({type(error).__name__})"
        return _nothing(1, 1, problem, "write a shorter and simpler plan")
    _count_characters(module, text)
    reader = _Reader()
    plan = reader.plan(module)
    return plan, tuple(sorted(reader.findings))


def _count_characters(module: ast.Module, text: str) -> None:
    """Make columns count characters; Python's parser counts bytes."""
    if text.isascii():
        return
    lines = text.encode(errors="surrogatepass").splitlines()
    for node in ast.walk(module):
        if isinstance(node, ast.expr | ast.stmt | ast.arg) and node.lineno <= len(lines):
            before = lines[node.lineno - 1][: node.col_offset]
            node.col_offset = len(before.decode(errors="replace"))


def _nothing(
    line: int, column: int, problem: str, remedy: str
) -> tuple[nodes.Plan, tuple[Finding]]:
    return nodes.Plan(None, (), (), ()), (Finding(line, column, problem, remedy),)


class _Reader:
    """Reads one plan; a step that is refused is left out, and the next one is read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def plan(self, module: ast.Module) -> nodes.Plan:
        tasks: list[nodes.TaskDeclaration] = []
        records: list[nodes.RecordDeclaration] = []
        roles: list[nodes.RoleDeclaration] = []
        steps: list[ast.stmt] = []
        for statement in module.body:
            match statement:
                case ast.ClassDef():
                    records += self._each([statement], _record)
                case ast.FunctionDef():
                    roles += self._each([statement], _role)
                case ast.Expr(value=ast.Call(func=ast.Name(id="task")) as call):
                    tasks += self._each([call], _task)
                case _:
                    steps.append(statement)
        if len(tasks) > 1:
            self._add(Refused(tasks[1].at, "the task is declared twice", "declare it once"))
        task = tasks[0] if tasks else None
        return nodes.Plan(task, tuple(records), tuple(roles), self.block(steps))

    def block(self, statements: Iterable[ast.stmt], depth: int = 0) -> tuple[nodes.Step, ...]:
        return tuple(self._each(statements, lambda statement: self._step(statement, depth)))

    def _each(self, items: Iterable[ast.AST], read: Callable[..., Made]) -> list[Made]:
        made = []
        for item in items:
            try:
                made.append(read(item))
            except Refused as refusal:
                self._add(refusal)
        return made

    def _add(self, refusal: Refused) -> None:
        self.findings.append(refusal.finding)

    def _step(self, node: ast.stmt, depth: int) -> nodes.Step:
        if depth > MAX_BLOCKS:
            raise refuse(node, f"more than {MAX_BLOCKS} blocks in each other", "use fewer")
        match node:
            case ast.If(test=test, body=body, orelse=other):
                blocks = self.block(body, depth + 1), self.block(other, depth + 1)
                return nodes.If(read_expression(test), *blocks, at=place(node))
            case ast.For():
                return self._for(node, depth)
            case ast.While():
                return self._while(node, depth)
            case _:
                return _simple_step(node)

    def _for(self, node: ast.For, depth: int) -> nodes.Step:
        if node.orelse:
            raise refuse(node, "a loop has no else here", "set a variable in the loop")
        targets, source = read_targets(node.target), read_expression(node.iter)
        return nodes.For(targets, source, self.block(node.body, depth + 1), at=place(node))

    def _while(self, node: ast.While, depth: int) -> nodes.Step:
        if node.orelse:
            raise refuse(node, "a loop has no else here", "set a variable in the loop")
        limit, test = _limit(node.test)
        if limit is None:
            remedy = "say how many rounds there are at most: `while limit(10) and ...:`"
            raise refuse(node, "the loop is unbounded", remedy)
        if not 1 <= limit <= MAX_ITEMS:
            raise refuse(node, f"a limit is from 1 to {MAX_ITEMS}", "choose another limit")
        condition = None if test is None else read_expression(test)
        return nodes.While(limit, condition, self.block(node.body, depth + 1), at=place(node))


def _limit(test: ast.expr) -> tuple[int | None, ast.expr | None]:
    """Return the limit of a loop, and the rest of its condition."""
    match test:
        case ast.Call(
            func=ast.Name(id="limit"), args=[ast.Constant(value=int(limit))], keywords=[]
        ):
            return int(limit), None
        case ast.BoolOp(op=ast.And(), values=values):
            for number, value in enumerate(values):
                found = _limit(value)[0] if isinstance(value, ast.Call) else None
                if found is None:
                    continue
                others = [*values[:number], *values[number + 1 :]]
                if len(others) == 1:
                    return found, others[0]
                return found, ast.copy_location(ast.BoolOp(ast.And(), others), test)
    return None, test


def _simple_step(node: ast.stmt) -> nodes.Step:
    at = place(node)
    match node:
        case ast.AnnAssign() | ast.Assign() | ast.AugAssign():
            return _setting(node)
        case ast.Assert(test=test, msg=msg):
            feedback = None if msg is None else read_expression(msg)
            return nodes.Assert(read_expression(test), feedback, at=at)
        case ast.Expr(value=value):
            return _bare(value)
        case ast.Break():
            return nodes.Leave("break", at=at)
        case ast.Continue():
            return nodes.Leave("continue", at=at)
        case ast.Pass():
            return nodes.Pass(at=at)
        case ast.Return():
            raise refuse(node, "a plan does not return", "end it with `answer(value)`")
        case ast.Import() | ast.ImportFrom():
            raise refuse(node, "nothing can be imported", "call a role that runs Python for this")
        case _:
            raise refuse(node, f"Python's {type(node).__name__} is not of the language", USE)


def _setting(node: ast.AnnAssign | ast.Assign | ast.AugAssign) -> nodes.Setting:
    at = place(node)
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            check_name(node, name)
            return nodes.Assign(name, _type(node.annotation), _right_side(value), at=at)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            check_name(node, name)
            return nodes.Assign(name, None, _right_side(value), at=at)
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)], value=value):
            return nodes.SetItem(name, read_expression(key), read_expression(value), at=at)
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            return nodes.Update(name, operator_of(node), read_expression(value), at=at)  # type: ignore[arg-type]
        case _:
            remedy = "give one variable its value: `x: T = ...`"
            raise refuse(node, "this assignment is not of the language", remedy)


def _bare(value: ast.expr) -> nodes.Step:
    """Return the step that an expression by itself is."""
    match value:
        case ast.Call(func=ast.Name(id="answer"), args=[given], keywords=[]):
            return nodes.Answer(read_expression(given), at=place(value))
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[item], keywords=[]
        ):
            return nodes.Append(name, read_expression(item), at=place(value))
        case _:
            called = _call(value)
            if called is None:
                remedy = "give the value to a variable, or leave it out"
                raise refuse(value, "this step does nothing", remedy)
            return nodes.Do(called, at=place(value))


def _right_side(value: ast.expr) -> nodes.Expr | nodes.Call | nodes.CallEach:
    return _call(value) or read_expression(value)


def _call(value: ast.expr) -> nodes.Call | nodes.CallEach | None:
    """Return the call of a role or tool that `value` is, or None where it is none."""
    if isinstance(value, ast.Await):
        value = value.value
    if _leaves(value):
        assert isinstance(value, ast.Call)
        return read_call(value)
    if isinstance(value, ast.ListComp) and _leaves(value.elt):
        assert isinstance(value.elt, ast.Call)
        targets, source, condition = read_generator(value)
        return nodes.CallEach(read_call(value.elt), targets, source, condition, at=place(value))
    return None


def _leaves(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id not in FUNCTIONS
    )


def _type(annotation: ast.expr) -> Type:
    kind = read_type(annotation)
    if kind is None:
        raise refuse(annotation, "this is no type of the language", f"use {FORMS}")
    return kind


def _task(call: ast.Call) -> nodes.TaskDeclaration:
    match call:
        case ast.Call(
            args=[ast.Constant(value=str(goal))], keywords=[ast.keyword(arg="answer", value=kind)]
        ):
            return nodes.TaskDeclaration(goal, _type(kind), at=place(call))
        case _:
            remedy = 'write `task("what is asked", answer=float)`'
            raise refuse(call, "the task is not declared as it should be", remedy)


def _record(node: ast.ClassDef) -> nodes.RecordDeclaration:
    check_name(node, node.name)
    fields: dict[str, Type] = {}
    body = [item for item in node.body if not _is_docstring(item)]
    for item in body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=None):
                fields[name] = _type(annotation)
            case _:
                raise refuse(item, "a class has typed fields alone", "write `name: str`")
    if node.bases or node.keywords or node.decorator_list or not fields:
        raise refuse(node, "a class has typed fields alone", "write `class Row:` and its fields")
    return nodes.RecordDeclaration(node.name, tuple(fields.items()), at=place(node))


def _is_docstring(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False


def _role(node: ast.FunctionDef) -> nodes.RoleDeclaration:
    check_callee(node, node.name)
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.defaults or arguments.posonlyargs:
        raise refuse(node, "a role has plain typed parameters", "write `def name(a: str) -> T:`")
    parameters = []
    for parameter in arguments.args:
        if parameter.annotation is None:
            remedy = f"write `{parameter.arg}: str`"
            raise refuse(parameter, f"the parameter {parameter.arg} has no type", remedy)
        parameters.append((parameter.arg, _type(parameter.annotation)))
    if node.returns is None:
        raise refuse(node, "the role has no type of result", f"write `def {node.name}(...) -> T:`")
    instructions, must = _contract(node)
    return nodes.RoleDeclaration(
        node.name,
        tuple(parameters),
        _type(node.returns),
        instructions,
        tuple(name for decorator in node.decorator_list for name in _can(decorator)),
        must,
        at=place(node),
    )


def _contract(node: ast.FunctionDef) -> tuple[str, tuple[nodes.Assert, ...]]:
    """Return what a role is told, and what has to hold of its result."""
    first, *others = node.body
    if not _is_docstring(first):
        remedy = 'begin it with """what the role does"""'
        raise refuse(first, f"the role {node.name} is not told what to do", remedy)
    assert isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    must = []
    for item in others:
        step = None if isinstance(item, ast.Pass) or _is_dots(item) else _simple_step(item)
        if isinstance(step, nodes.Assert):
            must.append(step)
        elif step is not None:
            remedy = "leave only asserts about `result` behind what it is told"
            raise refuse(item, f"the role {node.name} has code", remedy)
    return str(first.value.value).strip(), tuple(must)


def _is_dots(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=value)):
            return value is ...
        case _:
            return False


def _can(decorator: ast.expr) -> tuple[str, ...]:
    match decorator:
        case ast.Call(func=ast.Name(id="can"), args=names, keywords=[]) if names and all(
            isinstance(name, ast.Name) for name in names
        ):
            return tuple(name.id for name in names if isinstance(name, ast.Name))
        case _:
            raise refuse(decorator, "a role has @can(...) alone", "write `@can(python, a_tool)`")
