"""CodeAct over real interpreters, with scripted replies."""

import os
from pathlib import Path

import pytest

from tests.agents.support import Dying, answer, code, observations, of_type, run
from treeact import Budget, CodeAct, Limits, ScriptedModel, Task, tool
from treeact.errors import (
    ConfigError,
    ContextFull,
    ModelError,
    SandboxUnavailable,
)
from treeact.trace.events import (
    CodeRun,
    ModelCalled,
    Observed,
    Proposed,
    RunEnded,
    RunStarted,
    SandboxStarted,
    ToolCalled,
)


async def test_state_stays_between_steps_and_the_answer_ends_the_run() -> None:
    result, events = await run([code("x = 20"), code("x * 2 + 2"), answer("42")])
    assert (result.answer, result.reason, result.steps) == ("42", "answered", 3)
    assert observations(result)[0].startswith("The code ran without error and printed nothing")
    assert "42" in observations(result)[1]
    kinds = [type(event) for event in events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunEnded
    assert SandboxStarted in kinds
    assert [e.id for e in of_type(events, ModelCalled)] == [
        "run/step-1/propose",
        "run/step-2/propose",
        "run/step-3/propose",
    ]


async def test_an_error_is_told_with_the_users_line_and_keeps_earlier_bindings() -> None:
    result, events = await run(
        [code("kept = 5\nmissing + 1"), code("print(kept)"), code("final_answer(kept)")]
    )
    first = observations(result)[0]
    assert "NameError" in first
    assert "missing + 1" in first
    assert "driver.py" not in first
    assert "5" in observations(result)[1]
    assert result.answer == "5"
    assert [e.outcome for e in of_type(events, CodeRun)] == ["error", "ok", "ok"]


async def test_a_syntax_error_is_an_observation() -> None:
    result, _ = await run([code("for x in"), answer("done")])
    assert "SyntaxError" in observations(result)[0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("'Paris'", "Paris"),
        ("3.0", "3"),
        ("0.25", "0.25"),
        ("[1, 'b', 2.5]", "1, b, 2.5"),
        ("{'a': 1}", '{"a": 1}'),
        ("True", "True"),
        ("None", "None"),
    ],
)
async def test_final_answer_in_code_gives_the_answer_as_text(given: str, expected: str) -> None:
    result, events = await run([code(f"final_answer({given})\nprint('never')")])
    assert result.answer == expected
    [called] = of_type(events, ToolCalled)
    assert (called.tool, called.status) == ("final_answer", "stopped")
    assert "never" not in of_type(events, CodeRun)[0].stdout


async def test_bad_replies_are_told_what_is_wrong_and_the_run_goes_on() -> None:
    result, events = await run(["", "I think so.", code("1 + 1"), answer("2")])
    assert result.answer == "2"
    assert result.steps == 4
    problems = [event.problem for event in of_type(events, Proposed)]
    assert problems == ["empty reply", "no action", None, None]
    assert "```python" in observations(result)[1]


async def test_long_output_keeps_its_ends_and_says_what_is_gone() -> None:
    source = "print('A' * 100 + 'x' * 300_000 + 'Z' * 100)"
    result, _ = await run([code(source), answer("ok")])
    told = observations(result)[0]
    assert len(told) < 80_000
    assert "A" * 50 in told
    assert "Z" * 50 in told
    assert "left out" in told


async def test_a_timeout_is_told_and_later_code_runs() -> None:
    result, events = await run(
        [code("y = 1\nimport time\ntime.sleep(60)"), code("print(y)"), answer("ok")],
        step_timeout=0.3,
    )
    assert "did not end within 0.3 seconds" in observations(result)[0]
    assert "is kept" in observations(result)[0]
    assert "1" in observations(result)[1]
    assert of_type(events, CodeRun)[0].outcome == "timeout"


async def test_code_that_cannot_be_interrupted_is_killed_and_rolled_back() -> None:
    stubborn = (
        "import signal\nz = 2\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    )
    result, events = await run(
        [code("z = 1"), code(stubborn), code("print(z)"), answer("ok")],
        step_timeout=0.2,
        limits=Limits(grace=0.2),
    )
    assert "as they were before this code" in observations(result)[1]
    assert "1" in observations(result)[2]
    assert of_type(events, CodeRun)[1].rolled_back


async def test_files_are_there_under_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "data ü.csv").write_text("a,b\n1,2\n")
    result, _ = await run(
        [code("print(open('data ü.csv').read())"), answer("2")], files=[tmp_path / "data ü.csv"]
    )
    assert "1,2" in observations(result)[0]


async def test_tools_are_called_on_the_host_and_written_down() -> None:
    calls: list[str] = []

    @tool
    def weather(city: str, days: int = 1) -> str:
        """Return the weather.

        Args:
            city: where.
            days: how many days ahead.
        """
        calls.append(f"{os.getpid()} {city} {days}")
        return f"rain in {city}"

    result, events = await run(
        [code("print(weather('Oslo', days=2))"), code("weather(city=3, day=1)"), answer("rain")],
        tools=[weather],
    )
    assert calls == [f"{os.getpid()} Oslo 2"]
    assert "rain in Oslo" in observations(result)[0]
    assert "day" in observations(result)[1]
    assert [e.status for e in of_type(events, ToolCalled)] == ["done", "failed"]
    started = of_type(events, RunStarted)[0]
    assert "weather" in started.settings["tools"]


async def test_secrets_of_the_host_are_not_in_the_sandbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-this-is-a-secret-value")
    result, events = await run(
        [code("import os\nprint(dict(os.environ))"), answer("sk-this-is-a-secret-value")]
    )
    assert "sk-this" not in observations(result)[0]
    assert "sk-this" not in "".join(e.model_dump_json() for e in of_type(events, CodeRun))


async def test_two_runs_share_nothing() -> None:
    await run([code("shared = 1"), answer("ok")])
    result, _ = await run([code("shared"), answer("ok")])
    assert "NameError" in observations(result)[0]


async def test_the_step_limit_ends_with_a_best_effort_answer() -> None:
    replies = [code("1"), code("2"), answer("probably 3")]
    result, events = await run(replies, max_steps=2)
    assert (result.reason, result.answer, result.best_effort) == ("step limit", "probably 3", True)
    called = of_type(events, ModelCalled)
    assert (called[-1].id, called[-1].phase) == ("run/conclude", "final answer")
    assert of_type(events, RunEnded)[0].reason == "step limit"


async def test_a_best_effort_of_code_is_no_answer() -> None:
    result, _ = await run([code("1"), code("2")], max_steps=1)
    assert (result.reason, result.answer) == ("step limit", None)


async def test_a_token_budget_stops_before_it_is_overspent_and_keeps_the_last_call() -> None:
    budget = Budget(tokens=60_000)
    replies = [*[code(f"print('x' * 20_000)  # {n}") for n in range(50)]]

    def reply(request: object) -> str:
        path = request.path  # type: ignore[attr-defined]
        return answer("my best guess") if path.endswith("conclude") else replies.pop(0)

    agent = CodeAct(ScriptedModel(reply), sandbox="unsafe-local", max_steps=40)
    result = await agent.run(Task("?"), budget=budget)
    assert result.reason == "budget"
    assert (result.answer, result.best_effort) == ("my best guess", True)
    assert budget.spent.tokens <= 60_000
    assert "tokens budget" in result.message


async def test_a_model_failure_is_its_own_reason() -> None:
    result, events = await run([code("1"), ModelError("the server is gone")])
    assert (result.reason, result.message) == ("model failure", "the server is gone")
    assert result.steps == 2
    assert of_type(events, RunEnded)[0].reason == "model failure"


async def test_a_full_context_is_its_own_reason_and_still_asks_once_more() -> None:
    result, _ = await run([code("1"), ContextFull("too long"), answer("short")])
    assert (result.reason, result.answer, result.best_effort) == ("context full", "short", True)


async def test_the_time_limit_ends_a_run_in_the_middle_of_code() -> None:
    result, events = await run(
        [code("import time; time.sleep(60)")], budget=Budget(seconds=1.0), step_timeout=50
    )
    assert result.reason == "time limit"
    assert of_type(events, RunEnded)[0].reason == "time limit"


async def test_a_dead_sandbox_is_replaced_and_the_agent_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("still here")
    Dying.deaths = 1
    result, events = await run(
        [code("lost = 1"), code("print(open('a.txt').read())\nlost"), answer("x")],
        files=[tmp_path / "a.txt"],
        sandbox=Dying,
    )
    assert "The sandbox died and was restarted (its engine is gone)" in observations(result)[0]
    assert "still here" in observations(result)[1]
    assert "NameError" in observations(result)[1]
    started = of_type(events, SandboxStarted)
    assert [event.restarted is None for event in started] == [True, False]


async def test_a_sandbox_that_keeps_dying_ends_the_run() -> None:
    Dying.deaths = 9
    result, _ = await run([code("1")] * 9, sandbox=Dying)
    assert result.reason == "sandbox failure"
    assert "died 3 times" in result.message


async def test_a_sandbox_that_cannot_be_had_is_a_sandbox_failure() -> None:
    class Broken:
        kind = "broken"

        async def __aenter__(self) -> "Broken":
            raise SandboxUnavailable("no engine: start one")

        async def __aexit__(self, *exc: object) -> None: ...

    result, _ = await run([code("1"), answer("never")], sandbox=Broken)
    assert result.reason == "sandbox failure"
    assert "no engine" in result.message


@pytest.mark.parametrize("question", ["", "  \n"])
async def test_an_empty_question_is_refused(question: str) -> None:
    with pytest.raises(ConfigError, match="empty"):
        await run([answer("x")], question)


async def test_missing_and_clashing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for folder in (tmp_path, tmp_path / "b"):
        (folder / "same.txt").write_text("x")
    same = [tmp_path / "same.txt", tmp_path / "b" / "same.txt"]
    for files, words in (
        ([tmp_path / "gone.csv"], "does not exist"),
        ([tmp_path], "is not a file"),
        (same, "two files"),
    ):
        with pytest.raises(ConfigError, match=words):
            await run([answer("x")], files=files)


async def test_a_dollar_budget_with_an_unknown_price_is_refused() -> None:
    with pytest.raises(ConfigError, match="price"):
        await run([answer("x")], budget=Budget(usd=1.0))


async def test_the_trace_describes_each_prompt_by_what_it_adds() -> None:
    _, events = await run([code("1"), code("2"), code("3"), answer("x")])
    prompts = [event.prompt for event in of_type(events, ModelCalled)]
    assert [len(prompt.added) for prompt in prompts] == [2, 2, 2, 2]
    assert [prompt.keep for prompt in prompts] == [0, 2, 4, 6]


async def test_the_trace_is_kept_in_the_run_directory(tmp_path: Path) -> None:
    result, events = await run([code("1"), answer("x")], trace=tmp_path / "run")
    assert result.directory == tmp_path / "run"
    assert [type(event) for event in events][-1] is RunEnded
    assert of_type(events, Observed)


def test_run_sync_works_without_a_loop() -> None:
    agent = CodeAct(ScriptedModel([answer("7")]), sandbox="unsafe-local")
    assert agent.run_sync("How many?").answer == "7"


async def test_run_sync_works_inside_a_loop_too() -> None:
    agent = CodeAct(ScriptedModel([answer("7")]), sandbox="unsafe-local")
    assert agent.run_sync("How many?").answer == "7"
