"""Forks: copies of live state that nothing but a fork can make, and effects that happen once."""

from __future__ import annotations

import asyncio

from treeact.sandbox.base import Branch
from treeact.sandbox.conformance.suite import (
    Bench,
    Counter,
    Sender,
    Skipped,
    equal,
    in_area,
    require,
    run,
    value,
)

NODES = 200
"""Branches of the tree that has to stay addressable."""
WIDTH = 6
"""Children of each of its nodes."""
VISITED = 3
"""One node in so many is gone back to, oldest first, when all are there."""


async def _copied(branch: Branch, expression: str) -> None:
    """Require that an expression with side effects gives the same in two forks and the origin."""
    left, right = await branch.fork(), await branch.fork()
    texts = [await value(twin, expression) for twin in (left, right, branch)]
    require(texts[0] == texts[1] == texts[2], f"{expression} differs among the copies: {texts}")


@in_area("forks")
async def objects_keep_their_identity(bench: Bench) -> None:
    """`id(obj)` is the same in a fork: memory was copied, not rebuilt."""
    branch = await bench.branch()
    await run(branch, "obj = object(); graph = [obj]; graph.append(graph)")
    address = await value(branch, "id(obj)")
    twin = await branch.fork()
    equal(await value(twin, "id(obj)"), address, "id(obj) in the fork")
    equal(await value(twin, "graph[0] is obj and graph[1] is graph"), "True", "the cycle")


@in_area("forks")
async def generators_go_on(bench: Bench) -> None:
    """A half-consumed generator goes on from where it was, in each copy by itself."""
    branch = await bench.branch()
    await run(branch, "squares = (n * n for n in range(100)); next(squares); next(squares)")
    await _copied(branch, "[next(squares) for _ in range(3)]")
    equal(await value(branch, "next(squares)"), "25", "the next square")


@in_area("forks")
async def databases_in_memory_are_copied(bench: Bench) -> None:
    """An open in-memory sqlite database, with its uncommitted rows, is in each copy."""
    branch = await bench.branch()
    if not (await branch.run("import sqlite3")).ok:
        raise Skipped("no sqlite3 inside")
    await run(
        branch,
        """
        db = sqlite3.connect(":memory:")
        db.execute("create table t (n)")
        db.execute("insert into t values (1)")
        """,
    )
    twin = await branch.fork()
    await run(twin, "db.execute('insert into t values (2)')")
    rows = "db.execute('select n from t').fetchall()"
    equal(await value(twin, rows), "[(1,), (2,)]", "the fork's rows")
    equal(await value(branch, rows), "[(1,)]", "the origin's rows")


@in_area("forks")
async def random_numbers_agree(bench: Bench) -> None:
    """Python's random state is copied: all copies draw the same numbers."""
    branch = await bench.branch()
    await run(branch, "import random; random.seed(5); random.random(); own = random.Random(3)")
    await _copied(branch, "[random.random(), own.random()]")


@in_area("forks")
async def numpy_random_numbers_agree(bench: Bench) -> None:
    """NumPy's random state, the global one and a generator's, is copied."""
    branch = await bench.branch()
    if not (await branch.run("import numpy")).ok:
        raise Skipped("no numpy inside")
    await run(
        branch, "numpy.random.seed(5); numpy.random.rand(); own = numpy.random.default_rng(3)"
    )
    await _copied(branch, "[float(numpy.random.rand()), float(own.random())]")


@in_area("forks")
async def closures_are_copied(bench: Bench) -> None:
    """A closure's private variables go on in each copy by themselves."""
    branch = await bench.branch()
    await run(
        branch,
        """
        def counter():
            count = 0
            def step():
                nonlocal count
                count += 1
                return count
            return step
        step = counter(); step(); twice = lambda: (step(), step())
        """,
    )
    await _copied(branch, "twice()")


@in_area("forks")
async def open_files_are_their_own(bench: Bench) -> None:
    """A file that was open at the fork is each copy's own: content and position."""
    branch = await bench.branch()
    await run(branch, "log = open('log', 'w+'); log.write('start '); log.flush()")
    left, right = await branch.fork(), await branch.fork()
    for twin, word in ((left, "left"), (right, "right"), (branch, "origin")):
        await run(twin, f"log.write('{word}'); log.flush()")
    for twin, word in ((left, "left"), (right, "right"), (branch, "origin")):
        equal(await twin.get("log"), f"start {word}".encode(), f"the file of {word}")


@in_area("forks")
async def siblings_never_meet(bench: Bench) -> None:
    """Names and files that one copy makes, changes or deletes are nobody else's."""
    branch = await bench.branch()
    await run(branch, "items = [0]; open('shared', 'w').write('old')")
    left, right = await branch.fork(), await branch.fork()
    await run(left, "items.append(1); new = 1; open('shared', 'w').write('new')")
    await run(left, "import os; open('own', 'w').close(); os.mkdir('d'); open('d/x', 'w').close()")
    await run(right, "import os; os.remove('shared'); del items")
    equal(await value(branch, "items, 'new' in globals()"), "([0], False)", "the origin's names")
    equal([file.name for file in await branch.list()], ["shared"], "the origin's files")
    equal(await branch.get("shared"), b"old", "the origin's file")
    equal(await right.list(), [], "the right fork's files")
    equal([file.name for file in await left.list()], ["d/x", "own", "shared"], "the left fork's")
    await left.put("shared", b"by the host")
    equal(await branch.get("shared"), b"old", "the origin's file after a put elsewhere")


@in_area("forks")
async def forks_can_be_forked(bench: Bench) -> None:
    """A chain of forks: each has what its ancestors did before the fork, and no more."""
    branch = await bench.branch()
    await run(branch, "trail = [0]; address = id(trail)")
    chain = [branch]
    for depth in range(1, 8):
        chain.append(await chain[-1].fork())
        await run(chain[-1], f"trail.append({depth}); open('at{depth}', 'w').close()")
    for depth, twin in enumerate(chain):
        wanted = f"({list(range(depth + 1))}, True)"
        equal(await value(twin, "trail, id(trail) == address"), wanted, f"at depth {depth}")
        equal(len(await twin.list()), depth, f"the number of files at depth {depth}")
    require(len({twin.id for twin in chain}) == len(chain), "two branches have one id")


@in_area("forks")
async def no_code_runs_twice(bench: Bench) -> None:
    """A witness outside sees each call once: forks copy state and do not run code again."""
    counter = Counter()
    branch = await bench.branch(tools=[counter])
    await run(branch, "first = count('root')")
    twins = [await branch.fork() for _ in range(5)]
    rebuilt = [(await run(twin, "second = count('fork')")).rebuilt for twin in twins]
    texts = sorted([await value(twin, "first, second") for twin in twins])
    equal(texts, [f"(1, {number})" for number in range(2, 7)], "the results")
    equal(len(counter.calls), 6, "the number of calls")
    require(not any(rebuilt), "a fork was rebuilt by running its code again")


@in_area("forks")
async def origin_may_go(bench: Bench) -> None:
    """A fork lives on when its origin is closed."""
    branch = await bench.branch()
    await run(branch, "x = 1; open('file', 'w').write('text')")
    twin = await branch.fork()
    deeper = await twin.fork()
    await branch.close()
    equal(await value(twin, "x"), "1", "the fork's name")
    await twin.close()
    equal(await value(deeper, "x, open('file').read()"), "(1, 'text')", "the fork's fork")


@in_area("forks")
async def forks_run_side_by_side(bench: Bench) -> None:
    """Copies run at the same time, and none gets another's output or tool results."""
    counter = Counter()
    branch = await bench.branch(tools=[counter])
    twins = [await branch.fork() for _ in range(6)]
    source = "import time\nfor n in range(20):\n    count(me)\n    print(me)\n    time.sleep(0.001)"
    results = await asyncio.gather(
        *(run(twin, f"me = {number}\n{source}") for number, twin in enumerate(twins))
    )
    for number, result in enumerate(results):
        equal(result.stdout, f"{number}\n" * 20, f"the output of fork {number}")
        equal({call.args for call in result.calls}, {(number,)}, f"the calls of fork {number}")
    equal(len(counter.calls), 120, "the number of calls")


@in_area("forks")
async def many_nodes_stay_addressable(bench: Bench) -> str:
    """Hundreds of branches can be gone back to, though few live at once, and no effect recurs."""
    counter = Counter()
    root = await bench.branch(tools=[counter], live_branches=8)
    await run(root, "path = [count('root')]")
    nodes = [root]
    for number in range(1, NODES):
        parent = nodes[(number - 1) // WIDTH]
        if (
            number % WIDTH == 1
        ):  # bring it back, so that all its children are forked from live state
            await run(parent, "path")
        twin = await parent.fork()
        await run(twin, f"path.append({number}); mark = count({number})")
        nodes.append(twin)
    rebuilt = 0
    for number, node in [*enumerate(nodes)][::VISITED]:
        execution = await run(node, "path")
        equal(execution.value, str(_path(number)), f"the state of node {number}")
        rebuilt += execution.rebuilt
    equal(len(counter.calls), NODES, "the number of calls, each of which may happen once")
    return f"{NODES} nodes, {len(nodes[::VISITED])} gone back to, {rebuilt} of them rebuilt"


def _path(number: int) -> list[int]:
    path = []
    while number:
        path.append(number)
        number = (number - 1) // WIDTH
    return [1, *reversed(path)]


@in_area("forks")
async def rebuilt_files_are_right(bench: Bench) -> None:
    """A branch that was put aside comes back with its files, the host's and its own."""
    root = await bench.branch(live_branches=2)
    await root.put("given", b"from the host")
    await run(root, "text = open('given').read(); open('made', 'w').write(text.upper())")
    for _ in range(4):  # push the root out
        await run(await root.fork(), "x = 1")
    equal(await root.get("made"), b"FROM THE HOST", "the file that code made")
    equal(await value(root, "text"), "'from the host'", "the name")


@in_area("forks")
async def threads_are_dealt_with(bench: Bench) -> str:
    """State with a live thread is copied whole, or the code is run again, and that is said."""
    counter = Counter()
    branch = await bench.branch(tools=[counter])
    first = await run(
        branch,
        """
        import threading
        number = count()
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, daemon=True)
        thread.start()
        """,
    )
    equal(await value(branch, "number, thread.is_alive()"), "(1, True)", "the state after the run")
    twin = await branch.fork()
    second = await run(twin, "number, thread.is_alive()")
    equal(second.value, "(1, True)", "the fork's state")
    equal(len(counter.calls), 1, "the number of calls")
    require(first.notes or not second.rebuilt, "nobody was told that this state cannot be copied")
    await run(twin, "stop.set(); thread.join()")
    equal(await value(branch, "thread.is_alive()"), "True", "the origin's thread")
    third = await run(await twin.fork(), "number, thread.is_alive()")
    equal(third.value, "(1, False)", "the state after the thread's end")
    return "rebuilt" if second.rebuilt else "copied"


@in_area("forks")
async def writes_wait_for_commit(bench: Bench) -> None:
    """On a tentative branch writes wait; commit makes them once, in order, and opens the way."""
    send = Sender()
    root = await bench.branch(tools=[send])
    await run(root, "send('root')")
    equal(send.calls, [("root",)], "the calls of a chosen branch")
    twin = await root.fork()
    execution = await run(twin, "send(1)\nsend(2)")
    equal([call.status for call in execution.calls], ["deferred"] * 2, "the record")
    deeper = await twin.fork()
    await run(deeper, "send(3)")
    await run(await twin.fork(), "send('never')")
    equal(send.calls, [("root",)], "the calls before any commit")
    made = await deeper.commit()
    equal([call.args for call in made], [(1,), (2,), (3,)], "what commit reports")
    equal(send.calls, [("root",), (1,), (2,), (3,)], "the calls after the commit")
    equal(await deeper.commit(), (), "a second commit")
    equal(await twin.commit(), (), "a commit of what a fork has released")
    await run(deeper, "send(4)")
    equal(send.calls[4:], [(4,)], "the calls after the commit and in the open")


@in_area("forks")
async def writes_with_results_are_refused(bench: Bench) -> None:
    """A write whose result the code needs is refused on a tentative branch, as an exception."""
    order = Counter("order", "write")
    root = await bench.branch(tools=[order])
    twin = await root.fork()
    execution = await twin.run("number = order('tea')")
    equal((execution.outcome, order.calls), ("error", []), "the refused call")
    equal([call.status for call in execution.calls], ["refused"], "the record")
    equal(await twin.commit(), (), "the commit")
    equal(await value(twin, "order('tea')"), "1", "the call after the commit")


@in_area("forks")
async def killed_runs_leave_no_writes(bench: Bench) -> None:
    """Writes of a run that was killed and rolled back are not made at the commit."""
    send = Sender()
    root = await bench.branch(tools=[send])
    twin = await root.fork()
    await run(twin, "send('kept')")
    execution = await twin.run("send('lost')\nimport os\nos.kill(os.getpid(), 9)")
    require(execution.rolled_back, "the killed run was not rolled back")
    await twin.commit()
    equal(send.calls, [("kept",)], "the calls")
