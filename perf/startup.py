"""How long until something happens: import, `--help`, and the first request to a model.

Each figure is a whole process, from its start; the baseline is `python -c pass` in the same
environment. Peers run in environments of their own. LiteLLM, which mini-swe-agent imports, is kept
from fetching its price map, since that would time the network.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

from support.bench import Bench, Open, Subject, Unavailable
from support.endpoint import time_to_first_request
from support.peers import clean_environment, peer_python
from support.report import Target

from treeact.sandbox.select import sandbox_class

URL = "{URL}"
QUESTION = "How many days has a week?"
OURS = "treeact"


def our_python() -> Path:
    return Path(sys.executable)


def process(python: Callable[[], Path], *command: str, **settings: str) -> Open:
    """Return what times a whole process; `command[0]` is a program beside that interpreter."""

    @asynccontextmanager
    async def opened():
        folder = python().parent
        with tempfile.TemporaryDirectory(prefix="treeact-perf-") as home:
            argv = [str(folder / command[0]), *command[1:]]
            yield partial(_seconds, argv, _environment(home, settings), home)

    return opened


def _seconds(argv: list[str], env: Mapping[str, str], cwd: str) -> float:
    began = perf_counter()
    done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    took = perf_counter() - began
    if done.returncode != 0:
        raise Unavailable((done.stderr or done.stdout).strip()[-200:])
    return took


def first_request(python: Callable[[], Path], *command: str, **settings: str) -> Open:
    """Return what times a command up to its first request."""

    @asynccontextmanager
    async def opened():
        argv = [str(python().parent / command[0]), *command[1:]]
        with tempfile.TemporaryDirectory(prefix="treeact-perf-") as home:
            env = _environment(home, settings)
            yield partial(time_to_first_request, argv, url_in=URL, env=env, cwd=home)

    return opened


def _environment(home: str, settings: Mapping[str, str]) -> dict[str, str]:
    return clean_environment(HOME=home, MSWEA_GLOBAL_CONFIG_DIR=home, **settings)


def with_sandbox(kind: str) -> Open:
    """Return what times `treeact run` up to its first request, its sandbox starting beside it."""
    command = ("treeact", "run", QUESTION, "--base-url", URL, "--model", "m", "--sandbox", kind)
    cache = str(Path.home() / ".cache" / "treeact")
    timed = first_request(our_python, *command, "--runs", "runs", TREEACT_HOME=cache)

    @asynccontextmanager
    async def opened():
        reason = await sandbox_class(kind).available()
        if reason is not None:
            raise Unavailable(reason)
        async with timed() as measure:
            yield measure

    return opened


SMOLAGENTS = partial(peer_python, "smolagents")
MINI = partial(peer_python, "mini-swe-agent")
MINI_SETTINGS = {
    "MSWEA_SILENT_STARTUP": "1",
    "MSWEA_CONFIGURED": "true",
    "MSWEA_COST_TRACKING": "ignore_errors",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_API_KEY": "none",
}
MINI_RUN = ("mini", "--yolo", "--exit-immediately", "--task", QUESTION, "--model", "openai/m")
MINI_CONFIG = ("-c", "mini.yaml", "-c", f"model.model_kwargs.api_base={URL}")
SMOLAGENT_MODEL = ("--model-type", "OpenAIModel", "--model-id", "m", "--api-key", "none")
SMOLAGENT_RUN = ("smolagent", QUESTION, *SMOLAGENT_MODEL, "--api-base", URL, "--tools")


def subjects() -> list[Subject]:
    """Return the rows; the three bare interpreters are each other's check."""
    bare = "python -c pass"
    ours = "from treeact import CodeAct, ScriptedModel"
    smol, mini = f"{bare} (smolagents' env)", f"{bare} (mini-swe-agent's env)"
    first = "treeact run, to first request (jail)"
    agent = "from minisweagent.agents.default import DefaultAgent"

    def row(name: str, open_: Open, over: str | None = None, most: float | None = None) -> Subject:
        target = Target(at_most=most) if most else None
        return Subject(name=name, open=open_, baseline=over, target=target)

    return [
        row(bare, process(our_python, "python", "-c", "pass")),
        row(smol, process(SMOLAGENTS, "python", "-c", "pass"), bare),
        row(mini, process(MINI, "python", "-c", "pass"), bare),
        row(ours, process(our_python, "python", "-c", ours), bare, 10),
        row("import smolagents", process(SMOLAGENTS, "python", "-c", "import smolagents"), smol),
        row(agent, process(MINI, "python", "-c", agent, **MINI_SETTINGS), mini),
        row("treeact --help", process(our_python, "treeact", "--help"), bare, 30),
        row("smolagent --help", process(SMOLAGENTS, "smolagent", "--help"), smol),
        row("mini --help", process(MINI, "mini", "--help", **MINI_SETTINGS), mini),
        row(first, with_sandbox("jail"), bare),
        row("treeact run, to first request (docker)", with_sandbox("docker"), first),
        row("smolagent, to first request", first_request(SMOLAGENTS, *SMOLAGENT_RUN), first),
        row(
            "mini, to first request",
            first_request(MINI, *MINI_RUN, *MINI_CONFIG, **MINI_SETTINGS),
            first,
        ),
    ]


async def main() -> None:
    bench = Bench.from_command_line("startup", __doc__)
    await bench.group(subjects(), rounds=10)
    bench.report.finish()


if __name__ == "__main__":
    asyncio.run(main())
