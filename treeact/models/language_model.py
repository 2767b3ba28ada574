"""The base of every model: one `complete` over one abstract attempt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

from treeact.errors import BudgetExceeded, ModelError
from treeact.models.base import (
    SILENT,
    Author,
    Completion,
    Listener,
    Message,
    Meter,
    Prices,
    Request,
    Usage,
)
from treeact.models.retry import ONCE, RetryLoop, RetryPolicy
from treeact.models.tokens import (
    IMAGE_TOKENS,
    REQUEST_TOKENS,
    estimated_usage,
    prompt_bytes,
    token_bound,
)


class LanguageModel(ABC):
    """A model that makes single attempts; retries, charges and extra samples are added here."""

    author: Author = "model"

    def __init__(
        self,
        name: str,
        *,
        prices: Prices | None = None,
        context_window: int | None = None,
        retry: RetryPolicy = ONCE,
        image_tokens: int = IMAGE_TOKENS,
    ) -> None:
        self._name = name
        self._prices = prices
        self._context_window = context_window
        self._retry = retry
        self._token_bound = token_bound(image_tokens)
        self._prompt_bytes = prompt_bytes()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def name(self) -> str:
        """The name under which the user asked for it."""
        return self._name

    @property
    def context_window(self) -> int | None:
        """Tokens that prompt and reply may fill together, or None when not known."""
        return self._context_window

    @property
    def prices(self) -> Prices | None:
        """The model's prices, or None when not known."""
        return self._prices

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return an upper bound of the tokens that `messages` take as input.

        It holds for tokenizers over bytes: the bytes of the text, `MESSAGE_TOKENS` for each
        message, `IMAGE_TOKENS` for each picture, and `REQUEST_TOKENS` for the prompt.
        """
        return self._token_bound(messages) + REQUEST_TOKENS

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer `request`, retrying transient faults within bounds.

        A model that gives fewer samples than were asked for is called again for the others. If
        those calls fail, what was paid for is returned, and a note says what is missing.

        Raises:
            ModelError: no usable reply after the allowed retries; the message names the remedy.
            ContextFull: the prompt does not fit the model's context window.
            BudgetExceeded: the meter refused an attempt.
        """
        await self.warm_up()
        completion = await self._call(request, meter, listener)
        missing = request.n - len(completion.texts)
        if missing > 0:
            return await self._top_up(completion, request, missing, meter, listener)
        return completion

    async def warm_up(self) -> None:  # noqa: B027  # most models need nothing
        """Do what the first call would else wait for, such as importing a client library."""

    async def aclose(self) -> None:  # noqa: B027  # most models have nothing to release
        """Release connections; the model may not be used afterwards."""

    @abstractmethod
    async def _attempt(self, request: Request, on_text: Callable[[str], None] | None) -> Completion:
        """Ask once.

        Fewer texts than `request.n` are allowed, none is not. A latency of 0 is measured by the
        caller.

        Raises:
            Fault: the attempt failed, and whether it may have been billed.
            TreeActError: nothing was sent, and trying again is no use.
        """

    def _estimated_usage(self, request: Request, texts: Sequence[str]) -> Usage:
        return estimated_usage(self._prompt_bytes(request.messages), texts)

    def _cost(self, usage: Usage) -> float | None:
        return None if self._prices is None else self._prices.cost(usage)

    async def _call(self, request: Request, meter: Meter | None, listener: Listener) -> Completion:
        loop = RetryLoop(
            self._attempt, model=self, policy=self._retry, meter=meter, listener=listener
        )
        return _tidied(await loop.run(request), request)

    async def _top_up(
        self,
        first: Completion,
        request: Request,
        missing: int,
        meter: Meter | None,
        listener: Listener,
    ) -> Completion:
        """Ask for the missing samples one by one, side by side, and join what comes back."""
        import asyncio

        single = replace(request, n=1)
        silent = replace(listener, on_text=None)
        calls = (self._call(single, meter, silent) for _ in range(missing))
        joined = first
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, Completion):
                joined = _joined(joined, result)
            elif isinstance(result, ModelError | BudgetExceeded):
                note = f"a sample of {request.n} is missing: {result}"
                joined = replace(joined, notes=(*joined.notes, note))
            else:
                raise result
        return joined


def _tidied(completion: Completion, request: Request) -> Completion:
    """Give no more samples than asked for, and end each where its stop string begins.

    Servers disagree on whether the stop string is part of the reply, and some ignore it.
    """
    texts = completion.texts[: request.n]
    if request.stop:
        texts = tuple(cut_at_stop(text, request.stop) for text in texts)
    if texts == completion.texts:
        return completion
    return replace(completion, texts=texts, finish_reasons=completion.finish_reasons[: len(texts)])


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """Return `text` up to the first stop string in it."""
    ends = [end for end in (text.find(string) for string in stop if string) if end >= 0]
    return text[: min(ends)] if ends else text


def _joined(first: Completion, second: Completion) -> Completion:
    costs_known = first.cost is not None and second.cost is not None
    return replace(
        first,
        texts=first.texts + second.texts,
        finish_reasons=first.finish_reasons + second.finish_reasons,
        usage=first.usage + second.usage,
        cost=(first.cost or 0.0) + (second.cost or 0.0) if costs_known else None,
        latency=max(first.latency, second.latency),
        retries=first.retries + second.retries,
        notes=first.notes + second.notes,
    )
