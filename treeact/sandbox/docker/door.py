"""A socket through which a container on this machine reaches us past the engine.

The engine's attach stream copies every message twice on its way and wakes two more processes. The
driver is the first to run in a container and takes this way when it can: not where the engine is on
another machine, or where its runtime keeps the host's sockets out.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from treeact.sandbox.link.wire import Wire
from treeact.sandbox.local.process import own_prefix, sweep

NAME = "door"


class Door:
    """Lets one connection in, and is gone then: socket, folder and all."""

    def __init__(self) -> None:
        """Open a socket in a folder that is for one container to see, read-only.

        Raises:
            OSError: there is no place for it.
        """
        self._loop = asyncio.get_running_loop()
        self._guest: asyncio.Future[Wire | None] = self._loop.create_future()
        self._private = Path(tempfile.gettempdir()) / (own_prefix() + secrets.token_hex(8))
        self._keeper = _remove_after_us(self._private)
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._private.mkdir(mode=0o700)
            # Open to every user: the container's is another, and nobody else gets to this folder.
            self.folder.mkdir()
            self.folder.chmod(0o755)
            self._listener.bind(str(self.folder / NAME))
            (self.folder / NAME).chmod(0o666)
            self._listener.setblocking(False)
            self._listener.listen(1)
        except BaseException:
            self._remove()
            raise
        self._loop.add_reader(self._listener, self._admit)

    @property
    def folder(self) -> Path:
        """The folder that the container is to see."""
        return self._private / "shared"

    def _admit(self) -> None:
        try:
            descriptor = self._listener.accept()[0].detach()
        except OSError:  # it has gone again
            return
        self._remove()
        self._guest.set_result(Wire(descriptor, descriptor))

    def _remove(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        shutil.rmtree(self._private, ignore_errors=True)
        self._keeper.kill()
        self._keeper.communicate()

    async def accept(self) -> Wire | None:
        """Wait for the first to come; None when the door was closed before."""
        return await asyncio.shield(self._guest)

    def close(self) -> None:
        """Let nobody in any more, and out who is in. May be called again."""
        if not self._guest.done():
            self._remove()
            self._guest.set_result(None)
        elif wire := self._guest.result():
            wire.close()


def _remove_after_us(folder: Path) -> subprocess.Popen[bytes]:
    """Start what removes a folder when this process is killed, before the folder is made."""
    command = ["/bin/sh", "-c", 'read _; rm -rf -- "$0"', str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd="/")


def open_door(host: str) -> Door | None:
    """Return a door for a container of the engine at a URL; None where it cannot lead here."""
    if sys.platform != "linux" or not host.startswith("unix://"):
        return None
    try:
        sweep()
        return Door()
    except OSError:
        return None
