"""The code blocks of README and docs run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.openai_server import OpenAIServer, Say
from treeact.cli.app import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{document.stem}-{number}")
    for document in DOCUMENTS
    for number, block in enumerate(BLOCK.findall(document.read_text()), start=1)
]


@pytest.mark.jail
@pytest.mark.parametrize("block", BLOCKS)
def test_code_in_the_documents_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Say(
        "```python\nfinal_answer(max(['Oslo', 'Bergen'], key=lambda c: rainfall(c, 'June')))\n```"
    )
    with OpenAIServer(otherwise=reply) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-for-the-server-on-loopback")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
        done = subprocess.run(
            [sys.executable, "-c", block],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_first_example_answers_with_its_tool() -> None:
    first = BLOCK.findall((ROOT / "README.md").read_text())[0]
    assert "CodeAct(" in first
    assert len([line for line in first.splitlines() if line.strip()]) <= 7


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_named_commands_and_options_exist() -> None:
    from typer.main import get_command

    command = get_command(app)
    known = {option for c in command.commands.values() for p in c.params for option in p.opts}  # type: ignore[attr-defined]
    text = (ROOT / "README.md").read_text()
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert option in known, option
