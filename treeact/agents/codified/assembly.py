"""How the parts of a run are put together, for agents that plan in pseudo-code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treeact.agents import prompts
from treeact.agents.assembly import (
    check_rules,
    describe_sandbox,
    make_last_call,
    make_workspace,
    system_message,
    with_form,
)
from treeact.agents.calls import ModelCaller
from treeact.agents.codified.cast import Cast, RolePlayer, is_template
from treeact.agents.codified.environment import Calls, PlanEnvironment
from treeact.agents.codified.proposer import PlanProposer, plan_reader
from treeact.agents.codified.role import PLANNER, REPLANNER, SOLVER, Role
from treeact.agents.codified.solving import Permit, PermittedTool, SolvingEnvironment
from treeact.agents.codified.writes import Writes
from treeact.agents.records.past import ResumedModel
from treeact.agents.run import Context, Parts
from treeact.agents.workspace import Workspace, guard
from treeact.errors import ConfigError
from treeact.models import resolve_model
from treeact.models.base import Message, Model
from treeact.planners.codified import nodes
from treeact.planners.codified.checker import PYTHON
from treeact.planners.codified.expressions import WORDS
from treeact.planners.codified.functions import FUNCTIONS
from treeact.planners.codified.render import render_plan, render_steps
from treeact.planners.codified.signatures import Parameter, Signature, read_signature, strongest
from treeact.planners.codified.state import PlanState
from treeact.planners.codified.types import STR, ListOf
from treeact.planners.codified.values import as_json
from treeact.sandbox.base import HostTool
from treeact.tools import ToolSet, final_answer

if TYPE_CHECKING:
    from treeact.agents.codified.agent import CodeAgents
    from treeact.tools import Tool


def assemble_codeagents(agent: CodeAgents, context: Context) -> Parts:
    """Return the parts of a run; its sandbox starts when a role first needs it.

    Raises:
        ConfigError: names clash, a role's signature or model cannot be used, or the planner steps
            back in state.
    """
    if agent.planner.forks:
        raise ConfigError(
            f"the {agent.planner.name} planner steps back in state, and plans act on the world "
            "itself: use the codeact agent, or the greedy planner"
        )
    return _Assembly(agent, context).parts()


@dataclass(frozen=True)
class _Members:
    """The roles of an agent, the built-in ones among them."""

    planner: Role
    replanner: Role
    others: tuple[Role, ...]

    @classmethod
    def of(cls, agent: CodeAgents) -> _Members:
        """Return the roles of an agent, its own settings before the built-in ones."""
        given = {role.name: role for role in agent.roles}
        if len(given) < len(agent.roles):
            raise ConfigError("two roles have the same name: rename one of them")
        planner = _with_prompt(given.pop("planner", PLANNER), PLANNER)
        replanner = _with_prompt(given.pop("replanner", REPLANNER), REPLANNER)
        solver = _with_prompt(given.pop("solver", SOLVER), SOLVER)
        others = [_with_prompt(r, SOLVER) if r.python else r for r in given.values()]
        return cls(planner, replanner, (solver, *others))


def _with_prompt(role: Role, model: Role) -> Role:
    return role if role.prompt else replace(role, prompt=model.prompt)


class _Assembly:
    """Builds the parts of one run."""

    def __init__(self, agent: CodeAgents, context: Context) -> None:
        self.agent = agent
        self.context = context
        self.members = _Members.of(agent)
        self.tools = ToolSet(agent.tools)
        check_rules(agent, self.tools)
        self._models: list[Model] = []
        self._solving: SolvingEnvironment | None = None
        self._workspace: Workspace | None = None
        self._permit = Permit()
        self._callers = {
            role.name: self._caller(role)
            for role in (self.members.planner, self.members.replanner, *self.members.others)
        }
        self.state = self._state()
        self.writes = Writes(self.tools)

    def parts(self) -> Parts:
        agent, context, state = self.agent, self.context, self.state
        planner = self._callers["planner"]
        proposer = PlanProposer(
            {name: self._callers[name] for name in ("planner", "replanner")},
            state=state,
            opening=self.opening,
            control=context.control,
            log=context.log,
            read=plan_reader(state),
        )
        return Parts(
            planner=agent.planner,
            env=PlanEnvironment(
                state,
                self._calls(),
                writes=self.writes,
                control=context.control,
                log=context.log,
                max_rejections=agent.max_rejections,
                max_replans=agent.max_replans,
                concurrency=agent.concurrency,
                answers=context.answers,
            ),
            proposer=proposer,
            last_call=make_last_call(context, planner, self.opening("planner", "")),
            close=self._close,
        )

    def _caller(self, role: Role) -> ModelCaller:
        model = self.context.model
        if role.model is not None:
            own = resolve_model(role.model) if isinstance(role.model, str) else role.model
            if isinstance(role.model, str):
                self._models.append(own)
            model = ResumedModel(own, self.context.past)
        return ModelCaller(
            model,
            budget=self.context.budget,
            log=self.context.log,
            ledger=self.context.ledger,
            max_output_tokens=self.agent.max_output_tokens,
        )

    def _state(self) -> PlanState:
        callees = {tool.name: _tool_signature(tool) for tool in self.tools}
        for role in self.members.others:
            if role.name in callees:
                raise ConfigError(f"a role and a tool are named {role.name!r}: rename one of them")
            callees[role.name] = self._role_signature(role)
        for name in callees:
            if name in WORDS or name in FUNCTIONS or name in ("planner", "replanner"):
                raise ConfigError(f"{name!r} is a word of the language of plans: rename that")
        state = PlanState(callees=callees)
        state.set("question", self.context.task.question, STR)
        state.set("files", [file.name for file in self.context.task.files], ListOf(STR))
        return state

    def _role_signature(self, role: Role) -> Signature:
        names = self.tools.names if role.tools is None else role.tools
        effects = strongest(
            tool.effects for tool in self.tools if tool.name in names and role.python
        )
        if not role.signature:
            return Signature(
                role.name,
                (Parameter("goal", STR),),
                effects=effects,
                extra=True,
                role=True,
                workspace=role.python,
            )
        try:
            known = read_signature(f"{role.name}{role.signature}", effects=effects)
        except SyntaxError as error:
            raise ConfigError(
                f"the signature of the role {role.name!r} is {role.signature!r}: write one such as "
                "'(claim: str, rows: list[str]) -> bool'"
            ) from error
        return replace(known, role=True, workspace=role.python)

    def _calls(self) -> Calls:
        context = self.context
        player = RolePlayer(
            self.state,
            control=context.control,
            budget=context.budget,
            sandbox={**describe_sandbox(self.agent), "files": self._files},
            solving=self._open,
            stubs={tool.name: tool.stub() for tool in self.tools},
            instructions=self.agent.instructions,
            vision=self.agent.vision,
            log=context.log,
            context_tokens=self.agent.context_tokens,
        )
        casts = {role.name: Cast(role, self._callers[role.name]) for role in self.members.others}
        return Calls(
            {tool.name: tool for tool in self.tools},
            casts,
            state=self.state,
            player=player,
            declared=self._declared,
            control=context.control,
            log=context.log,
            timeout=self.agent.step_timeout,
            past=context.past,
            writes=self.writes,
        )

    @property
    def _files(self) -> list[str]:
        return [file.name for file in self.context.task.files]

    def _declared(self, declaration: nodes.RoleDeclaration) -> Cast:
        """Return the role that a plan declares; the solver's model plays it."""
        role = Role(
            name=declaration.name,
            instructions=declaration.instructions,
            prompt=SOLVER.prompt if declaration.can else "",
            python=bool(declaration.can),
            tools=tuple(name for name in declaration.can if name != PYTHON),
        )
        return Cast(role, self._callers["solver"], declaration)

    def _open(self) -> SolvingEnvironment:
        """Return the place where roles run code, the same one each time."""
        context = self.context
        if self._solving is None:
            guarded = guard(self.tools, context.control, root=context.task.id)
            tools: list[HostTool] = [*map(self.writes.wrap, guarded), final_answer]
            permitted = [PermittedTool(tool, self._permit) for tool in tools]
            self._workspace = make_workspace(self.agent, context, permitted)
            self._solving = SolvingEnvironment(
                self._workspace,
                writes=self.writes,
                permit=self._permit,
                control=context.control,
                log=context.log,
                step_timeout=self.agent.step_timeout,
            )
        return self._solving

    async def _close(self) -> None:
        if self._workspace is not None:
            await self._workspace.close()
        for model in self._models:
            await model.aclose()

    def opening(self, name: str, told: str) -> Sequence[Message]:
        """Return the prompt of the planner or the replanner: what it is told before it speaks."""
        role = self.members.planner if name == "planner" else self.members.replanner
        render = prompts.render_text if is_template(role.prompt) else prompts.render
        system = render(
            role.prompt,
            about=role.instructions,
            tools=[tool.stub() for tool in self.tools],
            roles=[(str(self.state.callees[r.name]), r.instructions) for r in self.members.others],
            functions=sorted(FUNCTIONS),
            has_files=bool(self._files),
            instructions=self.agent.instructions,
        )
        inputs = prompts.render(
            "codified_task",
            question=as_json(self.context.task.question),
            files=as_json(self._files),
        )
        inputs = with_form(inputs, self.context)
        stubs = [tool.stub() for tool in self.tools]
        messages = [system_message(system, stubs), Message("user", inputs, part="task")]
        return [*messages, self._situation(told)] if self.state.plans else messages

    def _situation(self, told: str) -> Message:
        """Return what a replanner is told: variables, feedback and the suffix, and no more."""
        state = self.state
        records = [
            nodes.RecordDeclaration(name, tuple(fields.items()))
            for name, fields in state.records.items()
        ]
        declared = nodes.Plan(state.task, tuple(records), tuple(state.declared.values()), ())
        text = prompts.render(
            "codified_situation",
            declarations=render_plan(declared).strip(),
            variables=state.variables(self.agent.inline, but=("question", "files")),
            remaining=render_steps(state.remaining),
            told=told,
        )
        return Message("user", text)


def _tool_signature(tool: Tool) -> Signature:
    return read_signature(tool.signature, effects=tool.effects)
