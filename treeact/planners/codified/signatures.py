"""What a plan may call: roles and tools by name, with the types that are known of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from treeact.planners.codified import nodes
from treeact.planners.codified.types import ANY, Type, read_type

Effects = Literal["none", "read", "write"]


@dataclass(frozen=True)
class Parameter:
    """One parameter."""

    name: str
    type: Type = ANY
    required: bool = True
    kind: Literal["any", "positional", "named"] = "any"
    """How it may be given."""


@dataclass(frozen=True)
class Signature:
    """A role or a tool as a plan sees it."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    returns: Type = ANY
    effects: Effects = "read"
    """What a call does outside: calls that write keep the plan's order, and wait for all before."""
    extra: bool = False
    """Whether it takes any further named arguments."""
    role: bool = False
    """Whether a model answers."""
    workspace: bool = False
    """Whether it runs code in the one interpreter of the run, and so keeps the plan's order."""

    def bind(self, call: nodes.Call) -> tuple[dict[str, nodes.Expr], str | None]:
        """Return the arguments of a call by name, and what is wrong with them, if anything."""
        given: dict[str, nodes.Expr] = {}
        places = [parameter for parameter in self.parameters if parameter.kind != "named"]
        if len(call.arguments) > len(places):
            return given, f"{self.name} takes at most {len(places)} arguments by position"
        for parameter, value in zip(places, call.arguments, strict=False):
            given[parameter.name] = value
        known = {p.name for p in self.parameters if p.kind != "positional"}
        for name, value in call.named:
            if name in given:
                return given, f"the argument {name} is given twice"
            if name not in known and not self.extra:
                return given, f"{self.name} has no argument {name}"
            given[name] = value
        for parameter in self.parameters:
            if parameter.required and parameter.name not in given:
                return given, f"the argument {parameter.name} is missing"
        return given, None

    def __str__(self) -> str:
        parts = [f"{p.name}: {p.type}{'' if p.required else ' = ...'}" for p in self.parameters]
        extra = ["**values: Any"] if self.extra else []
        return f"{self.name}({', '.join([*parts, *extra])}) -> {self.returns}"


Callees = Mapping[str, Signature]


def read_signature(text: str, *, effects: Effects = "read") -> Signature:
    """Return the signature of a tool from its text, such as `weather(city: str) -> float`.

    Types that the language cannot say become `Any`; the tool itself checks those.
    """
    definition = ast.parse(f"def {text}: ...").body[0]
    assert isinstance(definition, ast.FunctionDef)
    arguments = definition.args
    plain = [*arguments.posonlyargs, *arguments.args]
    required = len(plain) - len(arguments.defaults)
    parameters = [
        _parameter(argument, number < required, number < len(arguments.posonlyargs))
        for number, argument in enumerate(plain)
    ]
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        kind = _parameter(argument, default is None, False)
        parameters.append(Parameter(kind.name, kind.type, kind.required, "named"))
    returns = ANY if definition.returns is None else read_type(definition.returns, lenient=True)
    return Signature(
        definition.name, tuple(parameters), returns or ANY, effects, extra=bool(arguments.kwarg)
    )


def _parameter(argument: ast.arg, required: bool, positional: bool) -> Parameter:
    annotation = argument.annotation
    kind = ANY if annotation is None else read_type(annotation, lenient=True) or ANY
    return Parameter(argument.arg, kind, required, "positional" if positional else "any")


def strongest(effects: Iterable[Effects]) -> Effects:
    """Return the effects of something that may call all of these."""
    found = set(effects)
    return "write" if "write" in found else "read" if "read" in found else "none"


def role_signature(role: nodes.RoleDeclaration, callees: Callees) -> Signature:
    """Return the signature of a role that a plan declares."""
    effects = strongest(callees[name].effects for name in role.can if name in callees)
    return Signature(
        role.name,
        tuple(Parameter(name, kind) for name, kind in role.parameters),
        role.returns,
        effects,
        role=True,
        workspace=bool(role.can),
    )
