"""From plan to text: canonical, so that equal plans have equal texts, and read back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from treeact.planners.codified import nodes

INDENT = "    "
_TIGHTNESS = {"+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": 8}
"""How tightly operators bind; `not` is 3, comparisons 4, a minus sign 7, calls and names 9."""


def render_plan(plan: nodes.Plan) -> str:
    """Return the text of a plan; `parse_plan` makes an equal plan of it."""
    lines: list[str] = []
    if plan.task is not None:
        lines.append(f"task({_quote(plan.task.goal)}, answer={plan.task.answer})")
    for record in plan.records:
        lines += [f"class {record.name}:", *(f"{INDENT}{n}: {t}" for n, t in record.fields)]
    for role in plan.roles:
        lines += _role(role)
    lines += [line for step in plan.steps for line in _step(step)]
    return "\n".join(lines) + "\n"


def render_steps(steps: Iterable[nodes.Step]) -> str:
    """Return the text of steps, one or more lines each."""
    return "\n".join(line for step in steps for line in _step(step))


def render_line(node: nodes.Node) -> str:
    """Return the first line of a step, a call or an expression, as events and feedback name it."""
    match node:
        case nodes.Call():
            return render_call(node)
        case _ if type(node) in _RULES:
            return render(node)  # type: ignore[arg-type]
        case _:
            return _step(node)[0]  # type: ignore[arg-type]


def _role(role: nodes.RoleDeclaration) -> list[str]:
    parameters = ", ".join(f"{name}: {kind}" for name, kind in role.parameters)
    decorators = [f"@can({', '.join(role.can)})"] if role.can else []
    return [
        *decorators,
        f"def {role.name}({parameters}) -> {role.returns}:",
        f"{INDENT}{_quote(role.instructions)}",
        *(INDENT + line for check in role.must for line in _step(check)),
    ]


def _step(step: nodes.Step) -> list[str]:
    match step:
        case nodes.If():
            return _if(step, "if")
        case nodes.For(targets=targets, source=source, body=body):
            return [f"for {', '.join(targets)} in {render(source)}:", *_block(body)]
        case nodes.While(limit=limit, test=test, body=body):
            condition = "" if test is None else f" and {render(test, 2)}"
            return [f"while limit({limit}){condition}:", *_block(body)]
        case _:
            return [_simple(step)]


def _simple(step: nodes.Step) -> str:
    match step:
        case nodes.Assign(name=name, type=kind, value=value):
            return f"{name}{f': {kind}' if kind else ''} = {_right_side(value)}"
        case nodes.Update(name=name, op=op, value=value):
            return f"{name} {op}= {render(value)}"
        case nodes.Append(name=name, value=value):
            return f"{name}.append({render(value)})"
        case nodes.SetItem(name=name, key=key, value=value):
            return f"{name}[{render(key)}] = {render(value)}"
        case nodes.Do(call=call):
            return _right_side(call)
        case nodes.Assert(test=test, feedback=feedback):
            return f"assert {render(test)}" + (f", {render(feedback)}" if feedback else "")
        case nodes.Answer(value=value):
            return f"answer({render(value)})"
        case nodes.Leave(how=how):
            return how
        case _:
            return "pass"


def _if(step: nodes.If, word: str) -> list[str]:
    lines = [f"{word} {render(step.test)}:", *_block(step.body)]
    match step.other:
        case ():
            return lines
        case (nodes.If() as other,):
            return [*lines, *_if(other, "elif")]
        case other:
            return [*lines, "else:", *_block(other)]


def _block(steps: Sequence[nodes.Step]) -> list[str]:
    return [INDENT + line for step in steps or (nodes.Pass(),) for line in _step(step)]


def _right_side(value: nodes.Expr | nodes.Call | nodes.CallEach) -> str:
    match value:
        case nodes.Call():
            return render_call(value)
        case nodes.CallEach(call=call):
            return f"[{render_call(call)}{_generator(value)}]"
        case _:
            return render(value)


def render_call(call: nodes.Call) -> str:
    """Return the text of a call."""
    named = (f"{name}={render(value)}" for name, value in call.named)
    return f"{call.callee}({', '.join([*map(render, call.arguments), *named])})"


def _generator(node: nodes.CallEach | nodes.Comprehension) -> str:
    condition = "" if node.condition is None else f" if {render(node.condition, 1)}"
    return f" for {', '.join(node.targets)} in {render(node.source, 1)}{condition}"


def render(node: nodes.Expr, tightness: int = 0) -> str:
    """Return the text of an expression, in brackets where its place binds more tightly."""
    text, own = _RULES[type(node)](node)
    return f"({text})" if own < tightness else text


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _constant(node: nodes.Constant) -> tuple[str, int]:
    return _quote(node.value) if isinstance(node.value, str) else repr(node.value), 9


def _items(node: nodes.Items) -> tuple[str, int]:
    return f"[{', '.join(map(render, node.values))}]", 9


def _pairs(node: nodes.Pairs) -> tuple[str, int]:
    return f"{{{', '.join(f'{render(k)}: {render(v)}' for k, v in node.values)}}}", 9


def _text(node: nodes.Text) -> tuple[str, int]:
    parts = (part if isinstance(part, str) else _slot(part) for part in node.parts)
    return f'f"{"".join(_braced(p) if isinstance(p, str) else p[0] for p in parts)}"', 9


def _slot(slot: nodes.Slot) -> tuple[str]:
    text = render(slot.value).replace('"', "'")  # no quotes are in it but those of plain texts
    space = " " if text.startswith("{") else ""
    return (f"{{{space}{text}{f':{slot.spec}' if slot.spec else ''}}}",)


def _braced(text: str) -> str:
    return _quote(text)[1:-1].replace("{", "{{").replace("}", "}}")


def _unary(node: nodes.Unary) -> tuple[str, int]:
    if node.op == "not":
        return f"not {render(node.value, 3)}", 3
    return f"-{render(node.value, 7)}", 7


def _binary(node: nodes.Binary) -> tuple[str, int]:
    own = _TIGHTNESS[node.op]
    left, right = (own + 1, own - 1) if node.op == "**" else (own, own + 1)
    return f"{render(node.left, left)} {node.op} {render(node.right, right)}", own


def _compare(node: nodes.Compare) -> tuple[str, int]:
    rest = "".join(f" {_sign(op, value)} {render(value, 5)}" for op, value in node.rest)
    return render(node.first, 5) + rest, 4


def _sign(op: str, value: nodes.Expr) -> str:
    is_none = isinstance(value, nodes.Constant) and value.value is None
    return {"==": "is", "!=": "is not"}.get(op, op) if is_none else op


def _logic(node: nodes.Logic) -> tuple[str, int]:
    own = 2 if node.op == "and" else 1
    return f" {node.op} ".join(render(value, own + 1) for value in node.values), own


def _choice(node: nodes.Choice) -> tuple[str, int]:
    return f"{render(node.then, 1)} if {render(node.test, 1)} else {render(node.other)}", 0


def _item(node: nodes.Item) -> tuple[str, int]:
    return f"{render(node.value, 9)}[{render(node.key)}]", 9


def _slice(node: nodes.Slice) -> tuple[str, int]:
    lower, upper = ("" if bound is None else render(bound) for bound in (node.lower, node.upper))
    return f"{render(node.value, 9)}[{lower}:{upper}]", 9


def _field(node: nodes.Field) -> tuple[str, int]:
    return f"{_owner(node.value)}.{node.name}", 9


def _owner(node: nodes.Expr) -> str:
    """Return what stands before a dot, where a number would swallow it."""
    is_number = isinstance(node, nodes.Constant) and not isinstance(node.value, str)
    return f"({render(node)})" if is_number else render(node, 9)


def _apply(node: nodes.Apply) -> tuple[str, int]:
    return f"{node.function}({', '.join(map(render, node.arguments))})", 9


def _method(node: nodes.Method) -> tuple[str, int]:
    return f"{_owner(node.value)}.{node.name}({', '.join(map(render, node.arguments))})", 9


def _comprehension(node: nodes.Comprehension) -> tuple[str, int]:
    return f"[{render(node.element)}{_generator(node)}]", 9


_RULES: dict[type[nodes.Node], Callable[[Any], tuple[str, int]]] = {
    nodes.Apply: _apply,
    nodes.Binary: _binary,
    nodes.Choice: _choice,
    nodes.Compare: _compare,
    nodes.Comprehension: _comprehension,
    nodes.Constant: _constant,
    nodes.Field: _field,
    nodes.Item: _item,
    nodes.Items: _items,
    nodes.Logic: _logic,
    nodes.Method: _method,
    nodes.Name: lambda node: (node.id, 9),
    nodes.Pairs: _pairs,
    nodes.Slice: _slice,
    nodes.Text: _text,
    nodes.Unary: _unary,
}
