"""Host tools for tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treeact.sandbox.base import Effects


class Tool:
    """A host tool that notes its calls and then does what it was made with."""

    def __init__(
        self,
        name: str,
        action: Callable[..., Any] = lambda *args, **kwargs: None,
        *,
        effects: Effects = "none",
        returns_nothing: bool = False,
    ) -> None:
        self.name, self.effects, self.returns_nothing = name, effects, returns_nothing
        self._action = action
        self.calls: list[tuple[Any, ...]] = []

    def stub(self) -> str:
        return f"def {self.name}(*args, **kwargs):\n    '''Do what the test says.'''"

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        self.calls.append((*args, *kwargs.items()))
        result = self._action(*args, **kwargs)
        return await result if hasattr(result, "__await__") else result
