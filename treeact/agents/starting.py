"""From an agent and a task to a run: everything is checked before anything is spent."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.agents.answers import AnswerForm, make_form
from treeact.agents.control import Control
from treeact.agents.records.past import Past, ResumedModel
from treeact.agents.run import Context, Run
from treeact.agents.task import T, Task
from treeact.agents.workspace import check_files
from treeact.errors import ConfigError
from treeact.models import resolve_model
from treeact.trace.budget import Budget
from treeact.trace.events import RunStarted
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger

if TYPE_CHECKING:
    from treeact.agents.agent import Agent
    from treeact.models.base import Model


def start_run(
    agent: Agent,
    task: Task[T] | str,
    *,
    budget: Budget | None,
    trace: Path | None,
    follow_up: bool,
    resume: Path | None,
    at: str | int | None,
) -> Run[T]:
    """Start a run; see `Agent.start`."""
    past = _find_past(resume, at)
    task = Task[T](task) if isinstance(task, str) else task
    check_task(task)
    _check_agent(agent)
    form = make_form(task.answer_type)
    model = resolve_model(agent.model) if isinstance(agent.model, str) else agent.model
    own_budget = (
        Budget(steps=agent.max_steps) if budget is None else budget.child(steps=agent.max_steps)
    )
    start = _describe_start(agent, task, model, own_budget, form)
    past.check_same(start, task.question)
    if past.trail is not None:
        start.settings["from"] = {"run": str(resume), "node": past.trail.node}
    log = EventLog(trace)
    try:
        context = Context(
            task=task,
            model=ResumedModel(model, past) if resume else model,
            budget=own_budget,
            log=log,
            ledger=Ledger(),
            control=_make_control(agent, task, log),
            past=past,
            form=form,
        )
        parts = agent.assemble(context)
        log.emit(start.model_copy(update={"question": log.text(task.question)}))
    except BaseException:
        log.discard()
        raise
    for message in past.messages:
        context.control.send(message)
    return Run(context, parts, follow_up=follow_up)


def _find_past(resume: Path | None, at: str | int | None) -> Past:
    if resume is None:
        if at is not None:
            raise ConfigError(f"at is {at!r} and there is no run to go on from: name one to resume")
        return Past()
    return Past.load(resume) if at is None else Past.leading_to(at, resume)


def check_task(task: Task[Any]) -> None:
    """Check that `task` can be worked on.

    Raises:
        ConfigError: the question is empty, or a file cannot be used.
    """
    if not task.question.strip():
        raise ConfigError("the question is empty: say what is to be done")
    check_files(task.files)


def _check_agent(agent: Agent) -> None:
    if not agent.step_timeout > 0:
        raise ConfigError(f"step_timeout is {agent.step_timeout}: give seconds above zero")
    if agent.context_tokens is not None and agent.context_tokens < 1:
        raise ConfigError(f"context_tokens is {agent.context_tokens}: give tokens above zero")


def _make_control(agent: Agent, task: Task[Any], log: EventLog) -> Control:
    return Control(
        log,
        policy=agent.approve,
        rules=agent.approve_tools,
        reviewer=agent.review,
        root=task.id,
    )


def _describe_start(
    agent: Agent, task: Task[Any], model: Model, budget: Budget, form: AnswerForm | None
) -> RunStarted:
    limits = {
        limit: value
        for level in reversed(list(budget.chain()))
        for limit, value in level.limits.items()
        if value is not None
    }
    schema = {} if form is None else {"answer_schema": dict(form.schema)}
    return RunStarted(
        id=task.id,
        question="",
        files=tuple(file.name for file in task.files),
        agent=agent.name,
        model=model.name,
        planner=agent.planner.name,
        sandbox=agent.sandbox if isinstance(agent.sandbox, str) else "given",
        settings={**agent.describe(), "budget": limits, **schema},
        versions=dict(_versions()),
    )


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return ("treeact", version("treeact")), ("python", platform.python_version())
