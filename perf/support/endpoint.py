"""A loopback model server that only notes when the first request arrives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import perf_counter

from support.bench import Unavailable

PATIENCE = 60.0


def time_to_first_request(
    command: Sequence[str], *, url_in: str, env: Mapping[str, str], cwd: str
) -> float:
    """Start `command` and return the seconds until it sends its first request.

    Args:
        command: its arguments; each `url_in` in them is replaced by the server's base URL.
        url_in: the placeholder.
        env: its environment.
        cwd: its working folder.

    Raises:
        Unavailable: it ended, or a minute went by, without a request.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        base_url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        began = perf_counter()
        process = subprocess.Popen(
            [part.replace(url_in, base_url) for part in command],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watcher = threading.Thread(target=_wake_when_ended, args=(process, server), daemon=True)
        watcher.start()
        try:
            return _first_bytes(server) - began
        except OSError as error:
            raise Unavailable(f"no request came; it said: {_end(process)}") from error
        finally:
            _end(process)
            watcher.join()


def _first_bytes(server: socket.socket) -> float:
    while True:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            if connection.recv(1):  # a probe may connect and say nothing
                return perf_counter()


def _wake_when_ended(process: subprocess.Popen[bytes], server: socket.socket) -> None:
    process.wait()
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


def _end(process: subprocess.Popen[bytes]) -> str:
    """End the process as a user would, then by force; return the end of what it printed."""
    for number, patience in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            output, _ = process.communicate(timeout=patience)
            return output.decode("utf-8", "replace").strip()[-200:]
        except subprocess.TimeoutExpired:
            continue
        except ValueError:  # its output was read before
            return ""
    return "it does not end"
