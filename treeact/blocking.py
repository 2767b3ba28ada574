"""Asynchronous objects for scripts that do not use asyncio: every call waits for its result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


@contextmanager
def blocking(target: Any) -> Iterator[Any]:
    """Enter an asynchronous context manager and use what it gives without `await`.

    Coroutines run in an event loop on a thread of their own, as do the callbacks passed to them.
    What they return can be used in the same way if it has coroutine methods itself:

        with blocking(JailSandbox()) as sandbox:
            branch = sandbox.branch()
            print(branch.run("1 + 1").value)

    Args:
        target: an asynchronous context manager, or any object with coroutine methods.
    """
    with _loop_thread() as loop:
        if not hasattr(target, "__aenter__"):
            yield _wrap(target, loop)
            return
        entered = _wait(target.__aenter__(), loop)
        try:
            yield _wrap(entered, loop)
        except BaseException as error:
            if not _wait(target.__aexit__(type(error), error, error.__traceback__), loop):
                raise
        else:
            _wait(target.__aexit__(None, None, None), loop)


@contextmanager
def _loop_thread() -> Iterator[AbstractEventLoop]:
    import asyncio
    import threading

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="treeact-blocking", daemon=True)
        thread.start()
        try:
            yield loop
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


def _wait(coroutine: Any, loop: AbstractEventLoop) -> Any:
    import asyncio

    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # as on Ctrl-C, when the coroutine goes on
        raise


def _wrap(value: Any, loop: AbstractEventLoop) -> Any:
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_wrap(item, loop) for item in value)
    methods = inspect.getmembers_static(type(value), inspect.iscoroutinefunction)
    return Blocking(value, loop) if methods else value


class Blocking:
    """An object whose coroutine methods wait for their results."""

    def __init__(self, target: Any, loop: AbstractEventLoop) -> None:
        self._target, self._loop = target, loop

    def __getattr__(self, name: str) -> Any:
        """Return the target's attribute; a coroutine method as a function that waits."""
        value = getattr(self._target, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return self._waiting(value)

    def _waiting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            return _wrap(_wait(method(*args, **kwargs), self._loop), self._loop)

        return call

    def __repr__(self) -> str:
        return f"Blocking({self._target!r})"
