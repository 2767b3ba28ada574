"""A web server on loopback whose answers are raw bytes, so that they can be as wrong as any."""

import socketserver
import threading
from collections.abc import Callable
from types import TracebackType

Answer = Callable[[socketserver.BaseRequestHandler], None]
Send = Callable[[bytes], None]


def response(
    body: bytes = b"", *headers: str, status: str = "200 OK", content_type: str = "text/html"
) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str) -> bytes:
    return response(b"", f"Location: {location}", status="302 Found")


class WebServer:
    """Answers each path with bytes, or by a function that sends what it likes.

    Args:
        answers: by path; a function gets what sends bytes, and an event that is set at the end.
    """

    def __init__(
        self, answers: dict[str, bytes | Callable[[Send, threading.Event], None]] | None = None
    ) -> None:
        self.answers = answers or {}
        self.requests: list[str] = []
        """The heads of all requests."""
        self.asked = threading.Event()
        """Set when a request has come."""
        self._ended = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = self.request.recv(65536)
                    if not piece:
                        return
                    head += piece
                outer.requests.append(head.decode("latin-1"))
                outer.asked.set()
                path = head.split()[1].decode("latin-1").partition("?")[0]
                answer = outer.answers.get(path, response(b"no such page", status="404 Not Found"))
                try:
                    if isinstance(answer, bytes):
                        self.request.sendall(answer)
                    else:
                        answer(self.request.sendall, outer._ended)
                except OSError:  # the client has enough
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [head.split()[1] for head in self.requests]

    def __enter__(self) -> "WebServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
