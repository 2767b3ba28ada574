"""What a sandbox is to the rest of TreeAct: limits, results, Sandbox and Branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from treeact.errors import StopExecution as StopExecution

Effects = Literal["none", "read", "write"]
Stream = Literal["stdout", "stderr"]


class HostTool(Protocol):
    """A function that runs on the host and is called from sandboxed code through a stub."""

    @property
    def name(self) -> str:
        """The Python identifier under which code calls it."""

    @property
    def effects(self) -> Effects:
        """What a call changes outside the sandbox; `write` calls wait until a branch is chosen."""

    @property
    def returns_nothing(self) -> bool:
        """True when calls give None, so that a `write` can be deferred instead of refused."""

    def stub(self) -> str:
        """Return the Python stub that code sees: a `def` line with a docstring, or nothing."""

    async def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Validate the JSON arguments, run, and return a JSON value.

        Raises:
            ToolError: the call was wrong or failed; its text becomes the exception in the sandbox.
            StopExecution: the call ends the execution it came from, without an error.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandbox may use. Every limit is on by default."""

    memory: int = 512 * 1024**2
    """Bytes of memory, all branches of the sandbox together where the system can count them so."""
    cpus: float = 1.0
    """Processor cores."""
    cpu_seconds: int = 600
    """Processor seconds of one branch's process."""
    processes: int = 64
    """Processes and threads of user code, all branches together."""
    live_branches: int = 32
    """Branches whose state processes hold at once; the rest is rebuilt by replay when needed."""
    disk: int = 64 * 1024**2
    """Bytes in the working folders and the temporary folder."""
    inodes: int = 16384
    """Files in the same folders."""
    open_files: int = 256
    """Open files of one process."""
    output: int = 16 * 1024
    """Bytes kept of each of stdout and stderr of one run, half from either end."""
    value: int = 16 * 1024
    """Bytes kept of the repr of the last expression."""
    image_bytes: int = 4 * 1024**2
    """Bytes of one captured picture; a larger one is dropped and said to be."""
    images: int = 8
    """Captured pictures of one run."""
    frame: int = 8 * 1024**2
    """Bytes of one protocol frame, either way."""
    file: int = 256 * 1024**2
    """Bytes of one file that `put` or `get` moves."""
    tool_calls: int = 200
    """Tool calls of one run."""
    timeout: float = 60.0
    """Seconds of one run when the caller names none."""
    grace: float = 2.0
    """Seconds between the interrupt that keeps the state and the kill that rolls it back."""


@dataclass(frozen=True, kw_only=True)
class ExecutionError:
    """An exception that the code raised."""

    type: str
    """The exception's class name, such as `ZeroDivisionError`."""
    message: str
    traceback: str
    """A traceback of the user's own frames only, with their source lines."""


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """One call of a host tool from sandboxed code."""

    tool: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    status: Literal["done", "failed", "deferred", "refused", "replayed", "stopped"]
    result: Any = None
    error: str | None = None
    duration: float = 0.0
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Files that the call brought into the working folder."""

    @property
    def is_final(self) -> bool:
        """False when the call was put off or refused because its branch was only tentative."""
        return self.status not in ("deferred", "refused")


@dataclass(frozen=True, kw_only=True)
class FileInfo:
    """One file of a branch's working folder."""

    name: str
    """Path relative to the working folder, with forward slashes."""
    size: int


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that the code drew or displayed."""

    data: bytes
    media_type: str = "image/png"


@dataclass(frozen=True, kw_only=True)
class ResourceUsage:
    """What one run used."""

    cpu_seconds: float = 0.0
    memory: int = 0
    """Peak resident bytes of the branch's process."""


Outcome = Literal["ok", "error", "timeout", "interrupted", "killed"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What came of running one piece of code in a branch."""

    outcome: Outcome
    stdout: str = ""
    stderr: str = ""
    stdout_dropped: int = 0
    """Bytes left out of the middle of `stdout`."""
    stderr_dropped: int = 0
    value: str | None = None
    """Text of the last expression, as a REPL would echo it; None when there is none."""
    error: ExecutionError | None = None
    images: tuple[Picture, ...] = ()
    files: tuple[FileInfo, ...] = ()
    """Files that the run made or changed in the working folder."""
    calls: tuple[ToolCall, ...] = ()
    usage: ResourceUsage = ResourceUsage()
    duration: float = 0.0
    rolled_back: bool = False
    """True when the process was killed and the branch is as it was before this run."""
    rebuilt: bool = False
    """True when live state had been lost and was rebuilt by replaying the branch's code first."""
    notes: tuple[str, ...] = ()
    """Remarks such as why the process was killed, or that dropped pictures were too large."""

    @property
    def ok(self) -> bool:
        """True when the code ran to its end without an exception."""
        return self.outcome == "ok"


OutputCallback = Callable[[Stream, str], None]
"""Called with output as it arrives: the stream's name and a piece of decoded text."""

ToolCallback = Callable[[ToolCall], None]
"""Called after each host tool call of a run."""


class Branch(Protocol):
    """A live interpreter with its own namespace and working folder."""

    @property
    def id(self) -> str:
        """The branch's logical id in its sandbox."""

    async def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_call: ToolCallback | None = None,
        recorded: Sequence[ToolCall] = (),
        whole: bool = False,
    ) -> Execution:
        """Run `code` and keep its state for the next run.

        An exception, timeout or kill of the code is an outcome, not an error.

        Args:
            code: what to run.
            timeout: seconds; None takes that of the limits.
            on_output: told of output as it comes.
            on_call: told of each tool call.
            recorded: calls that the same code made before: they are answered from here, in order,
                and not made again.
            whole: whether those are all: a further call is not made, and fails.

        Raises:
            SandboxError: the sandbox itself died.
            BranchLost: the live state was lost and could not be rebuilt.
        """
        ...

    async def fork(self) -> Branch:
        """Return an independent copy: namespace, random state, working files."""
        ...

    async def commit(self, *, recorded: Sequence[ToolCall] = ()) -> tuple[ToolCall, ...]:
        """Choose this branch: run its deferred `write` calls in order, let later ones through.

        Args:
            recorded: the first of those calls, where they were made before: not made again.
        """
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Write a file into the working folder; `name` is relative and stays inside it."""

    async def get(self, name: str) -> bytes:
        """Read a regular file of the working folder."""
        ...

    async def list(self) -> list[FileInfo]:
        """List the regular files of the working folder, sorted by name."""
        ...

    async def interrupt(self) -> None:
        """Stop the run in progress, keeping the state if the code allows it."""

    async def close(self) -> None:
        """Kill the branch's processes and remove its files."""


class Sandbox(Protocol):
    """A place where code runs, apart from the host: one task's tree of branches."""

    @property
    def kind(self) -> str:
        """`docker`, `jail` or `unsafe-local`."""

    async def __aenter__(self) -> Sandbox: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def branch(self, *, tools: Sequence[HostTool] = ()) -> Branch:
        """Return a new root branch, a fresh interpreter whose code can call `tools`."""
        ...
