"""The one bridge from TreeAct's coroutines to plain calls, for scripts and notebooks.

Coroutines run on an event loop in a background thread, so the bridge works inside a running loop
too. No class has its methods written twice: `blocking(x)` is `x` with its coroutine methods called
to their end.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import cache, wraps
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, or raise what it raises.

    Ctrl-C cancels `work` and waits until it has cleaned up after itself.
    """
    finished = threading.Event()

    async def watched() -> T:
        try:
            return await work
        finally:
            finished.set()

    future = asyncio.run_coroutine_threadsafe(watched(), _loop())
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        finished.wait()
        raise


def blocking(target: Any) -> Any:
    """Return `target` with plain methods in the place of its coroutine methods.

    `with` stands for `async with`, `for` for `async for`, and what its methods return is wrapped
    too where it has coroutine methods of its own. Everything else is passed through.
    """
    if isinstance(target, list | tuple) and type(target) in (list, tuple):
        return type(target)(map(blocking, target))
    kind: Any = type(target)
    return _Blocking(target) if _is_async(kind) else target


class _Blocking:
    """Stands in for an object with coroutine methods."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return _plain(value) if callable(value) else blocking(value)

    def __enter__(self) -> Any:
        return blocking(run_blocking(self._target.__aenter__()))

    def __exit__(self, *exc: object) -> Any:
        return run_blocking(self._target.__aexit__(*exc))

    def __iter__(self) -> Iterator[Any]:
        iterator = aiter(self._target)
        while True:
            try:
                yield blocking(run_blocking(_next(iterator)))
            except StopAsyncIteration:
                return

    def __repr__(self) -> str:
        return f"blocking({self._target!r})"


def _plain(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        # inside the loop, since a plain method such as `agent.start` may need a running one
        async def work() -> Any:
            result = method(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return blocking(run_blocking(work()))

    return call


async def _next(iterator: AsyncIterator[Any]) -> Any:
    return await anext(iterator)


@cache
def _is_async(kind: Any) -> bool:
    """Return whether objects of `kind` have anything to wait for."""
    names = [name for name in dir(kind) if not name.startswith("__")]
    methods = [getattr(kind, name, None) for name in [*names, "__aenter__"]]
    return hasattr(kind, "__anext__") or any(
        inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
        for method in methods
    )


_lock = threading.Lock()
_running: asyncio.AbstractEventLoop | None = None


def _loop() -> asyncio.AbstractEventLoop:
    """Return the background loop, started when it is first needed."""
    global _running
    with _lock:
        if _running is None or _running.is_closed():
            _running = asyncio.new_event_loop()
            threading.Thread(
                target=_running.run_forever, name="treeact-blocking", daemon=True
            ).start()
        return _running
