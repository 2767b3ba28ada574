"""One model call of a run: admitted to the budget, answered, booked, and written to the trace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from treeact.errors import ConfigError, ContextFull
from treeact.models.base import (
    Completion,
    Listener,
    Message,
    Model,
    Request,
    Usage,
    shared_length,
)
from treeact.trace.budget import Amounts, Budget, Reservation
from treeact.trace.events import ModelCalled, ModelRetried, Noticed, Prompt, PromptMessage
from treeact.trace.log import EventLog
from treeact.trace.usage import Ledger, share_tokens


class ModelCaller:
    """Calls one model on behalf of a run.

    Args:
        model: who answers.
        budget: what every attempt is reserved in and settled with.
        log: where the call is written.
        ledger: where its tokens are booked.
        max_output_tokens: cap of one reply, which bounds what a call can cost.

    Raises:
        ConfigError: the budget limits dollars and the model's price is not known.
    """

    def __init__(
        self,
        model: Model,
        *,
        budget: Budget,
        log: EventLog,
        ledger: Ledger,
        max_output_tokens: int = 4096,
    ) -> None:
        if budget.limits_money() and model.prices is None:
            raise ConfigError(
                f"the price of {model.name} is not known, so a dollar budget cannot be kept: "
                "give its prices (see `docs/models.md`), or limit tokens instead"
            )
        self.model = model
        self.max_output_tokens = max_output_tokens
        self._budget = budget
        self._log = log
        self._ledger = ledger
        self._last = _Last(-1, (), {})

    async def call(
        self,
        messages: Sequence[Message],
        *,
        id: str,
        phase: str,
        role: str = "agent",
        n: int = 1,
        stop: tuple[str, ...] = (),
        schema: dict[str, Any] | None = None,
        temperature: float | None = None,
        max_output_tokens: int | None = None,
        held: Reservation | None = None,
    ) -> Completion:
        """Return the model's answer to `messages`.

        Args:
            messages: the whole prompt.
            id: logical id of the call.
            phase: what the call is for, as the ledger shows it.
            role: who asks.
            n: how many samples.
            stop: texts at which the reply ends.
            schema: JSON Schema of a structured reply.
            temperature: sampling temperature; None leaves it to the model.
            max_output_tokens: cap of this reply, when other than the caller's.
            held: room that was set aside for this call and is used instead of new room.

        Raises:
            BudgetExceeded: there is no room for the call.
            ContextFull: the prompt does not fit the model.
            ModelError: the model failed for good.
        """
        request = Request(
            messages=tuple(messages),
            n=n,
            stop=stop,
            schema=schema,
            temperature=temperature,
            max_output_tokens=max_output_tokens or self.max_output_tokens,
            path=id,
        )
        meter = _BudgetMeter(self._budget, held)
        listener = Listener(
            on_text=self._on_text(id) if self._log.directory is not None else None,
            on_retry=lambda problem, wait: self._on_retry(id, problem, wait),
        )
        completion = await self.model.complete(request, meter=meter, listener=listener)
        self._book(completion, request, role=role, phase=phase)
        return completion

    def _on_text(self, id: str) -> Any:
        return lambda piece: self._log.stream(id, piece)

    def _on_retry(self, id: str, problem: str, wait: float) -> None:
        self._log.emit(ModelRetried(id=id, problem=problem, wait=wait))

    def _book(self, completion: Completion, request: Request, *, role: str, phase: str) -> None:
        usage = completion.usage
        keep = shared_length(request.messages, self._last.messages)
        sizes = self._part_sizes(request.messages, keep)
        parts = share_tokens(usage.input_tokens, sizes)
        self._ledger.add(role, phase, usage, completion.cost, parts)
        event = self._log.emit(
            ModelCalled(
                id=request.path,
                role=role,
                phase=phase,
                model=completion.model,
                requested=self.model.name,
                author=completion.author,
                prompt=self._prompt(request.messages, keep),
                replies=tuple(self._log.text(text) for text in completion.texts),
                finish_reasons=completion.finish_reasons,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                estimated=usage.estimated,
                parts=parts,
                cost=completion.cost,
                latency=completion.latency,
                retries=completion.retries,
            )
        )
        self._last = _Last(event.seq, request.messages, sizes)
        for note in completion.notes:
            self._log.emit(Noticed(id=request.path, text=note))

    def _part_sizes(self, messages: Sequence[Message], keep: int) -> dict[str, int]:
        """Return the sizes of a prompt's parts; of one that extends the last, read what is new."""
        if keep < len(self._last.messages):
            return part_sizes(messages)
        return part_sizes(messages[keep:], before=self._last.sizes)

    def _prompt(self, messages: Sequence[Message], keep: int) -> Prompt:
        """Describe `messages` as what they add to those that the last prompt began with."""
        added = tuple(describe_message(self._log, m) for m in messages[keep:])
        return Prompt(base=self._last.seq if keep else None, keep=keep, added=added)


def describe_message(log: EventLog, message: Message) -> PromptMessage:
    """Return a message as events tell it, its pictures and long text kept beside the log."""
    images = tuple(
        log.blobs.put(image.data, media_type=image.media_type) for image in message.images
    )
    return PromptMessage(role=message.role, content=log.text(message.content), images=images)


PARTS = {"system": "system", "user": "observation", "assistant": "history"}
"""The part of a prompt that a message belongs to by its role."""
IMAGE_SIZE = 4000
"""Characters that a picture counts for when a prompt is divided into parts."""


def part_sizes(
    messages: Sequence[Message], *, before: Mapping[str, int] = MappingProxyType({})
) -> dict[str, int]:
    """Return the characters of a prompt by its parts, as the ledger tells them apart.

    Args:
        messages: the prompt, or its end.
        before: the sizes of what comes before that end.
    """
    sizes = dict(before)
    for message in messages:
        part = message.part or PARTS[message.role]
        size = len(message.content) - message.tools + IMAGE_SIZE * len(message.images)
        sizes[part] = sizes.get(part, 0) + size
        if message.tools:
            sizes["tools"] = sizes.get("tools", 0) + message.tools
    return sizes


def call_bound(model: Model, request: Request) -> Amounts:
    """Return the most that `request` can use: its input bound and n full replies."""
    output = request.n * request.max_output_tokens
    schema = len(json.dumps(request.schema)) if request.schema is not None else 0
    tokens = model.count_tokens(request.messages) + schema  # a token is at least one byte
    usage = Usage(input_tokens=tokens, output_tokens=output)
    prices = model.prices
    return Amounts(tokens=tokens + output, usd=prices.cost(usage) if prices else 0.0)


def check_context(model: Model, request: Request) -> None:
    """Raise ContextFull when even a low estimate of the prompt leaves no room for a reply."""
    window = model.context_window
    if window is None:
        return
    estimate = sum(len(message.content) for message in request.messages) // 6
    if estimate + 1 > window:
        raise ContextFull(
            f"the prompt (about {estimate} tokens) exceeds the {window} tokens of {model.name}: "
            "use a model with a longer context, or a shorter task"
        )


@dataclass(frozen=True, slots=True)
class _Last:
    """The last prompt: the call's number in the log, its messages, and the sizes of its parts."""

    seq: int
    messages: tuple[Message, ...]
    sizes: Mapping[str, int]


class _BudgetMeter:
    """Admits each attempt of one call to the budget."""

    def __init__(self, budget: Budget, held: Reservation | None) -> None:
        self._budget = budget
        self._held = held

    async def reserve(self, request: Request, *, model: Model) -> _BudgetCharge:
        check_context(model, request)
        bound = call_bound(model, request)
        if self._held is None:
            return _BudgetCharge(await self._budget.reserve(bound), bound)
        reservation, self._held = self._held, None
        reservation.resize(bound)
        return _BudgetCharge(reservation, bound)


class _BudgetCharge:
    """One attempt's reservation."""

    def __init__(self, reservation: Reservation, bound: Amounts) -> None:
        self._reservation = reservation
        self._bound = bound

    def settle(self, usage: Usage, cost: float | None) -> None:
        self._reservation.settle(Amounts(tokens=usage.total_tokens, usd=cost or 0.0))

    def release(self) -> None:
        self._reservation.release()

    def forfeit(self) -> None:
        self._reservation.settle(self._bound)
