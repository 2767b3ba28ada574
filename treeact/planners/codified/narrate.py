"""The same plan in English, so that the tokens of either form can be compared honestly.

Every step, name, value and condition of the plan is said, and nothing else: a numbered list, as a
careful person would write it for another to follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from treeact.planners.codified import nodes
from treeact.planners.codified.types import DictOf, ListOf, Maybe, Named, Plain, Type

_OPERATIONS = {
    "+": "{} plus {}",
    "-": "{} minus {}",
    "*": "{} times {}",
    "/": "{} divided by {}",
    "//": "the whole part of {} divided by {}",
    "%": "the remainder of {} divided by {}",
    "**": "{} to the power of {}",
}
_COMPARISONS = {
    "==": "is equal to",
    "!=": "is not equal to",
    "<": "is less than",
    "<=": "is at most",
    ">": "is greater than",
    ">=": "is at least",
    "in": "is in",
    "not in": "is not in",
}
_UPDATES = {
    "+": "Add {1} to {0}.",
    "-": "Subtract {1} from {0}.",
    "*": "Multiply {0} by {1}.",
    "/": "Divide {0} by {1}.",
    "//": "Divide {0} by {1} and keep the whole part.",
    "%": "Replace {0} by its remainder when divided by {1}.",
    "**": "Raise {0} to the power of {1}.",
}
_PLAIN = {
    "bool": ("a yes or no", "yes-or-no values"),
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "str": ("a text", "texts"),
    "None": ("nothing", "nothing"),
    "Any": ("anything", "values of any kind"),
}


def narrate_plan(plan: nodes.Plan) -> str:
    """Return a plan as English prose and numbered steps."""
    lines = []
    if plan.task is not None:
        goal = plan.task.goal.rstrip(".")
        lines.append(f"The task is: {goal}. The answer is {name_type(plan.task.answer)}.")
    for record in plan.records:
        fields = _listed([f"{name}, which is {name_type(kind)}" for name, kind in record.fields])
        lines.append(f"A {record.name} is a record with these fields: {fields}.")
    lines += [_role(role) for role in plan.roles]
    return "\n".join([*lines, *_block(plan.steps, "")]) + "\n"


def narrate_steps(steps: Sequence[nodes.Step]) -> str:
    """Return steps as numbered English sentences."""
    return "\n".join(_block(steps, ""))


def _role(role: nodes.RoleDeclaration) -> str:
    given = _listed([f"{name}, which is {name_type(kind)}" for name, kind in role.parameters])
    text = f"There is a helper called {role.name}. It is told: {role.instructions} "
    text += f"It is given {given or 'nothing'}, and has to give back {name_type(role.returns)}."
    if role.can:
        text += f" It may use {_listed(role.can)}."
    for check in role.must:
        otherwise = f"; otherwise say {say(check.feedback)}" if check.feedback else ""
        text += f" Of the result it has to be true that {say(check.test)}{otherwise}."
    return text


def name_type(kind: Type) -> str:
    """Return what a value of a type is, such as `a list of numbers`."""
    match kind:
        case Plain(name=name):
            return _PLAIN[name][0]
        case ListOf(item=item):
            return f"a list of {_many(item)}"
        case DictOf(value=value):
            return f"a table from texts to {_many(value)}"
        case Maybe(item=item):
            return f"{name_type(item)}, or nothing"
        case Named(name=name):
            return f"a {name}"


def _many(kind: Type) -> str:
    match kind:
        case Plain(name=name):
            return _PLAIN[name][1]
        case Maybe(item=item):
            return f"{_many(item)}, some of which may be missing"
        case Named(name=name):
            return f"{name} records"
        case ListOf(item=inner):
            return f"lists of {_many(inner)}"
        case DictOf(value=value):
            return f"tables from texts to {_many(value)}"


def _block(steps: Sequence[nodes.Step], number: str) -> list[str]:
    return [
        line
        for position, step in enumerate(steps, start=1)
        for line in _step(step, f"{number}{position}.")
    ]


def _step(step: nodes.Step, number: str) -> list[str]:
    match step:
        case nodes.If(test=test, body=body, other=other):
            otherwise = [f"{number} Otherwise:", *_block(other, f"{number}else.")] if other else []
            first = f"{number} If {say(test)}, do the following:"
            return [first, *_block(body, number), *otherwise]
        case nodes.For(targets=targets, source=source, body=body):
            names = _listed(targets)
            first = f"{number} For each {names} in {say(source)}, do the following:"
            return [first, *_block(body, number)]
        case nodes.While(limit=limit, test=test, body=body):
            condition = "" if test is None else f", as long as {say(test)}"
            first = f"{number} Repeat the following at most {limit} times{condition}:"
            return [first, *_block(body, number)]
        case _:
            return [f"{number} {_simple(step)}"]


def _simple(step: nodes.Step) -> str:
    match step:
        case nodes.Assign(name=name, type=kind, value=value):
            what = f", which is {name_type(kind)}" if kind else ""
            return f"{_right_side(value)} and keep the result as {name}{what}."
        case nodes.Update(name=name, op=op, value=value):
            return _UPDATES[op].format(name, say(value))
        case nodes.Append(name=name, value=value):
            return f"Add {say(value)} to the end of the list {name}."
        case nodes.SetItem(name=name, key=key, value=value):
            return f"In the table {name}, set the entry for {say(key)} to {say(value)}."
        case nodes.Do(call=call):
            return f"{_right_side(call)}."
        case nodes.Assert(test=test, feedback=feedback):
            otherwise = f"; if not, stop and say {say(feedback)}" if feedback else ""
            return f"Make sure that {say(test)}{otherwise}."
        case nodes.Answer(value=value):
            return f"Give {say(value)} as the answer and stop."
        case nodes.Leave(how=how):
            return "Leave the loop." if how == "break" else "Go on with the next round."
        case _:
            return "Do nothing."


def _right_side(value: nodes.Expr | nodes.Call | nodes.CallEach) -> str:
    match value:
        case nodes.Call():
            return f"Call {_call(value)}"
        case nodes.CallEach(call=call):
            return f"{_each(value)}, call {_call(call)}"
        case _:
            return f"Work out {say(value)}"


def _call(call: nodes.Call) -> str:
    given = [say(argument) for argument in call.arguments]
    given += [f"{say(value)} as the {name}" for name, value in call.named]
    return f"{call.callee} with {_listed(given)}" if given else call.callee


def _each(node: nodes.CallEach | nodes.Comprehension) -> str:
    condition = "" if node.condition is None else f" for which {say(node.condition)}"
    return f"For each {_listed(node.targets)} in {say(node.source)}{condition}"


def _listed(parts: Iterable[str]) -> str:
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def say(node: nodes.Expr) -> str:
    """Return an expression in words."""
    return _RULES[type(node)](node)


def _constant(node: nodes.Constant) -> str:
    match node.value:
        case str(text):
            return f'"{text}"'
        case None:
            return "nothing"
        case value:
            return str(value).lower()


def _items(node: nodes.Items) -> str:
    return f"the list of {_listed(map(say, node.values))}" if node.values else "an empty list"


def _pairs(node: nodes.Pairs) -> str:
    pairs = [f"{say(value)} for {say(key)}" for key, value in node.values]
    return f"a table with {_listed(pairs)}" if pairs else "an empty table"


def _text(node: nodes.Text) -> str:
    parts = (part if isinstance(part, str) else _slot(part) for part in node.parts)
    return f'the text "{"".join(parts)}"'


def _slot(slot: nodes.Slot) -> str:
    style = f" in the format {slot.spec}" if slot.spec else ""
    return f"[{say(slot.value)}{style}]"


def _unary(node: nodes.Unary) -> str:
    return (
        f"it is not true that {say(node.value)}" if node.op == "not" else f"minus {_in(node.value)}"
    )


def _in(node: nodes.Expr) -> str:
    """Return an expression within another, in brackets where it is more than a name."""
    is_short = isinstance(node, nodes.Name | nodes.Constant)
    return say(node) if is_short else f"({say(node)})"


def _compare(node: nodes.Compare) -> str:
    rest = " and that ".join(f"{_COMPARISONS[op]} {_in(value)}" for op, value in node.rest)
    return f"{_in(node.first)} {rest}"


def _logic(node: nodes.Logic) -> str:
    return f" {node.op} ".join(map(_in, node.values))


def _choice(node: nodes.Choice) -> str:
    return f"{_in(node.then)} if {say(node.test)}, and otherwise {_in(node.other)}"


def _item(node: nodes.Item) -> str:
    return f"the entry {say(node.key)} of {_in(node.value)}"


def _slice(node: nodes.Slice) -> str:
    lower = "the beginning" if node.lower is None else f"position {say(node.lower)}"
    upper = "the end" if node.upper is None else f"before position {say(node.upper)}"
    return f"the part of {_in(node.value)} from {lower} to {upper}"


def _apply(node: nodes.Apply) -> str:
    return f"the {node.function} of {_listed(map(_in, node.arguments))}"


def _method(node: nodes.Method) -> str:
    given = f" with {_listed(map(say, node.arguments))}" if node.arguments else ""
    return f"the {node.name} of {_in(node.value)}{given}"


def _comprehension(node: nodes.Comprehension) -> str:
    each = _each(node)
    return f"the list of {_in(node.element)} {each[0].lower()}{each[1:]}"


_RULES: dict[type[nodes.Node], Callable[[Any], str]] = {
    nodes.Apply: _apply,
    nodes.Binary: lambda node: _OPERATIONS[node.op].format(_in(node.left), _in(node.right)),
    nodes.Choice: _choice,
    nodes.Compare: _compare,
    nodes.Comprehension: _comprehension,
    nodes.Constant: _constant,
    nodes.Field: lambda node: f"the {node.name} of {_in(node.value)}",
    nodes.Item: _item,
    nodes.Items: _items,
    nodes.Logic: _logic,
    nodes.Method: _method,
    nodes.Name: lambda node: node.id,
    nodes.Pairs: _pairs,
    nodes.Slice: _slice,
    nodes.Text: _text,
    nodes.Unary: _unary,
}
