"""A model that answers from a script, for tests, examples and simulations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from treeact.errors import ModelError
from treeact.models.base import Author, Completion, FinishReason, Request
from treeact.models.language_model import LanguageModel

Reply = str | list[str] | Completion | BaseException
"""One text, several samples, a whole completion, or an exception to raise."""
Script = Iterable[Reply] | Mapping[str, Reply] | Callable[[Request], Reply | Awaitable[Reply]]


class ScriptedModel(LanguageModel):
    """Answers from `script`, which is one of three things.

    - A list of replies, given in the order of the calls; an extra call is an error. The position
      is the model's only state, so such a model serves one run.
    - A mapping from the logical path of a call to its reply, safe under any order of calls.
    - A function of the request, plain or async, that returns a reply.

    A `Fault` in the script fails the attempt like a network would; any other exception is raised
    as it is. Usage is estimated from the text; the cost is None unless `prices` are given.
    """

    def __init__(
        self, script: Script, *, name: str = "scripted", author: Author = "script", **options: Any
    ) -> None:
        """Take the script, who wrote it (`hand` for a person), and options of `LanguageModel`.

        Those are prices, context_window, retry and image_tokens.
        """
        super().__init__(name, **options)
        self.author = author
        self._reply = _reply_function(script)

    async def _attempt(self, request: Request, on_text: Callable[[str], None] | None) -> Completion:
        reply = self._reply(request)
        if not isinstance(reply, str | list | Completion | BaseException):
            reply = await reply
        if isinstance(reply, BaseException):
            raise reply
        completion = reply if isinstance(reply, Completion) else self._completion(request, reply)
        if on_text is not None and completion.texts[0]:
            on_text(completion.texts[0])
        return completion

    def _completion(self, request: Request, reply: str | list[str]) -> Completion:
        texts = (reply,) if isinstance(reply, str) else tuple(reply)
        if not texts:
            raise ModelError(f"{self.name}: the script's reply to {request.path!r} has no samples")
        usage = self._estimated_usage(request, texts)
        reason: FinishReason = "stop"
        return Completion(
            texts=texts,
            finish_reasons=(reason,) * len(texts),
            usage=usage,
            cost=self._cost(usage),
            latency=0.0,
            model=self.name,
            author=self.author,
        )


def _reply_function(script: Script) -> Callable[[Request], Reply | Awaitable[Reply]]:
    if callable(script):
        return script
    if isinstance(script, Mapping):
        return _by_path(dict(script))
    return _in_order(list(script))


def _by_path(replies: dict[str, Reply]) -> Callable[[Request], Reply]:
    def reply(request: Request) -> Reply:
        try:
            return replies[request.path]
        except KeyError:
            known = ", ".join(replies) or "none"
            raise ModelError(
                f"the script has no reply for {request.path!r}; it has: {known}"
            ) from None

    return reply


def _in_order(replies: list[Reply]) -> Callable[[Request], Reply]:
    remaining = iter(replies)

    def reply(request: Request) -> Reply:
        try:
            return next(remaining)
        except StopIteration:
            raise ModelError(
                f"the script has {len(replies)} replies and was asked for one more, "
                f"for {request.path!r}"
            ) from None

    return reply
