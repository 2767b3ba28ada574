"""Code on this machine without isolation, for those who ask for it by name."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from treeact.errors import SandboxUnavailable
from treeact.sandbox.base import Limits
from treeact.sandbox.link.channel import DRIVER_PATH, Channel, driver_argv, driver_config
from treeact.sandbox.local.packages import jail_python
from treeact.sandbox.local.process import (
    ProcessChannel,
    base_interpreter,
    clean_environment,
    private_folder,
)
from treeact.sandbox.session import DriverSandbox


class UnsafeLocalSandbox(DriverSandbox):
    """Runs code as this user, with this user's rights, files and network: NOT a boundary.

    State, forks, limits per process and clean-up work as in the other kinds. Nothing stops the code
    from reading or destroying what you can read or destroy.
    """

    kind = "unsafe-local"

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        preload: Sequence[str] = (),
        python: str | None = None,
    ) -> None:
        """Describe a process; nothing is started yet.

        Args:
            limits: what the code may use.
            preload: modules that are imported ahead, while nobody waits.
            python: the interpreter; by default that of the jail's environment if it was made, else
                the one that runs this.
        """
        super().__init__(limits=limits, preload=preload)
        self._python = python

    @classmethod
    async def available(cls) -> str | None:
        """Return None on Linux, else why not."""
        supported: bool = sys.platform == "linux"
        return None if supported else "unsafe-local needs Linux: use the docker sandbox here"

    async def _launch(self) -> Channel:
        if reason := await self.available():
            raise SandboxUnavailable(reason)
        logging.getLogger(__name__).warning("unsafe-local runs code on this machine, not isolated")
        folder = private_folder()
        python = self._python or str(jail_python() or base_interpreter())
        config = driver_config(str(folder), limits=self.limits, preload=self.preload, watchdog=True)
        argv = driver_argv(python, str(DRIVER_PATH), config)
        return await ProcessChannel.start(argv, folder, clean_environment(python))
