"""Directories of benchmarks as a runner leaves them, made by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import BenchDirectory, Job, prepare
from treeact.benchmarks.suites import load_suite
from treeact.trace import events as ev
from treeact.trace.log import EventLog

HOSTILE = (
    "</script><script>fetch('https://evil.example/a')</script>"
    "<img src='https://evil.example/b' onerror='throw 1'>{{ 7*7 }} | a | \x00\x1b[2J \ud800 &lt;"
)
"""What a stranger may write into any text."""


def write_data(path: Path, tasks: int = 12, *, mark: str = "", first: int = 1) -> Path:
    """Write tasks t-1, t-2 ... with the answers 1, 2 ...; levels are 1, 2, 3, and again."""
    rows = [
        {
            "id": f"t-{number}",
            "question": f"What is {number}? {mark}question",
            "answer": str(number) if not mark else f"{mark}truth {number}",
            "level": number % 3 + 1,
            "tags": [f"{mark}tag"],
        }
        for number in range(first, first + tasks)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def make_run(
    path: Path,
    data: Path,
    answers: Mapping[str, Sequence[str | None]],
    *,
    text: str = "",
    cost: float | None = 0.01,
    model: str = "openai/some-model",
) -> Path:
    """Write a run in which task `t-n` gets the answers of its epochs; others are not begun."""
    config = BenchConfig(
        suite="jsonl", data=data, model=model, instructions=text.replace("\ud800", "")
    )
    suite = load_suite("jsonl", data=data, split=None)
    epochs = max(map(len, answers.values()), default=1)
    home = BenchDirectory(path)
    prepare(home, config, suite, [sample.task.id for sample in suite.samples], epochs)
    for task, tried in answers.items():
        for epoch, answer in enumerate(tried, start=1):
            write_trace(home.trace(Job(task=task, epoch=epoch)), answer, text=text, cost=cost)
    return path


def write_trace(path: Path, answer: str | None, *, text: str, cost: float | None) -> None:
    """Write the trace of a run of one step."""
    log = EventLog(path)
    step = "run/step-1"
    log.emit(
        ev.RunStarted(
            id="run",
            question=f"What? {text}",
            agent="codeact",
            model="m",
            planner="greedy",
            sandbox="jail",
        )
    )
    log.emit(
        ev.ModelCalled(
            id=f"{step}/propose",
            role=f"reader {text}"[:12] if text else "agent",
            phase="act",
            model="m",
            author="model",
            prompt=ev.Prompt(added=(ev.PromptMessage(role="user", content=f"prompt {text}"),)),
            replies=(f"reply {text}",),
            finish_reasons=("stop",),
            input_tokens=1000,
            output_tokens=100,
            cost=cost,
            latency=1.5,
        )
    )
    log.emit(ev.ModelRetried(id=step, problem=f"busy {text}", wait=2.0))
    log.emit(ev.Proposed(id=step, thought=f"thought {text}", action="code", text=f"1 # {text}"))
    log.emit(
        ev.ToolCalled(id=step, tool="search", kwargs={"query": text}, status="ok", result=text)
    )
    log.emit(
        ev.CodeRun(
            id=step, outcome="error", stdout=f"out {text}", error=f"ValueError: {text}", duration=1
        )
    )
    log.emit(ev.Noticed(id=step, text=f"notice {text}"))
    if answer is not None:
        log.emit(ev.Answered(id="run", answer=answer))
    log.emit(
        ev.RunEnded(
            id="run",
            reason="step limit" if answer is None else "answered",
            message=text,
            answer=answer,
            steps=1,
            calls=1,
            input_tokens=1000,
            output_tokens=100,
            cost=cost or 0.0,
            unpriced=cost is None,
            duration=5.0,
        )
    )
    log.close()
