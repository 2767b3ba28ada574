"""A program that opens a sandbox, has a daemon started in it, says so, and waits to be killed."""

from __future__ import annotations

import asyncio
import sys

from treeact.sandbox.select import sandbox_class

DAEMON = """
import subprocess
subprocess.Popen(["sleep", "300"], start_new_session=True)
"""


async def main() -> None:
    async with sandbox_class(sys.argv[1])() as sandbox:
        branch = await sandbox.branch()
        result = await branch.run(DAEMON)
        print("ready" if result.ok else result.error, flush=True)
        await asyncio.sleep(600)


asyncio.run(main())
