"""The last call: when a limit is reached, the model is asked once more for its best answer."""

from __future__ import annotations

from collections.abc import Sequence

from treeact.agents.calls import ModelCaller, call_bound
from treeact.errors import BudgetExceeded
from treeact.models.base import Message, Request
from treeact.trace.budget import Amounts, Budget, Reservation

REPLY_TOKENS = 1024
"""Output cap of the last call: an answer is short."""

HISTORY_TOKENS = 8192
"""Room for the end of the conversation in the last call, in bounds, not in typical tokens."""

OMITTED = Message("user", "[Earlier steps are left out here.]")


class LastCall:
    """Holds back the room for one call from the start of a run, and makes that call at its end.

    Args:
        caller: how the model is called.
        opening: the messages that the last prompt keeps whatever happens.
        request: what is asked of the model.
        budget: where the room is held.
    """

    def __init__(
        self, caller: ModelCaller, *, opening: Sequence[Message], request: str, budget: Budget
    ) -> None:
        self._caller = caller
        self._opening = tuple(opening)
        self._request = Message("user", request, part="system")
        self._budget = budget
        self._held: Reservation | None = None

    def hold(self) -> None:
        """Set room aside for the call, as much as there is; done at the start of each turn."""
        if self._held is None:
            self._held = self._reserve()

    def _reserve(self) -> Reservation | None:
        bare = self._bound((*self._opening, self._request))
        with_history = self._bound((*self._opening, self._request), extra=HISTORY_TOKENS)
        for amounts in (with_history, bare):
            try:
                return self._budget.set_aside(amounts)
            except BudgetExceeded:
                continue
        return None

    async def ask(self, messages: Sequence[Message], *, id: str) -> str | None:
        """Return the model's reply to the end of the conversation, or None if there is no room.

        Raises:
            ModelError: the model failed.
        """
        if self._held is None:
            return None
        held, self._held = self._held, None
        try:
            prompt = self._fit(messages, held.amounts)
            completion = await self._caller.call(
                prompt, id=id, phase="final answer", max_output_tokens=REPLY_TOKENS, held=held
            )
        except BudgetExceeded:
            return None
        finally:
            held.release()
        return completion.text

    def release(self) -> None:
        """Give the room back: the last call is not needed."""
        if self._held is not None:
            self._held.release()
            self._held = None

    def _fit(self, messages: Sequence[Message], room: Amounts) -> list[Message]:
        """Return a prompt within `room`: the opening, the newest messages, the request."""
        history = list(messages[len(self._opening) :])
        prompt = [*messages, self._request]
        while history and self._bound(prompt).tokens > room.tokens:
            history.pop(0)
            prompt = [*self._opening, OMITTED, *history, self._request]
        return prompt if history else [*self._opening, self._request]

    def _bound(self, messages: Sequence[Message], *, extra: int = 0) -> Amounts:
        request = Request(messages=tuple(messages), max_output_tokens=REPLY_TOKENS)
        bound = call_bound(self._caller.model, request)
        prices = self._caller.model.prices
        price = prices.input if prices is not None else 0.0
        return bound + Amounts(tokens=extra, usd=extra * price)
