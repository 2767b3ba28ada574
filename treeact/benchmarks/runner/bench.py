"""What the jobs of one process share: the model, the tools, warm sandboxes; and one job's agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from treeact.agents.registry import AGENTS, TOOLS, look_up, make_planner
from treeact.benchmarks.oracle import is_oracle, make_oracle
from treeact.benchmarks.runner.config import BenchConfig
from treeact.benchmarks.runner.directory import Job
from treeact.errors import ConfigError
from treeact.models import ScriptedModel, resolve_model
from treeact.models.cache import CachedModel
from treeact.models.pace import Pace, PacedModel
from treeact.sandbox.base import Limits
from treeact.sandbox.pool import SandboxPool
from treeact.sandbox.select import choose_kind, sandbox_class

if TYPE_CHECKING:
    from treeact.agents.agent import Agent
    from treeact.benchmarks.suite import Sample, Suite
    from treeact.models.base import Model
    from treeact.sandbox.base import Sandbox
    from treeact.tools import Tool

WITHOUT_CODE = frozenset({"json"})
"""Agents that need no sandbox."""


class Bench:
    """Makes the agent of each job. Use it as an async context manager, in any process.

    Args:
        config: what the benchmark is run with.
        suite: its suite.
        home: a folder of this process, for the library of a benchmark that names none.
        concurrency: jobs at once, for which sandboxes are kept warm.
        cache: folder of the cache of replies; None caches nothing.
        model: who answers, in the place of whom the configuration names.
    """

    def __init__(
        self,
        config: BenchConfig,
        suite: Suite,
        *,
        home: Path,
        concurrency: int,
        cache: Path | None = None,
        model: Model | None = None,
    ) -> None:
        self.config = config
        self.suite = suite
        self.pace = Pace(most=concurrency * 4, first=concurrency)
        self._home = home
        self.concurrency = concurrency
        self.cache = cache
        self._given = model
        self._model: Model | None = None
        self._sandbox: str | Callable[[], Sandbox] = config.sandbox
        self._tools: Sequence[Tool] = ()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open what is shared.

        Raises:
            ConfigError: a name in the configuration stands for nothing.
            SandboxUnavailable: the sandbox cannot be used here.
        """
        config = self.config
        self.check()
        self._model = self._shared_model()
        for name in config.tools:
            self._tools = [*self._tools, *look_up(name, TOOLS, "set of tools")()]
        if self.suite.world is None and config.agent not in WITHOUT_CODE:
            kind = await choose_kind(config.sandbox)
            make = partial(sandbox_class(kind), limits=Limits())
            pool = SandboxPool(make, size=min(self.concurrency, 4))
            self._sandbox = partial(_Claimed, await self._stack.enter_async_context(pool))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        if self._model is not None:
            await self._model.aclose()

    @property
    def has_own_model(self) -> bool:
        """Whether a model was given in the place of the one that the configuration names."""
        return self._given is not None

    def check(self) -> None:
        """Check the names of the configuration, without opening anything.

        Raises:
            ConfigError: one stands for nothing.
        """
        config = self.config
        if is_oracle(config.model) and self.suite.world is None:
            raise ConfigError(f"{self.suite.name} has no world that a simulated policy could know")
        if self.suite.world is None:
            look_up(config.agent, AGENTS, "agent")
        if config.planner is not None:
            make_planner(config.planner)

    def _shared_model(self) -> Model | None:
        """Return the model that all jobs ask; recordings are played for each job anew."""
        if self._given is None and (self.config.simulated or not self.config.model):
            return None
        model = self._given or resolve_model(self.config.model, base_url=self.config.base_url)
        return PacedModel(model, self.pace)

    def model(self, job: Job, sample: Sample) -> Model:
        """Return who answers in a job."""
        if self._model is None:
            if is_oracle(self.config.model):
                return ScriptedModel([], name=f"simulated, {self.config.model}")
            return resolve_model(self.config.model)
        if self.cache is None:
            return self._model
        server = self.config.base_url or ""
        return CachedModel(self._model, self.cache, server=server, salt=f"epoch {job.epoch}")

    def agent(self, job: Job, sample: Sample) -> Agent:
        """Return the agent that works on a sample.

        Raises:
            ConfigError: it cannot be made.
        """
        config, model = self.config, self.model(job, sample)
        instructions = "\n\n".join(filter(None, [self.suite.instructions, config.instructions]))
        common: dict[str, Any] = {
            "instructions": instructions,
            "max_steps": config.limits.steps,
            "max_output_tokens": config.max_output_tokens,
            "context_tokens": config.context_tokens,
        }
        if config.planner is not None:
            common["planner"] = make_planner(config.planner)
        if self.suite.world is not None:
            return self._planning(job, sample, model, common)
        made: Agent = look_up(config.agent, AGENTS, "agent")(
            model,
            tools=self._tools,
            sandbox=self._sandbox,
            step_timeout=config.step_timeout,
            **common,
            **self._library(),
        )
        return made

    def _planning(self, job: Job, sample: Sample, model: Model, common: dict[str, Any]) -> Agent:
        from treeact.agents.agent import GREEDY
        from treeact.agents.plans.agent import PlanAgent

        assert self.suite.world is not None
        policy = None
        if is_oracle(self.config.model):
            planner = common.get("planner", GREEDY)
            policy = make_oracle(self.config.model, sample.truth, planner, epoch=job.epoch)
        return PlanAgent(model, world=self.suite.world(sample), policy=policy, **common)

    def _library(self) -> dict[str, Any]:
        if self.config.agent != "dynasaur":
            return {}
        path = self.config.library or self._home / "actions.sqlite"
        return {"library": path, "frozen": self.config.frozen}


class _Claimed:
    """A sandbox that is claimed when it is entered, and closed when it is left."""

    kind = "pooled"

    def __init__(self, pool: SandboxPool) -> None:
        self._pool = pool
        self._sandbox: Sandbox | None = None

    async def __aenter__(self) -> Sandbox:
        self._sandbox = await self._pool.claim()
        return self._sandbox

    async def __aexit__(self, *exc: object) -> None:
        if self._sandbox is not None:
            await self._sandbox.__aexit__(None, None, None)

    async def branch(self, **options: Any) -> Any:
        raise TypeError("a claimed sandbox is used by what entering it returns")
