"""Seconds of smolagents' executors: `local` and `docker` run `x = 1`, `ready` starts a container.

DockerExecutor gets a built image, as its `build_new_image=False` allows, and a free port. Where the
engine has no bridge network to publish the port from, its container uses the host's network.
"""

from __future__ import annotations

import socket
import sys
from functools import cache
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


def docker_executor() -> DockerExecutor:
    port = free_port()
    return DockerExecutor(
        additional_imports=[],
        logger=AgentLogger(level=LogLevel.OFF),
        port=port,
        image_name=IMAGE[0],
        build_new_image=False,
        container_run_kwargs={} if bridge_works() else on_host_network(port),
    )


@cache
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


def on_host_network(port: int) -> dict[str, Any]:
    gateway = "--KernelGatewayApp"
    command = ["jupyter", "kernelgateway", f"{gateway}.ip=127.0.0.1", f"{gateway}.port={port}"]
    return {"network_mode": "host", "command": command}


def local_executor() -> LocalPythonExecutor:
    executor = LocalPythonExecutor(additional_authorized_imports=[])
    executor.send_tools({})
    return executor


def ready() -> float:
    bridge_works()
    began = perf_counter()
    executor = docker_executor()
    took = perf_counter() - began
    executor.container.remove(force=True)
    return took


def serve_runs() -> None:
    executor = local_executor() if WHAT == "local" else docker_executor()

    def run() -> float:
        began = perf_counter()
        executor("x = 1")
        return perf_counter() - began

    try:
        serve(run)
    finally:
        if WHAT == "docker":
            executor.container.remove(force=True)


if WHAT == "ready":
    serve(ready)
else:
    serve_runs()
