"""What goes into the image, and what an engine makes of it."""

import io
import tarfile
from pathlib import Path

import pytest

from treeact.errors import SandboxUnavailable
from treeact.sandbox import image
from treeact.sandbox.docker.engine import Endpoint
from treeact.sandbox.local.packages import packages


def context(environ: dict[str, str]) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(image._context(environ))) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the image's sources that a test may change."""
    copies = {}
    for name, path in image._SOURCES.items():
        copies[name] = tmp_path / path.name
        copies[name].write_bytes(path.read_bytes())
    monkeypatch.setattr(image, "_SOURCES", copies)
    image.image_tag.cache_clear()
    monkeypatch.context()
    return tmp_path


@pytest.fixture(autouse=True)
def _fresh_tag() -> object:
    yield
    image.image_tag.cache_clear()


@pytest.mark.parametrize("name", ["Dockerfile", "requirements.txt", "driver.py"])
def test_any_change_of_a_source_gives_another_tag(sources: Path, name: str) -> None:
    before = image.image_tag()
    (sources / name).write_bytes((sources / name).read_bytes() + b"\n# changed\n")
    image.image_tag.cache_clear()
    assert image.image_tag() != before


def test_the_context_is_the_same_each_time() -> None:
    assert image._context({}) == image._context({})
    assert set(context({})) == {
        "Dockerfile",
        "driver.py",
        "build/requirements.txt",
        "build/ca.pem",
    }


def test_the_callers_certificates_go_along(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("bundle")
    assert context({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})["build/ca.pem"] == b"bundle"
    system = context({})["build/ca.pem"]
    assert context({"SSL_CERT_FILE": str(tmp_path / "missing")})["build/ca.pem"] == system


def test_local_wheels_of_the_pinned_packages_go_along(tmp_path: Path) -> None:
    name, version = packages()[0].split(" ")
    wanted = f"{name}-{version}-cp311-cp311-linux_x86_64.whl"
    for wheel in (wanted, f"{name}-0.0.1-py3-none-any.whl", "torch-2.0-py3-none-any.whl"):
        (tmp_path / wheel).write_bytes(b"wheel")
    links = f"{tmp_path} https://example.org/wheels /no/such/folder"
    assert f"build/{wanted}" in context({"PIP_FIND_LINKS": links})
    assert len(context({"PIP_FIND_LINKS": links})) == len(context({})) + 1
    args = image._build_args({"PIP_FIND_LINKS": links}, "base")
    assert args["PIP_FIND_LINKS"] == "https://example.org/wheels"


def test_only_what_is_set_becomes_a_build_argument() -> None:
    environ = {
        "PIP_INDEX_URL": "https://example.org/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "HTTPS_PROXY": "http://proxy:3128",
        "TREEACT_APT_OPTIONS": "-o Acquire::Retries=3",
        "HOME": "/home/user",
    }
    assert image._build_args(environ, "some:base") == {
        "BASE": "some:base",
        "PIP_INDEX_URL": "https://example.org/simple",
        "HTTPS_PROXY": "http://proxy:3128",
        "APT_OPTIONS": "-o Acquire::Retries=3",
    }


def test_no_engine_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/engine.sock")
    with pytest.raises(SandboxUnavailable, match="start Docker"):
        image.build_image()


@pytest.mark.docker
def test_a_base_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(SandboxUnavailable, match="--base"):
        image.build_image(base="localhost/no-such-base:none", tag="treeact-test:never")


@pytest.mark.docker
def test_a_failed_step_is_a_clear_error(sources: Path) -> None:
    with (sources / "requirements.txt").open("a") as file:
        file.write("\nno-such-package-of-treeact==0.0.0 --no-such-option\n")
    with pytest.raises(SandboxUnavailable, match="could not be built"):
        image.build_image(tag="treeact-test:never")


@pytest.mark.docker
def test_the_image_keeps_nothing_of_its_making() -> None:
    client = Endpoint.find().connect()
    try:
        name = image.image_tag()
        assert client.images.get(name).attrs["Config"]["User"] == "65534:65534"
        history = "\n".join(step["CreatedBy"] for step in client.images.get(name).history())
        assert "PIP_" not in history
        assert "ca.pem" not in history
        look = "find / -xdev -type f -perm /6000; ls -d /build 2>/dev/null; echo done"
        found = client.containers.run(
            name, entrypoint=["sh", "-c", look], user="0", network_mode="none", remove=True
        )
        assert found.decode().strip() == "done"
    finally:
        client.close()


@pytest.mark.docker
def test_a_second_build_only_finds_what_is_there() -> None:
    lines: list[str] = []
    image.build_image()
    assert image.build_image(on_progress=lines.append) == image.image_tag()
    assert any("Using cache" in line for line in lines)
    assert not any("Collecting" in line for line in lines)
