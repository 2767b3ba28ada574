"""The hardened container: its settings, its life at the engine, and the sweep of what was left."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.errors import ConfigError, SandboxUnavailable
from treeact.sandbox.base import Limits
from treeact.sandbox.docker import owner
from treeact.sandbox.docker.engine import engine_errors

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.types import Mount

ROOT = "/work"
DOOR = "/run/treeact"
USER = "65534:65534"
SHARED_MEMORY = 16 * 1024**2
DRIVER_PROCESSES = 16
PROCESSES_PER_BRANCH = 3
"""A branch's frozen node, the child forked ahead from it, and one on its way out."""

REMOVAL_TIMEOUT = 10.0
"""Seconds that the engine may take to remove what has exited."""


def isolation() -> dict[str, Any]:
    """Return the settings that take rights and surroundings away."""
    return {
        "user": USER,
        "working_dir": "/",
        "hostname": "sandbox",
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "auto_remove": True,
        # What the driver says is for us alone; kept as a log it could fill the engine's disk.
        "log_config": {"type": "none", "config": {}},
    }


def mounts(folder: Path | None) -> list[Mount]:
    """Return what the container sees of this machine: at most one folder, read-only."""
    from docker.types import Mount

    return [Mount(DOOR, str(folder), type="bind", read_only=True)] if folder else []


def resources(limits: Limits) -> dict[str, Any]:
    """Return the settings that bound what the container uses, all branches together."""
    idle = DRIVER_PROCESSES + PROCESSES_PER_BRANCH * limits.live_branches
    # The driver holds descriptors for each of its processes, and sets each branch's own limit.
    descriptors = limits.open_files + 8 * idle
    return {
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.processes + idle,
        "shm_size": SHARED_MEMORY,
        # An eighth of disk and files for /tmp, the rest for the working folders.
        "tmpfs": {
            "/tmp": _tmpfs(limits.disk // 8, limits.inodes // 8, "mode=1777"),
            ROOT: _tmpfs(
                limits.disk - limits.disk // 8,
                limits.inodes - limits.inodes // 8,
                "mode=0700,uid=65534,gid=65534",
            ),
        },
        "ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": limits.disk, "Hard": limits.disk},
            {"Name": "nofile", "Soft": descriptors, "Hard": descriptors},
        ],
    }


def _tmpfs(size: int, inodes: int, owned: str) -> str:
    return f"rw,noexec,nosuid,nodev,size={size},nr_inodes={inodes},{owned}"


def check_limits(limits: Limits) -> None:
    """Refuse limits under which full folders would leave too little memory to run.

    Raises:
        ConfigError: the disk limit does not fit the memory limit.
    """
    if limits.disk + SHARED_MEMORY > limits.memory / 2:
        raise ConfigError(
            f"files live in memory here: disk ({limits.disk} bytes) and {SHARED_MEMORY} bytes of "
            f"shared memory must fit half of memory ({limits.memory} bytes): change one of the two"
        )


def create(client: DockerClient, name: str, settings: dict[str, Any]) -> None:
    """Create the container, to be attached to and then started."""
    with engine_errors():
        client.containers.create(name=name, **settings)


def start(client: DockerClient, name: str) -> None:
    """Start the container."""
    with engine_errors():
        client.api.start(name)


def remove(client: DockerClient, name: str) -> None:
    """Kill the container and return when it is gone; it, or the engine, may be about that already.

    Raises:
        SandboxUnavailable: the engine does not answer, or cannot remove it.
    """
    import docker.errors

    with engine_errors(), suppress(docker.errors.NotFound):
        try:
            client.api.remove_container(name, force=True)
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            client.api.wait(name, condition="removed", timeout=REMOVAL_TIMEOUT)


def sweep(client: DockerClient) -> int:
    """Remove the containers that their owners left behind, and return how many there were.

    Raises:
        SandboxUnavailable: the engine does not answer.
    """
    with engine_errors():
        found = client.api.containers(all=True, filters={"label": owner.FRAMEWORK})
    stale = [container["Id"] for container in found if owner.is_stale(container["Labels"])]
    for container in stale:
        with suppress(SandboxUnavailable):
            remove(client, container)
    return len(stale)


def death_events(client: DockerClient, name: str) -> Any:
    """Return the stream of what the engine remembers, and will see, of the container's end."""
    with engine_errors():
        filters = {"container": name, "event": ["die", "oom"]}
        return client.api.events(since=1, filters=filters, decode=True)


def read_death(events: Any) -> str:
    """Return how the container ended; closing the stream of events ends the wait."""
    out_of_memory = ""
    for event in events:
        if event.get("status") == "oom":
            out_of_memory = ", memory ran out"
        else:
            code = event.get("Actor", {}).get("Attributes", {}).get("exitCode", "unknown")
            return f"the container exited with code {code}{out_of_memory}"
    return "the container's stream ended, but it still runs"
