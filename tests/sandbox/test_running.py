import asyncio
import base64

import pytest

from tests.sandbox.conftest import Make
from treeact.errors import SandboxError
from treeact.sandbox.branch import DriverBranch
from treeact.sandbox.session import DriverSandbox


async def test_state_output_and_values_last(branch: DriverBranch) -> None:
    first = await branch.run("import os, sys\nx = 41\nprint('out'); print('err', file=sys.stderr)")
    second = await branch.run("x += 1\nos.system('echo from a shell')\nx")
    assert (first.outcome, first.stdout, first.stderr, first.value) == (
        "ok",
        "out\n",
        "err\n",
        None,
    )
    assert (second.stdout, second.value) == ("from a shell\n", "42")
    assert second.usage.memory > 0


async def test_errors_show_the_users_own_lines_only(branch: DriverBranch) -> None:
    await branch.run("import json\ndef load(text):\n    return json.loads(text)")
    result = await branch.run("print('before')\nload('{')")
    assert result.outcome == "error"
    assert result.error is not None
    assert result.error.type == "JSONDecodeError"
    assert "return json.loads(text)" in result.error.traceback
    assert "decoder.py" not in result.error.traceback
    assert "driver.py" not in result.error.traceback
    assert result.stdout == "before\n"
    assert (await branch.run("1 +")).error.type == "SyntaxError"  # type: ignore[union-attr]


async def test_code_may_await_at_its_top_level(branch: DriverBranch) -> None:
    assert (await branch.run("import asyncio\nawait asyncio.sleep(0, 'slept')")).value == "'slept'"


async def test_output_keeps_both_ends_and_counts_the_rest(make: Make) -> None:
    async with make(limits={"output": 1000}) as sandbox:
        branch = await sandbox.branch()
        pieces: list[str] = []
        result = await branch.run(
            "print('start'); print('x' * 1_000_000); print('end')",
            on_output=lambda stream, text: pieces.append(text),
        )
    assert result.stdout.startswith("start\nxxx")
    assert result.stdout.endswith("xxx\nend\n")
    assert result.stdout_dropped == 1_000_011 - 1000
    assert f"{result.stdout_dropped} bytes left out" in result.stdout
    assert "".join(pieces) == result.stdout


async def test_a_timeout_keeps_the_state_where_the_code_allows_it(branch: DriverBranch) -> None:
    result = await branch.run("x = 'kept'\nimport time\ntime.sleep(60)", timeout=0.2)
    assert (result.outcome, result.rolled_back) == ("timeout", False)
    assert "time.sleep(60)" in result.error.traceback  # type: ignore[union-attr]
    assert (await branch.run("x")).value == "'kept'"


async def test_a_stubborn_run_is_killed_and_rolled_back(branch: DriverBranch) -> None:
    await branch.run("x = 'before'; open('file', 'w').write('before')")
    result = await branch.run(
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "x = 'after'; open('file', 'w').write('after'); open('new', 'w').close()\n"
        "print('said', flush=True)\nwhile True: pass",
        timeout=0.2,
    )
    assert (result.outcome, result.rolled_back, result.stdout) == ("timeout", True, "said\n")
    after = await branch.run("import os\nx, open('file').read(), os.listdir()")
    assert after.value == "('before', 'before', ['file'])"
    assert not after.rebuilt


@pytest.mark.parametrize(
    ("code", "note"),
    [("import os; os._exit(7)", "code 7"), ("import os; os.abort()", "signal 6")],
)
async def test_a_run_that_kills_itself_is_rolled_back(
    branch: DriverBranch, code: str, note: str
) -> None:
    await branch.run("x = 1")
    result = await branch.run("x = 2\n" + code)
    assert (result.outcome, result.rolled_back) == ("killed", True)
    assert note in result.notes[0]
    assert (await branch.run("x")).value == "1"


async def test_interrupt_stops_a_run(branch: DriverBranch) -> None:
    running = asyncio.create_task(branch.run("x = 5\nwhile True: pass"))
    await asyncio.sleep(0.3)
    await branch.interrupt()
    result = await running
    assert (result.outcome, result.rolled_back) == ("interrupted", False)
    assert (await branch.run("x")).value == "5"


async def test_cancelling_a_run_rolls_it_back(branch: DriverBranch) -> None:
    await branch.run("x = 1")
    running = asyncio.create_task(branch.run("x = 2\nwhile True: pass"))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await branch.run("x")).value == "1"


async def test_memory_of_one_process_ends_in_an_error_not_a_death(branch: DriverBranch) -> None:
    result = await branch.run("x = 1\nbig = bytearray(8 * 1024**3)")
    assert result.error is not None
    assert result.error.type == "MemoryError"
    assert (await branch.run("x")).value == "1"


async def test_killed_runs_leave_no_process_and_spare_earlier_ones(branch: DriverBranch) -> None:
    await branch.run(
        "import os, signal, subprocess, time\n"
        "server = subprocess.Popen(['sleep', '600'])\n"
        "def alive(pid):\n"
        "    try: state = open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[0]\n"
        "    except OSError: return False\n"
        "    return state != 'Z'"
    )
    result = await branch.run(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "subprocess.Popen(['setsid', 'sleep', '601'])\n"
        "read, write = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.write(write, str(os.getpid()).encode())\n"
        "        time.sleep(602)\n"
        "    os._exit(0)\n"
        "print(os.read(read, 20).decode(), flush=True)\n"
        "while True: pass",
        timeout=0.4,
    )
    assert result.rolled_back
    daemon = int(result.stdout)
    assert (await branch.run(f"alive(server.pid), alive({daemon})")).value == "(True, False)"


async def test_files_travel_both_ways(branch: DriverBranch) -> None:
    data = bytes(range(256)) * 40_000
    await branch.put("in/data.bin", data)
    await branch.put("empty", b"")
    result = await branch.run(
        "import hashlib, pathlib\n"
        "pathlib.Path('out.txt').write_text('made')\n"
        "hashlib.sha256(pathlib.Path('in/data.bin').read_bytes()).hexdigest()"
    )
    assert [file.name for file in result.files] == ["out.txt"]
    assert await branch.get("in/data.bin") == data
    assert await branch.get("empty") == b""
    assert [(file.name, file.size) for file in await branch.list()] == [
        ("empty", 0),
        ("in/data.bin", len(data)),
        ("out.txt", 4),
    ]


async def test_a_file_in_a_folder_that_stood_empty_is_noticed(branch: DriverBranch) -> None:
    await branch.run("import os\nos.mkdir('inner')")
    await asyncio.sleep(0.15)  # until times of files tell two looks apart
    await branch.run("pass")
    result = await branch.run("open('inner/made', 'w').close()")
    assert [file.name for file in result.files] == ["inner/made"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "", "a/../b"])
async def test_names_outside_the_working_folder_are_refused(
    branch: DriverBranch, name: str
) -> None:
    with pytest.raises(SandboxError, match="relative path"):
        await branch.get(name)
    with pytest.raises(SandboxError, match="relative path"):
        await branch.put(name, b"")


async def test_links_and_pipes_are_not_downloaded(branch: DriverBranch) -> None:
    await branch.run("import os\nos.symlink('/etc/passwd', 'link')\nos.mkfifo('pipe')")
    assert await branch.list() == []
    for name in ("link", "pipe", "missing"):
        with pytest.raises(SandboxError):
            await branch.get(name)


async def test_figures_are_captured_and_limits_hold(make: Make) -> None:
    pixel = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 20).decode()
    code = (
        "import base64\n"
        "class Drawn:\n"
        f"    def _repr_png_(self): return base64.b64decode('{pixel}') + b'y' * self.size\n"
        "    def __repr__(self): return 'drawn'\n"
        "    def __init__(self, size=0): self.size = size\n"
        "for _ in range(4): display(Drawn())\n"
        "Drawn(10_000)"
    )
    async with make(limits={"images": 3, "image_bytes": 5000}) as sandbox:
        branch = await sandbox.branch()
        result = await branch.run(code)
        large = await branch.run("Drawn(10_000)")
    assert len(result.images) == 3
    assert result.images[0].data.startswith(b"\x89PNG")
    assert any("first 3" in note for note in result.notes)
    assert (result.value, len(large.images)) == ("drawn", 0)
    assert any("too large" in note for note in large.notes)


async def test_two_branches_run_at_once_and_apart(sandbox: DriverSandbox) -> None:
    one, two = await sandbox.branch(), await sandbox.branch()
    slow = asyncio.create_task(one.run("import time; time.sleep(0.5); x = 1; open('f', 'w')"))
    assert (await two.run("'x' in globals()")).value == "False"
    assert not slow.done()
    await slow
    assert await two.list() == []


async def test_a_closed_branch_and_sandbox_say_so(make: Make) -> None:
    async with make() as sandbox:
        branch = await sandbox.branch()
        await branch.close()
        with pytest.raises(SandboxError, match="closed"):
            await branch.run("1")
        other = await sandbox.branch()
    with pytest.raises(SandboxError, match="closed"):
        await other.run("1")
