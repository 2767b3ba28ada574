"""Seconds of each step of TreeAct, from one model call to the next; the model takes no time.

The first argument is what a step does: `nothing`, `tool` is a call of a tool that returns at once,
`x=1` is code in a sandbox of the kind that the second argument names. The trace is written to a run
directory.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from serve import THOUGHT, gaps, serve

from treeact import CodeAct, JsonAgent, ScriptedModel, tool
from treeact.agents.environment import AgentEnvironment
from treeact.agents.run import Context, Parts
from treeact.planners.protocols import Call, Code, Observation

WHAT, *SANDBOX = sys.argv[1:]


@tool(effects="none")
async def tick() -> int:
    """Return 1."""
    return 1


class Nothing(AgentEnvironment):
    """Does nothing, and takes the answer."""

    async def _take(self, action: Code | Call, id: str) -> Observation:
        done = isinstance(action, Call) and action.tool == "final_answer"
        return Observation(text="", answer="1" if done else None)


class Idle(JsonAgent):
    """The JSON agent, with nothing to act on."""

    def assemble(self, context: Context) -> Parts:
        env = Nothing(control=context.control, log=context.log)
        return replace(super().assemble(context), env=env)


def json_call(name: str, **arguments: object) -> str:
    return THOUGHT + "\n" + json.dumps({"tool": name, "arguments": arguments})


def code(source: str) -> str:
    return f"{THOUGHT}\n<execute>\n{source}\n</execute>"


STEP, END = (
    (json_call("tick"), json_call("final_answer", answer="1"))
    if WHAT in ("nothing", "tool")
    else (code(WHAT), code("final_answer(1)"))
)


def measure(steps: int) -> list[float]:
    times: list[float] = []

    def reply(request: object) -> str:
        times.append(perf_counter())
        return STEP if len(times) <= steps else END

    model = ScriptedModel(reply)
    folder = Path(tempfile.mkdtemp(prefix="treeact-perf-"))
    if WHAT in ("nothing", "tool"):
        kind = Idle if WHAT == "nothing" else JsonAgent
        agent = kind(model, tools=[tick], max_steps=steps + 1)
    else:
        agent = CodeAct(model, sandbox=SANDBOX[0], max_steps=steps + 1)
    try:
        result = agent.run_sync("Find the mean.", trace=folder / "run")
    finally:
        shutil.rmtree(folder)
    if result.reason != "answered" or len(times) != steps + 1:
        raise RuntimeError(f"{result.reason} after {len(times)} calls: {result.message}")
    return gaps(times)


serve(measure)
