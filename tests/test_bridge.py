import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from treeact import CodeAct, ScriptedModel, UnsafeLocalSandbox
from treeact.bridge import blocking, run_blocking


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    async def add(self, step: int = 1) -> int:
        await asyncio.sleep(0)
        self.value += step
        return self.value

    async def twins(self) -> list["Counter"]:
        return [Counter(1), Counter(2)]

    async def fail(self) -> None:
        raise KeyError("told")

    async def numbers(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number

    async def __aenter__(self) -> "Counter":
        self.value = 10
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.value = -1


def test_methods_attributes_results_and_contexts() -> None:
    counter = Counter()
    plain = blocking(counter)
    assert plain.add(step=2) == 2
    assert plain.value == 2
    assert [twin.add() for twin in plain.twins()] == [2, 3]
    with plain as inside:
        assert inside.add() == 11
    assert counter.value == -1
    assert list(plain.numbers()) == [0, 1, 2]
    with pytest.raises(KeyError, match="told"):
        plain.fail()


def test_plain_values_pass_through() -> None:
    assert blocking("text") == "text"
    assert blocking([1, 2]) == [1, 2]


async def test_it_works_inside_a_running_loop() -> None:
    assert blocking(Counter()).add() == 1


def test_a_sandbox_without_async() -> None:
    with blocking(UnsafeLocalSandbox()) as sandbox:
        branch = sandbox.branch()
        branch.run("numbers = iter(range(9)); next(numbers)")
        other = branch.fork()
        assert branch.run("next(numbers)").value == "1"
        assert other.run("next(numbers), next(numbers)").value == "(1, 2)"


def test_a_run_without_async() -> None:
    agent = CodeAct(ScriptedModel(["<answer>7</answer>"]), sandbox="unsafe-local")
    run = blocking(agent).start("?")
    assert [type(event).__name__ for event in run.events()][-1] == "RunEnded"
    assert run.result().answer == "7"


def test_ctrl_c_cancels_and_waits_for_the_clean_up() -> None:
    program = """
import asyncio, os, signal, threading
from treeact.bridge import run_blocking
async def work():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.1)
        print("cleaned up", flush=True)
try:
    run_blocking(work())
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split("\n")[:2] == ["cleaned up", "interrupted"], done.stderr
    assert signal.SIGINT


def test_results_and_errors_come_through() -> None:
    async def work() -> int:
        return 5

    assert run_blocking(work()) == 5
