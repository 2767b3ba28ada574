"""The peers, from PyPI, each in a virtual environment of its own under the cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.bench import Unavailable
from treeact.sandbox.local.packages import cache_folder

PEERS = {
    "smolagents": (
        "smolagents[docker,openai]==1.26.0",
        "openai==3.54.0",
        "websocket-client==1.9.2",
    ),
    # LiteLLM imports mcp on its first call with tools, and does not require it.
    "mini-swe-agent": ("mini-swe-agent==2.4.6", "litellm==1.106.2", "mcp==2.3.0"),
    "jupyter": ("jupyter_client==8.10.0", "ipykernel==7.4.0"),
    "inspect_ai": ("inspect_ai==0.3.285",),
    "serialisers": ("dill==0.4.1", "numpy==2.4.6"),
}
"""The requirements of each environment. A peer's figures are those of these versions."""

JUPYTER_IN_IMAGE = ("jupyter_kernel_gateway==3.0.1", "jupyter_client==8.10.0", "ipykernel==7.4.0")
"""What smolagents' own Dockerfile installs, pinned."""

INSTALL_SECONDS = 900


def peer_python(name: str) -> Path:
    """Return the interpreter of a peer's environment, made on first use.

    Raises:
        Unavailable: it cannot be made, for example without a network.
    """
    requirements = PEERS[name]
    key = "\n".join((sys.version, *requirements))
    digest = hashlib.sha256(key.encode()).hexdigest()[:10]
    folder = cache_folder() / "perf-peers" / f"{name}-{digest}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _install(folder, python, requirements)
        ready.touch()
    return python


def _install(folder: Path, python: Path, requirements: tuple[str, ...]) -> None:
    print(f"  installing {', '.join(requirements)} into {folder}", file=sys.stderr, flush=True)
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), *requirements)
    else:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", *requirements)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took over {INSTALL_SECONDS} s") from error
    if done.returncode != 0:
        raise Unavailable(f"cannot be installed: {done.stderr.strip()[-160:]}")


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process that has to run as installed, with `settings`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TREEACT_", "MSWEA_", "OPENAI_", "VIRTUAL_ENV"))
    }
    return {**kept, **settings}
