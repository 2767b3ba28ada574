"""Tests marked `docker` or `jail` skip, with the reason, where that sandbox cannot be had.

With TREEACT_REQUIRE_DOCKER=1 such a skip is a failure: a machine that has to have both uses it.
"""

import asyncio
import fcntl
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from treeact.errors import TreeActError
from treeact.sandbox.image import build_image
from treeact.sandbox.local.packages import ensure_packages
from treeact.sandbox.select import sandbox_class

REQUIRED = os.environ.get("TREEACT_REQUIRE_DOCKER") == "1"
KINDS = ("docker", "jail")


@pytest.fixture(scope="session")
def docker_reason(tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """Why Docker tests cannot run, None when they can; builds the image once for all workers."""
    return _prepare(tmp_path_factory, "docker", _build_missing_image)


@pytest.fixture(scope="session")
def jail_reason(tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """Why jail tests cannot run, None when they can; prepares the jail's packages."""
    return _prepare(tmp_path_factory, "jail", ensure_packages)


@pytest.fixture(autouse=True)
def _sandbox_or_skip(request: pytest.FixtureRequest) -> None:
    for kind in KINDS:
        if request.node.get_closest_marker(kind):
            reason = request.getfixturevalue(f"{kind}_reason")
            if reason is not None:
                pytest.skip(reason)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers for a processor: half of the time, tests wait for what they started."""
    return 2 * len(os.sched_getaffinity(0))


RACING = ("tests/sandbox", "tests/cli", "tests/documents", "tests/agents/test_parsing.py")
"""Where tests race real processes, or the clock, on a machine that others may load."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test that races a second and a third try; each rerun shows in the summary."""
    for item in items:
        if item.nodeid.startswith(RACING):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marked = any(item.get_closest_marker(kind) for kind in KINDS)
    if REQUIRED and marked and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"TREEACT_REQUIRE_DOCKER=1, but this was skipped: {report.longrepr}"
    return report


def _prepare(factory: pytest.TempPathFactory, kind: str, prepare: Any) -> str | None:
    with (factory.getbasetemp().parent / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            prepare()
        except TreeActError as error:
            return str(error)
    return _available(kind)


def _build_missing_image() -> None:
    if _available("docker") is not None:
        build_image()


def _available(kind: str) -> str | None:
    # In a thread of its own, as the test's event loop is set up in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, sandbox_class(kind).available()).result()
