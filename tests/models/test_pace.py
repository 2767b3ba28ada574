"""Calls at once grow while the server takes them, and shrink when it refuses."""

import asyncio
from typing import Any

import pytest

from treeact import ScriptedModel
from treeact.models.base import Listener, Message, Request
from treeact.models.pace import Pace, PacedModel
from treeact.models.retry import Fault, RetryPolicy

REQUEST = Request(messages=(Message("user", "?"),))


class Server:
    """Takes so many calls at once, and refuses the rest."""

    def __init__(self, room: int, wait: float = 0.01) -> None:
        self.room, self.wait = room, wait
        self.at_once = self.most = self.refused = 0

    async def answer(self, request: Any) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if self.at_once > self.room:
                self.refused += 1
                raise Fault("429", retryable=True, billed="no", retry_after=0.02, rate_limited=True)
            await asyncio.sleep(self.wait)
            return "yes"
        finally:
            self.at_once -= 1


async def ask(server: Server, pace: Pace, calls: int) -> None:
    policy = RetryPolicy(attempts=50, first_delay=0.01, longest_delay=0.05, seed=1)
    model = PacedModel(ScriptedModel(server.answer, retry=policy), pace)
    await asyncio.gather(*(model.complete(REQUEST) for _ in range(calls)))


async def test_the_limit_grows_while_calls_are_taken_and_is_kept() -> None:
    server, pace = Server(room=1000), Pace(most=30, first=2)
    await ask(server, pace, 200)
    assert pace.limit == 30
    assert server.most == 30


async def test_refusals_cut_the_limit_once_for_those_that_come_together() -> None:
    server, pace = Server(room=10), Pace(most=100, first=40)
    await ask(server, pace, 60)
    assert server.refused > 5
    assert pace.refusals == server.refused
    assert pace.limit < 40


async def test_a_storm_of_refusals_pauses_every_call() -> None:
    pace = Pace(most=10, first=10)
    for _ in range(5):
        pace.refused(0.15)
    began = asyncio.get_running_loop().time()
    async with pace.slot():
        waited = asyncio.get_running_loop().time() - began
    assert waited >= 0.14


async def test_one_refusal_pauses_nobody_else() -> None:
    pace = Pace(most=10, first=10)
    pace.refused(60.0)
    async with asyncio.timeout(1), pace.slot():
        pass
    assert pace.limit == 8


async def test_the_caller_hears_of_refusals_and_room_comes_back_after_failures() -> None:
    heard: list[float] = []
    pace = Pace(most=1, first=1)

    def script(request: Any) -> Any:
        if heard:
            raise ValueError("broken")
        return Fault("429", retryable=True, billed="no", retry_after=0.0, rate_limited=True)

    model = PacedModel(ScriptedModel(script, retry=RetryPolicy(attempts=3)), pace)
    with pytest.raises(ValueError, match="broken"):
        await model.complete(REQUEST, listener=Listener(on_rate_limit=heard.append))
    assert heard == [0.0]
    assert pace.in_flight == 0
