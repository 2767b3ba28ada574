"""Which servers are meant, by a command line or by the configuration of other clients."""

import json
from pathlib import Path

import pytest

from treeact.errors import ConfigError
from treeact.tools.mcp import McpServer, read_config


def test_the_configuration_of_other_clients_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "secret")
    path = tmp_path / "mcp.json"
    monkeypatch.delenv("UNSET", raising=False)
    servers = {
        "files": {
            "command": "npx",
            "args": ["-y", "${UNSET:-x}", 5],
            "env": {"K": "${KEY}"},
            "cwd": "/tmp",
        },
        "off": {"command": "x", "disabled": True},
        "remote": {"url": "https://x/mcp", "headers": {"A": "Bearer ${env:KEY}"}, "type": "http"},
    }
    path.write_text(json.dumps({"mcpServers": servers, "other": 1}))
    files, remote = read_config(path)
    assert files.command == ("npx", "-y", "x", "5")
    assert (files.env, files.cwd) == ({"K": "secret"}, "/tmp")
    assert (remote.url, remote.headers) == ("https://x/mcp", {"A": "Bearer secret"})
    assert "secret" not in repr([files, remote])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "lists no servers"),
        ('{"servers": {}}', "lists no servers"),
        ('{"mcpServers": {"a": 1}}', "server 'a' is no object"),
        ('{"mcpServers": {"a": {}}}', "needs either"),
        ('{"mcpServers": {"a": {"url": "x", "command": "y"}}}', "needs either"),
        ('{"mcpServers": {"a": {"url": "ftp://x"}}}', "is no address"),
        ('{"mcpServers": {"a": {"type": "sse", "url": "http://x/sse"}}}', "older transport `sse`"),
        ('{"mcpServers": {"a": {"command": "x", "args": "y"}}}', "must be a text and `args`"),
        ('{"mcpServers": {"a": {"command": "x", "env": []}}}', "`env` must be an object"),
        ('{"mcpServers": {"a": {"command": "${NO_SUCH_VARIABLE}"}}}', "NO_SUCH_VARIABLE: set it"),
    ],
)
def test_a_broken_configuration_names_the_fault(
    content: str | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "mcp.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=says):
        read_config(path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("npx -y @modelcontextprotocol/server-everything", "server-everything"),
        ("uvx mcp-server-git@1.0 --repository x", "mcp-server-git"),
        ("python /opt/my_server.py", "my_server"),
        ("https://mcp.example.com/mcp", "mcp.example.com"),
        ("npx", "npx"),
    ],
)
def test_a_server_has_a_name(text: str, name: str) -> None:
    assert McpServer.parse(text).name == name
