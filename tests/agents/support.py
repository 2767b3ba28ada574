"""Scripted runs for tests: replies in, result and events out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from treeact import CodeAct, Result, Run, ScriptedModel, Task, UnsafeLocalSandbox
from treeact.errors import SandboxError
from treeact.trace.events import Event


def code(source: str, thought: str = "Next.") -> str:
    return f"{thought}\n```python\n{source}\n```"


def answer(text: str, thought: str = "Done.") -> str:
    return f"{thought}\n<answer>{text}</answer>"


def agent(replies: Sequence[Any], **options: Any) -> CodeAct:
    return CodeAct(ScriptedModel(list(replies)), **{"sandbox": "unsafe-local", **options})


async def run(
    replies: Sequence[Any],
    question: str = "What is it?",
    *,
    files: Sequence[Path] = (),
    budget: Any = None,
    trace: Path | None = None,
    **options: Any,
) -> tuple[Result, list[Event]]:
    started = agent(replies, **options).start(
        Task(question, tuple(files)), budget=budget, trace=trace
    )
    result = await started.result()
    return result, list(started.log.events())


def observations(result: Result) -> list[str]:
    return [step.observation.text for step in result.path]


def of_type(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def until(run: Run, kind: type[Any]) -> Any:
    """Wait for the first event of a kind."""
    async for event in run.events():
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the run ended without {kind.__name__}")


class Dying:
    """A sandbox whose branches die with their first run, `deaths` sandboxes long."""

    kind = "dying"
    deaths = 1

    def __init__(self) -> None:
        self._real = UnsafeLocalSandbox()

    async def __aenter__(self) -> "Dying":
        await self._real.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._real.__aexit__(*exc)

    async def branch(self, *, tools: Any = ()) -> Any:
        branch = await self._real.branch(tools=tools)
        if type(self).deaths:
            type(self).deaths -= 1

            async def run(code: str, **options: Any) -> Any:
                raise SandboxError("its engine is gone")

            branch.run = run
        return branch
