"""What documents and examples run in: a folder of their own, no engine, and a model on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.openai_server import OpenAIServer, Say

REPLY = "```python\nfinal_answer(max(['Oslo', 'Bergen'], key=lambda c: rainfall(c, 'June')))\n```"
"""What a model would say to the first example of README, and to the others that name a model."""


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be somebody who has the key of a provider and no Docker; return their folder."""
    with OpenAIServer(otherwise=Say(REPLY)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-for-the-server-on-loopback")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        for name in {name for name in os.environ if name.startswith("TREEACT_")} - {"TREEACT_HOME"}:
            monkeypatch.delenv(name)
        folder = tmp_path / "work"
        folder.mkdir()
        monkeypatch.chdir(folder)
        yield folder
