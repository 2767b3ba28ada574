"""How tools look at pictures: by asking the run's model, at the run's expense."""

from __future__ import annotations

from collections.abc import Callable

from treeact.agents.calls import ModelCaller
from treeact.calling import Look
from treeact.errors import ModelError, ToolError
from treeact.models.base import Image, Message


def make_looker(caller: ModelCaller) -> Callable[[str], Look]:
    """Return what gives, for the logical id of a step, the means to look in that step.

    Args:
        caller: calls the model; one of its own, so that these calls, which continue no
            conversation, do not make the trace write that conversation out again.
    """

    def at(id: str) -> Look:
        async def look(question: str, picture: bytes, media_type: str) -> str:
            message = Message("user", question, (Image(data=picture, media_type=media_type),))
            try:
                completion = await caller.call([message], id=f"{id}/look", phase="look")
            except ModelError as error:
                raise ToolError(
                    f"the model cannot look at this picture ({error}): "
                    "read its pixels with PIL, or do without"
                ) from error
            return completion.text

        return look

    return at
