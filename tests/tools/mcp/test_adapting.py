"""MCP: servers that lie, die and hang, and real ones from the npm registry."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.web_server import WebServer, response
from treeact import CodeAct, ScriptedModel
from treeact.errors import ConfigError, ToolError
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.tools import Tool
from treeact.tools.mcp import McpServer, mcp_tools

LIAR = f"{sys.executable} {Path(__file__).parents[2] / 'support' / 'lying_mcp_server.py'}"
OWN = f"for a server alone {os.getpid()}"
PACKAGES = ("server-everything", "server-filesystem")


@asynccontextmanager
async def by_name(*servers: McpServer | str, **options: Any) -> AsyncIterator[dict[str, Tool]]:
    async with mcp_tools(*servers, **options) as tools:
        yield {tool.name: tool for tool in tools}


def command_lines() -> str:
    """Return what all processes were started with."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            texts.append(path.read_text(errors="replace"))
    return "\n".join(texts)


def gone(pid: int, *, within: float = 15.0) -> bool:
    """Wait until a process has ended; return whether it has."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


# A server that lies -----------------------------------------------------------------------------


async def test_names_and_schemas_of_any_kind_become_python() -> None:
    async with by_name(LIAR) as tools:
        assert list(tools)[:8] == [
            "two_words",
            "two_words_2",
            "class_",
            "x9lives",
            "final_answer_",
            "import____os__",
            "x",
            "same",
        ]
        assert tools["odd_arguments"].signature == (
            "odd_arguments(from_: str, user_id_2: Literal['a', 2, None], "
            "user_id: int | None = 7, tree: list[list[list[Any]]] | None = None, "
            "self: Any = None, shape: {'w h': float} | None = None) -> str"
        )
        assert "from_: where from" in tools["odd_arguments"].docstring
        assert tools["wide"].signature == "wide(arguments: dict[str, Any] = {}) -> str"
        assert tools["keeps"].signature == "keeps() -> {'n': int}"
        assert {tool.effects for name, tool in tools.items() if name != "keeps"} == {"write"}
        assert tools["keeps"].effects == "read"
        for tool in tools.values():
            compile(tool.stub(), "stub", "exec")
            json.dumps(tool.json_schema())


async def test_what_a_server_does_wrong_is_an_observation() -> None:
    async with by_name(LIAR, timeout=20) as tools:
        odd = {"from_": "here", "user_id_2": 2, "tree": [[]], "shape": {"w h": 1, "x": 2}}
        assert json.loads(await tools["odd_arguments"].call([], odd)) == {
            "from": "here",
            "user id": 2,
            "tree": [[]],
            "shape": {"w h": 1, "x": 2},
        }
        given = await tools["wide"].call([{"p1": "x"}], {})
        assert json.loads(given) == {"p1": "x"}
        assert await tools["garbage"].call([], {}) == "after the garbage"
        assert await tools["wrong_id"].call([], {}) == "for you"
        assert await tools["keeps"].call([], {}) == {"n": 3, "more": [1]}
        assert await tools["picture"].call([], {}) == "[image/png of 8 bytes]"
        assert "cannot be decoded" in await tools["bad_picture"].call([], {})
        for name, says in {
            "fails": "it went wrong",
            "huge": "larger than 16 MB",
            "no_result": "failed",
            "lies": "three",
        }.items():
            with pytest.raises(ToolError, match=says):
                await tools[name].call([], {})
        with pytest.raises(ToolError, match="must be str"):
            await tools["odd_arguments"].call([], {"from_": 1, "user_id_2": 2})
        assert await tools["same"].call([], {}) == "{}", "it still works after all this"


async def test_a_server_that_hangs_is_given_up_for_that_call() -> None:
    async with by_name(LIAR, timeout=0.5) as tools:
        for name in ("deep", "hang"):
            with pytest.raises(ToolError, match=r"longer than 0\.5 seconds"):
                await tools[name].call([], {})


async def test_a_server_that_dies_takes_nothing_with_it() -> None:
    async with by_name(LIAR, McpServer(name="other", command=tuple(LIAR.split()))) as tools:
        with pytest.raises(ToolError, match=r"is gone \(exit code 3: I have had enough\)"):
            await tools["lying_mcp_server_die"].call([], {})
        with pytest.raises(ToolError, match="is gone"):
            await tools["lying_mcp_server_same"].call([], {})
        assert await tools["other_same"].call([], {}) == "{}"


async def test_an_endless_list_of_tools_ends() -> None:
    async with by_name(f"{LIAR} --endless", start_timeout=60) as tools:
        assert len(tools) == 1000


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            "no-such-command-here --x",
            "server no-such-command-here: there is no command 'no-such-command-here': install",
        ),
        ("true", "does not speak MCP"),
        ("sh -c 'echo broken >&2; exit 7'", r"exit code 7: broken"),
        ("sh -c 'yes no | head -c 300'", "does not speak MCP"),
        (f"{LIAR} --wrong-schema", r"inputSchema\.properties"),
        (f"{LIAR} --silent", "has not listed its tools within 2 seconds"),
        ("http://127.0.0.1:9/mcp", "does not speak MCP"),
        ("'unclosed", "is no command"),
        ("", "has no command"),
    ],
)
async def test_a_server_that_does_not_start_is_an_error_with_its_reason(
    command: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        async with mcp_tools(command, start_timeout=2):
            pass


async def test_without_the_package_there_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "treeact.tools.mcp.transport", None)
    with pytest.raises(ConfigError, match=r'pip install "treeact\[mcp\]"'):
        async with mcp_tools(LIAR):
            pass


async def test_names_that_others_have_are_left_to_them() -> None:
    async with by_name(LIAR, taken=["same", "echo"]) as tools:
        assert not {"print", "search_tools"} & tools.keys()
        assert {"lying_mcp_server_print", "lying_mcp_server_search_tools"} <= tools.keys()
        assert "same" not in tools
        assert "lying_mcp_server_same" in tools
        assert 'Says """ and \\ and ends.' in tools["lying_mcp_server_echo"].docstring


async def test_servers_get_no_keys_but_those_that_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = McpServer(name="liar", command=tuple(LIAR.split()), env={"OWN": OWN}, cwd="/")
    async with by_name(server) as tools:
        seen = json.loads(await tools["environment"].call([], {}))
        arguments = command_lines()
    assert "OPENAI_API_KEY" not in seen
    assert seen["OWN"] == OWN
    assert LIAR.split()[1] in arguments
    assert OWN not in arguments, "all on the machine can read these"


async def test_nothing_is_left_of_a_server_at_the_end() -> None:
    async with by_name(LIAR) as tools:
        pids = [int(pid) for pid in (await tools["children"].call([], {})).split()]
    assert all(gone(pid, within=2) for pid in pids)


def test_nothing_is_left_of_a_server_when_the_host_is_killed() -> None:
    program = f"""
import asyncio
from treeact.tools.mcp import mcp_tools
async def main():
    async with mcp_tools({LIAR!r}) as tools:
        [tool] = [tool for tool in tools if tool.name == "children"]
        print(await tool.call([], {{}}), flush=True)
        await asyncio.sleep(3600)
asyncio.run(main())
"""
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert host.stdout
    with host.stdout:
        pids = [int(pid) for pid in host.stdout.readline().split()]
        assert len(pids) == 2
        host.send_signal(signal.SIGKILL)
        host.wait()
    assert all(gone(pid) for pid in pids)


async def test_what_a_server_gives_can_be_a_file_of_the_working_folder() -> None:
    async with mcp_tools(LIAR) as tools, UnsafeLocalSandbox() as sandbox:
        branch = await sandbox.branch(tools=list(tools))
        shown = await branch.run("print(picture()); print(picture()); print(both()['n'])")
        assert shown.stdout == (
            "[image/png of 8 bytes, saved as picture.png]\n"
            "[image/png of 8 bytes, saved as picture-2.png]\n4\n"
        )
        assert [file.name for file in shown.files] == ["both.png", "picture-2.png", "picture.png"]
        assert await branch.get("picture.png") == b"\x89PNG\r\n\x1a\n"


async def test_an_agent_goes_on_when_a_server_dies() -> None:
    replies = [
        "```python\nprint(odd_arguments('a', user_id_2=2))\ndie()\n```",
        "```python\nsame()\n```",
        "<answer>it is gone</answer>",
    ]
    async with mcp_tools(LIAR) as tools:
        agent = CodeAct(ScriptedModel(replies), tools=tools, sandbox="unsafe-local")
        result = await agent.run("?")
    assert result.answer == "it is gone"
    told = [step.observation.text for step in result.path]
    assert '"user id": 2' in told[0]
    assert "ToolError: the server 'lying_mcp_server'" in told[0]
    assert "the server 'lying_mcp_server' is gone" in told[1]


# Streamable HTTP --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        response(b"x" * 20_000_000, content_type="application/json"),
        response(b"no JSON", content_type="application/json"),
        response(b"<html>", content_type="text/html"),
        response(b"x", "Content-Encoding: gzip", content_type="application/json"),
        response(b"event: message\ndata: " + b"x" * 20_000_000, content_type="text/event-stream"),
        response(b"", status="500 Internal Server Error"),
        b"garbage\r\n\r\n",
    ],
    ids=["huge", "no json", "html", "compressed", "huge event", "500", "no http"],
)
async def test_a_broken_server_over_http_is_an_error_with_its_name(answer: bytes) -> None:
    expected = pytest.raises(ConfigError, match=r"MCP server 127\.0\.0\.1: ")
    with WebServer({"/mcp": answer}) as server, expected:
        async with mcp_tools(f"{server.url}/mcp", start_timeout=10):
            pass


# Real servers -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_servers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the real servers' packages, installed once on a machine."""
    home = os.environ.get("TREEACT_HOME")
    folder = (Path(home) if home else Path.home() / ".cache" / "treeact") / "test-mcp-servers"
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the real MCP servers come from its registry")
    folder.mkdir(parents=True, exist_ok=True)
    packages = folder / "node_modules" / "@modelcontextprotocol"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((packages / name / "dist" / "index.js").exists() for name in PACKAGES):
            names = [f"@modelcontextprotocol/{name}" for name in PACKAGES]
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *names],
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            if done.returncode:
                pytest.skip(f"the npm registry does not give the MCP servers: {done.stderr[-200:]}")
    return packages


def node(packages: Path, name: str, *arguments: str) -> McpServer:
    program = str(packages / name / "dist" / "index.js")
    return McpServer(name=name, command=("node", program, *arguments))


async def test_real_servers_work_side_by_side(real_servers: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Bergen is wet.")
    everything = node(real_servers, "server-everything")
    files = node(real_servers, "server-filesystem", str(tmp_path))
    async with by_name(everything, files) as tools:
        assert tools["get_sum"].signature == "get_sum(a: float, b: float) -> str"
        assert "5" in await tools["get_sum"].call([2, 3], {})
        weather = await tools["get_structured_content"].call(["Chicago"], {})
        assert set(weather) == {"temperature", "conditions", "humidity"}
        assert "image/png" in await tools["get_tiny_image"].call([], {})
        path = str(tmp_path / "note.txt")
        assert await tools["read_text_file"].call([path], {}) == {"content": "Bergen is wet."}
        assert (tools["read_text_file"].effects, tools["write_file"].effects) == ("read", "write")
        with pytest.raises(ToolError, match="Access denied"):
            await tools["read_text_file"].call(["/etc/passwd"], {})


@pytest.fixture
def http_server(real_servers: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(real_servers / "server-everything" / "dist" / "index.js")
    server = subprocess.Popen(
        ["node", program, "streamableHttp"],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp", server
    finally:
        server.kill()
        server.wait()


async def test_a_real_server_works_over_http_until_it_dies(
    http_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = http_server
    async with by_name(url, timeout=10) as tools:
        assert await tools["echo"].call(["Grüße"], {}) == "Echo: Grüße"
        process.kill()
        process.wait()
        with pytest.raises(ToolError, match=r"127\.0\.0\.1"):
            await tools["echo"].call(["again"], {})
