"""The Docker engine: finding it, and saying in one line why it does not answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from treeact.errors import SandboxUnavailable

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.tls import TLSConfig

REMEDY = "start Docker (or point DOCKER_HOST at an engine), or choose the jail sandbox"
UNSUPPORTED = (
    "the engine at {host} cannot be used: set DOCKER_HOST to a unix or tcp URL (a remote engine's "
    "socket can be brought here with `ssh -NL LOCAL.sock:/var/run/docker.sock HOST`)"
)
SCHEMES = ("unix", "tcp", "http", "https")
DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where an engine listens."""

    host: str
    """A unix or tcp URL."""
    tls: TLSConfig | None = None

    @classmethod
    def find(cls) -> Endpoint:
        """Return what DOCKER_HOST or the current Docker context names, else the usual socket.

        Raises:
            SandboxUnavailable: the settings are damaged.
        """
        import docker

        with engine_errors():
            if os.environ.get("DOCKER_HOST"):
                found = docker.utils.kwargs_from_env()
                return cls(host=os.environ["DOCKER_HOST"], tls=found.get("tls") or None)
            context = docker.ContextAPI.get_current_context()
            if context is None:
                return cls(host=DEFAULT_HOST)
            return cls(host=context.Host or DEFAULT_HOST, tls=context.TLSConfig or None)

    def connect(self, *, timeout: float = 60.0) -> DockerClient:
        """Return a blocking client, its API version agreed with the engine.

        Args:
            timeout: seconds that one request may stay without an answer.

        Raises:
            SandboxUnavailable: no engine answers.
        """
        import docker

        with engine_errors():
            self._probe()
            return docker.DockerClient(
                base_url=self.host,
                tls=self.tls or False,
                version="auto",
                timeout=timeout,
            )

    def _probe(self) -> None:
        """Fail early: docker-py would leave a socket open, or promise what attach cannot hold."""
        url = urlsplit(self.host)
        if url.scheme not in SCHEMES:
            raise SandboxUnavailable(UNSUPPORTED.format(host=self.host))
        if url.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(url.path)


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn the faults of the engine and of the way to it into SandboxUnavailable."""
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        raise SandboxUnavailable(f"the Docker engine refused: {_first_line(error)}") from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise SandboxUnavailable(
            f"no Docker engine answers ({_first_line(error)}): {REMEDY}"
        ) from error


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error).strip() or type(error).__name__
    return text.splitlines()[0]
