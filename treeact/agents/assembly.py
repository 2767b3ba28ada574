"""How the parts of a run are put together, for agents that act in code and in JSON calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

from treeact.agents import prompts
from treeact.agents.agent import Agent
from treeact.agents.calls import ModelCaller
from treeact.agents.code_environment import CodeEnvironment
from treeact.agents.conclude import LastCall
from treeact.agents.control import ToolRule
from treeact.agents.host_folder import HostFolder
from treeact.agents.json_calls import ToolEnvironment, read_call
from treeact.agents.judging import JudgingProposer
from treeact.agents.looking import make_looker
from treeact.agents.proposers import ModelProposer, Reading
from treeact.agents.replies import parse_reply
from treeact.agents.replies.sketches import split_sketches
from treeact.agents.run import Context, Parts
from treeact.agents.workspace import Home, OpenSandbox, Workspace, guard
from treeact.errors import ConfigError
from treeact.models.base import Message
from treeact.planners.protocols import Action, Answer, Code, NoAction, Sketch
from treeact.sandbox.base import HostTool, Limits
from treeact.sandbox.local.packages import packages
from treeact.sandbox.select import opener
from treeact.tools import Tool, ToolSet, final_answer
from treeact.tools.documents.reading import read_document
from treeact.tools.selection import Catalogue, make_catalogue


def _as_it_is(open_sandbox: OpenSandbox) -> OpenSandbox:
    return open_sandbox


def assemble_code_agent(
    agent: Agent,
    context: Context,
    *,
    template: str = "codeact",
    more_tools: Sequence[Tool] = (),
    wrap: Callable[[OpenSandbox], OpenSandbox] = _as_it_is,
    proposer: Callable[..., ModelProposer] | None = None,
) -> Parts:
    """Return the parts of a run whose actions are code; its sandbox starts at once, beside it.

    Args:
        agent: the settings.
        context: the run.
        template: name of the system prompt.
        more_tools: tools besides the agent's own.
        wrap: given what opens a sandbox, returns what is to open it.
        proposer: makes the proposer; None takes one that fits the planner.

    Raises:
        ConfigError: tools clash, or a dollar budget meets an unknown price.
    """
    catalogue = make_catalogue(agent.tools, context.task.question)
    tools = ToolSet([*agent.tools, *more_tools, *catalogue.added, final_answer])
    check_rules(agent, tools)
    caller = make_caller(agent, context)
    opening = code_opening(agent, context, catalogue, template=template, more_tools=more_tools)
    read = code_reader(agent, tools.names)
    asking = make_proposer(agent, context, caller, opening, read, make=proposer)
    last_call = make_last_call(context, caller, opening)
    guarded = guard(tools, context.control, root=context.task.id)
    workspace = make_workspace(agent, context, guarded, wrap=wrap)
    return Parts(
        planner=agent.planner,
        env=make_code_environment(agent, context, workspace),
        proposer=asking,
        last_call=last_call,
        close=workspace.close,
    )


def make_workspace(
    agent: Agent,
    context: Context,
    tools: Sequence[HostTool],
    *,
    wrap: Callable[[OpenSandbox], OpenSandbox] = _as_it_is,
) -> Workspace:
    """Return where a run's code is executed, its sandbox opened in the background."""
    return Workspace(
        Home(
            wrap(opener(agent.sandbox, limits=agent.limits)),
            tools=tools,
            files=context.task.files,
            log=context.log,
            root=context.task.id,
            past=context.past,
            looker=make_looker(make_caller(agent, context), context.past),
        )
    )


def make_code_environment(agent: Agent, context: Context, workspace: Workspace) -> CodeEnvironment:
    """Return what a run's code acts on."""
    return CodeEnvironment(
        workspace,
        control=context.control,
        log=context.log,
        step_timeout=agent.step_timeout,
        listens=not agent.planner.forks,
        answers=context.answers,
    )


def assemble_json_agent(agent: Agent, context: Context) -> Parts:
    """Return the parts of a run whose actions are single tool calls in JSON.

    Raises:
        ConfigError: tools clash, the task has files, or a dollar budget meets an unknown price.
    """
    if agent.planner.forks:
        raise ConfigError(
            f"the {agent.planner.name} planner steps back in state, and the json agent's tools act "
            "on the world itself: use the codeact agent, or the greedy planner"
        )
    if context.task.files and read_document not in agent.tools:
        raise ConfigError(
            "the json agent has no code that could open files of its working folder: "
            "give it read_document (--tools gaia)"
        )
    catalogue = make_catalogue(agent.tools, context.task.question)
    tools = ToolSet([*agent.tools, *catalogue.added, final_answer])
    check_rules(agent, tools)
    caller = make_caller(agent, context)
    opening = json_opening(agent, context, catalogue)
    return Parts(
        planner=agent.planner,
        env=ToolEnvironment(
            tools,
            control=context.control,
            log=context.log,
            timeout=agent.step_timeout,
            past=context.past,
            folder=HostFolder(context.task.files),
            looker=make_looker(make_caller(agent, context), context.past),
            answers=context.answers,
        ),
        proposer=make_proposer(agent, context, caller, opening, read_call),
        last_call=make_last_call(context, caller, opening),
        close=_nothing_to_close,
    )


async def _nothing_to_close() -> None:
    pass


def make_caller(agent: Agent, context: Context) -> ModelCaller:
    """Return what calls the model for a run."""
    return ModelCaller(
        context.model,
        budget=context.budget,
        log=context.log,
        ledger=context.ledger,
        max_output_tokens=agent.max_output_tokens,
    )


def make_proposer(
    agent: Agent,
    context: Context,
    caller: ModelCaller,
    opening: Sequence[Message],
    read: Callable[[str], Reading],
    *,
    make: Callable[..., ModelProposer] | None = None,
) -> ModelProposer:
    """Return what turns the model's replies into proposals."""
    kind = JudgingProposer if agent.planner.forks else ModelProposer
    return (make or kind)(
        caller,
        control=context.control,
        log=context.log,
        opening=opening,
        read=read,
        vision=agent.vision,
        listens=agent.planner.forks,
        context_tokens=agent.context_tokens,
    )


def make_last_call(context: Context, caller: ModelCaller, opening: Sequence[Message]) -> LastCall:
    """Return the last call, its room held in the budget from now on."""
    request = prompts.render("conclude")
    return LastCall(caller, opening=opening, request=request, budget=context.budget)


def task_message(context: Context, files: Sequence[str] | None = None) -> Message:
    """Return the message that holds the task, and names its files where there may be some."""
    text = prompts.render("task", question=context.task.question, files=files)
    return Message("user", with_form(text, context), part="task")


def with_form(text: str, context: Context) -> str:
    """Return the words of a task, with the form of its answer behind them where it has one."""
    if context.form is None:
        return text
    schema = json.dumps(context.form.schema, ensure_ascii=False)
    return f"{text}\n\n{prompts.render('answer_form', schema=schema)}"


def system_message(text: str, stubs: Sequence[str]) -> Message:
    """Return the system prompt, of which `stubs` describe tools."""
    return Message("system", text, tools=sum(map(len, stubs)))


def json_opening(agent: Agent, context: Context, catalogue: Catalogue) -> list[Message]:
    """Return the system prompt and the task, for an agent that makes single calls."""
    shown = [*catalogue.shown, *catalogue.added, final_answer]
    stubs = [tool.stub() for tool in shown]
    system = prompts.render(
        "json",
        tools=stubs,
        hidden=catalogue.hidden,
        instructions=agent.instructions,
    )
    files = [file.name for file in context.task.files]
    return [system_message(system, stubs), task_message(context, files or None)]


def check_rules(agent: Agent, tools: ToolSet) -> None:
    """Check that the rules for single tools are about tools that there are.

    Raises:
        ConfigError: one is not, so that nobody is asked who should have been.
    """
    for name, rule in agent.approve_tools.items():
        if name not in tools:
            raise ConfigError(f"approve_tools names {name!r}, and there is no such tool")
        if rule not in get_args(ToolRule):
            raise ConfigError(f"approve_tools has {rule!r} for {name}: use 'always' or 'never'")


def code_opening(
    agent: Agent,
    context: Context,
    catalogue: Catalogue | None = None,
    *,
    template: str = "codeact",
    more_tools: Sequence[Tool] = (),
) -> list[Message]:
    """Return the system prompt and the task."""
    catalogue = catalogue or Catalogue(tuple(agent.tools))
    stubs = [tool.stub() for tool in (*catalogue.shown, *catalogue.added, *more_tools)]
    system = prompts.render(
        template,
        tools=stubs,
        hidden=catalogue.hidden,
        **describe_sandbox(agent),
        imagine=agent.planner.imagines,
        instructions=agent.instructions,
    )
    files = [file.name for file in context.task.files]
    return [system_message(system, stubs), task_message(context, files)]


def describe_sandbox(agent: Agent) -> dict[str, Any]:
    """Return what a prompt says about the place where code runs."""
    return {
        "packages": [_import_name(package.split()[0]) for package in packages()],
        "limits": _limits_sentence(agent.limits),
        "output_limit": agent.limits.output,
        "step_timeout": agent.step_timeout,
    }


def _import_name(package: str) -> str:
    return {"pillow": "PIL (pillow)"}.get(package, package)


def code_reader(agent: Agent, tools: Sequence[str]) -> Callable[[str], Reading]:
    """Return what reads a reply as a code action that may call `tools`."""
    names = tuple(tools)

    def read(text: str) -> Reading:
        later: tuple[Sketch, ...] = ()
        if agent.planner.imagines:
            text, later = split_sketches(text, names)
        reply = parse_reply(text)
        action: Action
        if reply.code is not None:
            action = Code(reply.code, names)
        elif reply.answer is not None:
            action = Answer(reply.answer)
        else:
            action = NoAction(reply.feedback or "")
        return Reading(
            action,
            thought=reply.thought,
            problem=reply.problem,
            repairs=reply.repairs,
            later=later,
        )

    return read


def _limits_sentence(limits: Limits) -> str:
    memory, disk = limits.memory // 1024**2, limits.disk // 1024**2
    return f"{memory} MB of memory, {disk} MB of files, no network"
