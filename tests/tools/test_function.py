import ast
import asyncio
import functools
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import FrozenInstanceError

import pytest

from treeact.errors import ConfigError, StopExecution, ToolError
from treeact.sandbox.base import HostTool
from treeact.tools import FINAL_ANSWER, Tool, final_answer, tool


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@tool(effects="read", name="find", timeout=5)
async def find_async(query: str, *, limit: int = 3) -> list[str]:
    """Find texts.

    Args:
        query: What to look for.
        limit: How many at most,
            counted after sorting.

    Returns:
        The texts.
    """
    await asyncio.sleep(0)
    return [query] * limit


def test_a_tool_says_what_it_is():
    assert (add.name, add.effects, add.timeout) == ("add", "write", None)
    assert (find_async.name, find_async.effects, find_async.timeout) == ("find", "read", 5)
    assert find_async.description == "Find texts."
    assert add.signature == "add(a: int, b: int = 1) -> int"
    host_tool: HostTool = add
    assert not host_tool.returns_nothing
    assert final_answer.returns_nothing


def test_a_tool_is_frozen_and_still_the_function():
    with pytest.raises(FrozenInstanceError):
        add.name = "other"
    assert add(2, 3) == 5


async def test_calls_bind_by_position_and_by_name():
    assert await add.call([2], {"b": 3}) == 5
    assert await add.call([], {"a": 2}) == 3
    assert await find_async.call(["x"], {"limit": 2}) == ["x", "x"]


async def test_a_blocking_function_does_not_block_the_loop():
    started, release = threading.Event(), threading.Event()

    @tool
    def wait() -> str:
        """Wait for the loop."""
        started.set()
        return "released" if release.wait(30) else "blocked"

    call = asyncio.create_task(wait.call([], {}))
    await asyncio.to_thread(started.wait)
    release.set()
    assert await call == "released"


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_timeout_returns_while_the_function_goes_on(kind):
    release = threading.Event()

    @tool(timeout=0.05)
    def slow() -> None:
        """Wait."""
        release.wait(60)

    @tool(name="slow", timeout=0.05)
    async def slow_async() -> None:
        """Wait."""
        await asyncio.sleep(60)

    try:
        with pytest.raises(
            ToolError, match=r"^slow took longer than 0\.05 seconds and was given up"
        ):
            await (slow if kind == "sync" else slow_async).call([], {})
    finally:
        release.set()


def test_a_function_given_up_does_not_hold_the_program():
    program = """
import asyncio, threading, time
from treeact import tool
from treeact.errors import ToolError

@tool(timeout=0.05)
def endless() -> None:
    "Never return."
    threading.Event().wait()

try:
    asyncio.run(endless.call([], {}))
except ToolError as error:
    print("gave up")
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == "gave up\n"


async def test_cancelling_a_call_cancels_the_function():
    cancelled = asyncio.Event()

    @tool
    async def wait() -> None:
        """Wait."""
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    call = asyncio.create_task(wait.call([], {}))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert cancelled.is_set()


FAILURES = [
    (ValueError("no such town"), "go failed: ValueError: no such town"),
    (KeyError("x"), "go failed: KeyError: 'x'"),
    (TimeoutError("host silent"), "go failed: TimeoutError: host silent"),
    (SystemExit(3), "go failed: SystemExit: 3"),
    (StopIteration(), "StopIteration"),
    (ToolError("ask for a smaller area"), "^ask for a smaller area$"),
    (RuntimeError("x" * 100_000), "x{2000}$"),
]


@pytest.mark.parametrize(("failure", "text"), FAILURES)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_every_failure_is_a_tool_error_without_a_host_traceback(failure, text, kind):
    @tool
    def go() -> None:
        """Fail."""
        raise failure

    @tool(name="go", timeout=60)
    async def go_async() -> None:
        """Fail."""
        raise failure

    with pytest.raises(ToolError, match=text) as caught:
        await (go if kind == "sync" else go_async).call([], {})
    assert "Traceback" not in str(caught.value)
    assert __file__ not in str(caught.value)


async def test_a_keyboard_interrupt_in_a_thread_does_not_hang_the_call():
    @tool
    def go() -> None:
        """Fail."""
        raise KeyboardInterrupt

    with pytest.raises(ToolError, match="KeyboardInterrupt"):
        await go.call([], {})


async def test_a_plain_function_may_return_an_awaitable():
    @tool
    def later(x: int) -> int:
        """Add one, later."""
        return add_one(x)

    async def add_one(x: int) -> int:
        return x + 1

    assert await later.call([1], {}) == 2


@pytest.mark.parametrize("value", [42, "text", None, True, [1, {"a": 2}], {"k": []}])
async def test_final_answer_takes_any_value_and_stops(value):
    assert final_answer.name == FINAL_ANSWER == "final_answer"
    for args, kwargs in (([value], {}), ([], {"answer": value})):
        with pytest.raises(StopExecution):
            await final_answer.call(args, kwargs)


async def test_final_answer_without_an_answer_does_not_stop():
    with pytest.raises(ToolError, match="missing a required argument: 'answer'"):
        await final_answer.call([], {})


# Functions that cannot be tools


def untyped(a) -> int:
    """Add."""


def no_result(a: int):
    """Add."""


def no_docstring(a: int) -> int:
    return a


def blank_docstring(a: int) -> int:
    """ """
    return a


def many(*args: int) -> int:
    """Add."""


def options(**kwargs: int) -> int:
    """Add."""


def undefined(a: "Nowhere") -> int:  # noqa: F821
    """Add."""


def yields() -> Iterator[int]:
    """Count."""
    yield 1


async def yields_async() -> AsyncIterator[int]:
    """Count."""
    yield 1


class Service:
    def method(self, a: int) -> int:
        """Add."""
        return a


REFUSED = [
    (untyped, "parameter 'a' has no type: annotate it"),
    (no_result, "no return type: annotate it"),
    (no_docstring, "no docstring"),
    (blank_docstring, "no docstring"),
    (many, r"takes \*args: int: name each parameter"),
    (options, r"takes \*\*kwargs: int"),
    (undefined, "'Nowhere' is not defined: define the types"),
    (yields, "yields: return a list"),
    (yields_async, "yields: return a list"),
    (Service.method, r"unbound method: use tool\(instance.method\)"),
    (lambda: 1, "cannot be named '<lambda>': give a Python name"),
    (functools.partial(no_docstring, 1), "give a function or a bound method"),
    ("add", "give a function"),
    (Service, "give a function"),
]


@pytest.mark.parametrize(("function", "text"), REFUSED)
def test_what_cannot_be_a_tool_is_refused_with_the_remedy(function, text):
    with pytest.raises(ConfigError, match=text):
        tool(function)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"name": "class"}, "cannot be named 'class'"),
        ({"name": "two words"}, "cannot be named"),
        ({"name": ""}, "cannot be named"),
        ({"name": "__init__"}, "underscores"),
        ({"name": "final_answer"}, "taken by TreeAct: give another"),
        ({"name": "ToolError"}, "taken by TreeAct"),
        ({"effects": "some"}, "use 'none', 'read' or 'write'"),
        ({"timeout": 0}, "seconds above 0"),
        ({"timeout": float("nan")}, "seconds above 0"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(settings, text):
    def go(a: int) -> int:
        """Add."""
        return a

    with pytest.raises(ConfigError, match=text):
        tool(**settings)(go)


async def test_a_bound_method_is_a_tool():
    method = tool(Service().method)
    assert method.signature == "method(a: int) -> int"
    assert await method.call([1], {}) == 1


def test_loading_tools_loads_neither_pydantic_nor_asyncio():
    program = """
import sys
import treeact.tools
loaded = [name for name in ("pydantic", "asyncio", "inspect") if name in sys.modules]
from treeact.tools import tool
@tool
def add(a: int) -> int:
    "Add."
    return a
add.stub()
loaded += [name for name in ("pydantic", "asyncio") if name in sys.modules]
print(loaded)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


def test_the_package_has_only_its_public_names():
    import treeact.tools

    assert isinstance(treeact.tools.final_answer, Tool)
    assert set(treeact.tools.__all__) <= set(dir(treeact.tools))
    with pytest.raises(AttributeError, match="nothing"):
        _ = treeact.tools.nothing


def test_stubs_are_python():
    ast.parse(add.stub())
    ast.parse(final_answer.stub())
