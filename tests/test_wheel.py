"""The wheel, in an empty environment outside of the repository."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.support import answer, code
from tests.cli.support import environment, recording

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path, **options: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_wheel_works_outside_the_repository(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "-n", "-o", tmp_path, ROOT, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    python = tmp_path / "empty" / "bin" / "python"
    if shutil.which("uv"):
        run("uv", "venv", "-q", "--python", sys.executable, tmp_path / "empty", cwd=tmp_path)
        run("uv", "pip", "install", "-q", "--python", python, wheel, cwd=tmp_path)
    else:
        run(sys.executable, "-m", "venv", tmp_path / "empty", cwd=tmp_path)
        run(python, "-m", "pip", "install", "-q", "--no-compile", wheel, cwd=tmp_path)
    tape = recording(tmp_path / "tape.jsonl", [code("print(6 * 7)"), answer("42")])
    outside = tmp_path / "outside"
    outside.mkdir()
    command = [python.parent / "treeact", "run", "?", "--model", f"replay:{tape}"]
    command += ["--sandbox", "unsafe-local"]
    shown = run(*command, cwd=outside, env=environment(tmp_path))
    assert "answer: 42" in shown
    listing = run(python, "-c", "import treeact, sys; print(treeact.__file__)", cwd=outside)
    assert str(tmp_path) in listing
    names = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=tmp_path)
    data = ("codeact.md.jinja", "tasks.jsonl", "requirements.txt", "cottage.json")
    for needed in ("py.typed", "driver.py", *data):
        assert needed in names
    assert "environments/apis/data/homes.json" in names
