"""Forks for environments that have none: the actions are taken again in a fresh one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from treeact.errors import BranchLost
from treeact.planners.protocols import Action, Environment, Observation


class Replayed:
    """An environment whose fork is a fresh one in which the same actions are taken again.

    Only for environments without effects outside: taking actions again must be harmless.

    Args:
        make: returns a fresh environment, in the same state each time.
    """

    def __init__(self, make: Callable[[], Awaitable[Environment]]) -> None:
        self._make = make
        self._env: Environment | None = None
        self._taken: list[tuple[Action, str, Observation]] = []

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take `action`; see `Environment.step`."""
        env = await self._ready()
        observation = await env.step(action, id=id)
        self._taken.append((action, id, observation))
        return observation

    async def fork(self, *, id: str) -> Replayed:
        """Return a fresh environment with the same past; see `Forkable.fork`.

        Raises:
            BranchLost: the same actions had another outcome this time.
        """
        twin = Replayed(self._make)
        for action, taken_as, before in self._taken:
            after = await twin.step(action, id=taken_as)
            if after != before:
                raise BranchLost(
                    f"the state at {id} could not be rebuilt: taken again, {action.text[:200]!r} "
                    "had another outcome; give an environment that always behaves the same"
                )
        return twin

    async def choose(self, fork: Replayed, *, commit: bool = True) -> str:
        """Go on as `fork`."""
        self._env, self._taken = fork._env, fork._taken
        return ""

    async def close(self) -> None:
        """Drop the environment."""
        self._env = None

    async def _ready(self) -> Environment:
        if self._env is None:
            self._env = await self._make()
        return self._env
