"""The jail's environment, made from a wheel that costs nothing to install."""

import multiprocessing
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from treeact.errors import ConfigError, SandboxUnavailable
from treeact.sandbox.local import packages as module
from treeact.sandbox.local.packages import ensure_packages, jail_python, packages, python_paths


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A requirements file whose one package lies beside it, and a cache folder of its own."""
    monkeypatch.setenv("TREEACT_HOME", str(tmp_path / "home with a space"))
    with zipfile.ZipFile(tmp_path / "treeact_probe-1.0-py3-none-any.whl", "w") as wheel:
        info = "treeact_probe-1.0.dist-info"
        wheel.writestr("treeact_probe.py", "VALUE = 42\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: treeact-probe\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return write_requirements(tmp_path, "treeact-probe==1.0")


def write_requirements(folder: Path, line: str) -> Path:
    path = folder / "requirements.txt"
    path.write_text(f"--no-index\n--find-links {folder}\n{line}\n")
    return path


def value(python: Path) -> str:
    code = "import treeact_probe; print(treeact_probe.VALUE)"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_prompts_name_what_was_asked_for_with_its_version() -> None:
    names = [package.split(" ")[0] for package in packages()]
    assert names == ["matplotlib", "numpy", "openpyxl", "pandas", "pillow", "pypdf"]
    assert all(package.split(" ")[1][0].isdigit() for package in packages())


def test_made_once_and_then_found(requirements: Path) -> None:
    lines: list[str] = []
    assert jail_python(requirements=requirements) is None
    python = ensure_packages(requirements=requirements, on_progress=lines.append)
    assert value(python) == "42"
    assert lines
    lines.clear()
    assert ensure_packages(requirements=requirements, on_progress=lines.append) == python
    assert jail_python(requirements=requirements) == python
    assert lines == []


def test_neither_the_callers_environment_nor_treeacts_is_seen(
    requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/no/such/folder")
    monkeypatch.setenv("VIRTUAL_ENV", "/no/such/environment")
    monkeypatch.setenv("PIP_TARGET", str(requirements.parent / "elsewhere"))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    python = ensure_packages(requirements=requirements)
    assert value(python) == "42"
    done = subprocess.run([python, "-I", "-c", "import pydantic"], capture_output=True, check=False)
    assert done.returncode != 0


def test_without_uv_pip_installs(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert value(ensure_packages(requirements=requirements)) == "42"


def test_another_list_is_another_environment(requirements: Path) -> None:
    first = ensure_packages(requirements=requirements)
    write_requirements(requirements.parent, "treeact-probe>=1.0")
    assert jail_python(requirements=requirements) is None
    assert ensure_packages(requirements=requirements) != first


def test_a_package_that_is_not_there_names_the_remedy(requirements: Path) -> None:
    write_requirements(requirements.parent, "treeact-absent==9")
    with pytest.raises(SandboxUnavailable, match="treeact sandbox build --kind jail") as caught:
        ensure_packages(requirements=requirements)
    assert "treeact-absent" in str(caught.value)
    assert jail_python(requirements=requirements) is None


def test_a_half_made_environment_is_never_used(requirements: Path) -> None:
    python = ensure_packages(requirements=requirements)
    (python.parent.parent / module._READY).unlink()
    (python.parent.parent / "left over").touch()
    assert jail_python(requirements=requirements) is None
    assert value(ensure_packages(requirements=requirements)) == "42"
    assert not (python.parent.parent / "left over").exists()


def test_an_environment_whose_python_is_gone_is_made_again(requirements: Path) -> None:
    python = ensure_packages(requirements=requirements)
    python.unlink()
    python.symlink_to("/no/such/python")
    assert jail_python(requirements=requirements) is None
    assert value(ensure_packages(requirements=requirements)) == "42"


def _ensure(requirements: Path, results: "multiprocessing.Queue[list[str]]") -> None:
    lines: list[str] = []
    ensure_packages(requirements=requirements, on_progress=lines.append)
    results.put(lines)


def test_processes_that_ask_together_make_it_once(requirements: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    workers = [spawn.Process(target=_ensure, args=(requirements, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    lines = [results.get(timeout=100) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(bool(said) for said in lines) == 1
    python = jail_python(requirements=requirements)
    assert python is not None
    assert value(python) == "42"


def test_a_maker_that_is_killed_leaves_the_way_free(requirements: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from treeact.sandbox.local import packages\n"
        "packages._install = lambda *args: (print('making', flush=True), time.sleep(100))\n"
        "packages.ensure_packages(requirements=Path(sys.argv[1]))\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", code, requirements], stdout=subprocess.PIPE)
    assert maker.stdout
    assert maker.stdout.readline() == b"making\n"
    assert jail_python(requirements=requirements) is None
    os.kill(maker.pid, signal.SIGKILL)
    maker.communicate()
    assert value(ensure_packages(requirements=requirements)) == "42"


def test_a_cache_folder_that_cannot_be_made_names_the_setting(
    requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREEACT_HOME", str(requirements / "below a file"))
    with pytest.raises(ConfigError, match="TREEACT_HOME"):
        ensure_packages(requirements=requirements)


def test_the_default_cache_folder_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TREEACT_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert module.cache_folder() == Path("/home/someone/.cache/treeact")


def test_the_paths_are_enough_for_the_interpreter(requirements: Path) -> None:
    python = ensure_packages(requirements=requirements)
    paths = python_paths(python)
    code = (
        "import os, ssl, sqlite3, ctypes, treeact_probe, sys; print(open('/proc/self/maps').read())"
    )
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    mapped = {line.split()[-1] for line in done.stdout.split("\n") if " /" in line}
    allowed = [os.path.realpath(path) for path in paths]
    for name in mapped:
        assert any(Path(name).is_relative_to(path) for path in allowed), name
    assert all(path.exists() for path in paths)
    assert not any(Path.home() == path or path == Path("/") for path in paths)
