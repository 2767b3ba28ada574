"""Seconds of each step of smolagents' CodeAgent, from one model call to the next.

It runs `x = 1` in its LocalPythonExecutor, prints nothing and keeps no trace.
"""

from __future__ import annotations

from time import perf_counter

from serve import THOUGHT, gaps, serve
from smolagents import CodeAgent, LogLevel, Model
from smolagents.models import ChatMessage, MessageRole
from smolagents.monitoring import TokenUsage


class Scripted(Model):
    def __init__(self, steps: int) -> None:
        super().__init__(model_id="scripted")
        self.steps = steps
        self.times: list[float] = []

    def generate(self, messages: object, **options: object) -> ChatMessage:
        self.times.append(perf_counter())
        code = "x = 1" if len(self.times) <= self.steps else "final_answer(1)"
        return ChatMessage(
            role=MessageRole.ASSISTANT,
            content=f"Thought: {THOUGHT}\n<code>\n{code}\n</code>",
            token_usage=TokenUsage(input_tokens=1, output_tokens=1),
        )


def measure(steps: int) -> list[float]:
    model = Scripted(steps)
    agent = CodeAgent(tools=[], model=model, max_steps=steps + 1, verbosity_level=LogLevel.OFF)
    answer = agent.run("Find the mean.")
    if str(answer) != "1" or len(model.times) != steps + 1:
        raise RuntimeError(f"answer {answer!r} after {len(model.times)} calls")
    return gaps(model.times)


serve(measure)
