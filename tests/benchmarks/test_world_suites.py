"""The suites of simulated worlds: their traces tell what their runs were worth."""

from dataclasses import replace
from pathlib import Path

import pytest

from treeact.agents.plans.agent import PlanAgent
from treeact.agents.registry import make_planner
from treeact.agents.run import Result
from treeact.benchmarks.environments.worlds import PlanTask
from treeact.benchmarks.scoring import Attempt
from treeact.benchmarks.simulation import Oracle, Rates
from treeact.benchmarks.suite import Sample, Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError, SearchExhausted
from treeact.models import ScriptedModel
from treeact.planners.export import read_trees
from treeact.planners.protocols import Planner, Solution
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, EventLog, read_events

SUITES = {name: load_suite(name) for name in ("apis", "household")}


def agent(
    suite: Suite, sample: Sample, planner: Planner, rate: float, **settings: int
) -> PlanAgent:
    task: PlanTask = sample.truth
    assert suite.world
    return PlanAgent(
        ScriptedModel([], name="simulated"),
        world=suite.world(sample),
        planner=planner,
        policy=lambda budget, ledger: Oracle(
            task.truth(),
            rates=Rates(act=rate, choose=rate),
            seed=1,
            budget=budget,
            ledger=ledger,
            ahead="plan" if planner.imagines else "nothing",
        ),
        **settings,
    )


async def attempt_at(
    suite: Suite, sample: Sample, directory: Path, planner: str, rate: float, **settings: int
) -> tuple[Attempt, Result]:
    made = make_planner(planner)
    run = agent(suite, sample, made, rate, **settings).start(sample.task, trace=directory)
    result = await run.result()
    attempt = Attempt(
        answer=result.answer,
        events=lambda: read_events(directory),
        blobs=BlobStore(directory / BLOBS_FOLDER),
    )
    return attempt, result


@pytest.mark.parametrize("rate", [0.6, 1.0])
@pytest.mark.parametrize("planner", ["greedy", "tree-planner:N=4", "mcts:n=2,depth=8"])
@pytest.mark.parametrize("name", SUITES)
async def test_the_trace_alone_gives_the_measures_of_the_live_run(
    tmp_path: Path, name: str, planner: str, rate: float
) -> None:
    suite = SUITES[name]
    for sample in suite.samples[::25]:
        attempt, result = await attempt_at(
            suite, sample, tmp_path / sample.task.id, planner, rate, max_steps=12
        )
        stopped = None if result.reason == "answered" else SearchExhausted(result.message)
        tree = read_trees(attempt.events(), attempt.blobs)[-1]
        live = sample.truth.measure(Solution(path=result.path, stopped=stopped), tree)
        verdict = suite.scorer.score(attempt, sample)
        assert verdict.measures == live, sample.task.id
        assert verdict.right == live["success"]
        if rate == 1.0 and planner == "greedy" and result.reason == "answered":
            assert verdict.right


async def test_a_run_that_was_cut_off_is_no_success(tmp_path: Path) -> None:
    suite = SUITES["household"]
    sample = suite.samples[0]
    attempt, _ = await attempt_at(suite, sample, tmp_path / "whole", "greedy", 1.0)
    assert suite.scorer.score(attempt, sample).right
    events = list(attempt.events())
    for kept in range(len(events)):
        cut = replace(attempt, answer=None, events=lambda kept=kept: iter(events[:kept]))
        verdict = suite.scorer.score(cut, sample)
        assert not verdict.right
        assert verdict.measures["gcr"] == 0


def test_an_empty_log_is_scored() -> None:
    for suite in SUITES.values():
        verdict = suite.scorer.score(Attempt.of_log(None, EventLog()), suite.samples[0])
        assert not verdict.right
        assert verdict.measures["success"] == 0


def test_each_task_has_its_world_and_its_truth() -> None:
    assert (len(SUITES["household"].samples), len(SUITES["apis"].samples)) == (36, 125)
    for suite in SUITES.values():
        assert suite.world
        assert all(suite.world(sample) is sample.truth.world for sample in suite.samples)
        assert all(sample.tags for sample in suite.samples)
        assert suite.fingerprint == load_suite(suite.name).fingerprint
        first, *rest = suite.samples
        easier = replace(first, truth=replace(first.truth, goal="less"))
        changed = replace(suite, samples=(easier, *rest))
        assert changed.fingerprint != suite.fingerprint


def test_nobody_names_data_or_splits_of_a_world(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reads no data"):
        load_suite("apis", data=tmp_path)
    with pytest.raises(ConfigError, match="no split"):
        load_suite("household", split="dev")
