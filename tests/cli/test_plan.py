"""`treeact plan`: planners on the tasks of simulated worlds, from the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.support import treeact


def test_the_tasks_of_a_world_are_listed(tmp_path: Path) -> None:
    shown = treeact(tmp_path, "plan", "household", "--json")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) >= 35
    assert rows[0].keys() == {"id", "task"}


@pytest.mark.parametrize(
    ("world", "task", "planner", "measure"),
    [
        ("household", "flat-movie", "tree-planner:N=6", "gcr 1"),
        ("household", "flat-movie", "greedy", "gcr"),
        ("apis", "homes-01", "toolchain:k=4,h_scaled=true", "success"),
        ("apis", "homes-01", "mcts:n=3,depth=8", "success"),
    ],
)
def test_a_simulated_policy_is_planned_with_and_named_for_what_it_is(
    tmp_path: Path, world: str, task: str, planner: str, measure: str
) -> None:
    model = "oracle:act=0.9,choose=0.9,seed=1"
    done = treeact(tmp_path, "plan", world, task, "--model", model, "--planner", planner)
    assert done.returncode == 0, done.stderr
    assert "not a model's score" in done.stdout
    assert measure in done.stdout.splitlines()[-2]
    again = treeact(tmp_path, "trace", "tree", "last")
    assert f"simulated, {model}" in again.stdout
    assert "★" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["garden", "x"], "choose one of"),
        (["household", "flat-movies", "--model", "oracle"], "flat-movie"),
        (["household", "flat-movie"], "simulated policy with --model oracle"),
        (["household", "flat-movie", "--model", "oracle:luck=1"], "no setting 'luck'"),
        (["household", "flat-movie", "--model", "oracle:act=2"], "probability from 0 to 1"),
        (["household", "flat-movie", "--model", "oracle", "--planner", "mtcs"], "did you mean"),
    ],
)
def test_what_cannot_be_planned_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = treeact(tmp_path, "plan", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
