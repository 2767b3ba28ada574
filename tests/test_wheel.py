"""The wheel, made from the source distribution, in an empty environment elsewhere."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.agents.support import answer, code
from tests.cli.support import environment, recording

ROOT = Path(__file__).parent.parent
EXTRAS = ("web", "mcp", "studies", "bench", "ray", "otel")

EACH_EXTRA = """
import asyncio, sys
from pathlib import Path
from treeact.benchmarks.rows import read_parquet
from treeact.cli import main
from treeact.errors import TreeActError
from treeact.tools.documents.converting import convert

def command(*words):
    sys.argv = ["treeact", *words]
    try:
        main()
    except SystemExit as end:
        assert end.code == 2, end.code

def read(action):
    try:
        action()
    except TreeActError as error:
        print(error, file=sys.stderr)

read(lambda: asyncio.run(convert(b"%PDF-1.4", ".pdf")))
command("tools", "list", "--mcp", "no-server")
command("study", "codeact", "--seeds", "2")
Path("rows.parquet").write_bytes(b"PAR1")
read(lambda: list(read_parquet(Path("rows.parquet"), ["x"])))
command("bench", "run", "apis", "-m", "oracle", "--executor", "ray", "--out", "out")
command("run", "?", "--model", "replay:tape.jsonl", "--otlp", "http://127.0.0.1:9")
"""
"""Does what needs an extra, for one after the other of `EXTRAS`."""


def run(*command: str | Path, cwd: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def build(folder: Path) -> Path:
    """Return a wheel that was built from the source distribution."""
    run(sys.executable, "-m", "build", "-n", "-o", folder, ROOT, cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Assert that every file of the package is in the wheel, and nothing besides but metadata."""
    files = (path for path in (ROOT / "treeact").rglob("*") if path.is_file())
    ours = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == ours
    for needed in ("treeact/py.typed", "treeact/tui/styles.tcss", "treeact/sandbox/driver.py"):
        assert needed in ours
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def check_metadata(told: PathDistribution) -> None:
    """Assert that the project is described, and each extra in the README."""
    assert set(told.metadata.get_all("Provides-Extra") or ()) == set(EXTRAS)
    readme = (ROOT / "README.md").read_text()
    assert told.read_text("METADATA").endswith(readme)
    for extra in EXTRAS:
        assert f"| `{extra}` |" in readme


def install(wheel: Path, folder: Path) -> Path:
    """Return the interpreter of an environment with the wheel and what it says that it needs."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    if shutil.which("uv"):
        run("uv", "pip", "install", "--no-deps", "--python", python, wheel, cwd=folder)
    else:
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
        run(*command, "--no-compile", wheel, cwd=folder)
    [site] = folder.glob("lib/python*/site-packages")
    [info] = site.glob("treeact-*.dist-info")
    told = PathDistribution(info)
    check_metadata(told)
    for item in needed(told.requires or ()):
        for name in {file.parts[0] for file in item.files or ()} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(str(item.locate_file(name)))
    return python


def needed(requirements: Sequence[str]) -> Iterable[Distribution]:
    """Return what an installer would take for these requirements, of what is installed here."""
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [(text, "") for text in requirements]
    while waiting:
        text, asked = waiting.pop()
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": asked}):
            continue
        chosen = distribution(wanted.name)
        assert wanted.specifier.contains(chosen.version, prereleases=True), text
        for extra in {"", *wanted.extras}:
            if (wanted.name, extra) not in found:
                found[wanted.name, extra] = chosen
                waiting += [(text, extra) for text in chosen.requires or ()]
    return found.values()


@pytest.mark.slow
def test_the_wheel_works_outside_the_repository(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    check_contents(wheel)
    python = install(wheel, tmp_path / "empty")
    tape = recording(tmp_path / "tape.jsonl", [code("print(6 * 7)"), answer("42")])
    options = ["--model", f"replay:{tape}", "--sandbox", "unsafe-local"]
    place = {"cwd": tmp_path, "env": environment(tmp_path)}
    shown = run(python.parent / "treeact", "run", "?", *options, **place)
    assert "answer: 42" in shown.stdout
    where = run(python, "-c", "import treeact; print(treeact.__file__)", **place)
    assert str(tmp_path) in where.stdout
    lacking = run(python, "-c", EACH_EXTRA, **place).stderr.splitlines()
    for line, extra in zip(lacking, EXTRAS, strict=True):
        assert f"treeact[{extra}]" in line
