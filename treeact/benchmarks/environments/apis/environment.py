"""One domain as an environment: single calls, checked before they are made."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from treeact.benchmarks.environments.apis.domain import Domain, calls_of, start_of
from treeact.benchmarks.environments.apis.homes import Homes
from treeact.benchmarks.environments.apis.kitchen import Kitchen
from treeact.benchmarks.environments.apis.office import Office
from treeact.benchmarks.environments.apis.sheets import Sheets
from treeact.benchmarks.environments.apis.trips import Trips
from treeact.errors import ConfigError, ToolError
from treeact.planners.normalise import parse_call
from treeact.planners.protocols import Action, Call, Observation
from treeact.tools.results import to_json

DOMAINS: MappingProxyType[str, type[Domain[Any]]] = MappingProxyType(
    {"homes": Homes, "kitchen": Kitchen, "office": Office, "sheets": Sheets, "trips": Trips}
)
"""The domains by name."""


class ApiEnvironment:
    """Carries out the calls of one domain.

    Its state is never changed, only replaced, so that a fork shares it and costs nothing. It knows
    no goal: whether a task is solved is for `score` to say, afterwards.

    Args:
        domain: a name in `DOMAINS`.
        state: where to begin; None begins where the tasks do.

    Raises:
        ConfigError: there is no such domain.
    """

    def __init__(self, domain: str, state: Any = None) -> None:
        if domain not in DOMAINS:
            raise ConfigError(f"there is no domain {domain!r}: choose one of {', '.join(DOMAINS)}")
        self.domain = domain
        self._calls = calls_of(DOMAINS[domain])
        self.state = start_of(DOMAINS[domain]) if state is None else state
        """The state, a frozen dataclass of the domain's own."""

    @property
    def stubs(self) -> str:
        """The calls as Python definitions with their texts, for prompts."""
        return "\n\n".join(call.stub() for call in self._calls)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the calls."""
        return self._calls.names

    async def step(self, action: Action, *, id: str) -> Observation:
        """Make a call, or end with an answer; see `Environment.step`.

        The result is told as JSON. Unknown calls, wrong arguments and actions of another kind are
        `invalid`; what the state does not allow just fails.
        """
        self.state, observation = take_action(self.domain, self.state, action)
        return observation

    async def fork(self, *, id: str) -> ApiEnvironment:
        """Return an environment in the same state."""
        return ApiEnvironment(self.domain, self.state)

    async def choose(self, fork: ApiEnvironment, *, commit: bool = True) -> str:
        """Go on as `fork`; see `Forkable.choose`."""
        self.state = fork.state
        return ""

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


def take_action(domain: str, state: Any, action: Action) -> tuple[Any, Observation]:
    """Return the state after an action, and what is told; a failed action changes nothing."""
    if action.kind == "answer":
        return state, Observation(text="", answer=action.text)
    if not isinstance(action, Call):
        text = "Make one call, or give the answer."
        return state, Observation(text=text, ok=False, invalid=True)
    try:
        call = calls_of(DOMAINS[domain])[action.tool]
        given = call.arguments.bind((), action.arguments)
    except ToolError as error:
        return state, Observation(text=str(error), ok=False, invalid=True)
    moment = DOMAINS[domain](state)
    try:
        result = to_json(getattr(moment, action.tool)(*given.args, **given.kwargs), action.tool)
    except (ToolError, ArithmeticError) as error:
        return state, Observation(text=f"{action.tool}: {error}", ok=False)
    text = result if isinstance(result, str) else json.dumps(result)
    return moment.state, Observation(text=text)


def read_call(line: str, *, domain: str) -> Call:
    """Return the call that a line is, such as `set_city("Lund")`.

    Whether there is such a call, with such arguments, is for the environment to say.

    Raises:
        ToolError: it is no call.
    """
    found = parse_call(line)
    if found is None:
        raise ToolError(
            f"{line.strip()[:200]!r} is no call: write it as name(argument=value), with texts in "
            "quotes and numbers"
        )
    name, values, named = found
    calls = calls_of(DOMAINS[domain])
    known = calls[name].parameters.parameters if name in calls else ()
    names = [*known, *(f"argument {number}" for number in range(len(known) + 1, 100))]
    return Call(name, dict(zip(names, values, strict=False)) | named)
