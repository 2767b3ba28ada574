"""Choosing a sandbox: by name, or the safest kind that works here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from treeact.errors import ConfigError, SandboxUnavailable
from treeact.sandbox.base import Limits, Sandbox

if TYPE_CHECKING:
    from treeact.sandbox.session import DriverSandbox

KINDS = ("docker", "jail", "unsafe-local")
"""Every kind, safest first."""

SAFE_KINDS = ("docker", "jail")
"""The kinds that `auto` chooses from; code that a live model writes runs in no other unasked."""


def sandbox_class(kind: str) -> type[DriverSandbox]:
    """Return the class of a kind, importing what it needs.

    Raises:
        ConfigError: there is no such kind.
    """
    match kind:
        case "docker":
            from treeact.sandbox.docker.sandbox import DockerSandbox

            return DockerSandbox
        case "jail":
            from treeact.sandbox.local.jail import JailSandbox

            return JailSandbox
        case "unsafe-local":
            from treeact.sandbox.local.unsafe import UnsafeLocalSandbox

            return UnsafeLocalSandbox
    raise ConfigError(f"no sandbox kind {kind!r}: choose one of {', '.join(KINDS)}, or auto")


async def choose_kind(kind: str = "auto") -> str:
    """Return `kind`, or for `auto` the safest kind that works here.

    Raises:
        ConfigError: there is no such kind.
        SandboxUnavailable: it does not work here; the message says why and what to do.
    """
    if kind != "auto":
        reason = await sandbox_class(kind).available()
        if reason is not None:
            raise SandboxUnavailable(f"sandbox {kind} cannot be used: {reason}")
        return kind
    reasons = []
    for candidate in SAFE_KINDS:
        reason = await sandbox_class(candidate).available()
        if reason is None:
            return candidate
        reasons.append(f"{candidate}: {reason}")
    raise SandboxUnavailable(
        f"no sandbox can be used here ({'; '.join(reasons)}); "
        "`--sandbox unsafe-local` runs code without isolation, for code that you trust"
    )


def opener(
    sandbox: str | Callable[[], Sandbox], *, limits: Limits
) -> Callable[[], Awaitable[Sandbox]]:
    """Return what starts a new sandbox of the kind, or from the function, that was asked for."""

    async def open_sandbox() -> Sandbox:
        if callable(sandbox):
            made = sandbox()
        else:
            made = sandbox_class(await choose_kind(sandbox))(limits=limits)
        return await made.__aenter__()

    return open_sandbox
