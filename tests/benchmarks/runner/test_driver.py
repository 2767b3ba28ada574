"""Running suites: what is done, what goes on, what is refused, and what an error costs."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from treeact import ScriptedModel, Task
from treeact.benchmarks.results import read_results
from treeact.benchmarks.runner.config import BenchConfig, TaskLimits
from treeact.benchmarks.runner.directory import BenchDirectory, Job
from treeact.benchmarks.runner.driver import RunSettings, run_benchmark
from treeact.benchmarks.runner.executor import LocalExecutor, Outcome, Work
from treeact.benchmarks.runner.intake import Intake
from treeact.benchmarks.runner.selection import Selection
from treeact.benchmarks.scorers import GAIA
from treeact.benchmarks.scoring import AnswerScorer
from treeact.benchmarks.suite import Sample, Suite
from treeact.errors import ConfigError, ModelError, TraceError
from treeact.models.base import Prices, Request
from treeact.models.prices import PriceList
from treeact.models.retry import Fault, RetryPolicy
from treeact.trace.budget import Budget
from treeact.trace.events import BenchEnded, Event, ModelCalled, TaskEnded, TaskStarted
from treeact.trace.log import EVENTS_FILE, read_events

SUITE = Suite(
    "toy",
    tuple(Sample(Task(f"What is {n}?", id=f"toy-{n}"), str(n), level=n % 2 + 1) for n in range(6)),
    GAIA,
)
CONFIG = BenchConfig(suite="toy", agent="json", model="scripted")
PRICES = Prices(input=1e-3, output=1e-3, source="test")

Reply = Callable[[str], Any]


def answer(text: str) -> str:
    return json.dumps({"tool": "final_answer", "arguments": {"answer": text}})


def right(task: str) -> str:
    return answer(task.removeprefix("toy-"))


def scripted(reply: Reply = right, **options: Any) -> ScriptedModel:
    def script(request: Request) -> Any:
        return reply(request.path.partition("/")[0])

    return ScriptedModel(script, **options)


async def run(directory: Path, reply: Reply = right, **options: Any) -> Any:
    given = {"suite": SUITE, "model": scripted(reply), **options}
    config, settings = given.pop("config", CONFIG), given.pop("settings", RunSettings())
    return await run_benchmark(config, directory, settings, **given)


def told(directory: Path, kind: type[Event]) -> list[Any]:
    return [event for event in read_events(directory) if isinstance(event, kind)]


async def test_each_sample_is_answered_once_in_each_epoch_and_scored(tmp_path: Path) -> None:
    wrong = {"toy-2", "toy-3"}
    results = await run(
        tmp_path,
        lambda task: answer("no") if task in wrong else right(task),
        settings=RunSettings(epochs=2, concurrency=3),
    )
    assert len(results.rows) == 12
    assert {row.task for row in results.rows if not row.right} == wrong
    assert results.accuracy == pytest.approx(8 / 12)
    assert results.answered == 12
    assert results.total.calls == 12
    assert len(told(tmp_path, TaskStarted)) == len(told(tmp_path, TaskEnded)) == 12
    assert (tmp_path / "tasks" / "toy-0.2" / EVENTS_FILE).exists()
    manifest = BenchDirectory(tmp_path).read()
    assert manifest is not None
    assert manifest.scorer == f"gaia {GAIA.version}"
    assert manifest.fingerprint == SUITE.fingerprint
    assert read_results(tmp_path, suite=SUITE).rows[0].answer == "0"


async def test_what_is_done_is_not_done_again_and_the_rest_goes_on(tmp_path: Path) -> None:
    asked: list[str] = []

    def dying(task: str) -> Any:
        asked.append(task)
        return ModelError("the server is gone") if task == "toy-3" else right(task)

    first = await run(tmp_path, dying)
    states = {row.task: row.state for row in first.rows}
    assert states.pop("toy-3") == "errored"
    assert set(states.values()) == {"answered"}
    assert first.accuracy == pytest.approx(5 / 6), "what failed counts as wrong"
    asked.clear()
    second = await run(tmp_path, lambda task: asked.append(task) or right(task))
    assert asked == ["toy-3"]
    assert second.accuracy == 1.0
    assert second.rows[3].attempts == 2
    asked.clear()
    await run(tmp_path, lambda task: asked.append(task) or right(task))
    assert asked == []


async def test_an_attempt_goes_on_from_its_record_and_pays_once(tmp_path: Path) -> None:
    calls: list[str] = []

    def script(request: Request) -> Any:
        calls.append(request.path)
        first = request.path.endswith("step-1/propose")
        return '{"tool": "nothing", "arguments": {}}' if first else ModelError("gone")

    await run(tmp_path, model=ScriptedModel(script), settings=RunSettings(selection=one("toy-1")))
    assert len(calls) == 2
    second = await run(tmp_path, settings=RunSettings(selection=one("toy-1")))
    (row,) = second.rows
    assert row.right
    assert row.total.calls == 2, "the recorded call and the one that was made"
    made = told(tmp_path / "tasks" / "toy-1.1", ModelCalled)
    assert [event.id for event in made] == ["toy-1/step-1/propose", "toy-1/step-2/propose"]


def one(task: str) -> Selection:
    return Selection(ids=(task,))


async def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    await run(tmp_path)
    other = CONFIG.model_copy(update={"agent": "codeact", "limits": TaskLimits(steps=3)})
    with pytest.raises(
        ConfigError, match=r"agent was 'json' and is 'codeact'.*steps was 20 and is 3"
    ):
        await run(tmp_path, config=other)
    changed = replace(SUITE, samples=(replace(SUITE.samples[0], truth="7"), *SUITE.samples[1:]))
    with pytest.raises(ConfigError, match="data of 1 tasks has changed since, such as toy-0"):
        await run(tmp_path, suite=changed)
    config = CONFIG.model_copy(update={"limits": TaskLimits(steps=3)})
    await run(tmp_path, config=config, settings=RunSettings(new=True))
    assert put_away(tmp_path)


def put_away(directory: Path) -> bool:
    (before,) = directory.glob("before-*")
    return (before / "tasks" / "toy-0.1" / EVENTS_FILE).exists()


async def test_tasks_and_epochs_can_be_added_and_stay_in_the_denominator(tmp_path: Path) -> None:
    first = await run(tmp_path, settings=RunSettings(selection=Selection(levels=(1,))))
    assert [row.task for row in first.rows] == ["toy-0", "toy-2", "toy-4"]
    second = await run(tmp_path, settings=RunSettings(epochs=2, selection=one("toy-5")))
    assert len(second.rows) == 8
    assert second.accuracy == pytest.approx(5 / 8), "what was selected and is not done is wrong"


async def test_the_fault_of_a_scorer_is_that_of_its_row(tmp_path: Path) -> None:
    def judge(given: str, truth: str) -> Any:
        return GAIA.judge(given, truth) if given != "2" else 1 / 0

    suite = replace(SUITE, scorer=AnswerScorer("odd", 3, judge))
    results = await run(tmp_path, suite=suite)
    assert results.rows[2].scoring_error.startswith("ZeroDivisionError")
    assert results.accuracy == pytest.approx(5 / 6)
    assert results.scorer == "odd 3"


async def test_another_scorer_scores_again_and_runs_nothing(tmp_path: Path) -> None:
    await run(tmp_path, lambda task: answer("a"))
    lenient = replace(SUITE, scorer=AnswerScorer("lenient", 1, lambda *_: GAIA.judge("1", "1")))
    assert read_results(tmp_path, suite=lenient).accuracy == 1.0
    assert read_results(tmp_path, suite=SUITE).accuracy == 0.0


async def test_another_price_list_prices_again_and_runs_nothing(tmp_path: Path) -> None:
    results = await run(tmp_path)
    assert results.total.unpriced == 6
    figures = {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3}
    prices = PriceList({"scripted": {**figures, "litellm_provider": "test"}}, source="test")
    priced = read_results(tmp_path, suite=SUITE, prices=prices).total
    assert priced.unpriced == 0
    usage = priced.usage
    assert priced.cost == pytest.approx(usage.input_tokens * 1e-3 + usage.output_tokens * 2e-3)


async def test_placeholders_are_never_scored(tmp_path: Path) -> None:
    hidden = replace(SUITE, scored=False)
    results = await run(tmp_path, suite=hidden)
    assert not results.scored
    assert all(row.verdict is None for row in results.rows)


async def test_the_money_of_the_whole_stops_it_and_with_more_it_goes_on(tmp_path: Path) -> None:
    priced = {"prices": PRICES}
    each = (await run(tmp_path / "one", model=scripted(**priced))).rows[0].total.cost
    config = CONFIG.model_copy(update={"max_output_tokens": 10})
    settings = RunSettings(usd=each * 7, concurrency=1)  # the bounds of a call are above its cost
    results = await run(
        tmp_path / "two", model=scripted(**priced), config=config, settings=settings
    )
    over = [row for row in results.rows if row.over]
    assert 1 <= len(over) < 6
    assert results.total.cost <= each * 7
    (ended,) = told(tmp_path / "two", BenchEnded)
    assert ended.left == 6 - len(over)
    assert "of the benchmark are spent" in ended.message
    more = RunSettings(usd=each * 30)
    again = await run(tmp_path / "two", model=scripted(**priced), config=config, settings=more)
    assert again.accuracy == 1.0


class Watched(LocalExecutor):
    """Keeps the budget that the attempts share."""

    budget: Budget

    async def execute(self, work: Work) -> Outcome:
        *_, Watched.budget = work.budget.chain()
        return await super().execute(work)


async def test_what_was_paid_is_booked_once_when_a_job_is_tried_again(tmp_path: Path) -> None:
    intake, failed = Intake(), []

    def script(request: Request) -> Any:
        task = request.path.partition("/")[0]
        if task == "toy-1" and request.path.endswith("step-1/propose"):
            return '{"tool": "nothing", "arguments": {}}'
        if task == "toy-1" and not failed:
            failed.append(task)
            return ModelError("gone")
        if task == "toy-5":
            assert intake.requeue() == 1
        return right(task)

    results = await run(
        tmp_path,
        model=ScriptedModel(script, prices=PRICES),
        settings=RunSettings(concurrency=1),
        intake=intake,
        executor=Watched,
    )
    assert (results.accuracy, results.rows[1].attempts) == (1.0, 2)
    assert Watched.budget.spent.usd == pytest.approx(results.total.cost)


async def test_what_was_paid_in_vain_counts_when_it_is_tried_anew(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"limits": TaskLimits(steps=1)})
    given = {"config": config, "executor": Watched}
    model = scripted(lambda task: '{"tool": "nothing", "arguments": {}}', prices=PRICES)
    first = await run(tmp_path, model=model, **given)
    again = RunSettings(again=True)
    second = await run(tmp_path, model=scripted(prices=PRICES), settings=again, **given)
    assert second.accuracy == 1.0
    both = first.total.cost + second.total.cost
    assert Watched.budget.spent.usd == pytest.approx(both)


async def test_waiting_for_a_rate_limit_is_not_working_time(tmp_path: Path) -> None:
    tries: list[str] = []

    def script(request: Request) -> Any:
        tries.append(request.path)
        if tries.count(request.path) < 3:
            return Fault("slow down", retryable=True, billed="no", retry_after=0.4)
        return right(request.path.partition("/")[0])

    limits = TaskLimits(working=0.6)
    config = CONFIG.model_copy(update={"limits": limits})
    policy = RetryPolicy(attempts=5)
    patient = ScriptedModel(script, retry=policy)
    results = await run(
        tmp_path, model=patient, config=config, settings=RunSettings(selection=one("toy-1"))
    )
    (row,) = results.rows
    assert row.right
    assert row.duration > 0.7
    assert row.working < 0.6


async def test_working_time_is_a_limit(tmp_path: Path) -> None:
    async def slow(request: Request) -> Any:
        await asyncio.sleep(30)

    config = CONFIG.model_copy(update={"limits": TaskLimits(working=0.1)})
    settings = RunSettings(selection=one("toy-1"))
    results = await run(tmp_path, model=ScriptedModel(slow), config=config, settings=settings)
    assert results.rows[0].reason == "time limit"
    assert results.rows[0].over


@pytest.mark.parametrize("how", ["asked", "time"])
async def test_stopping_ends_what_is_in_progress_and_the_rest_stays(
    tmp_path: Path, how: str
) -> None:
    stop = asyncio.Event()

    async def slow(request: Request) -> Any:
        if "toy-3" in request.path:
            if how == "asked":
                stop.set()
            await asyncio.sleep(30)
        return right(request.path.partition("/")[0])

    settings = RunSettings(concurrency=1, seconds=None if how == "asked" else 1.0)
    results = await run(tmp_path, model=ScriptedModel(slow), settings=settings, stop=stop)
    assert [row.state for row in results.rows] == [*["answered"] * 3, "cancelled", *["queued"] * 2]
    assert (await run(tmp_path)).accuracy == 1.0


async def test_two_processes_do_not_share_a_directory(tmp_path: Path) -> None:
    with (
        BenchDirectory(tmp_path).locked(),
        pytest.raises(ConfigError, match="another process runs the benchmark"),
    ):
        await run(tmp_path)


def damage(log: Path) -> None:
    log.write_bytes(b"{nonsense\n" + log.read_bytes())


async def test_a_damaged_record_is_begun_anew(tmp_path: Path) -> None:
    await run(
        tmp_path, lambda task: ModelError("gone"), settings=RunSettings(selection=one("toy-1"))
    )
    log = tmp_path / "tasks" / "toy-1.1" / EVENTS_FILE
    log.write_bytes(b"{nonsense\n" + log.read_bytes())
    results = await run(tmp_path, settings=RunSettings(selection=one("toy-1")))
    assert results.rows[0].right


async def test_a_full_disk_is_said_and_the_run_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("treeact.trace.log._append", full)
        with pytest.raises(TraceError, match="No space left"):
            await run(tmp_path)
    assert (await run(tmp_path)).accuracy == 1.0


async def test_failures_alone_are_tried_once_more(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"limits": TaskLimits(steps=1)})

    def lost(task: str) -> str:
        return '{"tool": "nothing", "arguments": {}}' if task == "toy-1" else right(task)

    first = await run(tmp_path, lost, config=config)
    assert first.rows[1].state == "stopped"
    asked: list[str] = []
    again = RunSettings(again=True)
    second = await run(
        tmp_path, lambda it: asked.append(it) or right(it), config=config, settings=again
    )
    assert asked == ["toy-1"]
    assert second.accuracy == 1.0
    assert second.rows[1].attempts == 2


def test_ids_of_any_kind_get_folders_of_their_own() -> None:
    ids = ["a", "../a", "a/b", "a b", "A", ".", "", "ä" * 300, "a\x00", "a" * 200]
    folders = [Job(task=id, epoch=1).folder for id in ids]
    assert len({*map(str.lower, folders)}) >= len(ids) - 1  # "a" and "A" are as they are
    assert all("/" not in folder and not folder.startswith(".") for folder in folders)
    assert max(map(len, folders)) < 100
