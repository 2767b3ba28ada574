"""What a step costs besides the model and the action: the loop, parsing, budget and trace.

The model answers at once with about 1 kB. A step is the time from one model call to the next, and
each step of each run is a sample, but for the first of a run, which waits for the sandbox to start.
`last 10 of 400` are the last steps of the longest runs, which show growth.

- TreeAct without a sandbox: its JSON-calling agent with an environment that does nothing, as
  mini-swe-agent has it here, and then with a tool that returns at once; the same loop
  as CodeAct's. Every event is flushed to the run directory.
- TreeAct with a sandbox: CodeAct running `x = 1`. No model thinks meanwhile, so that each step
  waits for the fork of the next child, too.
- smolagents: CodeAgent running `x = 1` in LocalPythonExecutor; it keeps no trace.
- mini-swe-agent: DefaultAgent on an environment that does nothing, with `output_path` set and not;
  `loop alone` leaves out the templates that each model of its own makes observations from.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from support.bench import Bench, Measure, Open, Subject, Unavailable
from support.peers import peer_python
from support.report import Target
from support.worker import Worker, worker

from treeact.sandbox.select import sandbox_class

LENGTHS = (20, 100, 400)
ROUNDS = 6
OURS = "treeact, no sandbox"
MINI_SETTINGS = {"MSWEA_SILENT_STARTUP": "1", "MSWEA_COST_TRACKING": "ignore_errors"}


def our_python(kind: str | None = None) -> Path:
    return Path(sys.executable)


KINDS: dict[str, tuple[Callable[[], Path], str, tuple[str, ...]]] = {
    OURS: (our_python, "step_treeact.py", ("nothing",)),
    "treeact, one tool call": (our_python, "step_treeact.py", ("tool",)),
    "treeact, jail": (our_python, "step_treeact.py", ("x = 1", "jail")),
    "treeact, docker": (our_python, "step_treeact.py", ("x = 1", "docker")),
    "smolagents": (lambda: peer_python("smolagents"), "step_smolagents.py", ()),
    "mini, saving": (lambda: peer_python("mini-swe-agent"), "step_mini.py", ("save",)),
    "mini, not saving": (lambda: peer_python("mini-swe-agent"), "step_mini.py", ()),
    "mini, loop alone": (lambda: peer_python("mini-swe-agent"), "step_mini.py", ("bare",)),
}


class Agents:
    """The agents' processes, started when first asked for and shared by their rows."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._workers: dict[str, Worker] = {}
        self._latest: dict[tuple[str, int], list[float]] = {}

    def run(self, kind: str, steps: int) -> list[float]:
        """Make a run and return the seconds of its steps without the first."""
        self._latest[kind, steps] = self._workers[kind].ask(steps=steps)[1:]
        return self._latest[kind, steps]

    def last(self, kind: str, steps: int, count: int) -> list[float]:
        """Return the last steps of the latest run of that length."""
        return self._latest[kind, steps][-count:]

    async def start(self, kind: str) -> None:
        """Start the process of one kind of agent, once."""
        if kind not in self._workers:
            python, script, args = KINDS[kind]
            if len(args) == 2:
                reason = await sandbox_class(args[1]).available()
                if reason is not None:
                    raise Unavailable(reason)
            started = worker(python(), script, *args, **MINI_SETTINGS)
            self._workers[kind] = await self._stack.enter_async_context(started)


def opening(agents: Agents, kind: str, measure: Measure) -> Open:
    """Return the opening of a row about one kind of agent."""

    @asynccontextmanager
    async def opened():
        await agents.start(kind)
        yield measure

    return opened


def subjects(agents: Agents) -> list[Subject]:
    """Return the rows of every kind of agent."""
    return [row for kind in KINDS for row in rows(agents, kind)]


def rows(agents: Agents, kind: str) -> list[Subject]:
    """Return a row for each length, and one for the end of the longest."""
    ours = kind == OURS
    lengths = [
        Subject(
            name=f"{kind}, {steps} steps",
            open=opening(agents, kind, partial(agents.run, kind, steps)),
            baseline=f"{OURS}, {LENGTHS[0] if ours else steps} steps",
            target=Target(at_most=0.1, unit="ms") if ours else None,
        )
        for steps in LENGTHS
    ]
    end = Subject(
        name=f"{kind}, last 10 of {LENGTHS[-1]}",
        open=opening(agents, kind, partial(agents.last, kind, LENGTHS[-1], 10)),
        baseline=f"{kind}, {LENGTHS[-1]} steps",
        target=Target(at_most=1.25) if ours else None,
    )
    return [*lengths, end]


async def main() -> None:
    bench = Bench.from_command_line("step", __doc__)
    async with AsyncExitStack() as stack:
        await bench.group(subjects(Agents(stack)), rounds=ROUNDS)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
