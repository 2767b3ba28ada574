"""The prompts and replies of CodeAgents, with all that is codified in them said in English.

Both forms hold the same plan, values and feedback, so that their tokens can be compared. What
teaches the language of plans has no counterpart in English, and is left out; of the examples in
prompts the plans are in English, and the feedback of the replanner's stays.
"""

from __future__ import annotations

import ast
import re

from treeact.planners.codified.narrate import name_type, narrate_plan, narrate_steps
from treeact.planners.codified.parser import parse_plan
from treeact.planners.codified.types import read_type

_BLOCK = re.compile(r"```python\n(?P<plan>.*?)\n?```", re.DOTALL)
_LANGUAGE = re.compile(r"# The language\n.*?(?=# Roles you can call\n)", re.DOTALL)
_LEFT = re.compile(r"(?<=# The steps that were left\n)(?P<plan>.*)", re.DOTALL)
_DECLARED = re.compile(
    r"(?<=# Declared\n)(?P<plan>.*?)(?=\n\n# Variables that were set)", re.DOTALL
)
_VARIABLE = re.compile(r"^(?P<name>\w+): (?P<type>[\w\[\], |]+) = (?P<value>.+)$", re.MULTILINE)
_FEEDBACK = re.compile(r"^Feedback\(.*\)$", re.MULTILINE)


def language_of(prompt: str) -> str:
    """Return the part of a prompt that describes the language of plans; empty where it has none."""
    found = _LANGUAGE.search(prompt)
    return found[0] if found else ""


def in_english(text: str) -> str:
    """Return a prompt or a reply with its plans, variables and feedback in English."""
    text = _LANGUAGE.sub("", text)
    text = _BLOCK.sub(lambda found: _plan(found["plan"], found[0]), text)
    for section in (_DECLARED, _LEFT):
        text = section.sub(lambda found: _plan(found["plan"], found[0]), text)
    text = _FEEDBACK.sub(lambda found: _feedback(found[0]), text)
    return _VARIABLE.sub(_variable, text)


def _plan(text: str, otherwise: str) -> str:
    """Return a plan in words, or what stands there where that is none, such as a function."""
    plan, findings = parse_plan(text)
    is_plan = not findings and (plan.steps or plan.task)
    return narrate_plan(plan).strip() if is_plan else otherwise


def _variable(found: re.Match[str]) -> str:
    kind = read_type(ast.parse(found["type"], mode="eval").body)
    if kind is None:
        return found[0]
    call, findings = parse_plan(found["value"])
    if not findings and call.steps and found["name"] == "result":
        words = narrate_steps(call.steps).removeprefix("1. ").rstrip(".")
        return f"{words} and give {name_type(kind)}."
    return f"{found['name']} is {name_type(kind)}: {found['value']}"


def _feedback(text: str) -> str:
    [statement] = ast.parse(text).body
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    given = {str(k.arg): str(ast.literal_eval(k.value)) for k in statement.value.keywords}
    expression = given["expression"]
    for form in (expression, f"assert {expression}"):
        plan, findings = parse_plan(form)
        if not findings:
            expression = narrate_steps(plan.steps).removeprefix("1. ").rstrip(".")
            break
    got = f" The values were: {given['got']}." if "got" in given else ""
    said = f" It says: {given['message']}." if "message" in given else ""
    return f'Step {given["step"]} failed with {given["kind"]}: "{expression}".{got}{said}'
