"""`treeact trace tree`: the tree of a run in a terminal, in files, and of damaged traces."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.support import treeact
from treeact.cli.tree import show_tree
from treeact.errors import ConfigError, TraceError
from treeact.planners.export.drawing import draw
from treeact.planners.protocols import Answer, Code, Observation, Proposal, Score
from treeact.planners.tree import ActionTree, Node
from treeact.trace.events import RunEnded, RunStarted
from treeact.trace.log import EventLog


def add(tree: ActionTree, parent: Node, text: str, *, ok: bool = True, votes: int = 1) -> Node:
    proposal = Proposal(actions=(Code(text),), votes=votes)
    return tree.add(parent, proposal, Observation(text="out", ok=ok))


def search(tree: ActionTree) -> ActionTree:
    tree.expand(tree.root, samples=9)
    good = add(tree, tree.root, "# look\nx = 1", votes=3)
    other = add(tree, tree.root, "y = 1")
    for number in range(6):
        bad = add(tree, tree.root, f"z = {number}", ok=False)
        tree.prune(bad, "failed: KeyError: 'z'\nmore" if number else f"{good.id} is better")
    tree.score(good, Score(value=0.8, reason="Fine."))
    tree.prune(add(tree, other, "1/0", ok=False), "failed: ZeroDivisionError")
    end = tree.add(good, Proposal(actions=(Answer("42"),)), Observation(text="", answer="42"))
    tree.choose(end)
    return tree


def write_run(directory: Path, *, ended: bool = True) -> Path:
    log = EventLog(directory)
    log.emit(
        RunStarted(
            id="run",
            question="How\x1b[2J many?",
            agent="codeact",
            model="m",
            planner="mcts",
            sandbox="jail",
        )
    )
    search(ActionTree(log=log))
    if ended:
        figures = {"steps": 2, "calls": 2, "input_tokens": 1, "output_tokens": 1}
        log.emit(RunEnded(id="run", reason="answered", cost=0.0, duration=1.0, **figures))
    log.close()
    return directory


FOLDED = """\
● run/root ★
├─ ○ run/2  y = 1
│  ✗ run/2.1  1/0  failed: ZeroDivisionError
├─ ✗ 6 pruned: failed: KeyError: 'z' (5); run/1 is better (1)
○ run/1 ★  # look  score 0.80, 3 votes
✓ run/1.1 ★  answer: 42
"""


def test_the_outline_has_signs_figures_reasons_and_folds_what_is_many() -> None:
    lines = [(line.text, line.style) for line in draw([search(ActionTree())])]
    assert "".join(f"{line}\n" for line, _ in lines) == FOLDED


def test_all_shows_every_pruned_sibling() -> None:
    lines = [line.text for line in draw([search(ActionTree())], fold=None)]
    assert lines[3:5] == [
        "├─ ✗ run/3  z = 0  run/1 is better",
        "├─ ✗ run/4  z = 1  failed: KeyError: 'z'",
    ]
    assert len(lines) == 11


def test_what_ends_in_branches_is_drawn_so() -> None:
    tree = ActionTree()
    first, _ = add(tree, tree.root, "a"), add(tree, tree.root, "b")
    add(tree, first, "c"), add(tree, first, "d"), add(tree, add(tree, tree.root, "e"), "f")
    assert [line.text for line in draw([tree])] == [
        "○ run/root",
        "├─ ○ run/2  b",
        "├─ ○ run/3  e",
        "│  ○ run/3.1  f",
        "○ run/1  a",
        "├─ ○ run/1.1  c",
        "└─ ○ run/1.2  d",
    ]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_lines_fit_their_width(width: int) -> None:
    tree = ActionTree()
    node = add(tree, tree.root, "x" * 1000)
    tree.prune(add(tree, node, "y" * 1000), "z" * 1000)
    tree.prune(add(tree, node, "y" * 1000), "z" * 1000)
    lines = [line.text for line in draw([tree], width=width)]
    assert max(len(line) for line in lines) == width
    assert width < 80 or "zzz" in lines[-1]


def test_the_command_shows_the_tree_and_writes_the_other_formats(tmp_path: Path) -> None:
    run = str(write_run(tmp_path / "runs" / "20260101-a-b"))
    shown = treeact(tmp_path, "trace", "tree")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == f"codeact · m · mcts\nHow\\x1b[2J many?\n{FOLDED}"
    json_ = treeact(tmp_path, "trace", "tree", run, "--format", "json")
    assert len(json.loads(json_.stdout)["nodes"]) == 11
    written = treeact(tmp_path, "trace", "tree", "a-b", "--format", "svg", "--out", "tree.svg")
    assert (written.stdout, written.stderr) == ("", "")
    assert ElementTree.parse(tmp_path / "tree.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("format", ["text", "json", "graphml", "dot", "svg"])
def test_every_format_can_go_to_a_file(
    tmp_path: Path, format: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run, out = write_run(tmp_path / "run"), tmp_path / "out"
    show_tree(str(run), format=format, out=None, everything=True, runs=None)
    printed = capsysbinary.readouterr().out
    show_tree(str(run), format=format, out=out, everything=True, runs=None)
    assert out.read_bytes() == printed
    assert b"run/8" in printed
    with pytest.raises(ConfigError, match="cannot write"):
        show_tree(str(run), format=format, out=tmp_path, everything=True, runs=None)


def test_a_run_that_was_cut_off_shows_its_tree_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", ended=False)
    log = run / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-10])
    show_tree(str(run), format="text", out=None, everything=False, runs=None)
    shown = capsys.readouterr()
    assert "✓ run/1.1  answer: 42" in shown.out
    assert "was cut off" in shown.err
    log.write_bytes(b"")
    show_tree(str(run), format="json", out=None, everything=False, runs=None)
    assert json.loads(capsys.readouterr().out)["nodes"] == []
    show_tree(str(run), format="text", out=None, everything=False, runs=None)
    show_tree(str(run), format="svg", out=None, everything=False, runs=None)


def test_a_damaged_trace_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    log = run / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:3], "{}\n", *lines[3:]]))
    with pytest.raises(TraceError, match="line 4"):
        show_tree(str(run), format="text", out=None, everything=False, runs=None)
    log.write_text("".join([*lines[:2], *lines[3:]]))  # a node is missing
    with pytest.raises(TraceError, match="run/2"):
        show_tree(str(run), format="text", out=None, everything=False, runs=None)
