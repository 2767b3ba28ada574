"""The home as an environment: actions act on it, and observations say what can be seen."""

from __future__ import annotations

from treeact.benchmarks.environments.household.actions import act, resolve
from treeact.benchmarks.environments.household.home import Home
from treeact.benchmarks.environments.household.views import describe
from treeact.planners.protocols import Action, Answer, Call, Observation, Path


class Household:
    """A home that calls act on, such as `Call("putin", {"object": "apple_3", "target": ...})`.

    Forks share the state, which never changes, so that one costs the same in any home.

    Args:
        home: the state to begin with.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        """The state at the moment."""

    async def step(self, action: Action, *, id: str) -> Observation:
        """Take `action`; see `Environment.step`. An `Answer` ends the episode with its text."""
        self.home, observation = take_action(self.home, action)
        return observation

    async def fork(self, *, id: str) -> Household:
        """Return another household in the same state; see `Forkable.fork`."""
        return Household(self.home)

    async def choose(self, fork: Household, *, commit: bool = True) -> str:
        """Go on in the state of `fork`; see `Forkable.choose`."""
        self.home = fork.home
        return ""

    async def close(self) -> None:
        """There is nothing to let go of."""


def take_action(home: Home, action: Action) -> tuple[Home, Observation]:
    """Return the home after an action, and what is seen then; a failed action changes nothing."""
    if isinstance(action, Answer):
        return home, Observation(text=action.text, answer=action.text)
    if not isinstance(action, Call):
        text = f"Only calls act on a home, and {action.text[:200]!r} is none."
        return home, Observation(text=text, ok=False, invalid=True)
    resolved = resolve(home, action.tool, action.arguments)
    if isinstance(resolved, str):
        return home, Observation(text=resolved, ok=False, invalid=True)
    after = act(home, *resolved)
    if isinstance(after, str):
        return home, Observation(text=after, ok=False)
    return after, Observation(text=describe(after))


def homes_along(home: Home, path: Path) -> list[Home]:
    """Return the state at the start of a path and after each of its steps."""
    homes = [home]
    for step in path:
        if step.proposal:
            homes.append(take_action(homes[-1], step.proposal.actions[0])[0])
    return homes
