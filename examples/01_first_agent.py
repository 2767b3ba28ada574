"""An agent with a tool: it writes code, the code calls your function, the answer comes back.

python examples/01_first_agent.py [--model openai/gpt-5-mini]
"""

from argparse import ArgumentParser

from treeact import CodeAct, ScriptedModel, tool

RAIN = {"Oslo": [82.0, 90.5], "Bergen": [240.5, 157.0]}


@tool(effects="read")
def rainfall(city: str, month: str) -> float:
    """Return the rainfall of a month in millimetres.

    Args:
        city: Oslo or Bergen.
        month: May or June.
    """
    return RAIN[city][["May", "June"].index(month)]


REPLIES = [
    """I need two figures, and their sum.
```python
total = sum(rainfall("Bergen", month) for month in ("May", "June"))
print(total)
```""",
    "Bergen had 397.5 mm in both months.\n<answer>397.5</answer>",
]

arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
agent = CodeAct(arguments.parse_args().model, tools=[rainfall])

result = agent.run_sync("How much did it rain in Bergen in May and June together?")
for step in result.path:
    print(f"{step.id}: {step.observation.text.strip()}")
print(f"answer: {result.answer}")
