"""A host process that is about to die: goes round and round through all that a sandbox does.

Run as `python -m tests.sandbox.doomed KIND`; it prints the name of each thing as it begins it.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from tests.sandbox.support import Tool
from treeact.sandbox.base import Limits
from treeact.sandbox.docker.sandbox import DockerSandbox
from treeact.sandbox.local.jail import JailSandbox
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.sandbox.session import DriverSandbox

LIMITS = Limits(grace=0.01)
MAKERS: dict[str, Callable[[], DriverSandbox]] = {
    "docker": lambda: DockerSandbox(limits=LIMITS),
    "sandlock": lambda: JailSandbox(limits=LIMITS, backend="sandlock"),
    "bwrap": lambda: JailSandbox(limits=LIMITS, backend="bwrap"),
    "unsafe-local": lambda: UnsafeLocalSandbox(limits=LIMITS),
}
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
DETACHED = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"


async def wait(*args: Any) -> None:
    """Take a moment, as a tool does."""
    await asyncio.sleep(0.02)


def say(phase: str) -> None:
    sys.stdout.write(f"{phase}\n")
    sys.stdout.flush()


async def main(kind: str) -> None:
    while True:
        say("start")
        async with MAKERS[kind]() as sandbox:
            branch = await sandbox.branch(tools=[Tool("wait", wait)])
            await branch.run(DETACHED)
            say("run")
            await branch.run("for n in range(10**6): pass")
            say("fork")
            twins = [await branch.fork() for _ in range(5)]
            say("put")
            for number in range(5):
                await branch.put(f"file{number}", bytes(1 << 18))
            say("call")
            await branch.run("wait(); wait()")
            say("kill")
            for _ in range(3):
                await branch.run(STUBBORN, timeout=0.01)
            await twins[0].run("x = 1")
            say("close")
        say("closed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
