"""The Docker sandbox on a real engine: its container, its stream, its end, what is left of it."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from treeact.errors import ConfigError, SandboxUnavailable
from treeact.sandbox.base import Limits
from treeact.sandbox.docker import container, owner
from treeact.sandbox.docker import sandbox as module
from treeact.sandbox.docker.engine import Endpoint
from treeact.sandbox.docker.sandbox import DockerChannel, DockerSandbox
from treeact.sandbox.image import image_tag

docker = pytest.mark.docker

ECHO = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"
PATIENCE = 20.0
"""Seconds after which a test gives up waiting for what should take a fraction of one."""


@pytest.fixture
def engine() -> Iterator[DockerClient]:
    client = Endpoint.find().connect()
    yield client
    client.close()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have sandboxes run some Python program where the driver would be."""

    def replace(code: str) -> None:
        monkeypatch.setattr(module, "driver_argv", lambda python, *_: [python, "-I", "-c", code])

    return replace


@asynccontextmanager
async def launched(sandbox: DockerSandbox | None = None) -> AsyncIterator[DockerChannel]:
    channel = await (sandbox or DockerSandbox())._launch()
    assert isinstance(channel, DockerChannel)
    try:
        yield channel
    finally:
        await channel.kill()


async def read_all(channel: DockerChannel) -> bytes:
    parts = []
    while data := await channel.read():
        parts.append(data)
    return b"".join(parts)


def ours(client: DockerClient, pid: int) -> list[dict[str, Any]]:
    found = client.api.containers(all=True, filters={"label": owner.FRAMEWORK})
    return [one for one in found if one["Labels"]["treeact.owner"].split(" ")[0] == str(pid)]


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110 - the engine sets no event
            await asyncio.sleep(0.05)


# The container ------------------------------------------------------------------------------


@docker
async def test_code_runs_in_it() -> None:
    async with DockerSandbox() as sandbox:
        branch = await sandbox.branch()
        await branch.put("table.csv", b"a,b\n1,2\n")
        result = await branch.run(
            "import os, pandas\npandas.read_csv('table.csv').b.sum() + os.getuid()"
        )
        assert (result.outcome, result.value) == ("ok", "np.int64(65536)")
        other = await branch.fork()
        assert (await other.run("os.getuid()")).value == "65534"


@docker
async def test_every_restriction_reaches_the_engine(engine: DockerClient) -> None:
    limits = Limits(memory=300 * 1024**2, cpus=0.5, processes=10, live_branches=2, disk=2**24)
    async with launched(DockerSandbox(limits=limits)) as channel:
        found = engine.api.inspect_container(channel._name)
    host, config = found["HostConfig"], found["Config"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Memory"], host["MemorySwap"]) == (300 * 1024**2, 300 * 1024**2)
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 10 + container.DRIVER_PROCESSES + 2 * container.PROCESSES_PER_BRANCH
    assert {"Name": "core", "Soft": 0, "Hard": 0} in host["Ulimits"]
    assert host["ShmSize"] == 16 * 1024**2
    assert host["AutoRemove"] is True
    assert host["LogConfig"]["Type"] == "none"
    assert not host["Privileged"]
    assert not host["Binds"]
    mounts = [(mount["Destination"], mount["RW"]) for mount in found["Mounts"]]
    assert mounts in ([], [(container.DOOR, False)])
    assert not found["NetworkSettings"]["Ports"]
    assert config["User"] == "65534:65534"
    assert config["StdinOnce"] is True
    assert config["Labels"]["treeact.owner"].split(" ")[0] == str(os.getpid())


PROBE = """
import errno, json, os, socket
def failure(call):
    try: call()
    except OSError as error: return errno.errorcode[error.errno]
def fill(folder):
    count = 0
    try:
        for count in range(100_000): open(f"{folder}/{count}", "w").close()
    except OSError as error: return count, errno.errorcode[error.errno]
def connect(): socket.create_connection(("8.8.8.8", 53), timeout=2)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
mounts = {line.split()[1]: line.split()[3] for line in open("/proc/mounts")}
print(json.dumps({
    "pid": os.getpid(),
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "caps": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")],
    "no_new_privs": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "root": failure(lambda: open("/etc/x", "w")),
    "driver": failure(lambda: open("/opt/treeact/x", "w")),
    "network": failure(connect), "interfaces": [name for _, name in socket.if_nameindex()],
    "socket": os.path.exists("/var/run/docker.sock"),
    "mounts": {name: mounts[name] for name in ("/work", "/tmp", "/dev/shm")},
    "disk": os.statvfs("/work").f_blocks * os.statvfs("/work").f_frsize
            + os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize,
    "inodes": fill("/work"),
}))
"""


@docker
async def test_inside_there_is_nothing_to_gain(program: Callable[[str], None]) -> None:
    program(PROBE)
    async with launched(DockerSandbox(limits=Limits(inodes=800))) as channel:
        seen = json.loads(await read_all(channel))
    assert seen["pid"] == 1
    assert seen["ids"] == [65534, 65534, [65534]]
    assert seen["caps"] == [0, 0, 0, 0]
    assert (seen["no_new_privs"], seen["seccomp"]) == ("1", "2")
    assert (seen["root"], seen["driver"]) == ("EROFS", "EROFS")
    assert seen["network"] in ("ENETUNREACH", "ENETDOWN")
    assert "eth0" not in seen["interfaces"]
    assert seen["socket"] is False
    for options in seen["mounts"].values():
        assert {"nosuid", "nodev", "noexec"} <= set(options.split(","))
    assert seen["disk"] == Limits().disk
    assert seen["inodes"][1] == "ENOSPC"
    assert seen["inodes"][0] < 800


@docker
async def test_another_runtime_is_asked_of_the_engine(engine: DockerClient) -> None:
    with pytest.raises(SandboxUnavailable, match="no-such-runtime"):
        await DockerSandbox(runtime="no-such-runtime")._launch()
    assert not ours(engine, os.getpid())


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="disk"):
        DockerSandbox(limits=Limits(memory=128 * 1024**2, disk=64 * 1024**2))


# The stream ---------------------------------------------------------------------------------


@docker
async def test_bytes_come_back_as_they_were_sent(program: Callable[[str], None]) -> None:
    program(ECHO)
    sent = bytes(range(256)).replace(b"\n", b"") * 5000 + b"\n"
    async with launched() as channel:
        channel.write(sent)
        await channel.drain()
        received = b""
        while len(received) < len(sent):
            received += await channel.read()
    assert received == sent


@docker
async def test_stderr_is_kept_out_of_stdout(program: Callable[[str], None]) -> None:
    program(
        "import sys\n"
        "for _ in range(2000):\n"
        "    print('out', flush=True)\n"
        "    print('err' * 9, file=sys.stderr, flush=True)\n"
        "sys.exit('the last word')"
    )
    async with launched() as channel:
        assert await read_all(channel) == b"out\n" * 2000
        assert await channel.diagnose() == "the container exited with code 1: the last word"


@docker
async def test_a_slow_reader_holds_the_container_back(
    program: Callable[[str], None], engine: DockerClient
) -> None:
    program(
        "import sys\n"
        "for count in range(2000):\n"
        "    sys.stdout.buffer.write(b'x' * 65536)\n"
        "    open('/work/count', 'w').write(str(count))"
    )

    def written() -> int:
        found = engine.containers.get(channel._name).exec_run("cat /work/count")
        return int(found.output or 0) if found.exit_code == 0 else 0

    async with launched() as channel:
        last, now = -1, 0
        while now != last or now == 0:
            await asyncio.sleep(0.3)
            last, now = now, written()
        assert 0 < now < 200
        assert len(await read_all(channel)) == 2000 * 65536


# The end ------------------------------------------------------------------------------------


@docker
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "the container exited with code 0"),
        ("import os; os._exit(7)", "the container exited with code 7"),
        ("bytearray(10**9)", "the container exited with code 137, memory ran out"),
        ("import os; os.abort()", "the container exited with code 134"),
        ("1/0", "the container exited with code 1: ZeroDivisionError: division by zero"),
    ],
)
async def test_the_reason_of_an_end_is_found(
    program: Callable[[str], None], code: str, expected: str
) -> None:
    program(code)
    async with launched() as channel:
        assert await read_all(channel) == b""
        # PID 1 cannot be ended by a signal of its own, so abort() falls through to a fault.
        found = await channel.diagnose()
        assert found == expected or (code.endswith("abort()") and "exited with code" in found)


@docker
async def test_a_container_that_still_runs_is_said_to(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DIAGNOSIS_TIMEOUT", 0.2)
    program(ECHO)
    async with launched() as channel:
        assert "still runs" in await channel.diagnose()


@docker
async def test_kill_leaves_nothing_and_may_come_twice(engine: DockerClient) -> None:
    channel = await DockerSandbox()._launch()
    assert len(ours(engine, os.getpid())) == 1
    await asyncio.gather(channel.kill(), channel.kill())
    await channel.kill()
    assert not ours(engine, os.getpid())
    assert await channel.read() == b""
    channel.write(b"too late")
    await channel.drain()
    assert "removed" in await channel.diagnose()


@docker
async def test_an_ended_sandbox_is_replaced(engine: DockerClient) -> None:
    async with DockerSandbox() as sandbox:
        branch = await sandbox.branch()
        await branch.run("x = 41")
        for one in ours(engine, os.getpid()):
            engine.api.kill(one["Id"])
        assert "exited with code 137" in str((await branch.run("x + 1")).notes)
        result = await branch.run("x + 1")
        assert (result.value, result.rebuilt) == ("42", True)
    assert not ours(engine, os.getpid())


@docker
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2])
async def test_a_cancelled_start_leaves_nothing(engine: DockerClient, delay: float) -> None:
    start = asyncio.create_task(DockerSandbox()._launch())
    await asyncio.sleep(delay)
    start.cancel()
    with suppress(asyncio.CancelledError):
        await (await start).kill()
    assert not ours(engine, os.getpid())


HOST = """
import asyncio
from treeact.sandbox.docker.sandbox import DockerSandbox
async def main():
    async with DockerSandbox() as sandbox:
        branch = await sandbox.branch()
        print("ready", flush=True)
        code = "import os, time\\nif not os.fork(): os.setsid()\\ntime.sleep(1000)"
        await branch.run(code, timeout=1000)
asyncio.run(main())
"""


def start_host(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


@docker
@pytest.mark.parametrize("delay", [0.0, 0.1])
async def test_a_killed_host_leaves_nothing(engine: DockerClient, delay: float) -> None:
    host = start_host(HOST)
    assert host.stdout
    assert await asyncio.to_thread(host.stdout.readline) == b"ready\n"
    await asyncio.sleep(delay)
    assert len(ours(engine, host.pid)) == 1
    host.send_signal(signal.SIGKILL)
    await asyncio.to_thread(host.communicate)
    await wait_until(lambda: not ours(engine, host.pid))


@docker
@pytest.mark.parametrize("moment", ["create", "attach", "start"])
async def test_a_host_killed_during_the_start_leaves_nothing_after_a_sweep(
    engine: DockerClient, moment: str
) -> None:
    wait = {"create": "container.sweep", "attach": "container.create", "start": "module.attach"}
    name = wait[moment]
    code = (
        "import asyncio, os, signal\n"
        "from treeact.sandbox.docker import container, sandbox as module\n"
        f"original = {name}\n"
        "def tell(*args, **options):\n"
        "    result = original(*args, **options)\n"
        "    print('here', flush=True)\n"
        "    return result\n"
        f"{name} = tell\n"
        "asyncio.run(module.DockerSandbox()._launch())\n"
    )
    host = start_host(code)
    assert host.stdout
    assert await asyncio.to_thread(host.stdout.readline) == b"here\n"
    host.send_signal(signal.SIGKILL)
    await asyncio.to_thread(host.communicate)
    await wait_until(lambda: container.sweep(engine) >= 0 and not ours(engine, host.pid))


@docker
async def test_a_start_sweeps_what_the_dead_left_and_nothing_else(engine: DockerClient) -> None:
    mine = owner.labels(lifetime=600)
    pid, start, namespace = mine["treeact.owner"].split(" ")
    left = {
        "dead owner": {**mine, "treeact.owner": f"{pid} {int(start) - 1} {namespace}"},
        "earlier boot": {**mine, "treeact.boot": "another"},
        "past deadline": {**mine, "treeact.machine": "another", "treeact.deadline": "1"},
        "mine": mine,
        "another machine's": {
            **mine,
            "treeact.machine": "another",
            "treeact.owner": f"1 1 {namespace}",
        },
    }
    made = {
        name: engine.api.create_container(image_tag(), "true", labels=labels)["Id"]
        for name, labels in left.items()
    }
    try:
        async with launched():
            found = engine.api.containers(all=True, filters={"label": owner.FRAMEWORK})
            there = {one["Id"] for one in found}
            assert {name for name, one in made.items() if one in there} == {
                "mine",
                "another machine's",
            }
    finally:
        for one in made.values():
            container.remove(engine, one)


# Engines that cannot be had -----------------------------------------------------------------


async def test_no_engine_is_a_reason_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/engine.sock")
    reason = await DockerSandbox.available()
    assert reason is not None
    assert "start Docker" in reason
    assert "\n" not in reason
    with pytest.raises(SandboxUnavailable, match="DOCKER_HOST"):
        await DockerSandbox()._launch()


@pytest.mark.parametrize(
    "host", ["nonsense", "tcp://127.0.0.1:1", "unix:///dev/null", "ssh://host"]
)
async def test_a_wrong_docker_host_is_a_reason(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert await DockerSandbox.available() is not None


@docker
async def test_a_missing_image_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await DockerSandbox.available() is None
    monkeypatch.setattr(module, "image_tag", lambda: "treeact-sandbox:none")
    reason = await DockerSandbox.available()
    assert reason is not None
    assert "treeact sandbox build" in reason
    with pytest.raises(SandboxUnavailable, match="treeact sandbox build"):
        await DockerSandbox()._launch()


# Engines elsewhere --------------------------------------------------------------------------


async def answer_of_a_sandbox() -> str | None:
    async with DockerSandbox() as sandbox:
        branch = await sandbox.branch()
        return (await branch.run("6 * 7")).value


@pytest.fixture
def local_socket() -> str:
    host = Endpoint.find().host
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on this machine's own socket")
    return host.removeprefix("unix://")


@asynccontextmanager
async def forwarded(path: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Make the engine answer at a port of loopback."""

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(path)
        task = asyncio.gather(copy(reader, engine_writer), copy(engine_reader, writer))
        forwarding.append(task)
        try:
            await task
        finally:
            writer.transport.abort()
            engine_writer.transport.abort()

    forwarding: list[asyncio.Future[Any]] = []
    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for task in forwarding:
        task.cancel()
    await asyncio.gather(*forwarding, return_exceptions=True)
    await asyncio.sleep(0.05)  # transports close in the loop's next turns


@docker
async def test_an_engine_behind_tcp(monkeypatch: pytest.MonkeyPatch, local_socket: str) -> None:
    async with forwarded(local_socket) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        assert await answer_of_a_sandbox() == "42"


def make_certificate(folder: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    options = "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(
        [*command.split(), *options.split()], cwd=folder, check=True, capture_output=True
    )


@docker
async def test_an_engine_behind_tls(
    monkeypatch: pytest.MonkeyPatch, local_socket: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(make_certificate, tmp_path)
    (tmp_path / "ca.pem").write_bytes((tmp_path / "cert.pem").read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with forwarded(local_socket, context) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        # With these set, requests ignores the bundle that docker-py names.
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        assert await answer_of_a_sandbox() == "42"


def test_importing_the_sandbox_does_not_import_docker() -> None:
    code = (
        "import sys, treeact.sandbox.docker.sandbox\n"
        "print('docker' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@docker
async def test_closing_a_branch_leaves_no_process_of_another_stopped() -> None:
    async with DockerSandbox(limits=Limits(timeout=10.0)) as sandbox:
        for _ in range(40):  # one that was just being forked could stay so, in one of 60 rounds
            branch = await sandbox.branch()
            twin = await branch.fork()
            await branch.close()
            assert (await twin.run("2")).value == "2"
            await twin.close()
