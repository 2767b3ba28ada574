"""A machine that must have Docker fails where another skips."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.docker
def test_needs_docker():
    raise AssertionError("there is no engine here")

def test_needs_nothing():
    pytest.skip("of its own accord")
"""


@pytest.mark.parametrize(
    ("required", "code", "summary"), [("", 0, "2 skipped"), ("1", 1, "1 skipped, 1 error")]
)
def test_a_skip_for_want_of_docker(tmp_path: Path, required: str, code: int, summary: str) -> None:
    (tmp_path / "test_probe.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, tmp_path],
        cwd=ROOT,
        env={
            **os.environ,
            "DOCKER_HOST": "unix:///no/such/engine.sock",
            "TREEACT_REQUIRE_DOCKER": required,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert summary in done.stdout
    assert done.returncode == code
    assert ("no Docker engine answers" in done.stdout) == bool(required)
