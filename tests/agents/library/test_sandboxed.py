"""Actions in sandboxes: saved with what they need, loaded by name, watched, verified."""

import random
from pathlib import Path

import pytest

from tests.agents.library.support import Opened, exercised, library_at, open_jail, open_unsafe
from tests.sandbox.support import Tool
from treeact.agents.library import ActionLibrary
from treeact.agents.library.branches import LibraryBranch

FORMS = '''
import numpy as np
from math import pi as PI
from collections import Counter as Count, deque
import dataclasses as dc
import functools
RATE = 1.5
TABLE = {}
for letter in "abc":
    TABLE[letter] = ord(letter)

@dc.dataclass
class Point:
    x: float
    y: float = RATE

def doubled(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return 2 * function(*args, **kwargs)
    return inner

def norm(point):
    return float(np.hypot(point.x, point.y))

@doubled
def length(x: float, y: float = RATE) -> float:
    """Return twice the length of a vector."""
    return norm(Point(x, y))

@functools.lru_cache(maxsize=None)
def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)

async def letters(text: str) -> dict:
    return {key: TABLE[key] for key in sorted(Count(text))}

def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)

print(length(2.0), fib(30), await letters("abba"), even(7), fib.cache_info().misses)
'''
EXPECTED = "5.0 832040 {'a': 97, 'b': 98} False 31"


@pytest.mark.jail
async def test_every_form_survives_save_restart_and_reload_and_is_verified(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        async with Opened(library) as branch:
            execution = await branch.run(FORMS)
            assert execution.stdout.strip() == EXPECTED, execution
            assert not execution.notes
    with library_at(tmp_path) as library:
        assert {a.status for a in library.actions() if a.name in ("fib", "letters", "even")} == {
            "verified"
        }
        async with Opened(library) as branch:
            call = 'print(length(2.0), fib(30), await letters("abba"), even(7), end=" ")'
            execution = await branch.run(f"{call}; print(fib.cache_info().misses)")
            assert execution.stdout.strip() == EXPECTED, execution
        for name in ("length", "fib", "letters", "even"):
            verdict = await library.verify(name, open_jail)
            assert verdict.ok, verdict


async def test_a_record_has_all_that_the_issue_asks_for(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def old(x): return x")
        async with Opened(library) as branch:
            await branch.run(
                "def new(x: int) -> int:\n    '''One line.\n\n    Two.'''\n    return old(x)"
            )
            await branch.run("new(3)\ntry: new(nothing)\nexcept NameError: pass")
            await branch.run("try: new()\nexcept TypeError: pass")
        action = library.get("new")
    assert (action.version, action.header) == (1, "def new(x: int) -> int")
    assert action.summary == "One line."
    assert list(action.uses) == ["old"]
    assert action.task == "What is it?"
    assert action.created > 0
    assert (action.successes, action.failures) == (2, 1)  # a step, a verification; a step
    assert [(e.arguments, e.result) for e in action.examples] == [("((3,), {})", "3")]
    assert action.status == "verified"


async def test_only_what_ran_is_exercised_and_candidates_are_hidden(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        async with Opened(library) as branch:
            await branch.run("def greet(x): return x\ndef idle(x): return x\ngreet(object())")
            await branch.run("def failing(x): return 1 / x\nfailing(0)")
        statuses = {action.name: action.status for action in library.actions()}
        assert statuses == {"greet": "exercised", "idle": "candidate"}
        found = await library.search("greet idle failing")
        assert [action.name for action in found] == ["greet"]
        assert len(await library.search("greet idle failing", candidates=True)) == 2


SHOUT = 'def shout(text: str) -> str:\n    """Write it loud."""\n    return text.upper()'


async def test_what_a_search_finds_is_called_in_the_same_step(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(
            library,
            'def shout(text: str) -> str:\n    """Write it loud."""\n    return text.upper()',
        )
        async with Opened(library) as branch:
            execution = await branch.run(
                'found = search_actions("write loud", k=3)\nprint(found)\n'
                'print(found[0]("a"), globals()["shout"]("b"))\nprint(search_actions("nothing"))'
            )
            assert execution.ok, execution
            assert "def shout(text: str) -> str:" in execution.stdout
            assert "A B" in execution.stdout
            assert execution.stdout.endswith("[]\n")
        assert library.get("shout").successes == 3  # by hand, here, and verified


async def test_composition_loads_the_closure_and_own_names_win(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "BASE = 10\ndef one(x): return x + BASE")
        async with Opened(library) as branch:
            await branch.run("def two(x): return 2 * one(x)\ntwo(1)")
        async with Opened(library) as branch:
            await branch.run("def three(x): return two(x) + one(x)\nthree(1)")
        assert {a.name: sorted(a.uses) for a in library.actions()} == {
            "one": [],
            "two": ["one"],
            "three": ["one", "two"],
        }
        async with Opened(library) as branch:
            assert (await branch.run("BASE = 0\nthree(1), BASE")).value == "(33, 0)"
            assert (await branch.run("one = 5\none")).value == "5"
            assert (await branch.run("def two(x): return -x\ntwo(4), three(1)")).value == "(-4, 33)"
        assert [a.version for a in library.actions(all_versions=True) if a.name == "two"] == [1, 2]


async def test_tools_answer_from_the_record_when_an_action_is_verified(tmp_path: Path) -> None:
    answers = iter([3.5, 7.25])
    rain = Tool("rain", lambda city: next(answers))
    with library_at(tmp_path) as library:
        async with Opened(library, tools=[rain]) as branch:
            execution = await branch.run(
                "def wetter(one, two):\n    return rain(one) < rain(two)\nwetter('Oslo', 'Bergen')"
            )
            assert execution.value == "True"
        action = library.get("wetter")
        assert action.status == "verified"
        assert len(rain.calls) == 2  # none for the verification
        [example] = action.examples
        assert [call.result for call in example.calls] == [3.5, 7.25]
        assert (await library.verify("wetter", open_unsafe)).ok


async def test_the_same_result_without_a_recorded_tool_call_does_not_verify(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    with library_at(tmp_path) as library:
        async with Opened(library, tools=[Tool("rain", lambda city: 3)]) as branch:
            await branch.run(
                "import os\n"
                "def wet(x): return 3 if os.path.exists('mark') else rain(x)\nwet('Oslo')"
            )
        verdict = await library.verify("wet", open_unsafe, files=[mark])
        assert (verdict.ok, verdict.reason) == (False, "it did not call rain as it had")


async def test_what_does_not_reproduce_is_not_verified(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        async with Opened(library) as branch:
            await branch.run(
                "import time, random\n"
                "def now(x): return time.time_ns() + x\n"
                "def luck(x): return random.random()\n"
                "def seeded(n):\n    r = random.Random(n)\n    return [r.random(), {1: n}, (n,)]\n"
                "now(1), luck(2), seeded(3)"
            )
            await branch.run("def size(name): return len(open(name).read())")
            await branch.put("a.txt", b"12345")
            await branch.run("size('a.txt')")
        statuses = {action.name: action.status for action in library.actions()}
        assert statuses == {
            "now": "exercised", "luck": "exercised", "seeded": "verified", "size": "exercised",
        }  # fmt: skip
        assert (await library.verify("now", open_unsafe)).reason.startswith("it gave ")
        file = tmp_path / "a.txt"
        assert "FileNotFoundError" in (await library.verify("size", open_unsafe)).reason
        file.write_bytes(b"12345")
        assert (await library.verify("size", open_unsafe, files=[file])).ok
        assert library.get("size").status == "verified"
        file.write_bytes(b"1")
        assert not (await library.verify("size", open_unsafe, files=[file])).ok
        assert library.get("size").status == "exercised"


async def test_deep_recursion_and_many_calls_are_not_hindered(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        async with Opened(library) as branch:
            deep = "def down(n): return 0 if n == 0 else 1 + down(n - 1)\ndown(900)"
            assert (await branch.run(deep)).value == "900"
            many = "def inc(x): return x + 1\nsum(inc(n) for n in range(200000))"
            assert (await branch.run(many)).ok
            big = "def count(rows): return len(rows)\ncount(['x' * 1000] * 1000000)"
            execution = await branch.run(big)
            assert execution.ok
            assert execution.duration < 5
        assert library.get("inc").successes == 2
        assert library.get("count").examples == ()


async def test_arguments_are_recorded_as_they_were_before_the_call(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        async with Opened(library) as branch:
            await branch.run(
                "def drain(x):\n    n = len(x)\n    x.clear()\n    return n\ndrain([1, 2])"
            )
        [example] = library.get("drain").examples
        assert example.arguments == "(([1, 2],), {})"
        assert library.get("drain").status == "verified"


HOSTILE = [
    "import sys; sys.modules['treeact_actions'].take = lambda room: 'x' * 10**6",
    "import sys; sys.modules['treeact_actions'].take = lambda room: {'defined': ['f'] * 9999}",
    "import sys; sys.modules['treeact_actions'].take = lambda room: {'defined': [], 'calls': "
    "[['f', True, False, [['__import__(\"os\")', '1', 0, 0]]]]}",
    "import sys; sys.modules['treeact_actions'].take = lambda room: {'defined': [], 'calls': "
    "[[10**30, True, False, []], [-1, True, False, [['((), {})', '1', 5, 9]]]]}",
    "import sys; sys.modules['treeact_actions'].take = lambda room: 1 / 0",
    "import sys; del sys.modules['treeact_actions']",
    "import builtins; builtins.repr = None; __import__ = None",
    "class Evil:\n    def __repr__(self): raise SystemExit\n"
    "    @property\n    def isoformat(self): raise SystemExit\ndef g(x): return x\ng(Evil())",
    "def deep():\n    x = []\n    for _ in range(10**5): x = [x]\n    return x\nlen(deep())",
]  # fmt: skip


@pytest.mark.parametrize("code", HOSTILE)
async def test_hostile_reports_are_capped_and_change_nothing_else(
    tmp_path: Path, code: str
) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def safe(x): return x")
        async with Opened(library) as branch:
            await branch.run("def f(x): return x\nf(1)")
            await branch.run(code)
            execution = await branch.run("1 + 1")
            assert execution.value == "2" or not execution.ok
        assert {"f", "safe"} <= {action.name for action in library.actions()}
        assert all(len(a.examples) <= 5 for a in library.actions())


async def test_an_action_that_cannot_be_loaded_is_told_and_harms_no_other(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "BAD = 1 / 0\ndef broken(x): return BAD")
        exercised(library, "def fine(x): return x")
        async with Opened(library) as branch:
            execution = await branch.run("print(fine(1))\nbroken(1)")
            assert execution.stdout == "1\n"
            assert execution.error is not None
            assert execution.error.type == "NameError"
            assert any("broken v1" in n and "ZeroDivisionError" in n for n in execution.notes)


async def test_frozen_writes_nothing(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def same(x): return x")
    before = contents(tmp_path)
    with library_at(tmp_path, frozen=True) as library:
        async with Opened(library) as branch:
            assert (await branch.run("def g(x): return same(x)\ng(4)")).value == "4"
            assert (await branch.run("search_actions('same')[0](2)")).value == "2"
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Trees ----------------------------------------------------------------------------------------


async def kept(library: ActionLibrary) -> set[str]:
    return {action.name for action in library.actions()}


async def test_only_the_actions_of_the_chosen_path_are_kept(tmp_path: Path) -> None:
    rng = random.Random(5)
    with library_at(tmp_path) as library:
        async with Opened(library) as root:
            await root.run("def a(x): return x\na(1)")
            assert await kept(library) == {"a"}
            branches: dict[str, LibraryBranch] = {"": await root.fork()}
            for path in ("b", "c", "bd", "be", "bdf", "cg"):
                branches[path] = await branches[path[:-1]].fork()
                name = path[-1]
                code = f"def {name}(x): return a(x)\n{name}({rng.random()})"
                execution = await branches[path].run(code)
                assert execution.ok
            assert await kept(library) == {"a"}
            await branches["bdf"].commit()
            assert await kept(library) == {"a", "b", "d", "f"}
            await branches["bdf"].run("def h(x): return f(x)\nh(2)")
            assert await kept(library) == {"a", "b", "d", "f", "h"}
        assert library.get("h").status == "verified"
        assert list(library.get("h").uses) == ["f"]


async def test_a_branch_that_is_rebuilt_has_its_actions_again(tmp_path: Path) -> None:
    with library_at(tmp_path) as library:
        exercised(library, "def lent(x): return x + 1")
        async with Opened(library) as branch:
            await branch.run("def own(x): return lent(x)\nown(1)")
            await branch.run("found = search_actions('lent')[0]")
            inner = branch._branch
            assert await inner.evict()  # type: ignore[attr-defined]
            execution = await branch.run("own(1), lent(1), found(1)")
            assert execution.rebuilt
            assert execution.value == "(2, 2, 2)"
            await branch.run("1 / 0")
            assert (await branch.run("own(5)")).value == "6"
