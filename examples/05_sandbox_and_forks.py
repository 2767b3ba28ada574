"""A sandbox without any model: live state that is copied, and code that is stopped.

python examples/05_sandbox_and_forks.py
"""

import asyncio

from treeact import Limits, tool
from treeact.sandbox.select import choose_kind, sandbox_class


@tool(effects="read")
def price(item: str) -> int:
    """Return the price in cents. It runs out here, with your keys; the code has none."""
    return {"tea": 350, "cake": 420}[item]


ENDLESS = "bought += ['seen']\nwhile True: pass"
STUBBORN = """
bought += ["lost"]
while True:
    try:
        __import__("time").sleep(9)
    except BaseException:
        pass
"""


async def main() -> None:
    kind = await choose_kind("auto")  # Docker where it is usable, else the embedded jail
    print(f"sandbox: {kind}")
    async with sandbox_class(kind)(limits=Limits(memory=256 * 1024**2, grace=0.5)) as sandbox:
        branch = await sandbox.branch(tools=[price])
        await branch.run("numbers = iter(range(10)); bought = [price('tea'), next(numbers)]")

        # A fork has a copy of everything: variables, the half-used iterator, files, random state.
        other = await branch.fork()
        await other.run("bought += [price('cake'), next(numbers), next(numbers)]")
        print("branch:", (await branch.run("bought, next(numbers)")).value)
        print("fork:  ", (await other.run("bought, next(numbers)")).value)

        # What does not end is stopped. Where it has to be killed, the state before it is back.
        for code in (ENDLESS, STUBBORN):
            stopped = await branch.run(code, timeout=0.3)
            print(f"{stopped.outcome}, rolled back: {stopped.rolled_back},", end=" ")
            print("bought:", (await branch.run("bought")).value)

        await branch.put("in.txt", b"three words here")
        await branch.run("open('out.txt', 'w').write(str(len(open('in.txt').read().split())))")
        print("out.txt:", (await branch.get("out.txt")).decode())


asyncio.run(main())
