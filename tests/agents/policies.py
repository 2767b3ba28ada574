"""Scripted runs of PoAct for tests."""

from collections.abc import Mapping
from typing import Any

from tests.agents.support import answer, code
from treeact import PoAct, Result, ScriptedModel, Task
from treeact.models.base import Request
from treeact.planners import PoAct as Policies
from treeact.trace.events import Event

KEEP = "Sound. <verdict>keep</verdict>"
RULES_ONLY = Policies(reviews=0)

Replies = Mapping[str, str]


def scripted(replies: Replies, asked: list[Request] | None = None) -> ScriptedModel:
    """Answer by step and policy, as in `2/code`; what is not named is a matter of course."""
    usual = {"plan": "1. Find it.", "thought": "I look.", "review": KEEP, "code": code("pass")}

    def reply(request: Request) -> str:
        if asked is not None:
            asked.append(request)
        key = request.path.removeprefix("run/").removeprefix("step-")
        return replies[key] if key in replies else usual[key.rpartition("/")[2]]

    return ScriptedModel(reply)


def agent(replies: Replies, asked: list[Request] | None = None, **options: Any) -> PoAct:
    return PoAct(scripted(replies, asked), **{"sandbox": "unsafe-local", **options})


async def run(
    replies: Replies, asked: list[Request] | None = None, **options: Any
) -> tuple[Result, list[Event]]:
    started = agent(replies, asked, **options).start(Task("What is x?"))
    return await started.result(), list(started.log.events())


def prompt(asked: list[Request], path: str) -> str:
    [request] = [request for request in asked if request.path == f"run/step-{path}"]
    return "\n".join(message.content for message in request.messages)


STEPS: Replies = {
    "1/plan": "1. Set x.\n2. Print it.",
    "1/thought": "Set x to 20.",
    "1/code": code("x = 20\nprint('set')"),
    "2/thought": "Double it.",
    "2/code": code("x = x * 2 + 2\nprint('now', x, 'MISLEADING')"),
    "3/thought": "Print x.",
    "3/code": code("print(x)"),
    "4/thought": answer("20"),
}
