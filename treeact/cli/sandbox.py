"""`treeact sandbox build`: what sandboxed code can import, made ready."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from treeact.errors import ConfigError, SandboxUnavailable

BUILDABLE = ("docker", "jail")


def build_sandboxes(*, kinds: Sequence[str], base: str | None) -> None:
    """Build the sandboxes called `kinds`; without any, both, where Docker is not a must.

    Raises:
        ConfigError: a kind is unknown.
        SandboxUnavailable: one that was asked for cannot be built.
    """
    for kind in kinds:
        if kind not in BUILDABLE:
            raise ConfigError(f"sandbox {kind!r} is not built: choose {' or '.join(BUILDABLE)}")
    for kind in kinds or BUILDABLE:
        try:
            _build(kind, base)
        except SandboxUnavailable as error:
            if kind in kinds:
                raise
            _say(f"{kind} was not built: {error}")


async def prepare_sandbox(kind: str) -> str:
    """Return the kind that `kind` comes to here, with what its code can import made ready.

    What has to be built is built now, once, and said on standard error.

    Raises:
        ConfigError: there is no such kind.
        SandboxUnavailable: it cannot be used here, or cannot be made ready.
    """
    from treeact.sandbox.local.packages import ensure_packages, jail_python
    from treeact.sandbox.select import choose_kind

    if kind == "auto":
        await asyncio.to_thread(_have_docker_image)
    chosen = await choose_kind(kind)
    if chosen == "jail" and jail_python() is None:
        await asyncio.to_thread(ensure_packages, on_progress=_note)
    return chosen


def _have_docker_image() -> None:
    """Build the Docker image if an engine answers and has none; say so if that cannot be done."""
    from treeact.sandbox.docker.engine import Endpoint
    from treeact.sandbox.image import build_image, image_exists, image_tag

    try:
        client = Endpoint.find().connect()
    except SandboxUnavailable:
        return
    try:
        if not image_exists(client, image_tag()):
            _note("building the Docker image of the sandbox; this is done once")
            build_image(on_progress=_note)
    except SandboxUnavailable as error:
        _note(f"the Docker image cannot be had: {error}")
    finally:
        client.close()


def _note(line: str) -> None:
    sys.stderr.write(f"treeact: {line}\n")


def _build(kind: str, base: str | None) -> None:
    if kind == "jail":
        from treeact.sandbox.local.packages import ensure_packages

        _say(f"jail: {ensure_packages(on_progress=_say)}")
    else:
        from treeact.sandbox.image import build_image

        _say(f"docker: {build_image(base=base, on_progress=_say)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
