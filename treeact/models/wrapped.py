"""A model that is asked through something else; subclasses say what that does."""

from __future__ import annotations

from collections.abc import Sequence

from treeact.models.base import SILENT, Completion, Listener, Message, Meter, Model, Prices, Request


class WrappedModel:
    """Hands everything on to another model.

    Args:
        model: the other model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The other model's name."""
        return self._model.name

    @property
    def context_window(self) -> int | None:
        """The other model's context window."""
        return self._model.context_window

    @property
    def prices(self) -> Prices | None:
        """The other model's prices."""
        return self._model.prices

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return an upper bound of the tokens that `messages` take as input."""
        return self._model.count_tokens(messages)

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer `request`; see `Model.complete`."""
        return await self._model.complete(request, meter=meter, listener=listener)

    async def warm_up(self) -> None:
        """Warm the other model up."""
        await self._model.warm_up()

    async def aclose(self) -> None:
        """Release the other model's connections."""
        await self._model.aclose()
