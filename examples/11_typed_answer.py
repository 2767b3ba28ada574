"""An answer that is a checked value of your type; and the run as OpenTelemetry spans.

python examples/11_typed_answer.py [--model openai/gpt-5-mini]
"""

import json
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from pydantic import BaseModel, Field

from treeact import CodeAct, ScriptedModel, Task
from treeact.trace.otel import otlp_json  # pip install "treeact[otel]"


class Invoice(BaseModel):
    vendor: str
    total: float = Field(gt=0, description="in euros")


REPLIES = [
    "<answer>Acme, 12.50 in all</answer>",  # no Invoice: it is told why, and may try again
    '```python\nfinal_answer({"vendor": "Acme", "total": 2 * 6.25})\n```',
]
LETTER = "Acme: two lamps at 6.25 euros each."

arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", default=ScriptedModel(REPLIES), help="by default a script")
agent = CodeAct(arguments.parse_args().model)

with tempfile.TemporaryDirectory() as folder:
    trace = Path(folder, "run")
    task = Task(f"What does this invoice come to? {LETTER}", answer_type=Invoice)
    result = agent.run_sync(task, trace=trace)
    print(repr(result.value))
    # `treeact run --otlp ENDPOINT` sends such spans to Jaeger, Phoenix or Langfuse meanwhile.
    (scope,) = json.loads(otlp_json(trace))["resourceSpans"][0]["scopeSpans"]
    print(", ".join(sorted({span["name"] for span in scope["spans"]})))
