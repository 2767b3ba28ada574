"""Any function of a generated family survives being saved, a restart, and being loaded again."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.agents.library.families import Shape, program, shapes
from tests.agents.library.support import LIMITS, library_at, session
from treeact import JailSandbox, blocking
from treeact.agents.library.branches import LibrarySandbox
from treeact.bridge import run_blocking
from treeact.sandbox.base import Sandbox

CALL = """
def _value(function):
    result = function(3)
    return asyncio.run(result) if inspect.isawaitable(result) else result
"""
FAMILY = 12


@pytest.fixture(scope="module")
def jail() -> Iterator[Sandbox]:
    with blocking(JailSandbox(limits=LIMITS)) as opened:
        yield opened._target


async def run(sandbox: Sandbox, folder: Path, *steps: str) -> str | None:
    """Return the value of the last of some steps, in a fresh interpreter with the library."""
    with library_at(folder) as library:
        work = session(library)
        work._tried = set(range(10**4))  # what is verified is tested elsewhere
        branch = await LibrarySandbox(sandbox, work, LIMITS.value).branch()
        try:
            for step in steps:
                execution = await branch.run(step)
                assert execution.ok, (step, execution.error)
                assert not execution.notes, execution.notes
        finally:
            await branch.close()
        return execution.value


@pytest.mark.jail
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking programs takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(family=st.lists(shapes, min_size=FAMILY, max_size=FAMILY))
def test_any_function_survives_save_restart_and_reload(jail: Sandbox, family: list[Shape]) -> None:
    values = f"[_value(f) for f in [{', '.join(f'f{i}' for i in range(FAMILY))}]]"
    call = f"import asyncio, inspect\n{CALL}\n{values}"
    with tempfile.TemporaryDirectory() as folder:
        first = run_blocking(run(jail, Path(folder), program(family), call))
        again = run_blocking(run(jail, Path(folder), call))
    assert first == again, program(family)
