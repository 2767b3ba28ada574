"""State: what one branch keeps, shows and exchanges with the host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from treeact.errors import StopExecution, ToolError
from treeact.sandbox.base import ToolCall
from treeact.sandbox.conformance.suite import (
    Bench,
    Counter,
    Failed,
    Skipped,
    code,
    equal,
    in_area,
    refused,
    require,
    run,
    value,
)

HOSTILE_NAMES = (
    "",
    ".",
    "..",
    "../outside",
    "a/../../outside",
    "/etc/passwd",
    "//etc/passwd",
    "a//b",
    "a/./b",
    "a/",
    "nul\0byte",
    "line\nbreak",
    "x" * 5000,
)


@in_area("state")
async def names_live_on(bench: Bench) -> None:
    """Names, functions, classes, closures and imports of one run are there in the next."""
    branch = await bench.branch()
    await run(
        branch,
        """
        import math
        total = 40
        def add(number):
            global total
            total += number
        class Point:
            def __init__(self, x): self.x = x
        point = Point(3)
        scale = (lambda factor: lambda number: factor * number)(7)
        """,
    )
    await run(branch, "add(2)")
    equal(
        await value(branch, "total, point.x, scale(6), math.floor(2.5)"), "(42, 3, 42, 2)", "state"
    )
    equal(await value(branch, "type(point) is Point, __name__"), "(True, '__main__')", "the module")


@in_area("state")
async def last_expression_is_shown(bench: Bench) -> None:
    """The last expression's value comes as a REPL would show it, and nothing else does."""
    branch = await bench.branch()
    equal((await run(branch, "x = 1\n'text'")).value, "'text'", "the value")
    for source in ("x = 1", "None", "1; y = 2", ""):
        equal((await run(branch, source)).value, None, f"the value of {source!r}")


@in_area("state")
async def output_is_told_apart(bench: Bench) -> None:
    """Both streams arrive, each in order, also from child processes, and live."""
    branch = await bench.branch()
    live: list[tuple[str, str]] = []
    execution = await run(
        branch,
        """
        import os, subprocess, sys
        print("one é")
        print("two", file=sys.stderr)
        os.write(1, b"three\\n")
        subprocess.run(["sh", "-c", "echo four; echo five >&2"])
        """,
        on_output=lambda stream, text: live.append((stream, text)),
    )
    equal(execution.stdout, "one é\nthree\nfour\n", "stdout")
    equal(execution.stderr, "two\nfive\n", "stderr")
    heard = "".join(text for stream, text in live if stream == "stdout")
    equal(heard, execution.stdout, "what on_output was told")


@in_area("state")
async def output_comes_while_code_runs(bench: Bench) -> None:
    """What is printed arrives before the code ends."""
    branch = await bench.branch()
    heard = asyncio.Event()
    wait = "import time\nprint('now', flush=True)\ntime.sleep(30)"
    task = asyncio.create_task(branch.run(wait, on_output=lambda *_: heard.set()))
    try:
        async with asyncio.timeout(15):
            await heard.wait()
    finally:
        await branch.interrupt()
        await task


@in_area("state")
async def errors_are_explained(bench: Bench) -> None:
    """An exception is an outcome: type, text, the user's own lines; what went before is kept."""
    branch = await bench.branch()
    execution = await branch.run("kept = 5\ndef divide(a):\n    return a / 0\ndivide(1)")
    equal(execution.outcome, "error", "the outcome")
    require(execution.error, "there is no error")
    if execution.error:
        equal(execution.error.type, "ZeroDivisionError", "the type")
        require("division" in execution.error.message, "the message is missing")
        for line in ("divide(1)", "return a / 0", "line 3"):
            require(line in execution.error.traceback, f"{line!r} is not in the traceback")
    equal(await value(branch, "kept"), "5", "a name from before the exception")


@in_area("state")
async def odd_code_is_an_outcome(bench: Bench) -> None:
    """Syntax errors, exits, hostile exceptions and endless recursion leave the branch usable."""
    branch = await bench.branch()
    await run(branch, "kept = 5")
    sources = (
        "def",
        "x = '\0'",
        "print('\ud800')",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "class E(BaseException):\n    def __str__(self): raise self\nraise E",
        "class R:\n    def __repr__(self): 1 / 0\nR()",
        "def f(): f()\nf()",
        "import sys; sys.stdout.close()",
        "import sys; sys.stdout = None; del sys.modules['sys']",
        "del __builtins__",
    )
    for source in sources:
        execution = await branch.run(source)
        require(execution.outcome in ("ok", "error"), f"{source!r} ended as {execution.outcome}")
    equal(await value(branch, "kept"), "5", "a name from before")


@in_area("state")
async def child_processes_work(bench: Bench) -> None:
    """Exit codes of child processes arrive, which a careless SIGCHLD would lose."""
    branch = await bench.branch()
    await run(branch, "import subprocess as s\nend = lambda n: s.run(['sh', '-c', f'exit {n}'])")
    codes = await value(branch, "[end(n).returncode for n in (0, 1, 7)]")
    equal(codes, "[0, 1, 7]", "the exit codes")


@in_area("state")
async def pictures_are_captured(bench: Bench) -> None:
    """A value with a PNG form arrives as a picture."""
    branch = await bench.branch()
    execution = await run(
        branch,
        r"""
        class Drawing:
            def _repr_png_(self): return b"\x89PNG\r\n\x1a\n" + b"rest"
        Drawing()
        """,
    )
    equal([image.data[-4:] for image in execution.images], [b"rest"], "the pictures")


@in_area("state")
async def figures_are_captured(bench: Bench) -> None:
    """A matplotlib figure that was drawn arrives as a PNG."""
    branch = await bench.branch()
    if not (await branch.run("import matplotlib")).ok:
        raise Skipped("no matplotlib inside")
    execution = await run(branch, "import matplotlib.pyplot as p\np.plot([1, 2]); p.show()")
    equal(len(execution.images), 1, "the number of pictures")
    require(execution.images[0].data.startswith(b"\x89PNG"), "the picture is no PNG")


@in_area("state")
async def tables_are_shown(bench: Bench) -> None:
    """A DataFrame is shown as a table with every column."""
    branch = await bench.branch()
    if not (await branch.run("import pandas")).ok:
        raise Skipped("no pandas inside")
    execution = await run(branch, "pandas.DataFrame({f'column{n}': [n] for n in range(12)})")
    for number in range(12):
        require(f"column{number}" in (execution.value or ""), f"column{number} is not shown")


@in_area("state")
async def files_move_both_ways(bench: Bench) -> None:
    """Files put in can be read by code, and code's files can be listed and got."""
    branch = await bench.branch()
    data = bytes(range(256)) * 5000
    await branch.put("in/ä b.bin", data)
    await branch.put("empty", b"")
    execution = await run(
        branch, "data = open('in/ä b.bin', 'rb').read()\nopen('out.bin', 'wb').write(data[::-1])"
    )
    equal([(file.name, file.size) for file in execution.files], [("out.bin", len(data))], "files")
    require(await branch.get("out.bin") == data[::-1], "the file came back changed")
    equal(await branch.get("empty"), b"", "the empty file")
    await branch.put("out.bin", b"short")
    equal(await branch.get("out.bin"), b"short", "the file that was put again")
    listed = [(file.name, file.size) for file in await branch.list()]
    equal(listed, [("empty", 0), ("in/ä b.bin", len(data)), ("out.bin", 5)], "the list")


@in_area("state")
async def hostile_names_are_refused(bench: Bench) -> None:
    """No name leads outside the working folder, and none does harm."""
    branch = await bench.branch()
    for name in HOSTILE_NAMES:
        await refused(branch.put(name, b"x"), f"putting {name[:40]!r}")
        await refused(branch.get(name), f"getting {name[:40]!r}")
    await refused(branch.get("missing"), "getting a missing file")
    equal(await branch.list(), [], "the list")


@in_area("state")
async def odd_files_do_no_harm(bench: Bench) -> None:
    """Links, pipes, folders and unprintable names are neither followed nor in the way."""
    branch = await bench.branch()
    await run(
        branch,
        """
        import os
        os.symlink("/etc/hostname", "link")
        os.symlink("/etc", "folder-link")
        os.symlink("loop", "loop")
        os.mkfifo("pipe")
        os.mkdir("folder")
        for name in (b"line\\nbreak", b"\\xff\\xfe", b"tab\\t"):
            open(name, "w").close()
        open("plain", "w").close()
        """,
    )
    for name in ("link", "folder-link/hostname", "loop", "pipe", "folder"):
        await refused(branch.get(name), f"getting {name!r}")
    for name in ("folder-link/new", "pipe", "folder", "plain/below"):
        await refused(branch.put(name, b"x"), f"putting {name!r}")
    names = [file.name for file in await branch.list()]
    require("plain" in names, "the plain file is not listed")
    require(not {"link", "pipe", "folder"} & {*names}, f"what is no file is listed: {names}")
    require(all(name.isprintable() for name in names), f"unprintable names are listed: {names}")


class Troubled(Counter):
    """A tool that fails as it is told to."""

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Fail."""
        self.calls.append(tuple(args))
        match args[0]:
            case "tool":
                raise ToolError("wrong: use another")
            case "bug":
                raise RuntimeError("a bug")
            case "stop":
                raise StopExecution
        return object()


@in_area("state")
async def tools_answer(bench: Bench) -> None:
    """Tools run on the host, in order, and every call is on record."""
    counter, seen = Counter(), list[ToolCall]()
    branch = await bench.branch(tools=[counter])
    source = "a = count('x', 1, None, [True, {'k': 0.5}])\nb = count('é\\n')\na, b"
    execution = await run(branch, source, on_call=seen.append)
    equal(execution.value, "(1, 2)", "the results")
    equal(counter.calls, [("x", 1, None, [True, {"k": 0.5}]), ("é\n",)], "the arguments")
    equal([call.status for call in execution.calls], ["done", "done"], "the record")
    equal(tuple(seen), execution.calls, "what on_call was told")


@in_area("state")
async def tools_fail_as_exceptions(bench: Bench) -> None:
    """A failing tool raises in the code; one that stops ends the run without an error."""
    branch = await bench.branch(tools=[Troubled("trouble")])
    for how in ("tool", "bug", "object"):
        caught = f"try: trouble('{how}')\nexcept Exception as e: caught = str(e)"
        execution = await run(branch, caught)
        equal([call.status for call in execution.calls], ["failed"], f"the record of {how!r}")
    source = "try: trouble('tool')\nexcept Exception as e: caught = str(e)"
    await run(branch, source)
    require("use another" in await value(branch, "caught"), "the tool's own words are lost")
    execution = await branch.run("before = 1\ntrouble('stop')\nafter = 1")
    equal((execution.outcome, execution.error), ("ok", None), "the run that a tool stopped")
    equal(await value(branch, "'before' in globals(), 'after' in globals()"), "(True, False)", "it")


@in_area("state")
async def bad_arguments_stay_inside(bench: Bench) -> None:
    """Arguments that are no JSON raise in the code and never reach the tool."""
    counter = Counter()
    branch = await bench.branch(tools=[counter])
    for argument in ("object()", "float('nan')", "{(1, 2): 3}", "open"):
        execution = await branch.run(code(f"count({argument})"))
        if execution.outcome != "error":
            raise Failed(f"count({argument}) ended as {execution.outcome}")
    equal(counter.calls, [], "the calls that came through")


@in_area("state")
async def roots_are_strangers(bench: Bench) -> None:
    """Two root branches of one sandbox share neither names nor files."""
    sandbox = await bench.sandbox()
    one, two = await sandbox.branch(), await sandbox.branch()
    require(one.id != two.id, "two branches have one id")
    await run(one, "secret = 1\nopen('mine', 'w').close()")
    equal(await value(two, "'secret' in globals()"), "False", "the other's name")
    equal(await two.list(), [], "the other's files")
