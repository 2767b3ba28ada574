"""A long run, written by the log itself."""

from __future__ import annotations

from pathlib import Path

from treeact.trace import events as ev
from treeact.trace.log import EVENTS_FILE, EventLog

CODE = "\n".join(f"total_{number} = sum(row[{number}] for row in rows)" for number in range(20))
OUTPUT = "\n".join(f"sample {number}: {number * 37 % 101} of 100" for number in range(60))


def write_long_trace(directory: Path, *, size: int) -> int:
    """Write a run whose log has at least `size` bytes; return how many steps it took."""
    log, steps = EventLog(directory), 0
    log.emit(started())
    while (directory / EVENTS_FILE).stat().st_size < size:
        for _ in range(1000):
            steps += 1
            for event in _step(steps):
                log.emit(event)
    log.close()
    return steps


def started() -> ev.RunStarted:
    """Return the event with which a run begins."""
    return ev.RunStarted(
        id="run",
        question="Which of the samples are above the limit?",
        agent="codeact",
        model="m",
        planner="greedy",
        sandbox="jail",
    )


def called(id: str, reply: ev.Text) -> ev.ModelCalled:
    """Return the event of a call of a model."""
    return ev.ModelCalled(
        id=f"{id}/propose",
        parent=id,
        role="agent",
        phase="act",
        model="m",
        author="model",
        prompt=ev.Prompt(),
        replies=(reply,),
        finish_reasons=("stop",),
        input_tokens=2000,
        output_tokens=500,
        cost=0.01,
        latency=2.0,
    )


def _step(number: int) -> list[ev.Event]:
    id = f"run/step-{number}"
    thought = f"Step {number}: the totals first, then the samples above the limit."
    return [
        called(id, f"{thought}\n\n```python\n{CODE}\n```"),
        ev.Proposed(id=id, parent="run", action="code", thought=thought, text=CODE),
        ev.CodeRun(id=f"{id}/execute", parent=id, outcome="ok", stdout=OUTPUT, duration=0.01),
    ]
