"""Watch a run while it goes on, interrupt it, and tell it something.

python examples/03_watch_and_interrupt.py [--model openai/gpt-5-mini]
"""

import asyncio
from argparse import ArgumentParser

from treeact import CodeAct, Run, ScriptedModel
from treeact.models import Model
from treeact.trace.events import CodeRun, SandboxStarted

REPLIES = [
    """I count slowly.
```python
import time
done = []
for number in range(600):
    done.append(number)
    time.sleep(0.1)
```""",
    """The list is still there.
```python
print(len(done) > 0)
```""",
    "<answer>it counted until it was stopped</answer>",
]


async def watch(run: Run) -> None:
    async for event in run.events():
        outcome = f" ({event.outcome})" if isinstance(event, CodeRun) else ""
        print(f"{event.id:<20} {type(event).__name__}{outcome}")


async def interrupt(run: Run) -> None:
    """Stop what the run does after a moment; from elsewhere it would be a key, or a request."""
    async for event in run.events():
        if isinstance(event, SandboxStarted):
            break
    await asyncio.sleep(0.5)  # let it count
    run.interrupt("That is enough. Sum up.")


async def main(model: Model | str) -> None:
    run = CodeAct(model).start("Count to 600, a number each tenth of a second.")
    await asyncio.gather(watch(run), interrupt(run))
    print(f"answer: {(await run.result()).answer}")


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
asyncio.run(main(arguments.parse_args().model))
