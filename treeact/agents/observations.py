"""The words in which an agent learns what its action did. Pure functions, one outcome each."""

from __future__ import annotations

from collections.abc import Iterable

from treeact.planners.normalise import python_call
from treeact.sandbox.base import Execution, Stream, ToolCall

EMPTY = "The code ran without error and printed nothing. Print what you need to see."
INTERRUPTED = "The user interrupted you."
REJECTED = "The user did not allow this action, and it was not run."
EDITED = "The user changed your code before it ran. This is what ran:"
RESTARTED = (
    "The sandbox died and was restarted ({reason}). All variables, functions and imports are gone; "
    "the task's own files are back in the working folder. Run again what you still need."
)
DIED = "The sandbox died while this code ran ({reason}); the state is as it was before."


def describe_failed_writes(calls: Iterable[ToolCall]) -> str:
    """Return what is to be said about calls that were put off, of which only failures matter."""
    return "\n".join(
        f"The call {python_call(call.tool, call.kwargs, call.args)} was put off until this code "
        f"was chosen, and has failed now: {call.error}"
        for call in calls
        if call.status == "failed"
    )


def describe_execution(execution: Execution, *, timeout: float) -> str:
    """Return the observation of one run of code.

    Args:
        execution: what came of it.
        timeout: seconds the code was allowed.
    """
    parts = [
        *_stream(execution, "stdout"),
        *_stream(execution, "stderr"),
        *_value(execution),
        *_pictures(execution),
        *_ending(execution, timeout),
        *(f"Note: {note}" for note in execution.notes),
    ]
    if not parts:
        return EMPTY
    return "\n".join(parts)


def _stream(execution: Execution, name: Stream) -> list[str]:
    """Label the output; where its middle was left out the text itself says so."""
    text: str = getattr(execution, name)
    dropped: int = getattr(execution, f"{name}_dropped")
    if not text.strip() and not dropped:
        return []
    heading = "Output" if name == "stdout" else "Error output"
    if dropped:
        heading += f" ({dropped} bytes were left out of its middle; print less)"
    return [f"{heading}:\n{text.rstrip()}"]


def _value(execution: Execution) -> list[str]:
    if execution.value is None:
        return []
    return [f"Value of the last expression:\n{execution.value}"]


def _pictures(execution: Execution) -> list[str]:
    count = len(execution.images)
    if not count:
        return []
    return [f"{count} picture{'s were' if count > 1 else ' was'} drawn."]


def _ending(execution: Execution, timeout: float) -> list[str]:
    kept = (
        "The process was killed: all variables and files are as they were before this code."
        if execution.rolled_back
        else "It was stopped where it stood: what it had assigned or written until then is kept."
    )
    match execution.outcome:
        case "timeout":
            return [f"The code did not end within {timeout:g} seconds. {kept}"]
        case "interrupted":
            return [f"The user interrupted the code. {kept}"]
        case "killed":
            return [f"The code's process died (see the note). {kept}"]
        case "error" if execution.error is not None:
            return [f"The code raised an error:\n{execution.error.traceback.rstrip()}"]
        case _:
            return []
