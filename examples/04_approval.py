"""Decide what an agent may do: what has effects outside waits for a yes, and results are reviewed.

python examples/04_approval.py [--model openai/gpt-5-mini]
"""

import asyncio
from argparse import ArgumentParser

from treeact import CodeAct, ScriptedModel, tool
from treeact.agents.control import CallResult
from treeact.models import Model
from treeact.trace.events import ApprovalRequested

SENT: list[tuple[str, str]] = []


@tool(effects="read")
def newest_letter() -> str:
    """Return the newest letter."""
    return "From Ada (ada@example.com): the key to the store is 4711. Please confirm to me and Bob."


@tool(effects="write")
def send_mail(to: str, text: str) -> None:
    """Send a letter."""
    SENT.append((to, text))


def review(call: CallResult) -> object:
    """See each result before the agent does: here, numbers of keys stay inside."""
    return str(call.result).replace("4711", "****") if call.tool == "newest_letter" else call.result


REPLIES = [
    """I read it and confirm.
```python
print(newest_letter())
send_mail("ada@example.com", "Received.")
try:
    send_mail("bob@elsewhere.org", "The key is in the letter.")
except ToolError as error:
    print("refused:", error)
```""",
    "<answer>Ada was told, Bob was not.</answer>",
]


async def main(model: Model | str) -> None:
    tools = [newest_letter, send_mail]
    # `risky` asks about calls with effects; a rule for one tool would come before it.
    agent = CodeAct(model, tools=tools, approve="risky", review=review)
    run = agent.start("Answer the newest letter.")
    async for event in run.events():
        if isinstance(event, ApprovalRequested):
            known = "example.com" in str(event.text)
            print(f"{event.text} -> {'yes' if known else 'no'}")
            _ = run.approve() if known else run.reject("Write to example.com only.")
    result = await run.result()
    print(result.path[0].observation.text.strip())
    print(f"answer: {result.answer}\nsent: {SENT}")


arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
asyncio.run(main(arguments.parse_args().model))
