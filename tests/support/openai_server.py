"""A real OpenAI-compatible server on loopback whose every reply is scripted, faults included.

    with OpenAIServer() as server:
        server.will(Refuse(429, retry_after="1"), Say("hello"))
        ... # call server.base_url

It counts what it billed for each request as it sends it, so that a test can compare that with what
a budget believes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

IMAGE_TOKENS = 1000
"""What this server bills for a picture."""


def tokens(text: str) -> int:
    """Count tokens as this server does: four bytes each."""
    return -(-len(text.encode()) // 4)


@dataclass(frozen=True)
class Billed:
    """What one request cost."""

    input: int
    output: int


@dataclass(frozen=True)
class Call:
    """One request as the server understood it."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def input_tokens(self) -> int:
        contents = (message.get("content") or "" for message in self.body.get("messages", []))
        return sum(map(_content_tokens, contents))


def _content_tokens(content: str | list[dict[str, Any]]) -> int:
    if isinstance(content, str):
        return tokens(content)
    texts = [part.get("text") for part in content]
    return sum(IMAGE_TOKENS if text is None else tokens(text) for text in texts)


class Exchange:
    """One request being answered."""

    def __init__(self, handler: _Handler, call: Call) -> None:
        self.call = call
        self.server = handler.openai
        self._handler = handler

    def start(
        self, status: int = 200, *, kind: str = "application/json", **headers: str | None
    ) -> None:
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Connection", "close")
        for name, value in headers.items():
            if value is not None:
                self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def json(self, value: Any, status: int = 200, **headers: str | None) -> None:
        data = json.dumps(value).encode()
        self.start(status, kind="application/json", Content_Length=str(len(data)), **headers)
        self.write(data)

    def event(self, value: Any) -> None:
        self.write(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()))
        self.write(b"\n\n")

    def reset(self) -> None:
        """Drop the connection hard, as a failing network would."""
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def bill(self, output: int) -> None:
        with self.server.lock:
            self.server.billed.append(Billed(self.call.input_tokens, output))
        self.server.busy.set()

    def wait(self, seconds: float) -> bool:
        """Wait; return whether the server is still open."""
        return not self.server.closing.wait(seconds)


Behaviour = Callable[[Exchange], None]


@dataclass(frozen=True)
class Say:
    """Answer properly: whole or streamed as asked, obeying n, max_tokens and stop."""

    texts: str | tuple[str | None, ...] = "hello"
    usage: bool | dict[str, Any] = True
    most_samples: int = 128
    """Samples given however many are asked for."""
    extra_usage: dict[str, Any] = field(default_factory=dict)
    message: dict[str, Any] = field(default_factory=dict)
    finish: str = "stop"
    keep_stop: bool = False
    pieces: int = 3

    def __call__(self, exchange: Exchange) -> None:
        body = exchange.call.body
        replies = self._replies(body)
        spent = sum(tokens(text or "") for text, _ in replies)
        exchange.bill(spent)
        usage = self._usage(exchange.call, spent)
        if body.get("stream"):
            self._stream(exchange, replies, usage)
        else:
            self._whole(exchange, replies, usage)

    def _replies(self, body: dict[str, Any]) -> list[tuple[str | None, str]]:
        texts = self.texts if isinstance(self.texts, tuple) else (self.texts,)
        count = min(body.get("n") or 1, self.most_samples)
        return [self._ended(texts[i % len(texts)], body) for i in range(count)]

    def _ended(self, text: str | None, body: dict[str, Any]) -> tuple[str | None, str]:
        limit = 4 * (body.get("max_tokens") or body.get("max_completion_tokens") or 10**9)
        if text is None:
            return None, self.finish
        for string in body.get("stop") or ():
            if string in text and not self.keep_stop:
                text = text[: text.index(string)]
        if len(text.encode()) > limit:
            return text.encode()[:limit].decode(errors="ignore"), "length"
        return text, self.finish

    def _usage(self, call: Call, spent: int) -> dict[str, Any] | None:
        if isinstance(self.usage, dict):
            return self.usage
        counted = {
            "prompt_tokens": call.input_tokens,
            "completion_tokens": spent,
            "total_tokens": call.input_tokens + spent,
        }
        return {**counted, **self.extra_usage} if self.usage else None

    def _whole(self, exchange: Exchange, replies: list[tuple[str | None, str]], usage: Any) -> None:
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, **self.message},
                "finish_reason": finish,
            }
            for index, (text, finish) in enumerate(replies)
        ]
        value = {**_envelope(exchange.call, "chat.completion"), "choices": choices}
        exchange.json(value if usage is None else {**value, "usage": usage})

    def _stream(
        self, exchange: Exchange, replies: list[tuple[str | None, str]], usage: Any
    ) -> None:
        exchange.start(kind="text/event-stream")
        envelope = {**_envelope(exchange.call, "chat.completion.chunk")}
        for index, (text, finish) in enumerate(replies):
            for piece in _pieces(text or "", self.pieces):
                exchange.event({**envelope, "choices": [_delta(index, piece)]})
            exchange.event({**envelope, "choices": [_delta(index, None, finish)]})
        if usage is not None and (exchange.call.body.get("stream_options") or {}).get(
            "include_usage"
        ):
            exchange.event({**envelope, "choices": [], "usage": usage})
        exchange.event(b"[DONE]")


def _envelope(call: Call, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": call.body.get("model")}


def _delta(index: int, piece: str | None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if piece is None else {"role": "assistant", "content": piece}
    return {"index": index, "delta": delta, "finish_reason": finish}


def _pieces(text: str, count: int) -> Iterable[str]:
    size = max(1, -(-len(text) // count))
    return (text[i : i + size] for i in range(0, len(text), size))


@dataclass(frozen=True)
class Refuse:
    """Answer with an error status; nothing is billed."""

    status: int
    message: str = "no"
    retry_after: str | None = None
    error: dict[str, Any] = field(default_factory=dict)

    def __call__(self, exchange: Exchange) -> None:
        error = {"message": self.message, "type": "error", "param": None, "code": None}
        exchange.json({"error": {**error, **self.error}}, self.status, Retry_After=self.retry_after)


@dataclass(frozen=True)
class Cut:
    """Bill the request, then drop the connection: before the headers, or within the body."""

    within_body: bool = False

    def __call__(self, exchange: Exchange) -> None:
        exchange.bill(7)
        if self.within_body and exchange.call.body.get("stream"):
            exchange.start(kind="text/event-stream", Content_Length="100000")
            exchange.event({"choices": [_delta(0, "half a rep")]})
        elif self.within_body:
            exchange.start(Content_Length="1000")
            exchange.write(b'{"id": "chatcmpl-1", "choices": [')
        exchange.reset()


@dataclass(frozen=True)
class Send:
    """Bill the request and send any bytes as the body."""

    body: bytes
    kind: str = "application/json"

    def __call__(self, exchange: Exchange) -> None:
        exchange.bill(7)
        exchange.start(kind=self.kind)
        exchange.write(self.body)


@dataclass(frozen=True)
class Drip:
    """Bill the request and send a reply that never ends, a little at a time."""

    interval: float = 0.02

    def __call__(self, exchange: Exchange) -> None:
        exchange.bill(7)
        streamed = bool(exchange.call.body.get("stream"))
        exchange.start(kind="text/event-stream" if streamed else "application/json")
        while exchange.wait(self.interval):
            if streamed:
                exchange.event({**_envelope(exchange.call, "x"), "choices": [_delta(0, ".")]})
            else:
                exchange.write(b" ")


@dataclass(frozen=True)
class Flood:
    """Send more than `size` bytes."""

    size: int

    def __call__(self, exchange: Exchange) -> None:
        exchange.bill(7)
        streamed = bool(exchange.call.body.get("stream"))
        exchange.start(kind="text/event-stream" if streamed else "application/json")
        block = "x" * 65536
        event = json.dumps({"choices": [_delta(0, block)]}).encode()
        piece = b"data: " + event + b"\n\n" if streamed else block.encode()
        for _ in range(self.size // len(block) + 1):
            exchange.write(piece)


class OpenAIServer:
    """The server; a context manager. Requests beyond the script get `otherwise`."""

    def __init__(self, *, otherwise: Behaviour | None = None, models: tuple[str, ...] = ("m",)):
        self.otherwise: Behaviour = otherwise or Say()
        self.models = models
        self.listing: Behaviour | None = None
        """Answers `GET /models` in place of the list of `models`."""
        self.calls: list[Call] = []
        self.strangers: list[str] = []
        """Requests for anything else, such as those of a client that takes this for its proxy."""
        self.billed: list[Billed] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.busy = threading.Event()
        """Set when the first request was billed."""
        self._script: deque[Behaviour] = deque()
        handler = type("Handler", (_Handler,), {"openai": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def will(self, *behaviours: Behaviour) -> None:
        """Script the next requests, one behaviour each."""
        self._script.extend(behaviours)

    def next_behaviour(self, call: Call) -> Behaviour:
        with self.lock:
            self.calls.append(call)
            return self._script.popleft() if self._script else self.otherwise

    def billed_tokens(self) -> int:
        with self.lock:
            return sum(billed.input + billed.output for billed in self.billed)

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    openai: OpenAIServer

    def do_GET(self) -> None:
        self.close_connection = True
        exchange = Exchange(self, Call(self.path, {}, dict(self.headers)))
        if self.path != "/v1/models":
            self.do_CONNECT()
        elif self.openai.listing is not None:
            self.openai.listing(exchange)
        else:
            exchange.json({"object": "list", "data": [{"id": m} for m in self.openai.models]})

    def do_CONNECT(self) -> None:
        self.close_connection = True
        self.openai.strangers.append(self.requestline)
        self.send_error(404)

    def do_POST(self) -> None:
        self.close_connection = True
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = Call(self.path, body, {k.lower(): v for k, v in self.headers.items()})
        self.openai.next_behaviour(call)(Exchange(self, call))

    def finish(self) -> None:
        # The client may be gone, or the connection was reset on purpose.
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass
