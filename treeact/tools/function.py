"""The `@tool` decorator: a typed, documented function becomes a tool that agents can call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints, overload

from treeact.errors import ConfigError, StopExecution, ToolError
from treeact.tools.naming import check_name
from treeact.tools.stubs import describe, render_signature, render_stub

if TYPE_CHECKING:
    from treeact.tools.arguments import Arguments

Effects = Literal["none", "read", "write"]

MESSAGE_LENGTH = 2000
"""Characters kept of the message of an exception that a tool raised."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tool:
    """A function that runs on the host and that an agent calls by name.

    Made by `@tool`. It can still be called directly, as the function it was made from.
    """

    name: str
    """The Python identifier under which agents call it."""
    effects: Effects
    """What a call changes outside the sandbox."""
    function: Callable[..., Any]
    timeout: float | None = None
    """Seconds of one call; None leaves it to the step's own limit."""
    hints: Mapping[str, Any] = field(repr=False)
    """The resolved annotations of the parameters, and of `return`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, unchecked."""
        return self.function(*args, **kwargs)

    @property
    def returns_nothing(self) -> bool:
        """Whether calls give None, so that a `write` can be deferred instead of refused."""
        return self.hints["return"] is NoneType

    @property
    def docstring(self) -> str:
        """The whole docstring, without its indentation."""
        return inspect.getdoc(self.function) or ""

    @property
    def description(self) -> str:
        """The docstring up to its first section, such as `Args:`."""
        return describe(self.docstring)

    @cached_property
    def parameters(self) -> inspect.Signature:
        """The function's signature."""
        return inspect.signature(self.function)

    @cached_property
    def signature(self) -> str:
        """The signature as Python text, in types that cross to the sandbox and back."""
        return render_signature(self.name, self.parameters, self.hints)

    def stub(self) -> str:
        """Return the tool as prompts show it: a `def` line and the docstring, valid Python."""
        return render_stub(self.signature, self.docstring)

    def json_schema(self) -> dict[str, Any]:
        """Return name, description and the JSON Schema of the parameters, for JSON calls."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.arguments.schema(self.docstring),
        }

    @cached_property
    def arguments(self) -> Arguments:
        """What checks arguments; built when first needed, because it loads pydantic.

        Raises:
            ConfigError: a parameter's type cannot be checked.
        """
        from treeact.tools.arguments import Arguments

        return Arguments(self.name, self.parameters, self.hints, self.signature)

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Check the JSON arguments, run the function, and return a JSON value.

        Functions that are not async run in a thread of their own. After a timeout such a thread
        goes on until the function returns, and its result is dropped.

        Raises:
            ToolError: the arguments are wrong, or the function failed or took too long; the text
                tells an agent what to do about it.
            StopExecution: the function ends the execution it was called from.
        """
        from treeact.tools.results import to_json

        given = self.arguments.bind(args, kwargs)
        return to_json(await self._run(given), self.name)

    async def _run(self, given: inspect.BoundArguments) -> Any:
        import asyncio

        limit = asyncio.timeout(self.timeout)
        try:
            if self.timeout is None:
                return await self._start(given)
            async with limit:
                return await self._start(given)
        except (ToolError, StopExecution):
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, TimeoutError) and limit.expired():
                message = f"{self.name} took longer than {self.timeout:g} seconds and was given up"
                raise ToolError(message) from None
            message = str(error)[:MESSAGE_LENGTH]
            raise ToolError(f"{self.name} failed: {type(error).__name__}: {message}") from error

    async def _start(self, given: inspect.BoundArguments) -> Any:
        if inspect.iscoroutinefunction(self.function):
            return await self.function(*given.args, **given.kwargs)
        from treeact.tools.threads import run_in_thread

        return await run_in_thread(
            lambda: self.function(*given.args, **given.kwargs), name=self.name
        )


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *, effects: Effects = "write", name: str | None = None, timeout: float | None = None
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    effects: Effects = "write",
    name: str | None = None,
    timeout: float | None = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function whose parameters and result are typed and that has a docstring.

    The prompt shows the signature and the docstring, so write them for the agent.

    Args:
        function: the function, async or not, when the decorator is used without arguments.
        effects: what a call changes outside the sandbox: `none` (a computation), `read` (it looks
            something up) or `write`. Calls of a `write` tool cannot be taken back, so they wait
            until their branch of the search is chosen, and can need approval. The default is
            `write`: forgetting to say costs a little speed, never an e-mail sent from a branch
            that was thrown away.
        name: the name agents call it by, when other than the function's.
        timeout: seconds of one call.

    Raises:
        ConfigError: the function cannot be a tool; the message names the remedy.
    """
    if function is None:
        return lambda function: make_tool(function, effects=effects, name=name, timeout=timeout)
    return make_tool(function, effects=effects, name=name, timeout=timeout)


def make_tool(
    function: Callable[..., Any],
    *,
    effects: Effects,
    name: str | None = None,
    timeout: float | None = None,
    builtin: bool = False,
) -> Tool:
    """Check a function and make a tool of it; only a `builtin` one may have a reserved name."""
    if not inspect.isroutine(function):
        raise ConfigError(f"{function!r} cannot be a tool: give a function or a bound method")
    name = function.__name__ if name is None else name
    check_name(name, builtin=builtin)
    if effects not in get_args(Effects):
        raise ConfigError(f"tool {name}: effects is {effects!r}: use 'none', 'read' or 'write'")
    if timeout is not None and not timeout > 0:
        raise ConfigError(f"tool {name}: timeout is {timeout!r}: use a number of seconds above 0")
    if not (inspect.getdoc(function) or "").strip():
        raise ConfigError(f"tool {name} has no docstring: say in one what it does, for the agent")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(f"tool {name} yields: return a list instead")
    hints = _resolved_hints(name, function)
    return Tool(name=name, effects=effects, function=function, timeout=timeout, hints=hints)


def _resolved_hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        parameters = inspect.signature(function).parameters
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        message = f"tool {name}: {error}: define the types of its signature before the function"
        raise ConfigError(message) from error
    except (TypeError, ValueError, SyntaxError) as error:
        raise ConfigError(f"tool {name}: its signature cannot be read ({error})") from error
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(f"tool {name} takes {parameter}: name each parameter, or take a list")
        if parameter.name in ("self", "cls") and parameter.name not in hints:
            raise ConfigError(f"tool {name} is an unbound method: use tool(instance.{name})")
        if parameter.name not in hints:
            raise ConfigError(f"tool {name}: parameter {parameter.name!r} has no type: annotate it")
    if "return" not in hints:
        raise ConfigError(f"tool {name} has no return type: annotate it, with None if it has none")
    return hints
