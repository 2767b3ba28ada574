"""Every kind passes the conformance suite, and the suite finds the faults of broken sandboxes."""

import asyncio
import copy
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from treeact.errors import ConfigError, SandboxUnavailable
from treeact.sandbox.base import Execution, ExecutionError, FileInfo, HostTool, Limits, ToolCall
from treeact.sandbox.conformance import AREAS, CHECKS, Check, check, forks, suite
from treeact.sandbox.conformance.__main__ import main
from treeact.sandbox.docker.sandbox import DockerSandbox
from treeact.sandbox.local.jail import JailSandbox
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.sandbox.session import DriverSandbox

SHARING = ("state", "forks", "timeouts")
"""Areas whose checks use nothing of a sandbox but branches of their own."""
FEW_NODES = 60


class Shared:
    """Lends one sandbox with the usual limits to one check after another, and makes all others.

    Leaving it closes the branches of the check; after a check that failed the next gets a new one.
    """

    def __init__(self, kind: type[DriverSandbox]) -> None:
        self.kind = kind
        self._kept: DriverSandbox | None = None
        self._lent = False

    def __call__(self, *, limits: Limits) -> Any:
        return self if limits == suite.USUAL and not self._lent else self.kind(limits=limits)

    async def __aenter__(self) -> DriverSandbox:
        if self._kept is None:
            self._kept = await self.kind(limits=suite.USUAL).__aenter__()
        self._lent = True
        return self._kept

    async def __aexit__(self, *exc: object) -> None:
        assert self._kept is not None
        for branch in list(self._kept._branches):
            await branch.close()
        self._lent = False

    async def close(self) -> None:
        if self._kept is not None:
            await self._kept.close()
        self._kept = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Shared]:
    lender = Shared(request.param)
    yield lender
    await lender.close()


def names(keep: Callable[[Check], bool] = lambda _: True) -> list[str]:
    return [item.name for item in CHECKS.values() if keep(item)]


async def judge(shared: Shared, name: str) -> None:
    factory = shared if CHECKS[name].area in SHARING else shared.kind
    (row,) = (await check(factory, names=[name])).rows
    if row.outcome == "skipped":
        pytest.skip(row.detail)
    if row.outcome == "failed":
        await shared.close()
    assert row.outcome == "passed", row.detail


KINDS = [
    pytest.param(DockerSandbox, id="docker", marks=pytest.mark.docker),
    pytest.param(JailSandbox, id="jail", marks=pytest.mark.jail),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("shared", KINDS, indirect=True, scope="module")
async def test_conforms(shared: Shared, name: str) -> None:
    await judge(shared, name)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", names(lambda item: item.area != "isolation"))
@pytest.mark.parametrize("shared", [UnsafeLocalSandbox], ids=[""], indirect=True, scope="module")
async def test_unsafe_local_conforms_but_for_isolation(
    shared: Shared, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "NODES", FEW_NODES)  # the other kinds have all of them
    await judge(shared, name)


async def test_unsafe_local_is_said_not_to_isolate() -> None:
    report = await check(UnsafeLocalSandbox, areas=["isolation"])
    wanted = {"host_files_cannot_be_read", "environment_is_hidden", "network_is_off"}
    assert wanted <= {*report.failed("isolation")}
    assert "NOT ISOLATED" in report.table()
    assert not report.passed


# Broken sandboxes ---------------------------------------------------------------------------


class Toy:
    """A sandbox as one writes it in an afternoon: `exec` in the host's process."""

    kind = "toy"

    def __init__(self, *, limits: Limits) -> None:
        self.limits = limits

    async def __aenter__(self) -> "Toy":
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> "ToyBranch":
        return ToyBranch(tools)


class ToyBranch:
    """Copies what can be copied, shares the rest, limits nothing and is never closed."""

    id = "always the same"

    def __init__(self, tools: Sequence[HostTool]) -> None:
        self.tools = tools
        self.scope: dict[str, Any] = {"__name__": "__main__"}
        self.files: dict[str, bytes] = {}
        self.calls: list[ToolCall] = []

    async def run(self, code: str, **options: Any) -> Execution:
        loop = asyncio.get_running_loop()
        for tool in self.tools:
            self.scope[tool.name] = self._stub(tool, loop)
        self.calls = []
        return await asyncio.to_thread(self._run, code)

    def _stub(self, tool: HostTool, loop: asyncio.AbstractEventLoop) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = asyncio.run_coroutine_threadsafe(tool.call(args, kwargs), loop).result()
            self.calls.append(
                ToolCall(tool=tool.name, args=args, kwargs=kwargs, status="done", result=result)
            )
            return result

        return call

    def _run(self, code: str) -> Execution:
        printed = io.StringIO()
        head, _, last = code.rpartition("\n")
        value = None
        try:
            with redirect_stdout(printed), redirect_stderr(io.StringIO()):
                try:
                    expression = compile(last, "<step>", "eval")
                except SyntaxError:
                    exec(code, self.scope)
                else:
                    exec(head, self.scope)
                    value = eval(expression, self.scope)
        except Exception as error:
            fault = ExecutionError(type=type(error).__name__, message=str(error), traceback="")
            return Execution(outcome="error", stdout=printed.getvalue(), error=fault)
        text = None if value is None else repr(value)
        calls = tuple(self.calls)
        return Execution(outcome="ok", stdout=printed.getvalue(), value=text, calls=calls)

    async def fork(self) -> "ToyBranch":
        twin = ToyBranch(self.tools)
        for name, item in self.scope.items():
            try:
                twin.scope[name] = copy.deepcopy(item)
            except Exception:
                twin.scope[name] = item
        return twin

    async def commit(self) -> tuple[ToolCall, ...]:
        return ()

    async def put(self, name: str, data: bytes) -> None:
        self.files[name] = data

    async def get(self, name: str) -> bytes:
        return self.files[name]

    async def list(self) -> list[FileInfo]:
        return [FileInfo(name=name, size=len(data)) for name, data in self.files.items()]

    async def interrupt(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Replaying(Toy):
    """Forks by running the code again, with all its effects."""

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> ToyBranch:
        return ReplayingBranch(tools)


class ReplayingBranch(ToyBranch):
    def __init__(self, tools: Sequence[HostTool]) -> None:
        super().__init__(tools)
        self.codes: list[str] = []

    async def run(self, code: str, **options: Any) -> Execution:
        self.codes.append(code)
        return await super().run(code, **options)

    async def fork(self) -> ToyBranch:
        twin = ReplayingBranch(self.tools)
        for code in self.codes:
            await twin.run(code)
        return twin


class Hanging(Toy):
    async def branch(self, *, tools: Sequence[HostTool] = ()) -> ToyBranch:
        return await asyncio.Future()


class Crashing(Toy):
    async def branch(self, *, tools: Sequence[HostTool] = ()) -> ToyBranch:
        raise RuntimeError("a bug")


class Missing(Toy):
    async def __aenter__(self) -> Toy:
        raise SandboxUnavailable("nothing of the kind here")


FAULTS_OF_THE_TOY = {
    "objects_keep_their_identity": "id(obj)",
    "generators_go_on": "differs",
    "forks_can_be_forked": "",
    "hostile_names_are_refused": "not refused",
    "output_is_capped": "characters were kept",
    "pictures_are_captured": "pictures",
    "errors_are_explained": "traceback",
    "writes_wait_for_commit": "the record",
    "writes_with_results_are_refused": "refused",
    "moved_files_are_capped": "not refused",
    "closed_branches_are_gone": "not refused",
    "closed_sandboxes_refuse": "not refused",
    "roots_are_strangers": "one id",
    "host_files_cannot_be_read": "read a file of the host",
}


# The toy leaves the files open that the code of some checks opens.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_suite_finds_a_toys_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the toy has its code write
    report = await check(Toy, names=[*FAULTS_OF_THE_TOY])
    assert report.failed() == tuple(row.name for row in report.rows)
    for row in report.rows:
        assert FAULTS_OF_THE_TOY[row.name] in row.detail, row


async def test_the_suite_sees_what_a_toy_does_right() -> None:
    right = ["names_live_on", "last_expression_is_shown", "host_resources_are_returned"]
    report = await check(Toy, names=right)
    assert report.passed, report.table()
    assert len(report.rows) == len(right)


async def test_the_suite_sees_code_run_twice() -> None:
    report = await check(Replaying, names=["no_code_runs_twice", "names_live_on"])
    assert report.failed() == ("no_code_runs_twice",)
    assert "instead of" in report.rows[1].detail


async def test_a_sandbox_that_hangs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "PATIENCE", 0.1)
    report = await check(Hanging, names=["names_live_on"])
    assert "hung" in report.rows[0].detail


async def test_a_sandbox_that_crashes_fails() -> None:
    report = await check(Crashing, names=["names_live_on"])
    assert report.rows[0].detail == "RuntimeError: a bug"


async def test_a_sandbox_that_is_not_there_is_no_failure() -> None:
    with pytest.raises(SandboxUnavailable, match="nothing of the kind"):
        await check(Missing, names=["names_live_on"])


async def test_unknown_areas_and_checks_are_errors() -> None:
    with pytest.raises(ConfigError, match="no area 'astrology': choose from state"):
        await check(Toy, areas=["astrology"])
    with pytest.raises(ConfigError, match="no check 'nothing'"):
        await check(Toy, names=["nothing"])


def test_every_area_has_checks_and_every_check_says_what_it_wants() -> None:
    assert {item.area for item in CHECKS.values()} == {*AREAS}
    assert all(item.test.__doc__ for item in CHECKS.values())


# The command --------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_tells_by_its_exit_code() -> None:
    command = [sys.executable, "-m", "treeact.sandbox.conformance"]
    mine = [f"{Toy.__module__}:Toy", "--check", "names_live_on", "--check", "generators_go_on"]
    done = subprocess.run([*command, *mine], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "names_live_on     passed" in done.stdout
    assert "generators_go_on  failed" in done.stdout
    assert "forks      0 passed, 1 failed, 0 skipped" in done.stdout


def test_the_command_knows_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unsafe-local", "--check", "names_live_on"]) == 0
    assert "names_live_on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dokcer", "no sandbox kind 'dokcer'"),
        ("no.such.module:Class", "cannot find no.such.module:Class"),
        ("json:Sandbox", "cannot find json:Sandbox"),
    ],
)
def test_the_command_explains_wrong_names(
    name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 2
    assert words in capsys.readouterr().err
