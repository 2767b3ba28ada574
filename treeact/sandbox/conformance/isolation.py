"""Isolation: what code tries to reach on the host. Not a proof, but nothing here may succeed.

The checks are made on sandboxes that do not isolate, too, and there the attempts do succeed. So
each is harmless then: it opens without writing, makes files without a name, and aims at what the
check itself has made.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treeact.sandbox.base import Branch
from treeact.sandbox.conformance.suite import Bench, code, equal, in_area, require, run, value


async def _all_fail(branch: Branch, attempts: dict[str, str]) -> None:
    """Require that every attempt raises an exception."""
    got_through = []
    for what, source in attempts.items():
        execution = await branch.run(code(source), timeout=10)
        if execution.ok:
            got_through.append(what)
    require(not got_through, f"code can {', '.join(got_through)}")


@contextmanager
def _secret_file() -> Iterator[tuple[Path, str]]:
    """Make a file of the host's that anybody may read and write."""
    secret = secrets.token_hex(16)
    folder = Path(tempfile.mkdtemp(prefix="treeact-conformance-"))
    path = folder / "secret"
    try:
        folder.chmod(0o777)
        path.write_text(secret)
        path.chmod(0o666)
        yield path, secret
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@in_area("isolation")
async def host_files_cannot_be_read(bench: Bench) -> None:
    """Files of the host, even those that everybody may read, are out of reach."""
    branch = await bench.branch()
    with _secret_file() as (path, secret):
        attempts = {
            "read a file of the host": f"print(open({str(path)!r}).read())",
            "read it through its own root": f"print(open('/proc/self/root{path}').read())",
            "read it through the first process": f"print(open('/proc/1/root{path}').read())",
            "link to it": f"import os; os.link({str(path)!r}, 'l'); print(open('l').read())",
            "list its folder": f"import os; os.listdir({str(path.parent)!r})",
            "read the users' passwords": "open('/etc/shadow').read()",
        }
        await _all_fail(branch, attempts)
        await branch.run(f"import os; os.symlink({str(path)!r}, 'link')")
        execution = await branch.run("print(open('link').read())")
        require(secret not in execution.stdout, "code can read a file of the host through a link")


NAMELESS = "import os; os.open({!r}, os.O_TMPFILE | os.O_WRONLY)"
"""Makes a file that is gone when it is closed."""


@in_area("isolation")
async def host_files_cannot_be_written(bench: Bench) -> None:
    """Files of the host cannot be changed, made or removed, nor can the system's."""
    branch = await bench.branch()
    with _secret_file() as (path, secret):
        attempts = {
            "change a file of the host": f"open({str(path)!r}, 'r+').write('x')",
            "remove it": f"import os; os.remove({str(path)!r})",
            "make files beside it": NAMELESS.format(str(path.parent)),
            "make programs": NAMELESS.format("/usr/bin"),
            "make settings": NAMELESS.format("/etc"),
            "change settings": "open('/etc/passwd', 'r+')",
            "change the kernel's settings": "open('/proc/sys/kernel/core_pattern', 'r+')",
        }
        await _all_fail(branch, attempts)
        mode = path.stat().st_mode
        await branch.run(f"import os; os.chmod({str(path)!r}, 0o600)")  # may claim to have worked
        require(path.stat().st_mode == mode, "code can change the mode of a file of the host")
        equal(path.read_text(), secret, "the host's file")


@in_area("isolation")
async def python_cannot_be_changed(bench: Bench) -> None:
    """The interpreter and its packages are read-only for code: siblings and the host use them."""
    branch = await bench.branch()
    nameless = "import os, sys; os.open(os.path.dirname({}), os.O_TMPFILE | os.O_WRONLY)"
    await _all_fail(
        branch,
        {
            "change the standard library": "import os; open(os.__file__, 'r+')",
            "make modules in the standard library": nameless.format("os.__file__"),
            "make programs beside the interpreter": nameless.format("sys.executable"),
        },
    )


@in_area("isolation")
async def environment_is_hidden(bench: Bench) -> None:
    """Keys in the host's environment are not in the sandbox's."""
    name, secret = f"TREEACT_TEST_{secrets.token_hex(4).upper()}", secrets.token_hex(16)
    os.environ[name] = secret
    try:
        branch = await bench.branch()
        found = await run(
            branch,
            """
            import glob, os
            found = [repr(dict(os.environ))]
            for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    found.append(open(path).read())
                except OSError:
                    pass
            open("found", "w", errors="replace").write("".join(found))
            """,
        )
        require(found.ok and secret.encode() not in await branch.get("found"), "a key is readable")
    finally:
        del os.environ[name]


@in_area("isolation")
async def network_is_off(bench: Bench) -> None:
    """No socket leads anywhere: not to the host's own services, not to the world."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connect = "import socket; socket.create_connection({}, timeout=1)"
        await _all_fail(
            await bench.branch(),
            {
                "connect to the host": connect.format(("127.0.0.1", port)),
                "connect to the world": connect.format(("192.0.2.1", 80)),
                "look names up": "import socket; socket.getaddrinfo('example.com', 80)",
                "open a raw socket": "import socket as s; s.socket(s.AF_INET, s.SOCK_RAW, 1)",
                "open a packet socket": "import socket as s; s.socket(s.AF_PACKET, s.SOCK_RAW)",
            },
        )


@in_area("isolation")
async def services_are_out_of_reach(bench: Bench) -> None:
    """The host's unix sockets, Docker's and those in temporary folders, cannot be reached."""
    with _secret_file() as (path, _):
        address = path.with_name("socket")
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), address)
        address.chmod(0o777)
        connect = "import socket as s; s.socket(s.AF_UNIX).connect({!r})"
        async with server:
            paths = {"a service of the host": str(address), "Docker": "/var/run/docker.sock"}
            attempts = {f"connect to {name}": connect.format(at) for name, at in paths.items()}
            await _all_fail(await bench.branch(), attempts)


@in_area("isolation")
async def host_processes_are_safe(bench: Bench) -> None:
    """Processes of the host, even of the same user, can be neither killed nor read."""
    branch = await bench.branch()
    victim = subprocess.Popen(  # noqa: ASYNC220 - starting it takes a moment only
        [sys.executable, "-c", "import time; time.sleep(600)"]
    )
    try:
        for target in (victim.pid, os.getpid()):
            await _all_fail(
                branch,
                {
                    "read a process's memory": f"open('/proc/{target}/mem', 'rb')",
                    "read a process's environment": f"open('/proc/{target}/environ').read()",
                    "list a process's files": f"import os; os.listdir('/proc/{target}/fd')",
                },
            )
        await branch.run(f"import os; os.kill({victim.pid}, 9)")
        await asyncio.sleep(0.1)
        equal(victim.poll(), None, "the end of a process that code tried to kill")
    finally:
        victim.kill()
        victim.wait()


@in_area("isolation")
async def rights_are_dropped(bench: Bench) -> None:
    """Code is not root, cannot become root, and has no capability."""
    branch = await bench.branch()
    status = "dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines())"
    await run(branch, f"import os; status = {status}")
    equal(await value(branch, "int(status['CapEff'], 16)"), "0", "the effective capabilities")
    equal(await value(branch, "status['NoNewPrivs']"), "'1'", "no_new_privs")
    await _all_fail(
        branch,
        {
            "become root": "import os; os.setuid(0); open('/etc/shadow')",
            "change its root": "import os; os.chroot('.')",
            "make devices": "import os; os.mknod('null', 0o20600, os.makedev(1, 3))",
            "raise its priority": "import os; os.nice(-5)",
        },
    )


@in_area("isolation")
async def kernel_doors_are_shut(bench: Bench) -> None:
    """Calls that widen the kernel's attack surface are refused."""
    branch = await bench.branch()
    if not (await branch.run("import ctypes; libc = ctypes.CDLL(None, use_errno=True)")).ok:
        return  # code that cannot load ctypes makes no raw calls
    await run(
        branch, "def call(*a):\n    if libc.syscall(*a) < 0: raise OSError(ctypes.get_errno())"
    )
    numbers = {
        "make user namespaces": "272, 0x10000000 | 0x20000",
        "load programs into the kernel": "321, 0, bytes(128), 128",
        "use kernel keys": "248, b'user', b'k', b'v', 1, -2",
        "handle page faults": "323, 0",
        "open performance counters": "298, bytes(128), 0, -1, -1, 0",
    }
    if os.uname().machine == "x86_64":
        await _all_fail(branch, {what: f"call({args})" for what, args in numbers.items()})
