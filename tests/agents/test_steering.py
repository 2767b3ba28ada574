"""Approvals, messages, interrupts and follow-up questions, in the library."""

import asyncio
from pathlib import Path

import pytest

from tests.agents.support import agent, answer, code, observations, of_type, until
from treeact import Budget, CodeAct, ScriptedModel, Task, tool
from treeact.errors import ConfigError, TraceError, TreeActError
from treeact.sandbox import UnsafeLocalSandbox
from treeact.trace.budget import Amounts
from treeact.trace.events import (
    ApprovalRequested,
    CodeRun,
    CommandReceived,
    ModelCalled,
    Proposed,
    SandboxStarted,
)


async def test_code_waits_for_approval_and_may_be_edited_or_rejected() -> None:
    replies = [code("print('one')"), code("print('two')"), code("print('three')"), answer("x")]
    run = agent(replies, approve="all").start(Task("?"))
    verdicts = iter([run.approve, lambda: run.edit("print('zwei')"), lambda: run.reject("no!")])
    async for event in run.events():
        if isinstance(event, ApprovalRequested):
            assert next(verdicts)()
    result = await run.result()
    told = observations(result)
    assert "one" in told[0]
    assert "zwei" in told[1]
    assert "changed your code" in told[1]
    assert "did not allow" in told[2]
    assert "no!" in told[2]
    outputs = [event.stdout for event in of_type(list(run.log.events()), CodeRun)]
    assert outputs == ["one\n", "zwei\n"]
    assert not run.approve()


async def test_calls_with_effects_wait_for_approval_under_risky() -> None:
    sent: list[str] = []

    @tool(effects="write")
    def send_mail(to: str) -> None:
        """Send a mail.

        Args:
            to: address.
        """
        sent.append(to)

    @tool(effects="read")
    def look(what: str) -> str:
        """Look at something.

        Args:
            what: the thing.
        """
        return what

    replies = [code("look('x')\nsend_mail('a@b')"), code("send_mail('c@d')"), answer("x")]
    run = agent(replies, approve="risky", tools=[send_mail, look]).start(Task("?"))
    first = await until(run, ApprovalRequested)
    assert (first.what, first.text) == ("call", "send_mail('a@b')")
    assert sent == []
    run.approve()
    async for event in run.events():
        if isinstance(event, ApprovalRequested) and "c@d" in str(event.text):
            run.reject("not this one")
    result = await run.result()
    assert sent == ["a@b"]
    assert "not this one" in observations(result)[1]


async def test_a_message_reaches_the_agent_with_the_next_observation() -> None:
    run = agent([code("1"), answer("x")]).start(Task("?"))
    run.send("use metres")
    result = await run.result()
    assert "The user says: use metres" in observations(result)[0]
    assert of_type(list(run.log.events()), CommandReceived)[0].command == "send"


async def test_an_interrupt_stops_code_keeps_its_state_and_waits_for_words() -> None:
    slow = code("kept = 1\nprint('started', flush=True)\nimport time\ntime.sleep(60)")
    run = agent([slow, code("print(kept)"), answer("x")]).start(Task("?"))
    await until(run, SandboxStarted)
    await asyncio.sleep(0.5)
    assert run.interrupt()
    run.send("be quick")
    result = await asyncio.wait_for(run.result(), 30)
    told = observations(result)
    assert "interrupted" in told[0]
    assert "The user says: be quick" in told[0]
    assert result.answer == "x"


async def test_an_interrupt_rejects_code_that_waits_for_a_yes_and_waits_for_words() -> None:
    run = agent([code("print('ran')"), answer("x")], approve="all").start(Task("?"))
    await until(run, ApprovalRequested)
    assert run.interrupt()
    assert not run.interrupt()
    assert not run.approve()
    await asyncio.sleep(0.2)  # it waits for words, so nothing more is asked of the model
    assert len(of_type(list(run.log.events()), ModelCalled)) == 1
    run.send("leave that")
    result = await asyncio.wait_for(run.result(), 30)
    assert "did not allow" in observations(result)[0]
    assert "The user says: leave that" in observations(result)[0]
    assert not of_type(list(run.log.events()), CodeRun)


async def test_an_interrupt_ends_code_whose_call_waits_for_a_yes() -> None:
    @tool(effects="write")
    def send_mail() -> None:
        """Send a mail."""

    replies = [code("send_mail()\nprint('ran')"), answer("x")]
    run = agent(replies, approve="risky", tools=[send_mail]).start(Task("?"))
    await until(run, ApprovalRequested)
    assert run.interrupt("leave that")
    result = await asyncio.wait_for(run.result(), 30)
    assert "interrupted" in observations(result)[0]
    assert "ran" not in observations(result)[0]


async def test_an_interrupt_while_the_sandbox_still_starts_has_the_code_left() -> None:
    class Slow(UnsafeLocalSandbox):
        async def start(self) -> None:
            await asyncio.sleep(0.5)
            await super().start()

    first = [code("print('ran')"), answer("x")]
    run = CodeAct(ScriptedModel(first), sandbox=Slow).start(Task("?"))
    await until(run, Proposed)
    assert run.interrupt("leave that")
    result = await asyncio.wait_for(run.result(), 30)
    assert observations(result)[0].startswith("The user interrupted you.")
    assert "The user says: leave that" in observations(result)[0]
    assert not of_type(list(run.log.events()), CodeRun)


async def test_an_interrupt_stops_a_model_call() -> None:
    async def slow(request: object) -> str:
        if request.path == "run/step-1/propose":  # type: ignore[attr-defined]
            await asyncio.sleep(60)
        return answer("quick")

    run = CodeAct(ScriptedModel(slow), sandbox="unsafe-local").start(Task("?"))
    await asyncio.sleep(0.05)
    assert run.interrupt("hurry")
    result = await asyncio.wait_for(run.result(), 10)
    assert result.answer == "quick"
    assert "The user says: hurry" in observations(result)[0]


async def test_cancel_ends_the_run_with_its_reason() -> None:
    run = agent([code("import time\ntime.sleep(60)")]).start(Task("?"))
    await asyncio.sleep(0.3)
    run.cancel()
    result = await asyncio.wait_for(run.result(), 10)
    assert result.reason == "cancelled"


async def test_cancelling_the_waiter_cancels_the_run() -> None:
    run = agent([code("import time\ntime.sleep(60)")]).start(Task("?"))
    waiter = asyncio.ensure_future(run.result())
    await asyncio.sleep(0.3)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert (await run.result()).reason == "cancelled"


async def test_a_follow_up_goes_on_with_state_and_history() -> None:
    replies = [code("x = 41"), answer("41"), code("print(x + 1)"), answer("42")]
    async with agent(replies).start(Task("First?"), follow_up=True) as run:
        assert (await run.result()).answer == "41"
        run.send("And one more?")
        result = await run.result()
    assert result.answer == "42"
    assert observations(result)[2] == "And one more?"
    assert "42" in observations(result)[3]
    asked = [event.id for event in of_type(list(run.log.events()), ModelCalled)]
    assert len(asked) == len(set(asked)) == 4


async def test_a_run_that_ended_takes_no_follow_up() -> None:
    run = agent([answer("x")]).start(Task("?"))
    await run.result()
    with pytest.raises(TreeActError, match="follow_up"):
        run.send("more?")


async def test_a_cancel_before_anything_ran_ends_the_run_like_any_other() -> None:
    run = agent([code("1")]).start(Task("?"))
    run.cancel()
    result = await asyncio.wait_for(run.result(), 10)
    assert result.reason == "cancelled"
    kinds = [type(event).__name__ async for event in run.events()]
    assert kinds == ["RunStarted", "CommandReceived", "RunEnded"]


async def test_leaving_at_once_closes_the_run() -> None:
    async with agent([code("1")]).start(Task("?"), follow_up=True) as run:
        pass
    assert [type(event).__name__ for event in run.log.events()][-1] == "RunEnded"


async def test_a_cancel_after_the_end_changes_nothing() -> None:
    run = agent([answer("x")]).start(Task("?"))
    async for event in run.events():
        if type(event).__name__ == "RunEnded":
            run.cancel()
    assert (await run.result()).answer == "x"
    assert type(list(run.log.events())[-1]).__name__ == "RunEnded"


async def test_watchers_are_let_go_when_a_run_fails_for_another_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    run = agent([code("1"), answer("x")]).start(Task("?", (tmp_path / "a.csv",)))
    (tmp_path / "a.csv").unlink()
    async with asyncio.timeout(20):
        async for _ in run.events():
            pass
    with pytest.raises(ConfigError, match=r"a\.csv"):
        await run.result()


async def test_a_trace_that_cannot_be_written_is_its_own_reason() -> None:
    run = agent([code("1"), answer("x")]).start(Task("?"))

    def full(event: object) -> None:
        raise TraceError("cannot write the trace: No space left on device")

    await until(run, SandboxStarted)
    run.log.emit = full  # type: ignore[assignment]
    result = await asyncio.wait_for(run.result(), 20)
    assert result.reason == "trace failure"
    assert "No space left" in result.message


async def test_every_turn_is_booked_in_the_budget() -> None:
    replies = [code("1"), answer("a"), code("2"), answer("b")]
    budget = Budget(tokens=200_000)
    started = agent(replies, max_steps=1).start(Task("?"), budget=budget, follow_up=True)
    async with started as run:
        await run.result()
        run.send("And?")
        await run.result()
    assert run.ledger.total.usage.total_tokens == budget.spent.tokens
    assert budget._held == Amounts()


async def test_a_message_that_meets_the_answer_is_heard() -> None:
    async def reply(request: object) -> str:
        if request.path == "run/step-1/propose":  # type: ignore[attr-defined]
            run.send("in feet, please")
            return answer("3 m")
        return answer("9.8 ft")

    run = CodeAct(ScriptedModel(reply), sandbox="unsafe-local").start(Task("?"))
    result = await run.result()
    assert result.answer == "9.8 ft"
    assert "Your answer was: 3 m" in observations(result)[0]
    assert "in feet, please" in observations(result)[0]
