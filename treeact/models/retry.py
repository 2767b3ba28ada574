"""The one retry loop of all models: attempts, back-off, time bounds, and the charge of each."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from treeact.errors import ContextFull, ModelError, TreeActError
from treeact.models.base import Charge, Completion, Listener, Meter, Model, Request, Usage

Attempt = Callable[[Request, Callable[[str], None] | None], Awaitable[Completion]]


class Fault(Exception):
    """One attempt that failed, as an adapter reports it to the loop.

    Attributes:
        retryable: whether the same request may succeed later.
        billed: `no` when the server refused or was never reached, `unknown` when the request was
            sent and its fate is not known.
        usage: what the server reported although the reply was unusable; it overrides `billed`.
        retry_after: seconds the server asked to wait, or None.
        context_full: the prompt does not fit the model's context window.
        rate_limited: the server takes no more calls for the moment.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        billed: Literal["no", "unknown"] = "unknown",
        usage: Usage | None = None,
        retry_after: float | None = None,
        context_full: bool = False,
        rate_limited: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.billed = billed
        self.usage = usage
        self.retry_after = retry_after
        self.context_full = context_full
        self.rate_limited = rate_limited

    @property
    def message(self) -> str:
        """What went wrong, fit to show to a user, ended by its remedy if there is one."""
        return str(self)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how long a call is tried. All times are seconds; None is no bound."""

    attempts: int = 5
    """Attempts in all, the first one included."""
    first_delay: float = 0.5
    """Upper end of the random delay before the second attempt; it doubles with each attempt."""
    longest_delay: float = 30.0
    """Upper end of any delay that the server did not ask for."""
    longest_retry_after: float = 60.0
    """Longest wait granted to a server that asks for one."""
    attempt_timeout: float | None = 180.0
    """Bound of one attempt, from connecting to the last byte."""
    total_timeout: float | None = 600.0
    """Bound of all attempts and delays together."""
    seed: int | None = None
    """Makes the delays repeatable."""
    sleep: Callable[[float], Awaitable[None]] | None = None
    """Replaces `asyncio.sleep` between attempts."""


ONCE = RetryPolicy(attempts=1, attempt_timeout=None, total_timeout=None)
"""For models that have no network under them."""


def parse_retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None if it says nothing usable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now or datetime.now(UTC))
    return seconds if 0 <= seconds < float("inf") else None


def _seconds_until(http_date: str, now: datetime) -> float:
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(http_date)
    except ValueError:
        return float("nan")
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


class _FreeCharge:
    """The charge of a call that no budget watches."""

    def settle(self, usage: Usage, cost: float | None) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def forfeit(self) -> None:
        """Do nothing."""


_FREE = _FreeCharge()


class RetryLoop:
    """Attempts at one request until one succeeds or the policy's bounds are reached."""

    def __init__(
        self,
        attempt: Attempt,
        *,
        model: Model,
        policy: RetryPolicy,
        meter: Meter | None,
        listener: Listener,
    ) -> None:
        self._attempt = attempt
        self._model = model
        self._policy = policy
        self._meter = meter
        self._listener = listener
        self._started = time.monotonic()
        self._spent = Usage()
        self._spent_cost: float | None = 0.0

    async def run(self, request: Request) -> Completion:
        """Return the first completion that an attempt gives.

        Raises:
            ModelError: no attempt succeeded within the bounds.
            ContextFull: the prompt is too long for the model.
            BudgetExceeded: the meter refused an attempt.
        """
        retries = 0
        while True:
            try:
                completion = await self._charged_attempt(request)
            except Fault as fault:
                retries += 1
                delay = self._delay_before_next(fault, retries)
                if self._listener.on_retry is not None:
                    self._listener.on_retry(fault.message, delay)
                if self._listener.on_rate_limit is not None and fault.rate_limited:
                    self._listener.on_rate_limit(delay)
                await self._sleep(delay)
            else:
                return self._with_spent(completion, retries)

    async def _charged_attempt(self, request: Request) -> Completion:
        """Make one attempt; its charge is settled, released or forfeited on every way out."""
        charge = await self._reserve(request)
        try:
            completion = await self._timed_attempt(request)
        except Fault as fault:
            self._close_failed(charge, fault)
            raise
        except TreeActError:  # raised on purpose before anything was sent
            charge.release()
            raise
        except BaseException:
            charge.forfeit()
            raise
        charge.settle(completion.usage, completion.cost)
        return completion

    async def _reserve(self, request: Request) -> Charge:
        if self._meter is None:
            return _FREE
        asked = time.monotonic()
        charge = await self._meter.reserve(request, model=self._model)
        self._started += time.monotonic() - asked  # waiting for budget is not the model's delay
        return charge

    async def _timed_attempt(self, request: Request) -> Completion:
        limit = self._attempt_limit()
        started = time.perf_counter()
        if limit is None:
            completion = await self._attempt(request, self._listener.on_text)
        else:
            completion = await self._bounded_attempt(request, limit)
        if completion.latency:
            return completion
        return replace(completion, latency=time.perf_counter() - started)

    async def _bounded_attempt(self, request: Request, limit: float) -> Completion:
        import asyncio

        timer = asyncio.timeout(limit)
        try:
            async with timer:
                return await self._attempt(request, self._listener.on_text)
        except TimeoutError:
            if not timer.expired():
                raise
            raise Fault(
                f"no complete reply within {limit:.3g} s; raise the attempt timeout "
                "if the model is slow",
                retryable=True,
            ) from None

    def _attempt_limit(self) -> float | None:
        bounds = [self._policy.attempt_timeout, self._time_left()]
        known = [bound for bound in bounds if bound is not None]
        return min(known) if known else None

    def _time_left(self) -> float | None:
        if self._policy.total_timeout is None:
            return None
        return max(0.0, self._policy.total_timeout - (time.monotonic() - self._started))

    def _close_failed(self, charge: Charge, fault: Fault) -> None:
        if fault.usage is not None:
            prices = self._model.prices
            cost = None if prices is None else prices.cost(fault.usage)
            self._remember_spent(fault.usage, cost)
            charge.settle(fault.usage, cost)
        elif fault.billed == "no":
            charge.release()
        else:
            charge.forfeit()

    def _remember_spent(self, usage: Usage, cost: float | None) -> None:
        self._spent += usage
        known = cost is not None and self._spent_cost is not None
        self._spent_cost = (self._spent_cost or 0.0) + (cost or 0.0) if known else None

    def _with_spent(self, completion: Completion, retries: int) -> Completion:
        """Add what unusable replies cost, so that usage is what the provider will bill."""
        if not retries:
            return completion
        known = completion.cost is not None and self._spent_cost is not None
        return replace(
            completion,
            retries=completion.retries + retries,
            usage=completion.usage + self._spent,
            cost=(completion.cost or 0.0) + (self._spent_cost or 0.0) if known else None,
        )

    def _delay_before_next(self, fault: Fault, failed: int) -> float:
        """Return the seconds to wait, or raise the error that ends the call."""
        name = self._model.name
        if fault.context_full:
            raise ContextFull(f"{name}: {fault.message}") from fault
        if not fault.retryable:
            raise ModelError(f"{name}: {fault.message}") from fault
        if failed >= self._policy.attempts:
            tried = f"after {failed} attempts" if failed > 1 else "at the only attempt"
            raise ModelError(f"{name} gave no usable reply {tried}: {fault.message}") from fault
        delay = self._delay(fault.retry_after, failed)
        left = self._time_left()
        if left is not None and delay >= left:
            raise ModelError(
                f"{name} gave no usable reply within {self._policy.total_timeout:g} s "
                f"({failed} attempts): {fault.message}"
            ) from fault
        return delay

    def _delay(self, retry_after: float | None, failed: int) -> float:
        if retry_after is not None:
            return min(retry_after, self._policy.longest_retry_after)
        bound = min(self._policy.longest_delay, self._policy.first_delay * 2 ** (failed - 1))
        seed = self._policy.seed
        source = random if seed is None else random.Random(f"{seed}/{failed}")
        return source.uniform(0.0, bound)

    async def _sleep(self, delay: float) -> None:
        if self._policy.sleep is not None:
            await self._policy.sleep(delay)
        else:
            import asyncio

            await asyncio.sleep(delay)
