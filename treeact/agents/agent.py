"""What every agent is: a model, tools, a planner and limits, fixed once made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from treeact.agents.task import T, Task
from treeact.planners.greedy import Greedy
from treeact.sandbox.base import Limits

if TYPE_CHECKING:
    from treeact.agents.control import ApprovalPolicy, Reviewer, ToolRule
    from treeact.agents.run import Context, Parts, Result, Run
    from treeact.models.base import Model
    from treeact.planners.protocols import Planner
    from treeact.sandbox.base import Sandbox
    from treeact.tools import Tool
    from treeact.trace.budget import Budget


GREEDY = Greedy()
LIMITS = Limits()


@dataclass(frozen=True)
class Agent:
    """The common ground of agents. Subclasses say how a run's parts are put together.

    Args:
        model: a model, or the name of one such as `openai/gpt-5-mini` or `replay:PATH`.
        tools: functions the agent may call, made with `@tool`.
        sandbox: `docker`, `jail`, `unsafe-local` or `auto` (Docker if usable, else the jail); or a
            function that returns a new sandbox for each run, such as the class `DockerSandbox`.
        planner: what chooses the next step.
        instructions: added to the system prompt.
        max_steps: steps of one run.
        step_timeout: seconds of one code action.
        max_output_tokens: cap of one reply.
        approve: what needs a yes: `all`, `risky` (tool calls with effects) or `none`.
        approve_tools: rules for single tools that come before `approve`, such as
            `{"send_mail": "always", "look": "never"}`.
        review: sees the result of each tool call before the agent does; returns what the agent is
            to get, or raises ToolError to withhold it (see `Reviewer`).
        context_tokens: tokens of a prompt above which older steps are shown shortened; None is a
            share of the model's context window, where that is known (see docs/architecture.md).
        vision: whether pictures that code draws are shown to the model.
        limits: what the sandbox may use.
    """

    model: Model | str
    tools: Sequence[Tool] = ()
    sandbox: str | Callable[[], Sandbox] = "auto"
    planner: Planner = GREEDY
    instructions: str = ""
    max_steps: int = 20
    step_timeout: float = 60.0
    max_output_tokens: int = 4096
    approve: ApprovalPolicy = "none"
    approve_tools: Mapping[str, ToolRule] = field(default_factory=dict)
    review: Reviewer | None = None
    context_tokens: int | None = None
    vision: bool = False
    limits: Limits = LIMITS

    name: ClassVar[str] = "agent"

    def start(
        self,
        task: Task[T] | str,
        *,
        budget: Budget | None = None,
        trace: Path | None = None,
        follow_up: bool = False,
        resume: Path | None = None,
        at: str | int | None = None,
    ) -> Run[T]:
        """Start a run and return at once; needs a running event loop.

        Args:
            task: what to do.
            budget: limits besides `max_steps`; the run's spending counts against it.
            trace: run directory to make; None keeps the events in memory.
            follow_up: keep the sandbox when the run ends, for `run.send` and then `run.close`.
            resume: run directory of a run of the same agent and task that was cut off, or stopped
                at a limit. It is done again with its recorded replies and tool results, whose cost
                counts, and is live from where the record ends.
            at: with `resume`, logical id of a step or node of that run to go on from, such as
                `run/step-3` or `run/2.1`; or how many steps of its chosen path to replay. Only the
                steps that lead there are taken again, by what is on record, and cost nothing; the
                planner and its limits may be others. What comes out differently is told by the
                result's `replay`.

        Raises:
            ConfigError: the task, the model or a setting is wrong, or a file is missing.
            TraceError: the run directory cannot be made, or the one to resume cannot be read.
        """
        from treeact.agents.starting import start_run

        return start_run(
            self, task, budget=budget, trace=trace, follow_up=follow_up, resume=resume, at=at
        )

    async def run(
        self, task: Task[T] | str, *, budget: Budget | None = None, trace: Path | None = None
    ) -> Result[T]:
        """Start a run and wait for its result; see `start`."""
        return await self.start(task, budget=budget, trace=trace).result()

    def run_sync(
        self, task: Task[T] | str, *, budget: Budget | None = None, trace: Path | None = None
    ) -> Result[T]:
        """Do what `run` does, for programs without an event loop."""
        from treeact.bridge import run_blocking

        return run_blocking(self.run(task, budget=budget, trace=trace))

    def assemble(self, context: Context) -> Parts:
        """Return the parts of a run; what subclasses are about."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return the settings that a trace records."""
        return {
            "planner": describe_planner(self.planner),
            "max_steps": self.max_steps,
            "step_timeout": self.step_timeout,
            "max_output_tokens": self.max_output_tokens,
            "context_tokens": self.context_tokens,
            "approve": self.approve,
            "approve_tools": dict(self.approve_tools),
            "review": self.review is not None,
            "tools": [tool.name for tool in self.tools],
        }


def describe_planner(planner: object) -> dict[str, Any]:
    """Return the settings of a planner that is a dataclass, objects by their class names."""
    settings = fields(planner) if is_dataclass(planner) else ()
    values = {field.name: getattr(planner, field.name) for field in settings}
    return {
        name: value if isinstance(value, str | int | float | None) else type(value).__name__
        for name, value in values.items()
        if name != "concurrency"  # it changes how fast a search is, and nothing else
    }
