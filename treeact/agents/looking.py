"""How tools look at pictures: by asking the run's model, at the run's expense."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from treeact.agents.calls import ModelCaller
from treeact.agents.records.past import LOOK, Past
from treeact.calling import Look
from treeact.errors import ModelError, ToolError
from treeact.models.base import Image, Message

Looker = Callable[[str], Awaitable[Look]]
"""Gives, for the logical id of a step, the means to look in that step."""


def make_looker(caller: ModelCaller, past: Past) -> Looker:
    """Return what lets the tools of a step look.

    Args:
        caller: calls the model; one of its own, so that these calls, which continue no
            conversation, do not make the trace write that conversation out again.
        past: what was looked at before the run was resumed. The calls of tools that did so are not
            made again, so it is asked for here: it is on record, and is booked once more.
    """

    async def at(id: str) -> Look:
        async def ask(message: Message) -> str:
            completion = await caller.call([message], id=f"{id}/{LOOK}", phase=LOOK)
            return completion.text

        async def look(question: str, picture: bytes, media_type: str) -> str:
            try:
                image = Image(data=picture, media_type=media_type)
                return await ask(Message("user", question, (image,)))
            except ModelError as error:
                raise ToolError(
                    f"the model cannot look at this picture ({error}): "
                    "read its pixels with PIL, or do without"
                ) from error

        for message in past.looks(id):
            await ask(message)
        return look

    return at
