"""The image that smolagents' DockerExecutor and jupyter_client are measured in.

DockerExecutor would build one on `python:3.12-bullseye`. Ours holds the same three packages on the
base that TreeAct's own image was made from, so that no registry is needed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from functools import cache

from support.bench import Unavailable
from support.peers import JUPYTER_IN_IMAGE
from treeact.errors import TreeActError
from treeact.sandbox import image
from treeact.sandbox.docker.engine import Endpoint

DOCKERFILE = f"""
ARG BASE
FROM ${{BASE}}
RUN python3 -m pip --version 2>/dev/null \
    || {{ apt-get update && apt-get install -y --no-install-recommends python3-pip; }}
ARG PIP_INDEX_URL=""
ARG PIP_EXTRA_INDEX_URL=""
ARG PIP_TRUSTED_HOST=""
COPY ca.pem /build/ca.pem
RUN for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST; do \
        eval "[ -n \\"\\$$name\\" ]" || unset "$name"; \
    done; \
    if [ -s /build/ca.pem ]; then export PIP_CERT=/build/ca.pem; fi; \
    python3 -m pip install --no-cache-dir --break-system-packages {" ".join(JUPYTER_IN_IMAGE)}
EXPOSE 8888
CMD ["jupyter", "kernelgateway", "--KernelGatewayApp.ip=0.0.0.0", "--KernelGatewayApp.port=8888"]
"""


@cache
def jupyter_image() -> str:
    """Return the image's name, building it unless it is there.

    Raises:
        Unavailable: there is no engine, or the build failed.
    """
    digest = hashlib.sha256(DOCKERFILE.encode()).hexdigest()[:12]
    tag = f"treeact-perf-jupyter:{digest}"
    try:
        client = Endpoint.find().connect(timeout=1800)
        if not image.image_exists(client, tag):
            _build(client, tag)
    except TreeActError as error:
        raise Unavailable(str(error)) from error
    return tag


def _build(client, tag: str) -> None:
    base = os.environ.get("TREEACT_BASE_IMAGE") or image._default_base(client)
    stream = client.api.build(
        fileobj=io.BytesIO(_context()),
        custom_context=True,
        tag=tag,
        buildargs=image._build_args(os.environ, base),
        network_mode="host",
        rm=True,
        forcerm=True,
        decode=True,
    )
    for message in stream:
        if "error" in message:
            raise Unavailable(f"its image cannot be built: {message['error'].strip()}")


def _context() -> bytes:
    files = {"Dockerfile": DOCKERFILE.encode(), "ca.pem": image._certificates(os.environ)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
