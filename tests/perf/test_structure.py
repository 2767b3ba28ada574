"""What keeps TreeAct quick, stated as structure: nothing here reads a clock."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from treeact import JsonAgent, ScriptedModel, tool
from treeact.trace.events import ModelCalled
from treeact.trace.log import EVENTS_FILE, read_events

PERF = Path(__file__).parents[2] / "perf"
HEAVY = frozenset({"litellm", "openai", "textual", "docker", "networkx", "numpy", "sqlite3"})
NEEDLESS_FOR_IMPORT = HEAVY | {"pydantic", "asyncio", "rich", "typer", "jinja2", "httpx", "httpx2"}

AFTER_HELP = """
import sys
from treeact.cli import main
sys.argv = ["treeact", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules, file=sys.stderr)
"""
AFTER_IMPORT = """
import sys
from treeact import CodeAct, ScriptedModel
print(*sys.modules, file=sys.stderr)
"""


def loaded_by(program: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded at the program's end."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    modules = done.stderr.split()
    assert "treeact" in modules
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["--version"], ["trace", "--help"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by(AFTER_HELP.format(arguments=arguments)) & HEAVY


def test_import_loads_nothing_heavy() -> None:
    assert not loaded_by(AFTER_IMPORT) & NEEDLESS_FOR_IMPORT


def test_a_heavy_module_would_be_seen() -> None:
    assert loaded_by(AFTER_IMPORT + "import networkx\nprint(*sys.modules, file=sys.stderr)") & HEAVY


@tool(effects="none")
async def tick() -> int:
    """Return 1."""
    return 1


def run_steps(count: int, directory: Path) -> None:
    """Take `count` equal steps, the answer the last of them, with the trace in `directory`."""
    call = json.dumps({"thought": "on we go " * 50, "tool": "tick", "arguments": {}})
    answer = json.dumps({"tool": "final_answer", "arguments": {"answer": "1"}})
    model = ScriptedModel([call] * (count - 1) + [answer])
    agent = JsonAgent(model, tools=[tick], max_steps=count)
    result = agent.run_sync("How often?", trace=directory)
    assert (result.answer, result.steps) == ("1", count)


def test_the_trace_grows_by_the_same_for_each_step(tmp_path: Path) -> None:
    run_steps(60, tmp_path / "run")
    sizes: dict[str, int] = {}
    for line in (tmp_path / "run" / EVENTS_FILE).read_bytes().splitlines(keepends=True):
        step = json.loads(line)["id"].split("/")[1:2]
        if step and step[0].startswith("step-"):
            sizes[step[0]] = sizes.get(step[0], 0) + len(line)
    assert len(sizes) == 60
    second, last = sizes["step-2"], sizes["step-59"]
    assert last <= second + 100, "only numbers may get longer"


def test_a_call_describes_only_what_is_new(tmp_path: Path) -> None:
    run_steps(30, tmp_path / "run")
    calls = [event for event in read_events(tmp_path / "run") if isinstance(event, ModelCalled)]
    assert len(calls) == 30
    assert [len(call.prompt.added) for call in calls] == [2] * 30
    assert [call.prompt.keep for call in calls] == [2 * number for number in range(30)]


async def test_a_model_that_never_waits_lets_others_run() -> None:
    call = json.dumps({"tool": "tick", "arguments": {}})
    run = JsonAgent(ScriptedModel(lambda request: call), tools=[tick], max_steps=1000).start("How?")
    seen = 0
    async for _ in run.events():
        seen += 1
        if seen == 10:
            run.cancel()
    result = await run.result()
    assert result.reason == "cancelled"
    assert result.steps < 1000


def test_every_script_says_what_it_measures() -> None:
    scripts = sorted(PERF.glob("*.py"))
    known = ["library", "planners", "runner", "sandbox", "startup", "step", "tui"]
    assert [script.stem for script in scripts] == known
    for script in scripts:
        done = subprocess.run(
            [sys.executable, script, "--help"], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert "--only" in done.stdout and "--quick" in done.stdout


def test_every_script_reports_with_targets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(PERF))
    from support.report import Report, Target

    report = Report("test")
    report.add(name="floor", samples=[1.0, 2.0, 9.0])
    report.add(name="ours", samples=[3.0], baseline="floor", target=Target(at_most=1.4))
    report.add(name="theirs", samples=[20.0], baseline="ours", target=Target(at_least=6))
    report.add(name="absent", samples=[], baseline="ours", target=Target(at_least=6), note="why")
    rows = {row.subject: row for row in report.rows()}
    assert (rows["floor"].median, rows["floor"].p99, rows["floor"].met) == (2000, 9000, None)
    assert (rows["ours"].ratio, rows["ours"].met) == (1.5, False)
    assert rows["theirs"].met is True
    assert (rows["absent"].ratio, rows["absent"].met, rows["absent"].note) == (None, None, "why")


async def test_subjects_are_interleaved_and_a_missing_one_is_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(PERF))
    from support.bench import Bench, Subject, Unavailable, plain
    from support.report import Report

    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return 1.0

    def broken() -> float:
        raise Unavailable("no engine answers")

    bench = Bench(Report("test"))
    subjects = [
        Subject(name="a", open=plain(lambda: measured("a"))),
        Subject(name="gone", open=plain(broken)),
        Subject(name="b", open=plain(lambda: measured("b")), baseline="a"),
    ]
    await bench.group(subjects, rounds=3)
    assert order == ["a", "b"] * 4  # one round that is not counted
    rows = {row.subject: row for row in bench.report.rows()}
    assert (rows["a"].n, rows["gone"].n, rows["b"].ratio) == (3, 0, 1.0)
    assert rows["gone"].note == "not measured: no engine answers"
