"""The `treeact` command in forks of one process that has its modules loaded: a start costs little.

How the command loads them in a process of its own is tested where that matters: with signals, in a
terminal, from a wheel, and with what is loaded for what.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LOADED = (
    *("treeact.cli.app", "treeact.cli.run", "treeact.cli.lines", "treeact.trace.runs"),
    *("treeact.agents.codeact", "treeact.agents.assembly", "treeact.agents.starting"),
    *("treeact.models.replay", "treeact.sandbox.local.unsafe"),
)
LONGEST = 1 << 17
"""Bytes that a command line with its environment may have."""


class Commands:
    """Runs commands, one after another and each in a fork, as `subprocess.run` would."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._loaded: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._loaded = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=self._env,
                start_new_session=True,
            )

    def _end(self) -> None:
        if self._loaded is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._loaded.pid, signal.SIGKILL)
            self._loaded.wait()
            self._line.close()
        self._loaded = None

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: str,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
    ) -> "subprocess.CompletedProcess[str]":
        """Run `treeact` to its end, and until nobody is left that could write to its output."""
        if self._loaded is None:
            self._start()
        command = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": dict(env)})
        try:
            texts = self._talk(command.encode(), stdin, timeout)
            code = int(self._line.recv(16))
        except BaseException:
            self._end()
            raise
        return subprocess.CompletedProcess(["treeact", *arguments], code, *texts)

    def _talk(self, command: bytes, stdin: str, timeout: float) -> list[str]:
        stdin_end, into = os.pipe()
        out, stdout_end = os.pipe()
        err, stderr_end = os.pipe()
        theirs = (stdin_end, stdout_end, stderr_end)
        socket.send_fds(self._line, [command], theirs)
        for end in theirs:
            os.close(end)
        with open(out) as stdout, open(err) as stderr, ThreadPoolExecutor(2) as readers:
            printed = [readers.submit(stream.read) for stream in (stdout, stderr)]
            with contextlib.suppress(BrokenPipeError), open(into, "w") as writer:
                writer.write(stdin)
            try:
                return [text.result(timeout) for text in printed]
            except BaseException:
                self._end()  # so that the streams end, and their readers
                raise


def serve(line: socket.socket) -> None:
    """Fork for each command that comes; return in the fork, made into a process of the command."""
    while True:
        message, streams, _, _ = socket.recv_fds(line, LONGEST, 3)
        if not message:  # the test process is gone
            sys.exit()
        pid = os.fork()
        if pid == 0:
            break
        for descriptor in streams:
            os.close(descriptor)
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    line.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    command = json.loads(message)
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["env"])
    sys.path[1:1] = filter(None, command["env"].get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["treeact", *command["arguments"]]


if __name__ == "__main__":
    sys.path[0] = ""  # the working folder, as for `python -m treeact`
    for name in LOADED:
        importlib.import_module(name)
    serve(socket.socket(fileno=int(sys.argv[1])))
    from treeact.cli import main

    main()
