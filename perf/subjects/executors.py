"""Seconds of smolagents' executors: `local` and `docker` run `x = 1`, `ready` starts a container.

DockerExecutor gets a built image, as its `build_new_image=False` allows, and a free port. Where the
engine's default bridge is not there, its container gets a bridge network of its own.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import docker
from serve import serve
from smolagents import DockerExecutor, LocalPythonExecutor, LogLevel
from smolagents.monitoring import AgentLogger

WHAT, *IMAGE = sys.argv[1:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def docker_executor(options: dict[str, Any]) -> DockerExecutor:
    return DockerExecutor(
        additional_imports=[],
        logger=AgentLogger(level=LogLevel.OFF),
        port=free_port(),
        image_name=IMAGE[0],
        build_new_image=False,
        container_run_kwargs=options,
    )


def bridge_works() -> bool:
    client = docker.from_env()
    container = client.containers.create(IMAGE[0], ["true"])
    try:
        container.start()
    except docker.errors.APIError:
        return False
    finally:
        container.remove(force=True)
        client.close()
    return True


@contextmanager
def network() -> Iterator[dict[str, Any]]:
    """Give the arguments for a container's network: none where the default one works."""
    if bridge_works():
        yield {}
        return
    client = docker.from_env()
    own = client.networks.create(f"treeact-perf-{os.getpid()}", driver="bridge")
    try:
        yield {"network": own.name}
    finally:
        own.remove()
        client.close()


def local_executor() -> LocalPythonExecutor:
    executor = LocalPythonExecutor(additional_authorized_imports=[])
    executor.send_tools({})
    return executor


def serve_ready(options: dict[str, Any]) -> None:
    def ready() -> float:
        began = perf_counter()
        executor = docker_executor(options)
        took = perf_counter() - began
        executor.container.remove(force=True)
        return took

    serve(ready)


def serve_runs(executor: DockerExecutor | LocalPythonExecutor) -> None:
    def run() -> float:
        began = perf_counter()
        executor("x = 1")
        return perf_counter() - began

    serve(run)


if WHAT == "local":
    serve_runs(local_executor())
else:
    with network() as options:
        if WHAT == "ready":
            serve_ready(options)
        else:
            executor = docker_executor(options)
            try:
                serve_runs(executor)
            finally:
                executor.container.remove(force=True)
