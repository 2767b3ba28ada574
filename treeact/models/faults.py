"""What an exception of a client means: whether to retry, and whether the call may be billed.

LiteLLM's exceptions are the OpenAI client's or derive from them, so that one reading serves both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from treeact.models.chat_format import error_message, get
from treeact.models.retry import Fault, parse_retry_after

_RETRYABLE = frozenset({408, 409, 425, 429})
_REFUSED_5XX = frozenset({503, 529})
"""Server errors that say the request was not taken up; after others it may have been billed."""
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_PHRASES = (
    "maximum context length",
    "context length exceeded",
    "available context size",
    "maximum number of tokens allowed",
    "prompt is too long",
)
"""Servers without a code for it, vLLM and Gemini among them, say it in these words."""
_LONGEST_MESSAGE = 500
_LITELLM_PREFIX = re.compile(r"^(litellm\.\w+: )?(\w+(Error|Exception): )*(\w+Exception - )?")


class OversizedReply(Exception):
    """A server sent more bytes than a reply may have, or compressed them unasked."""


def fault_of(error: Exception, *, remedy: str) -> Fault:
    """Return what `error`, raised by a client in an attempt, means for the call.

    Args:
        error: the exception.
        remedy: what to check when access is denied or the model is unknown.
    """
    import openai

    if isinstance(error, Fault):
        return error
    oversized = next((link for link in _chain(error) if isinstance(link, OversizedReply)), None)
    if oversized is not None:
        return Fault(str(oversized))
    if _was_never_sent(error):
        reason = _short(_root(error))
        return Fault(f"cannot connect: {reason}; {remedy}", retryable=True, billed="no")
    if not isinstance(error, openai.APITimeoutError) and _has_answer(error):
        return _status_fault(error, remedy)
    return _lost_fault(error)


def _lost_fault(error: Exception) -> Fault:
    if any(isinstance(link, json.JSONDecodeError | UnicodeDecodeError) for link in _chain(error)):
        return Fault("the reply is not valid JSON", retryable=True)
    broken = next((link for link in _chain(error) if _is_transport_error(link)), None)
    if broken is not None:
        detail = _short(broken)
        return Fault(f"the connection broke: {type(broken).__name__}: {detail}", retryable=True)
    return Fault(f"the call was lost: {_short(error)}", retryable=True)


def _has_answer(error: Any) -> bool:
    """Return whether a server answered; LiteLLM gives lost calls a status of 500 as well."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return False
    return status < 500 or not any(_is_transport_error(link) for link in _chain(error))


def _status_fault(error: Any, remedy: str) -> Fault:
    status = error.status_code
    message = f"HTTP {status}: {_short(error)}"
    body = getattr(error, "body", None)
    code = get(body, "code") or get(body, "type") or getattr(error, "code", None)
    if status in (400, 413, 422) and _is_context_full(error, code):
        return Fault(
            f"the prompt does not fit the context window ({message}); "
            "shorten it or use a model with a longer context",
            billed="no",
            context_full=True,
        )
    if status in (401, 402, 403, 404):
        return Fault(f"{message}; {remedy}", billed="no")
    if status >= 500:
        return Fault(
            message,
            retryable=True,
            billed="no" if status in _REFUSED_5XX else "unknown",
            retry_after=_retry_after(error),
            rate_limited=status in _REFUSED_5XX,
        )
    if status == 422 and type(error).__module__.startswith("litellm"):
        return Fault(message)  # LiteLLM could not read the reply
    retryable = status in _RETRYABLE and code != "insufficient_quota"
    return Fault(
        message,
        retryable=retryable,
        billed="no",
        retry_after=_retry_after(error),
        rate_limited=retryable and status == 429,
    )


def _is_context_full(error: Any, code: Any) -> bool:
    if code in _CONTEXT_CODES or type(error).__name__ == "ContextWindowExceededError":
        return True
    text = str(error).lower()
    return any(phrase in text for phrase in _CONTEXT_PHRASES)


def refused_parameter(error: Exception, sent: Sequence[str]) -> str | None:
    """Return which of the parameters that were `sent` a server refuses to take, if it says so.

    Not every server names it; a refused call for several samples is put down to `n`.
    """
    if getattr(error, "status_code", None) not in (400, 422):
        return None
    body = getattr(error, "body", None)
    named = get(body, "param") or getattr(error, "param", None)
    parameter = named.split(".")[0] if isinstance(named, str) else None
    if parameter in sent:
        return parameter
    if parameter is None and "n" in sent:
        return "n"
    return None


def _retry_after(error: Any) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    extra = getattr(error, "litellm_response_headers", None) or {}
    value = headers.get("retry-after") or extra.get("retry-after")
    return parse_retry_after(value)


def _was_never_sent(error: BaseException) -> bool:
    import httpx
    import httpx2

    kinds: tuple[type[BaseException], ...] = (ConnectionRefusedError,)
    for http in (httpx2, httpx):  # the `openai` client has the one, LiteLLM the other
        kinds += (http.ConnectError, http.ConnectTimeout, http.UnsupportedProtocol, http.InvalidURL)
    return any(isinstance(link, kinds) for link in _chain(error))


def _is_transport_error(error: BaseException) -> bool:
    import httpx
    import httpx2

    kinds = (
        httpx2.TransportError,
        httpx.TransportError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        OSError,
    )
    return isinstance(error, kinds)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return an exception and those it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _root(error: BaseException) -> BaseException:
    return list(_chain(error))[-1]


def _short(error: BaseException) -> str:
    """Return the text of an exception on one line, not too long."""
    body = getattr(error, "body", None)
    text = error_message(body) if isinstance(body, dict) and "message" in body else str(error)
    line = _LITELLM_PREFIX.sub("", " ".join(text.split())) or type(error).__name__
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "..."
