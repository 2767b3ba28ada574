"""The Docker sandbox: one hardened container for each task's tree of branches."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from treeact.errors import SandboxUnavailable, TreeActError
from treeact.sandbox import seccomp
from treeact.sandbox.base import Limits
from treeact.sandbox.docker import container, owner
from treeact.sandbox.docker.attach import AttachedStream, attach
from treeact.sandbox.docker.door import NAME, Door, open_door
from treeact.sandbox.docker.engine import Endpoint, engine_errors
from treeact.sandbox.image import DRIVER, PYTHON, image_exists, image_tag
from treeact.sandbox.link.channel import Channel, driver_argv, driver_config
from treeact.sandbox.link.wire import Wire
from treeact.sandbox.session import DriverSandbox

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

DIAGNOSIS_TIMEOUT = 3.0
"""Seconds to wait for the engine's word on a container whose stream has ended."""


class DockerSandbox(DriverSandbox):
    """Runs code in a container without network, rights, or a writable root.

    The container ends when this process does, however that happens: the driver's stdin ends, and
    the engine removes what exited.
    """

    kind = "docker"

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        preload: Sequence[str] = (),
        image: str | None = None,
        runtime: str | None = None,
        lifetime: float = 24 * 3600.0,
    ) -> None:
        """Describe a sandbox; nothing is started yet.

        Args:
            limits: what the code may use.
            preload: modules that are imported ahead, while nobody waits.
            image: an image with the driver in it; by default the one `treeact sandbox build` makes.
            runtime: the engine's runtime, such as `runsc` for gVisor; by default the engine's own.
            lifetime: seconds after which any TreeAct process may remove the container.

        Raises:
            ConfigError: the limits contradict each other.
        """
        super().__init__(limits=limits, preload=preload)
        container.check_limits(self.limits)
        self.image = image or image_tag()
        self.runtime = runtime
        self.lifetime = lifetime

    @classmethod
    async def available(cls) -> str | None:
        """Return None when an engine answers and has the image, else why not and what to do."""
        try:
            client = await _in_thread(_ready_client, Endpoint.find(), image_tag())
        except TreeActError as error:
            return str(error)
        client.close()
        return None

    async def _launch(self) -> Channel:
        endpoint = Endpoint.find()
        client = await _in_thread(_ready_client, endpoint, self.image)
        name = f"treeact-{secrets.token_hex(8)}"
        stream, door = None, open_door(endpoint.host)
        try:
            await _in_thread(container.sweep, client)
            door = await self._create(client, name, door)
            stream = await attach(endpoint, name, api_version=client.api.api_version)
            await _in_thread(container.start, client, name)
        except BaseException:
            if stream:
                stream.close()
            if door:
                door.close()
            await _in_thread(container.remove, client, name)
            client.close()
            raise
        return DockerChannel(client, name, stream, door)

    async def _create(self, client: DockerClient, name: str, door: Door | None) -> Door | None:
        """Create the container; return the door, or None when the engine has no way to it."""
        try:
            await _in_thread(container.create, client, name, self._settings(door))
        except SandboxUnavailable:
            if door is None:
                raise
            door.close()  # the engine sees other files than we do
            return await self._create(client, name, None)
        return door

    def _settings(self, door: Door | None) -> dict[str, Any]:
        """Return the container's settings, as docker-py names them."""
        config = driver_config(
            container.ROOT,
            limits=self.limits,
            preload=self.preload,
            filters=seccomp.programs(),
            door=f"{container.DOOR}/{NAME}" if door else None,
        )
        return {
            "mounts": container.mounts(door.folder if door else None),
            "image": self.image,
            "entrypoint": driver_argv(PYTHON, DRIVER, config),
            "command": [],
            "stdin_open": True,
            "environment": {"HOME": "/tmp", "LANG": "C.UTF-8"},
            "labels": owner.labels(lifetime=self.lifetime),
            "runtime": self.runtime,
            **container.isolation(),
            **container.resources(self.limits),
        }


class DockerChannel(Channel):
    """The stream to a driver in a container."""

    def __init__(
        self, client: DockerClient, name: str, stream: AttachedStream, door: Door | None
    ) -> None:
        self._client = client
        self._name = name
        self._stream = stream
        self._door = door
        self._wire: Wire | None = None
        self._end: str | None = None
        self._killed = False

    async def read(self) -> bytes:
        """Return the next bytes of the driver's stdout, `b""` at its end."""
        return await self._stream.read()

    async def pump(self, feed: Callable[[bytes], None]) -> None:
        """Hand over what the driver says, by the way on which it says its first word."""
        tasks = [asyncio.create_task(self._pump_attached(feed))]
        if self._door:
            tasks.append(asyncio.create_task(self._pump_direct(self._door, feed)))
        try:
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self._wire and rest:  # both end with the container; wait for its last words
                await asyncio.wait(rest, timeout=DIAGNOSIS_TIMEOUT)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump_attached(self, feed: Callable[[bytes], None]) -> None:
        while data := await self._stream.read():
            if self._wire is None:
                feed(data)

    async def _pump_direct(self, door: Door, feed: Callable[[bytes], None]) -> None:
        self._wire = await door.accept()
        if self._wire:
            await self._wire.pump(feed)

    def write(self, data: bytes) -> None:
        """Write what is taken at once, queue the rest."""
        (self._wire or self._stream).write(data)

    @property
    def carries_descriptors(self) -> bool:
        """True where the driver has come through the door."""
        return self._wire is not None

    def pass_descriptor(self, data: bytes, descriptor: int) -> bool:
        """Write bytes with a descriptor."""
        return self._wire is not None and self._wire.pass_descriptor(data, descriptor)

    async def drain(self) -> None:
        """Wait until most of what was queued has been taken."""
        await (self._wire or self._stream).drain()

    async def kill(self) -> None:
        """Remove the container and close the connections."""
        if self._killed:
            return
        self._killed = True
        self._stream.close()
        if self._door:
            self._door.close()
        await _in_thread(container.remove, self._client, self._name)
        self._client.close()

    async def diagnose(self) -> str:
        """Return the exit code, whether memory ran out, and the end of stderr."""
        if self._end is None:
            self._end = "the container was removed" if self._killed else await self._ask()
        lines = self._stream.stderr.strip().splitlines()
        return f"{self._end}: {lines[-1]}" if lines else self._end

    async def _ask(self) -> str:
        """Wait for the engine to say how the container died; it remembers those it has removed."""
        try:
            events = await _in_thread(container.death_events, self._client, self._name)
        except TreeActError as error:
            return f"the container's stream ended, and {error}"
        watch = asyncio.create_task(asyncio.to_thread(container.read_death, events))
        await asyncio.wait([watch], timeout=DIAGNOSIS_TIMEOUT)
        events.close()
        return await watch


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    """Run a blocking call; when cancelled, still wait for it, so that nothing happens later."""
    task = asyncio.create_task(asyncio.to_thread(call, *args))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _ready_client(endpoint: Endpoint, image: str) -> DockerClient:
    """Connect, and make sure that a sandbox can be had from this engine."""
    client = endpoint.connect()
    try:
        with engine_errors():
            info = client.info()
        lacking = [name for name in ("MemoryLimit", "PidsLimit") if info.get(name) is False]
        if lacking:
            raise SandboxUnavailable(
                f"the Docker engine cannot enforce {' and '.join(lacking)}: enable these cgroup "
                "controllers for it, or choose the jail sandbox"
            )
        if not image_exists(client, image):
            raise SandboxUnavailable(
                f"the engine has no image {image}: run `treeact sandbox build`"
            )
    except BaseException:
        client.close()
        raise
    return client
