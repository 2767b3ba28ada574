"""Search over code that really runs: each candidate in a fork of the live state, the best goes on.

python examples/06_search_over_code.py [--model openai/gpt-5-mini]
"""

import asyncio
from argparse import ArgumentParser

from treeact import CodeAct, ScriptedModel
from treeact.models import Model, Request
from treeact.planners import MCTS
from treeact.planners.export import read_trees
from treeact.planners.export.drawing import draw

CANDIDATES = [
    """Index it.
```python
stock = {"tea": 3, "cake": 0}
per_cake = stock["tea"] / stock["cake"]
```""",
    """Look first.
```python
stock = {"tea": 3, "cake": 0}
print(sorted(stock))
```""",
]


def reply(request: Request) -> str | list[str]:
    """Answer as a model would, by the logical id of the call."""
    if request.path.endswith("score"):
        shown = str(request.messages)
        return f"Checked. <score>{9 if 'unlimited' in shown else 4}</score>"
    if request.path == "run/root/propose":
        return CANDIDATES[: request.n]
    return ["No cake, so no ratio.\n<answer>unlimited</answer>", "<answer>0</answer>"][: request.n]


async def main(model: Model | str) -> None:
    agent = CodeAct(model, planner=MCTS(n=2, depth=3), max_steps=6)
    run = agent.start("How many teas are there for each cake, with 3 teas and no cake?")
    result = await run.result()
    # What failed is pruned with its cause, which later prompts are told, on other paths too.
    for line in draw(read_trees(list(run.log.events()), run.log.blobs), width=100):
        print(line.text)
    print(f"answer: {result.answer}")


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(reply), help="by default a script")
asyncio.run(main(arguments.parse_args().model))
