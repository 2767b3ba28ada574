"""A task with a file, under a budget of tokens and seconds; and what is left when it is spent.

python examples/02_files_and_budget.py [--model openai/gpt-5-mini]
"""

import tempfile
from argparse import ArgumentParser
from pathlib import Path

from treeact import Budget, CodeAct, ScriptedModel, Task

SALES = "month,tea,coffee\nMay,120,80\nJune,95,130\nJuly,140,60\n"

REPLIES = [
    """I look at the table first.
```python
import csv
rows = list(csv.DictReader(open("sales.csv")))
print(rows[0])
```""",
    """Now the sums.
```python
print({kind: sum(int(row[kind]) for row in rows) for kind in ("tea", "coffee")})
```""",
    "<answer>tea, 355 against 270</answer>",
]

arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
model = arguments.parse_args().model

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "sales.csv")
    file.write_text(SALES)
    # Room for the last call is held back from the start: a run that reaches a limit is asked once
    # more for the best answer that it has, and the result says so.
    budget = Budget(tokens=60_000, seconds=120, steps=2)
    result = CodeAct(model).run_sync(Task("What did we sell more of?", (file,)), budget=budget)

print(f"answer: {result.answer}")
print(f"stopped: {result.reason}; best effort: {result.best_effort}")
for role, phase, entry in result.ledger.rows():
    print(f"{role}/{phase}: {entry.calls} calls, cost {entry.price}")
