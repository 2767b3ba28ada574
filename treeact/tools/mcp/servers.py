"""Which MCP servers to use: from a command line, an address, or a file as other clients have it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from treeact.errors import ConfigError

LAUNCHERS = ("npx", "uvx", "node", "bunx", "pipx", "docker", "uv", "python", "python3", "run")
VARIABLE = re.compile(r"\$\{(?:env:)?(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, kw_only=True)
class McpServer:
    """One server: a command that is started, or the address of one that runs."""

    name: str
    """What it is called in messages, and in names of tools that clash."""
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Added to the few variables that every server gets (see `ENVIRONMENT`)."""
    cwd: str | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> McpServer:
        """Return the server that a text names: a URL, or a command with its arguments.

        Raises:
            ConfigError: it names none.
        """
        if text.startswith(("http://", "https://")):
            return cls(name=urlsplit(text).hostname or "server", url=text)
        try:
            command = shlex.split(text)
        except ValueError as error:
            raise ConfigError(f"MCP server {text!r} is no command ({error})") from error
        if not command:
            raise ConfigError("an MCP server has no command: give one such as 'npx -y PACKAGE'")
        return cls(name=_name(command), command=tuple(command))


def _name(command: list[str]) -> str:
    words = [PurePath(word).name for word in command if not word.startswith("-")]
    named = [word for word in words if word not in LAUNCHERS] or words or command
    return named[0].partition("@")[0].removesuffix(".py").removesuffix(".js") or "server"


def read_config(path: Path) -> list[McpServer]:
    """Return the servers that a configuration file lists under `mcpServers`.

    The form is that of other MCP clients: `command`, `args`, `env` and `cwd`, or `url` and
    `headers`; `${NAME}` stands for a variable of the environment, `${NAME:-TEXT}` for TEXT where it
    is not set; what is `disabled` is left out.

    Raises:
        ConfigError: the file is missing or damaged; the message names the entry.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"MCP configuration {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"MCP configuration {path} is no JSON: {error}") from error
    entries = content.get("mcpServers") if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise ConfigError(
            f"MCP configuration {path} lists no servers: "
            'write {"mcpServers": {"name": {"command": "npx", "args": [...]}}}'
        )
    return [
        _server(str(name), entry, f"{path}, server {name!r}")
        for name, entry in entries.items()
        if not (isinstance(entry, dict) and entry.get("disabled") is True)
    ]


def _server(name: str, entry: Any, where: str) -> McpServer:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} is no object")
    url, command = entry.get("url"), entry.get("command")
    if (url is None) == (command is None):
        raise ConfigError(f"{where} needs either `command` or `url`")
    if entry.get("type") == "sse":
        raise ConfigError(
            f"{where} uses the older transport `sse`: give its address for streamable HTTP"
        )
    if url is not None:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ConfigError(f"{where}: `url` is no address with http:// or https://")
        headers = _texts(entry.get("headers", {}), where, "headers")
        return McpServer(name=name, url=_expand(url, where), headers=headers)
    arguments = entry.get("args", [])
    if not isinstance(command, str) or not isinstance(arguments, list):
        raise ConfigError(f"{where}: `command` must be a text and `args` a list of texts")
    words = [_expand(str(word), where) for word in (command, *arguments)]
    cwd = entry.get("cwd")
    return McpServer(
        name=name,
        command=tuple(words),
        env=_texts(entry.get("env", {}), where, "env"),
        cwd=None if cwd is None else _expand(str(cwd), where),
    )


def _texts(value: Any, where: str, what: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: `{what}` must be an object of texts")
    return {str(key): _expand(str(item), where) for key, item in value.items()}


def _expand(text: str, where: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise ConfigError(f"{where} needs the environment variable {match[1]}: set it")
        return found

    return VARIABLE.sub(value, text)
