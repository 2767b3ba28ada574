"""The tasks: every gold program runs and reaches its goal; damaged files are named."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from treeact.benchmarks.environments.household.metrics import measure
from treeact.benchmarks.environments.household.programs import parse_program, write_program
from treeact.benchmarks.environments.household.tasks import DATA, HouseholdTask, household_tasks
from treeact.errors import ConfigError
from treeact.planners.protocols import Answer, Call, Proposal, Solution, Step

TASKS = household_tasks()


async def follow(task: HouseholdTask, calls: tuple[Call, ...]) -> Solution:
    env = task.environment()
    path = []
    for number, action in enumerate((*calls, Answer("done")), start=1):
        id = f"run/step-{number}"
        observation = await env.step(action, id=id)
        path.append(Step(id=id, proposal=Proposal(actions=(action,)), observation=observation))
    return Solution(path=tuple(path))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_the_gold_program_runs_and_reaches_the_goal(task: HouseholdTask) -> None:
    metrics = measure(task.home, task.goal, await follow(task, task.program))
    assert (metrics.executable, metrics.gcr, metrics.success) == (True, 1.0, True)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
async def test_the_goal_is_not_reached_by_doing_nothing(task: HouseholdTask) -> None:
    metrics = measure(task.home, task.goal, await follow(task, ()))
    assert (metrics.executable, metrics.gcr, metrics.success) == (True, 0.0, False)


def test_there_are_enough_tasks_and_homes() -> None:
    scenes = Counter(task.scene for task in TASKS)
    assert len(TASKS) >= 35 and len(scenes) >= 4 and min(scenes.values()) >= 5
    assert len({task.text for task in TASKS}) == len(TASKS)


def test_programs_survive_being_written() -> None:
    for task in TASKS:
        assert tuple(parse_program(write_program(task.program))) == task.program


def test_a_prompt_names_the_actions_the_rooms_and_the_task_but_not_the_goal() -> None:
    task = TASKS[0]
    assert "putin, pour" in task.prompt and "kitchen_18" in task.prompt
    assert task.prompt.endswith(f"Task: {task.text}")
    assert "SITTING" not in task.prompt


def damaged(tmp_path: Path, change: object) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    rows = json.loads((folder / "tasks.json").read_text())
    change(rows)  # type: ignore[operator]
    (folder / "tasks.json").write_text(json.dumps(rows))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].pop("goal"), "0.goal: Field required"),
        (lambda rows: rows[0].update(hint="no"), "0.hint: Extra inputs"),
        (lambda rows: rows[0].update(goal={}), "task flat-movie: its goal is empty"),
        (lambda rows: rows[0].update(id="../x"), "0.id: String should match"),
        (lambda rows: rows[0].update(scene="../../etc"), "0.scene: String should match"),
        (lambda rows: rows[0].update(scene="castle"), "castle.json cannot be read"),
        (lambda rows: rows[0].update(program=[]), "0.program: List should have at least 1"),
        (lambda rows: rows[0].update(program=["go home"]), "line is no action: 'go home'"),
        (lambda rows: rows[1].update(id=rows[0]["id"]), "two tasks have the same id"),
        (
            lambda rows: rows[0].update(goal={"states": [["unicorn_1", "ON"]]}),
            "There is no unicorn_1 here",
        ),
        (
            lambda rows: rows[0].update(goal={"states": [["television_6", "BLUE"]]}),
            "0.goal.states.0.1: Input should be",
        ),
        (
            lambda rows: rows[0].update(goal={"states": [["television_6", "OFF"]]}),
            "part of its goal holds at the start",
        ),
        (
            lambda rows: rows[0].update(goal={"edges": [["sofa_4", "CLOSE", "phone_17"]]}),
            "being close counts for no goal",
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, change: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        household_tasks(damaged(tmp_path, change))


def test_files_that_are_missing_or_no_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tasks\.json cannot be read"):
        household_tasks(tmp_path)
    (tmp_path / "tasks.json").write_bytes(b"\xff\x00[")
    with pytest.raises(ConfigError, match=r"tasks\.json: .*Invalid JSON"):
        household_tasks(tmp_path)
