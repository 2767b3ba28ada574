"""What a language model is to TreeAct: messages in, one completion out, usage and cost with it.

Plain dataclasses, so that `import treeact` stays cheap; checking happens where bytes arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from treeact.errors import ConfigError
from treeact.trace.usage import Usage as Usage

Role = Literal["system", "user", "assistant"]
Author = Literal["model", "hand", "script"]


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture in a message: its bytes and their media type."""

    data: bytes
    media_type: str = "image/png"


@dataclass(frozen=True)
class Message:
    """One message of a conversation; a message is never changed once made."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()
    part: str = field(default="", compare=False)
    """The part of the prompt that the ledger counts it to; empty goes by the role."""
    tools: int = field(default=0, compare=False)
    """Characters of it that describe tools, which the ledger counts to a part of their own."""


def shared_length(messages: Sequence[Message], earlier: Sequence[Message]) -> int:
    """Return how many messages two prompts begin with alike."""
    if messages[: len(earlier)] == earlier:  # mostly, and much faster than one by one
        return len(earlier)
    pairs = enumerate(zip(messages, earlier, strict=False))
    differ = (number for number, (ours, theirs) in pairs if ours != theirs)
    return next(differ, min(len(messages), len(earlier)))


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars per token of one model, and the date and origin of the figures."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    source: str = ""
    """Where the prices come from, with their date, as shown to the user."""
    long_prompt: tuple[int, Prices] | None = None
    """Input tokens above which the whole call has other prices, and those; None when flat."""

    def cost(self, usage: Usage) -> float:
        """Return the dollars that `usage` costs at these prices."""
        if self.long_prompt is not None and usage.input_tokens > self.long_prompt[0]:
            return self.long_prompt[1].cost(usage)
        cached = usage.cached_tokens
        written = usage.cache_write_tokens
        plain = max(0, usage.input_tokens - cached - written)
        cached_price = self.input if self.cached_input is None else self.cached_input
        write_price = self.input if self.cache_write is None else self.cache_write
        return (
            plain * self.input
            + cached * cached_price
            + written * write_price
            + usage.output_tokens * self.output
        )


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything one model call depends on."""

    messages: tuple[Message, ...]
    n: int = 1
    temperature: float | None = None
    max_output_tokens: int = 4096
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    """JSON Schema of a structured reply, or None for free text."""
    path: str = ""
    """Logical id of the call in its run, such as `run/step-3/propose`; the key of recordings."""

    def __post_init__(self) -> None:
        if not self.messages:
            raise ConfigError("a model call needs at least one message")
        if self.n < 1 or self.max_output_tokens < 1:
            raise ConfigError(
                f"a model call needs n and max_output_tokens of at least 1, "
                f"not {self.n} and {self.max_output_tokens}"
            )


FinishReason = Literal["stop", "length", "content_filter", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The reply or replies to one request."""

    texts: tuple[str, ...]
    """As many as the request's `n`; fewer only when `notes` say why, and never none."""
    finish_reasons: tuple[FinishReason, ...]
    usage: Usage
    cost: float | None
    """Dollars, or None when the price is not known; an unknown price is never shown as 0."""
    latency: float
    """Seconds of the attempt that succeeded."""
    model: str
    """The model that answered, as it names itself."""
    author: Author = "model"
    retries: int = 0
    notes: tuple[str, ...] = ()
    """Remarks for the user and the trace, such as where a replay departs from its recording."""

    @property
    def text(self) -> str:
        """The first text; the only one when n is 1."""
        return self.texts[0]


class Charge(Protocol):
    """A reservation for one attempt at a call; exactly one of its methods is called, once."""

    def settle(self, usage: Usage, cost: float | None) -> None:
        """The call was answered: replace the reservation by what it really used."""

    def release(self) -> None:
        """The call was refused or never sent: nothing was billed."""

    def forfeit(self) -> None:
        """The call was sent and lost; perhaps billed, so its whole bound counts as spent."""


class Meter(Protocol):
    """What admits every attempt of a model call to a budget."""

    async def reserve(self, request: Request, *, model: Model) -> Charge:
        """Reserve the bound of one attempt.

        Raises:
            BudgetExceeded: there is no room and no call in flight may release enough.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Callbacks of a call in flight; every one is optional."""

    on_text: Callable[[str], None] | None = None
    """Called with each new piece of text of the first sample, when the model streams."""
    on_retry: Callable[[str, float], None] | None = None
    """Called before a retry, with what went wrong and the seconds until the next attempt."""
    on_rate_limit: Callable[[float], None] | None = None
    """Called besides where the server takes no more calls for the moment, with those seconds."""


SILENT = Listener()


class Model(Protocol):
    """A language model. Implementations are immutable and safe to use from many runs at once."""

    @property
    def name(self) -> str:
        """The name under which the user asked for it, such as `openai/gpt-5-mini`."""

    @property
    def context_window(self) -> int | None:
        """Tokens that prompt and reply may fill together, or None when not known."""

    @property
    def prices(self) -> Prices | None:
        """The model's prices, or None when not known."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return an upper bound of the tokens that `messages` take as input."""

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer `request`, retrying transient faults within bounds.

        Raises:
            ModelError: no usable reply after the allowed retries; the message names the remedy.
            ContextFull: the prompt does not fit the model's context window.
            BudgetExceeded: the meter refused an attempt.
        """
        ...

    async def warm_up(self) -> None:
        """Do beforehand what the first call would else wait for, such as importing a client."""

    async def aclose(self) -> None:
        """Release connections; the model may not be used afterwards."""
