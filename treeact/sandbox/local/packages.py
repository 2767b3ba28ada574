"""The packages that sandboxed code can import, and the jail's own environment that has them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from treeact.errors import ConfigError, SandboxUnavailable

REQUIREMENTS = Path(__file__).parents[1] / "image" / "requirements.txt"
REMEDY = "treeact sandbox build --kind jail"

Progress = Callable[[str], None]

_READY = "treeact-ready.json"
_SYSTEM_PREFIXES = ("/usr", "/usr/local")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_IGNORED = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")

_FACTS = """
import json, sys, sysconfig
facts = [sys.prefix, sys.base_prefix, sys._base_executable]
print(json.dumps(facts + [sysconfig.get_path(n) for n in ("stdlib", "platstdlib")]))
"""


@cache
def packages() -> tuple[str, ...]:
    """Return the packages that a prompt may name, such as `numpy 2.3.5`; not what they need."""
    lines = REQUIREMENTS.read_text().splitlines()
    pins = (line for line in lines if line and not line.startswith("#") and "# via" not in line)
    return tuple(pin.replace("==", " ") for pin in pins)


def cache_folder() -> Path:
    """Return the folder for what can be made again: TREEACT_HOME, else `~/.cache/treeact`."""
    named = os.environ.get("TREEACT_HOME")
    if named:
        return Path(named).expanduser().absolute()
    try:
        return Path.home() / ".cache" / "treeact"
    except RuntimeError as error:
        raise ConfigError("there is no home folder: set TREEACT_HOME to a folder to use") from error


def jail_python(
    *,
    create: bool = False,
    requirements: Path = REQUIREMENTS,
    on_progress: Progress | None = None,
) -> Path | None:
    """Return the interpreter of the jail's environment; None when it is not there nor to be made.

    Raises:
        ConfigError: the cache folder cannot be written.
        SandboxUnavailable: the environment cannot be made here.
    """
    if create:
        return ensure_packages(requirements=requirements, on_progress=on_progress)
    folder = _environment(requirements)
    return _interpreter(folder) if _is_ready(folder) else None


def ensure_packages(
    *, requirements: Path = REQUIREMENTS, on_progress: Progress | None = None
) -> Path:
    """Make the jail's environment unless it is there, and return its interpreter.

    Processes that ask at the same time wait for the one that makes it. An environment is used only
    after its last file is in place.

    Args:
        requirements: a pinned pip requirements file.
        on_progress: called with a line about each thing that is done.

    Raises:
        ConfigError: the cache folder cannot be written.
        SandboxUnavailable: there is neither uv nor pip, or the packages could not be installed.
    """
    folder = _environment(requirements)
    if not _is_ready(folder):
        with _lock(folder):
            if not _is_ready(folder):
                _make(folder, requirements, on_progress or (lambda line: None))
    return _interpreter(folder)


def python_paths(python: Path) -> list[Path]:
    """Return the files and folders that must be readable for `python` to run and import.

    These are its environment, each link from its name to the real binary, the standard library (or
    the whole installation, when that is a folder of its own), and the system's shared libraries.
    """
    marker = python.parent.parent / _READY
    facts = json.loads(marker.read_text()) if marker.is_file() else _ask(python)
    prefix, base_prefix, base_executable, *stdlib = facts
    base = stdlib if base_prefix in _SYSTEM_PREFIXES else [base_prefix]
    own = [] if prefix in _SYSTEM_PREFIXES else [prefix]
    links = [*_links(python), *_links(Path(base_executable))]
    paths = [*map(Path, [*own, *base]), *links, *map(Path, _LIBRARIES)]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _environment(requirements: Path) -> Path:
    key = hashlib.sha256(requirements.read_bytes())
    key.update(f"{sys.version_info[:2]} {platform.machine()} {_base_python()}".encode())
    return cache_folder() / "jail" / key.hexdigest()[:12]


def _base_python() -> str:
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _is_ready(folder: Path) -> bool:
    # The link to the interpreter dangles when the Python it was made from has been removed.
    return (folder / _READY).is_file() and _interpreter(folder).exists()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    import fcntl

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = folder.with_suffix(".lock").open("w")
    except OSError as error:
        raise ConfigError(
            f"cannot write {folder.parent} ({error.strerror}): set TREEACT_HOME to a folder to use"
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(folder: Path, requirements: Path, say: Progress) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    say(f"making the jail's Python environment in {folder}")
    python = _interpreter(folder)
    _run([_base_python(), "-I", "-m", "venv", "--without-pip", str(folder)])
    say(f"installing {', '.join(packages())}" if requirements == REQUIREMENTS else "installing")
    _install(python, requirements, say)
    facts = json.dumps(_ask(python))
    partial = folder / f"{_READY}.part"
    partial.write_text(facts)
    partial.rename(folder / _READY)
    say("the jail's packages are ready")


def _install(python: Path, requirements: Path, say: Progress) -> None:
    options = ["--only-binary", ":all:", "-r", str(requirements)]
    failures = []
    for name, command in _installers(python):
        try:
            _run([*command, *options])
        except SandboxUnavailable as error:
            say(f"{name} could not install them")
            failures.append(f"{name}: {error}")
        else:
            return
    raise SandboxUnavailable(
        f"the jail's packages cannot be installed ({'; '.join(failures)}): install uv or pip "
        f"(Debian: apt install python3-pip), check the network, then run {REMEDY}"
    )


def _installers(python: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what can install into `python`'s environment; pip too, as it may know another index."""
    target = ["--python", str(python)]
    uv = shutil.which("uv")
    if uv:
        yield "uv", [uv, "pip", "install", "--quiet", "--compile-bytecode", *target]
    owner = sys.executable if find_spec("pip") else _base_python()
    pip = [owner, "-I", "-m", "pip", "--disable-pip-version-check"]
    yield "pip", [*pip, *target, "install", "--quiet"]


def _run(command: list[str]) -> str:
    environ = {name: value for name, value in os.environ.items() if name not in _IGNORED}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SandboxUnavailable(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxUnavailable(output[-1] if output else f"{command[0]} failed")
    return done.stdout


def _ask(python: Path) -> list[str]:
    facts: list[str] = json.loads(_run([str(python), "-I", "-c", _FACTS]))
    return facts


def _links(path: Path) -> Iterator[Path]:
    """Yield the path and each path that it leads to through symbolic links."""
    for _ in range(20):
        yield path
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()
