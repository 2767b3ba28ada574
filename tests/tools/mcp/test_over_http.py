"""A server over streamable HTTP that begins well and then answers calls as badly as servers do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from treeact.errors import ToolError
from treeact.tools.mcp import mcp_tools

NAMES = ("well", "huge", "huge_event", "hang", "drop", "endless", "moved", "lost", "not_json")
OBJECT = {"type": "object", "properties": {}}
EVENTS = {"Content-Type": "text/event-stream"}
END = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        id, method, given = message.get("id"), message["method"], message.get("params", {})
        match method:
            case "initialize":
                about = {"name": "liar", "version": "0"}
                version = {"protocolVersion": given["protocolVersion"]}
                self.result(id, {**version, "capabilities": {"tools": {}}, "serverInfo": about})
            case "tools/list":
                listed = [{"name": name, "inputSchema": OBJECT} for name in NAMES]
                self.result(id, {"tools": listed})
            case "tools/call":
                self.call(id, given["name"])
            case _ if id is None:
                self.answer(b"", status=202)
            case _:
                error = {"code": -32601, "message": "no such method"}
                self.answer(json.dumps({"jsonrpc": "2.0", "id": id, "error": error}).encode())

    do_GET = do_DELETE = lambda self: self.answer(b"", status=405)

    def call(self, id: Any, name: str) -> None:  # noqa: C901  # one case for each fault
        match name:
            case "well":
                self.result(id, {"content": [{"type": "text", "text": "well done"}]})
            case "huge":
                self.result(id, {"content": [{"type": "text", "text": "x" * 100_000_000}]})
            case "huge_event":
                self.answer(b"event: message\ndata: " + b"x" * 100_000_000, **EVENTS)
            case "hang":
                END.wait(20)
            case "drop":
                self.close_connection = True
            case "endless":
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                while not END.is_set():
                    self.wfile.write(b": still here\n\n" * 1000)
            case "moved":
                self.answer(b"", status=307, Location="http://169.254.169.254/")
            case "lost":
                self.answer(b"", status=404)
            case "not_json":
                self.answer(b"<html>")

    def result(self, id: Any, result: Any) -> None:
        self.answer(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode())

    def answer(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the client has enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    END.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
    END.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("seconds", "faults"),
    [
        (
            10,
            {
                "huge": "larger than 16 MB",
                "huge_event": "exceeded the 16777216 byte limit",
                "drop": "disconnected without sending a response",
                "moved": "Redirect to http://169.254.169.254/ not followed",
                "lost": "Not Found",
                "not_json": "Failed to parse",
            },
        ),
        (0.5, {"hang": r"longer than 0\.5 seconds", "endless": r"longer than 0\.5 seconds"}),
    ],
)
async def test_what_goes_wrong_in_a_call_is_an_observation_and_the_next_call_works(
    url: str, seconds: float, faults: dict[str, str]
) -> None:
    async with mcp_tools(url, timeout=seconds) as tools:
        by_name = {tool.name: tool for tool in tools}
        for name, says in faults.items():
            with pytest.raises(ToolError, match=says):
                await by_name[name].call([], {})
            assert await by_name["well"].call([], {}) == "well done", name
