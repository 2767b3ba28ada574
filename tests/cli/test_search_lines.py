"""A search as the plain display shows it: everything once, under the id of its node."""

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from tests.agents.support import answer, code
from tests.planners.support import Table, World, add
from tests.planners.support import answer as answers
from treeact import Budget, CodeAct, ScriptedModel, Task, tool
from treeact.cli.display import Plain
from treeact.cli.search_lines import is_node
from treeact.models.base import Request
from treeact.planners import MCTS, BestOfN, Greedy, TreePlanner
from treeact.planners.protocols import Path, Proposal
from treeact.planners.tree import ActionTree
from treeact.trace.log import EventLog


def shown(log: EventLog) -> str:
    """Return what the plain display prints, but for times and Python's underlining."""
    out = io.StringIO()
    display = Plain(log.blobs, Console(file=out, highlight=False, soft_wrap=True))
    for event in log.events():
        display.show(event)
    text = re.sub(r"^  │ +[~^]+\n", "", out.getvalue(), flags=re.MULTILINE)
    return re.sub(r"\d+\.\d+ s\b", "N s", text)


async def run(planner: Any, replies: Any, **options: Any) -> str:
    agent = CodeAct(ScriptedModel(replies), sandbox="unsafe-local", planner=planner, **options)
    started = agent.start(Task("How many?"))
    await started.result()
    return shown(started.log)


def replies(request: Request) -> Sequence[str]:
    if request.path.endswith("/score"):
        return ["Fine. <score>8</score>"]
    if request.path == "run/root/propose":
        good, bad = code("x = 20\nprint(x + 1)", "Good."), code("print('no')\n1/0", "Bad.")
        return [good, good, bad]
    if request.path == "run/1/propose":
        return [answer("21"), code("print(x + 2)", "More."), "Nothing."]
    return [answer("22")] * request.n


SEARCH = """\
codeact · scripted · best-of-n
How many?

── run/root
· run/1
Good.
    x = 20
    print(x + 1)
· run/2
Bad.
    print('no')
    1/0
expansion 1: 3 samples, 2 candidates
sandbox unsafe-local ready in N s
▸ run/1
  │ Output:
  │ 21
▸ run/2 failed
  │ Output:
  │ no
  │ The code raised an error:
  │ Traceback (most recent call last):
  │   File "<step 1>", line 2, in <module>
  │     1/0
  │ ZeroDivisionError: division by zero
  run/1: 2 votes
✗ run/2 pruned: failed: ZeroDivisionError: division by zero
★ run/1 chosen

── run/1
· run/1.1
Done.
answer: 21
· run/1.2
More.
    print(x + 2)
· run/1.3
Nothing.
no action in the reply: no action
expansion 2: 3 samples, 3 candidates
"""


async def test_a_search_can_be_followed_and_repeats_nothing() -> None:
    text = await run(BestOfN(n=3, concurrency=1), replies)
    assert text.startswith(SEARCH)
    rest = text[text.index("expansion 2") :].splitlines()
    assert rest[1:5] == ["▸ run/1.2", "  │ Output:", "  │ 22", "▸ run/1.3 failed"]
    assert [line for line in rest[5:] if not line.startswith("  │")][:-1] == [
        "✗ run/1.3 pruned: failed: <answer>...</answer>",
        "  run/1.1: score 0.80: Fine.",
        "  run/1.2: score 0.80: Fine.",
        "✗ run/1.2 pruned: run/1.1 is better",
        "★ run/1.1 chosen",
        "answer: 21",
    ]


GREEDY = """\
codeact · scripted · greedy
How many?

── run/step-1
Good.
    print(20 + 1)
sandbox unsafe-local ready in N s
  │ Output:
  │ 21

── run/step-2
Nothing.
no action in the reply: no action
"""


async def test_a_run_without_branches_looks_plain() -> None:
    text = await run(Greedy(), [code("print(20 + 1)", "Good."), "Nothing.", answer("21")])
    assert text.startswith(GREEDY)
    assert "\n── run/step-3\nDone.\nanswer: 21\n3 steps, 3 model calls, about " in text


@tool(effects="read")
def rainfall(city: str) -> float:
    """Return the rainfall."""
    return 1.5


async def test_a_tool_call_says_at_which_node_it_was_made() -> None:
    def reply(request: Request) -> Sequence[str]:
        if request.path.endswith("root/propose"):
            return [code("print(rainfall('Oslo'))"), code("print(rainfall('Bergen'))")]
        return [answer("1.5")] * request.n

    text = await run(MCTS(n=2, depth=2, threshold=0.0), reply, tools=[rainfall])
    assert "  run/1: rainfall('Oslo') done\n" in text
    assert "  run/2: rainfall('Bergen') done\n" in text


def plans(*texts: str) -> Table:
    """Propose whole plans: numbers to add, then an answer."""

    def propose(path: Path, id: str) -> Sequence[Proposal]:
        return [
            Proposal(
                actions=tuple(
                    [add(int(word)).actions[0] for word in text.split()]
                    + [answers("all").actions[0]]
                ),
                votes=2,
            )
            for text in texts
        ]

    return Table(propose)


async def solve(planner: Any, proposer: Table) -> str:
    log = EventLog()
    await planner.solve(World(), proposer, Budget(steps=20), tree=ActionTree(log=log))
    return shown(log)


async def test_nobody_but_the_planner_tells_and_yet_all_is_shown() -> None:
    text = await solve(BestOfN(n=2), Table(lambda path, id: [add(1), answers("x", votes=2)]))
    assert (
        text
        == """
── run/root
expansion 1: 2 samples
· run/1
→ add(number=1)
▸ run/1
  │ sum 1
· run/2
answer: x
  run/2: 2 votes
  run/1: score 0.50
  run/2: score 1.00
✗ run/1 pruned: run/2 is better
★ run/2 chosen
"""
    )


async def test_a_plan_is_shown_as_it_is_carried_out_and_a_step_back_is_said() -> None:
    text = await solve(TreePlanner(N=2), plans("1 13", "1 2 3"))
    assert (
        text
        == """
── run/root
expansion 1: 2 samples
· run/1
→ add(number=1)
  run/1: 4 votes
▸ run/1
  │ sum 1
▸ run/1.1 failed
→ add(number=13)
  │ 13 brings bad luck
✗ run/1.1 pruned: failed: 13 brings bad luck
↩ back to run/1: run/1.1 is undone
▸ run/1.2
→ add(number=2)
  │ sum 3
▸ run/1.2.1
→ add(number=3)
  │ sum 6
▸ run/1.2.1.1
answer: all
★ run/1.2.1.1 chosen
"""
    )


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("run/root", True),
        ("run/2.10.1", True),
        ("run/from-3/1", True),
        ("run/root/sampling-2", True),
        ("run/1/commit", True),
        ("run/step-1", False),
        ("run", False),
        ("run/answer", False),
        ("", False),
    ],
)
def test_ids_of_nodes_are_told_from_those_of_steps(id: str, expected: bool) -> None:
    assert is_node(id) is expected
