"""Where code runs: Docker, the embedded jail, and the branches inside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treeact.sandbox.base import (
        Branch,
        Execution,
        ExecutionError,
        FileInfo,
        HostTool,
        Limits,
        Picture,
        ResourceUsage,
        Sandbox,
        ToolCall,
    )
    from treeact.sandbox.docker.sandbox import DockerSandbox
    from treeact.sandbox.local.jail import JailSandbox
    from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
    from treeact.sandbox.pool import SandboxPool

__all__ = [
    "Branch",
    "DockerSandbox",
    "Execution",
    "ExecutionError",
    "FileInfo",
    "HostTool",
    "JailSandbox",
    "Limits",
    "Picture",
    "ResourceUsage",
    "Sandbox",
    "SandboxPool",
    "ToolCall",
    "UnsafeLocalSandbox",
]

_HOMES = {
    "DockerSandbox": "docker.sandbox",
    "JailSandbox": "local.jail",
    "SandboxPool": "pool",
    "UnsafeLocalSandbox": "local.unsafe",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'base')}"), name)
