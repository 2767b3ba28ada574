"""A budget against a real server that counts what it bills: never over, whatever goes wrong."""

import asyncio
import random
from collections.abc import Callable

import pytest

from tests.support.openai_server import Cut, Exchange, OpenAIServer, Refuse, Say, Send
from treeact import Budget, JsonAgent, tool
from treeact.models import RetryPolicy, resolve_model

RUNS = 8
SEEDS = 100
GROUPS = 5


@tool(effects="none")
def echo(text: str) -> str:
    """Return the text.

    Args:
        text: what comes back.
    """
    return text


def mood(seed: int) -> Callable[[Exchange], None]:
    """Return a behaviour that is different for each request, faults included."""
    chance = random.Random(seed)

    def behave(exchange: Exchange) -> None:
        length = chance.randint(1, 400)
        call = '{"thought": "%s", "tool": "echo", "arguments": {"text": "%s"}}'
        said = Say(call % ("w" * length, "e" * chance.randint(1, 300)))
        kinds = (said, Refuse(429, retry_after="0"), Refuse(500), Cut(), Send(b"not json"))
        chance.choices(kinds, weights=(80, 5, 5, 5, 5))[0](exchange)

    return behave


@pytest.mark.parametrize("group", range(GROUPS))
async def test_concurrent_runs_never_spend_more_than_the_budget(group: int) -> None:
    reasons: set[str] = set()
    for seed in range(group, SEEDS, GROUPS):
        limit = random.Random(seed).randint(8_000, 40_000)
        with OpenAIServer(otherwise=mood(seed)) as server:
            budget = Budget(tokens=limit, name="suite")
            model = resolve_model("m", base_url=server.base_url, retry=RetryPolicy(first_delay=0.0))
            agent = JsonAgent(model, tools=[echo], max_steps=4, max_output_tokens=200)
            results = await asyncio.gather(
                *(agent.run(f"question {n}", budget=budget.child()) for n in range(RUNS))
            )
            await model.aclose()
            assert server.billed_tokens() <= budget.spent.tokens <= limit, f"seed {seed}"
            assert budget.spent.tokens > 0
            reasons |= {result.reason for result in results}
    assert {"step limit", "budget"} <= reasons <= {"step limit", "budget", "model failure"}
