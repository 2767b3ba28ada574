"""The Docker engine: finding it, and saying in one line why it does not answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treeact.errors import SandboxUnavailable

if TYPE_CHECKING:
    from docker import DockerClient

REMEDY = "start Docker (or point DOCKER_HOST at an engine), or choose the jail sandbox"


def connect(*, timeout: float = 60.0) -> DockerClient:
    """Return a blocking client of the engine that DOCKER_HOST or the current context names.

    Args:
        timeout: seconds that one request may stay without an answer.

    Raises:
        SandboxUnavailable: no engine answers.
    """
    import docker

    with engine_errors():
        if os.environ.get("DOCKER_HOST"):
            return docker.from_env(timeout=timeout)
        context = docker.ContextAPI.get_current_context()
        if context is None or context.Host is None:
            return docker.from_env(timeout=timeout)
        return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig, timeout=timeout)


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
