"""Tools that TreeAct brings."""

from __future__ import annotations

from typing import Any, NoReturn

from treeact.errors import StopExecution
from treeact.tools.function import make_tool
from treeact.tools.naming import FINAL_ANSWER as FINAL_ANSWER


async def _final_answer(answer: Any) -> None:  # a plain function would run in a thread
    """Give the final answer and end the task. Nothing after this call is run.

    Args:
        answer: The answer: text, a number, or a list or dict of such values.
    """
    stop()


def stop() -> NoReturn:
    """End the execution that called the tool."""
    raise StopExecution


final_answer = make_tool(_final_answer, effects="none", name=FINAL_ANSWER, builtin=True)
