"""Counts of tokens without a tokenizer: a bound that is never too low, and a fair estimate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from treeact.models.base import Message, Usage

REQUEST_TOKENS = 64
"""Bound of what a chat template adds to a whole prompt (default system text, reply header)."""
MESSAGE_TOKENS = 16
"""Bound of what a chat template adds to one message (role and turn markers)."""
IMAGE_TOKENS = 5_000
"""Bound of one picture: OpenAI bills up to 2500, Anthropic 4800, Gemini 258 for each of its tiles.

gpt-4o-mini alone bills up to 48 200; give its models `image_tokens=48_200`.
"""


def text_bytes(text: str) -> int:
    """Return the length of `text` in UTF-8; a tokenizer over bytes never makes more tokens."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class PromptSum:
    """Sums a measure over prompts, remembering prefixes: a growing history is summed only once."""

    def __init__(self, measure: Callable[[Message], int]) -> None:
        self._measure = measure
        self._recent: deque[tuple[tuple[Message, ...], int]] = deque(maxlen=8)

    def __call__(self, messages: Sequence[Message]) -> int:
        """Return the sum of the measure over `messages`."""
        messages = tuple(messages)
        known, total = self._known_prefix(messages)
        if len(known) < len(messages):
            total += sum(map(self._measure, messages[len(known) :]))
            self._recent.appendleft((messages, total))
        return total

    def _known_prefix(self, messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], int]:
        for known, total in tuple(self._recent):
            if messages[: len(known)] == known:
                return known, total
        return (), 0


def token_bound(image_tokens: int) -> PromptSum:
    """Return a sum that no tokenizer over bytes exceeds, but for the constant of the request."""

    def measure(message: Message) -> int:
        pictures = len(message.images) * image_tokens
        return text_bytes(message.content) + MESSAGE_TOKENS + pictures

    return PromptSum(measure)


def prompt_bytes() -> PromptSum:
    """Return a sum of the bytes of the messages' text."""
    return PromptSum(lambda message: text_bytes(message.content))


def estimated_usage(bytes_sent: int, texts: Sequence[str]) -> Usage:
    """Guess a call's usage from its text, at four bytes to a token; flagged as estimated."""
    received = sum(map(text_bytes, texts))
    return Usage(input_tokens=-(-bytes_sent // 4), output_tokens=-(-received // 4), estimated=True)
