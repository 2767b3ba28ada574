"""A sandbox that runs the driver: what Docker, the jail and unsafe-local have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from treeact.sandbox.base import Limits
from treeact.sandbox.channel import Channel


class DriverSandbox(ABC):
    """Base of every sandbox kind; a kind says how to launch the driver, and no more."""

    kind: str

    def __init__(self, *, limits: Limits | None = None, preload: Sequence[str] = ()) -> None:
        self.limits = limits or Limits()
        self.preload = tuple(preload)

    @classmethod
    @abstractmethod
    async def available(cls) -> str | None:
        """Return None when this kind works here, else the reason and the remedy in one line."""

    @abstractmethod
    async def _launch(self) -> Channel:
        """Start a driver and return its channel; called again when the sandbox has to be replaced.

        Raises:
            SandboxUnavailable: this kind cannot run here; the message names the remedy.
            SandboxError: the start failed.
        """
