"""Runs a blocking function without blocking the event loop, nor its end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any


async def run_in_thread(function: Callable[[], Any], *, name: str) -> Any:
    """Return what `function` returns, awaited if need be, from a daemon thread of its own.

    The loop's own pool would make the end of the program wait for a function that was given up.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(value: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result((value, error))

    def work() -> None:
        value, failure = None, None
        try:
            value = context.run(function)
        except BaseException as error:  # delivered, so that the caller never waits in vain
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(deliver, value, failure)

    threading.Thread(target=work, name=f"tool {name}", daemon=True).start()
    value, error = await done
    if error is not None:
        raise _raisable(error)
    return await value if inspect.isawaitable(value) else value


def _raisable(error: BaseException) -> BaseException:
    """Return an exception that a coroutine can raise as it is."""
    if isinstance(error, Exception | SystemExit) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
