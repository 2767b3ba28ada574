"""Watch a run while it goes on, interrupt it, and tell it something.

python examples/03_watch_and_interrupt.py [--model openai/gpt-5-mini]
"""

import asyncio
from argparse import ArgumentParser

from treeact import CodeAct, ScriptedModel
from treeact.models import Model
from treeact.trace.events import CodeRun, Event, Proposed

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


async def main(model: Model | str) -> None:
    run = CodeAct(model).start("Count to 600, a number each tenth of a second.")
    async for event in run.events():
        print(f"{event.id:<20} {type(event).__name__}{told(event)}")
        if isinstance(event, Proposed) and "sleep" in str(event.text):
            # From elsewhere: a key, a request, a clock. The variables stay as they are.
            asyncio.get_running_loop().call_later(0.5, run.interrupt, "That is enough. Sum up.")
    result = await run.result()
    print(f"answer: {result.answer}")


def told(event: Event) -> str:
    return f" ({event.outcome})" if isinstance(event, CodeRun) else ""


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
asyncio.run(main(arguments.parse_args().model))
