"""Nothing is left when the host process is killed, whatever the sandboxed code does meanwhile."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOST = """
import asyncio, sys
from treeact.sandbox import JailSandbox, UnsafeLocalSandbox

async def main():
    kind = sys.argv[1]
    sandbox = UnsafeLocalSandbox() if kind == "unsafe-local" else JailSandbox(backend=kind)
    async with sandbox:
        branch = await sandbox.branch()
        fork = await branch.fork()
        print("ready", flush=True)
        await asyncio.gather(
            branch.run("import subprocess, time\\nopen('f', 'w').write('x')\\n"
                       "subprocess.Popen(['setsid', 'sleep', '987'])\\nwhile True: pass"),
            fork.run("import os\\nif os.fork() == 0:\\n    os.setsid()\\nwhile True: pass"),
        )

asyncio.run(main())
"""


def leftovers(folder: Path) -> list[str]:
    """Processes that name the folder, and what is in it."""
    found = [str(path) for path in folder.iterdir()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and int(path.parent.name) != os.getpid():
            found.append(line[:200])
    return found


def test_a_killed_host_leaves_nothing(kind: str, tmp_path: Path) -> None:
    for delay in (0.0, *[random.Random(kind).uniform(0, 0.5) for _ in range(3)]):
        host = subprocess.Popen(
            [sys.executable, "-c", HOST, kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        time.sleep(delay)
        host.send_signal(signal.SIGKILL)
        host.wait()
        host.stdout.close()
        deadline = time.monotonic() + 20
        while (left := leftovers(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []


@pytest.mark.parametrize("kind", ["unsafe-local"], indirect=True)
def test_folders_of_lost_owners_are_swept(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from treeact.sandbox.local import process as local

    monkeypatch.setattr(local.tempfile, "tempdir", str(tmp_path))
    mine = local.private_folder()
    boot, pid, start = local.boot_id(), os.getpid(), local.start_time(os.getpid())
    stale = [
        tmp_path / f"{local.PREFIX}{boot}-{pid}-1-abc",
        tmp_path / f"{local.PREFIX}00000000-{pid}-{start}-abc",
        tmp_path / f"{local.PREFIX}{boot}-999999999-5-abc",
    ]
    for path in stale:
        (path / "deep").mkdir(parents=True)
    other = tmp_path / "treeact-else"
    other.mkdir()
    local.sweep()
    assert sorted(tmp_path.iterdir()) == sorted([mine, other])
