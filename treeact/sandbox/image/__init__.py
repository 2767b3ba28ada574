"""The image that DockerSandbox runs: its name, and how it is built."""

from __future__ import annotations

import hashlib
import io
import os
import re
import ssl
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeact.errors import SandboxUnavailable
from treeact.sandbox.docker.engine import Endpoint, engine_errors

if TYPE_CHECKING:
    from docker import DockerClient

REPOSITORY = "treeact-sandbox"
DEFAULT_BASE = "python:3.12-slim"
LOCAL_BASE = "treeact-base:bookworm"
"""What `.ci/run` makes where no registry can be reached; used where the default base is not."""
PYTHON = "/opt/treeact/bin/python"
"""The interpreter inside the image that has the packages."""
DRIVER = "/opt/treeact/driver.py"

_HERE = Path(__file__).parent
_SOURCES = {
    "Dockerfile": _HERE / "Dockerfile",
    "build/requirements.txt": _HERE / "requirements.txt",
    "driver.py": _HERE.parent / "driver.py",
}
_PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

Progress = Callable[[str], None]


@cache
def image_tag() -> str:
    """Return the image's name, whose tag is a digest of all that goes into it.

    A driver or package list that was changed has another name, so a stale image is never used.
    """
    digest = hashlib.sha256()
    for name, path in _SOURCES.items():
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def image_exists(client: DockerClient, tag: str | None = None) -> bool:
    """Tell whether the engine has the image."""
    import docker.errors

    with engine_errors():
        try:
            client.images.get(tag or image_tag())
        except docker.errors.ImageNotFound:
            return False
        return True


def build_image(
    *,
    base: str | None = None,
    tag: str | None = None,
    on_progress: Progress | None = None,
) -> str:
    """Build the sandbox image; a second build with nothing changed takes about a second.

    The caller's proxy variables, PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS,
    PIP_TRUSTED_HOST and certificate bundle (PIP_CERT, REQUESTS_CA_BUNDLE, SSL_CERT_FILE, else the
    system's) are used for the build and do not stay in the image; wheels of local PIP_FIND_LINKS
    folders are sent along. TREEACT_APT_OPTIONS holds options for apt-get, such as
    `-o Acquire::http::Proxy=...`.

    Args:
        base: the image to build on, with Python 3.11 or newer; by default TREEACT_BASE_IMAGE, else
            `python:3.12-slim`, which is pulled.
        tag: the image's name; by default the one that DockerSandbox looks for.
        on_progress: called with each line of the build's output.

    Returns:
        The image's name.

    Raises:
        SandboxUnavailable: no engine answers, or the build failed.
    """
    tag = tag or image_tag()
    client = Endpoint.find().connect(timeout=1800)
    try:
        base = base or os.environ.get("TREEACT_BASE_IMAGE") or _default_base(client)
        with engine_errors():
            stream = client.api.build(
                fileobj=io.BytesIO(_context(os.environ)),
                custom_context=True,
                tag=tag,
                buildargs=_build_args(os.environ, base),
                network_mode="host",
                rm=True,
                forcerm=True,
                decode=True,
            )
            _follow(stream, base, on_progress or (lambda line: None))
    finally:
        client.close()
    return tag


def _default_base(client: DockerClient) -> str:
    local_only = not image_exists(client, DEFAULT_BASE) and image_exists(client, LOCAL_BASE)
    return LOCAL_BASE if local_only else DEFAULT_BASE


def _follow(stream: Iterable[dict[str, Any]], base: str, on_progress: Progress) -> None:
    for message in stream:
        if "error" in message:
            raise SandboxUnavailable(
                f"the sandbox image could not be built on {base}: {message['error'].strip()}; "
                "check the network, or name another base: treeact sandbox build --base IMAGE"
            )
        for line in message.get("stream", "").splitlines():
            if line.strip():
                on_progress(line.rstrip())


def _build_args(environ: Mapping[str, str], base: str) -> dict[str, str]:
    args = {name: environ[name] for name in (*_PASSED_ON, *_PROXIES) if environ.get(name)}
    remote = [link for link in environ.get("PIP_FIND_LINKS", "").split() if "://" in link]
    if remote:
        args["PIP_FIND_LINKS"] = " ".join(remote)
    if environ.get("TREEACT_APT_OPTIONS"):
        args["APT_OPTIONS"] = environ["TREEACT_APT_OPTIONS"]
    return {"BASE": base, **args}


def _context(environ: Mapping[str, str]) -> bytes:
    """Return the build context as a tar whose bytes depend on nothing but the files' content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in _context_files(environ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _context_files(environ: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for name, path in _SOURCES.items():
        yield name, path.read_bytes()
    yield "build/ca.pem", _certificates(environ)
    for wheel in _local_wheels(environ):
        yield f"build/{wheel.name}", wheel.read_bytes()


def _certificates(environ: Mapping[str, str]) -> bytes:
    """Return the bundle this machine trusts, which may hold the authority of a proxy of its own."""
    named = [environ.get(name) for name in _CERTIFICATES]
    for path in (*named, ssl.get_default_verify_paths().cafile, _SYSTEM_BUNDLE):
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def _local_wheels(environ: Mapping[str, str]) -> list[Path]:
    text = _SOURCES["build/requirements.txt"].read_text()
    pins = {
        f"{name.replace('-', '_')}-{version}"
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)
    }
    links = (link for link in environ.get("PIP_FIND_LINKS", "").split() if "://" not in link)
    wheels = (wheel for link in links for wheel in sorted(Path(link).glob("*.whl")))
    return [wheel for wheel in wheels if "-".join(wheel.name.lower().split("-")[:2]) in pins]
