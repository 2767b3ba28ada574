"""Sandboxes of every kind that tests of this folder's core run over."""

import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from treeact.sandbox import JailSandbox, Limits, UnsafeLocalSandbox
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.session import DriverSandbox

Make = Callable[..., DriverSandbox]

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bwrap is not installed")
KINDS = [
    "unsafe-local",
    pytest.param("sandlock", marks=pytest.mark.jail),
    pytest.param("bwrap", marks=[pytest.mark.jail, needs_bwrap]),
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of sandbox under test."""
    name: str = request.param
    return name


@pytest.fixture
def make(kind: str) -> Make:
    """Return a function that describes a sandbox of the kind under test."""

    def make_sandbox(**options: Any) -> DriverSandbox:
        limits = Limits(**{"grace": 0.1, "timeout": 20.0, **options.pop("limits", {})})
        if kind == "unsafe-local":
            return UnsafeLocalSandbox(limits=limits, **options)
        return JailSandbox(limits=limits, backend=kind, **options)  # type: ignore[arg-type]

    return make_sandbox


@pytest.fixture
async def sandbox(make: Make) -> AsyncIterator[DriverSandbox]:
    """A started sandbox."""
    async with make() as started:
        yield started


@pytest.fixture
async def branch(sandbox: DriverSandbox) -> DriverBranch:
    """A fresh root branch."""
    return await sandbox.branch()
