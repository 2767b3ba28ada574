"""The table of settings, from which options, variables and the keys of files are made.

It imports no pydantic, so that `treeact --help` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

PREFIX = "TREEACT_"
"""What variables of settings begin with."""


class SandboxName(StrEnum):
    """Sandboxes by name."""

    auto = "auto"
    docker = "docker"
    jail = "jail"
    unsafe_local = "unsafe-local"


class Approve(StrEnum):
    """What needs a yes."""

    all = "all"
    risky = "risky"
    none = "none"


class Display(StrEnum):
    """How a run or a benchmark is shown."""

    auto = "auto"
    tui = "tui"
    plain = "plain"
    jsonl = "jsonl"
    quiet = "quiet"


class ThemeName(StrEnum):
    """Themes of the screens by name."""

    safe_dark = "safe-dark"
    safe_light = "safe-light"
    mono = "mono"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A model with a name of its own: a table `[models.NAME]` of a file."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    model: str = ""
    """As `--model` takes it."""
    base_url: str | None = None
    """As `--base-url` takes it."""
    key_env: str | None = None
    """Name of the variable that holds the key."""
    api_key: str | None = field(default=None, repr=False)
    """The key, as `${NAME}` of a variable; one that stands here itself is warned of."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing that can be set."""

    key: str
    """Its place in a file, such as `max_steps`, or `bench.epochs` in the table `[bench]`."""
    help: str
    kind: Any = str
    """The type of its value, or of each of its values."""
    many: bool = False
    """Whether it is a list."""
    default: Any = None
    otherwise: str = ""
    """What holds by default, in words, where `default` does not say it."""
    least: int | None = None
    """The smallest value that is taken."""
    short: str = ""
    """A short form of its option, such as `-m`."""
    has_option: bool = True
    """Whether a command has an option for it."""
    in_file_only: bool = False
    """Whether it has no option and no variable either."""
    expands: bool = False
    """Whether `${NAME}` in a file stands for a variable: where secrets may have to be."""
    reaches_out: bool = False
    """Whether it decides what runs outside of sandboxes, what needs a yes or where keys go."""

    @property
    def name(self) -> str:
        """Its name within its table."""
        return self.key.rpartition(".")[2]

    @property
    def field(self) -> str:
        """Its key as an identifier."""
        return self.key.replace(".", "_")

    @property
    def option(self) -> str:
        """Its option, such as `--max-steps`; empty where it has none."""
        has_one = self.has_option and not self.in_file_only
        return "--" + self.name.replace("_", "-") if has_one else ""

    @property
    def variable(self) -> str:
        """Its environment variable, such as `TREEACT_MAX_STEPS`; empty where it has none."""
        return "" if self.in_file_only else PREFIX + self.field.upper()

    @property
    def start(self) -> Any:
        """Its value where nothing is set."""
        if self.many:
            return ()
        return {} if self.in_file_only else self.default

    @property
    def default_words(self) -> str:
        """What holds by default, for people; empty where nothing does."""
        if self.otherwise or self.default is None:
            return self.otherwise
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return str(self.default) or "none"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        key="model",
        short="-m",
        help="openai/..., anthropic/..., ollama/..., replay:PATH, human, or a profile of a file.",
        otherwise="one that is usable here",
    ),
    Setting(
        key="base_url",
        help="OpenAI-compatible endpoint to ask.",
        expands=True,
        reaches_out=True,
    ),
    Setting(
        key="agent",
        short="-a",
        help="codeact, dynasaur, codeagents, poact or json.",
        default="codeact",
    ),
    Setting(
        key="planner",
        short="-p",
        help="greedy, best-of-n, mcts, toolchain, poact; settings as in mcts:n=3,depth=5.",
        otherwise="the agent's own",
    ),
    Setting(
        key="sandbox",
        kind=SandboxName,
        help="Where code runs; auto: Docker if it is usable, else the jail.",
        default=SandboxName.auto,
        reaches_out=True,
    ),
    Setting(key="max_steps", kind=int, least=1, help="Steps of one run.", default=20),
    Setting(
        key="context_tokens",
        kind=int,
        least=1,
        help="Tokens of a prompt above which older steps are shortened.",
        otherwise="a share of the model's context window",
    ),
    Setting(key="budget_usd", help="Dollars that the model calls of a run may cost.", kind=float),
    Setting(key="budget_tokens", kind=int, help="Tokens that the model calls of a run may use."),
    Setting(key="step_timeout", help="Seconds of one code action.", default=60.0, kind=float),
    Setting(key="timeout", help="Seconds of a whole run.", kind=float),
    Setting(
        key="approve",
        kind=Approve,
        help="What needs a yes: all actions, those with effects outside, or none.",
        default=Approve.none,
        reaches_out=True,
    ),
    Setting(
        key="approve_tool",
        many=True,
        help="Rule for one tool, as in send_mail=always or look=never.",
        reaches_out=True,
    ),
    Setting(
        key="tools", many=True, help="Sets of tools that TreeAct brings: gaia.", reaches_out=True
    ),
    Setting(
        key="mcp",
        many=True,
        help="MCP server, as a command or a URL.",
        expands=True,
        reaches_out=True,
    ),
    Setting(
        key="mcp_config",
        kind=Path,
        help="JSON file with MCP servers under mcpServers.",
        reaches_out=True,
    ),
    Setting(key="instructions", help="Added to the agent's prompt.", default=""),
    Setting(
        key="library",
        kind=Path,
        help="File of actions: dynasaur's, and where it is given poact's.",
        otherwise="~/.local/share/treeact/actions.sqlite",
    ),
    Setting(key="frozen", kind=bool, help="Leave the library as it is.", default=False),
    Setting(
        key="runs",
        kind=Path,
        help="Folder of all runs.",
        otherwise="~/.local/share/treeact/runs",
    ),
    Setting(key="display", kind=Display, help="How a run is shown.", default=Display.auto),
    Setting(
        key="tui.theme",
        kind=ThemeName,
        has_option=False,
        help="Colours of the screens.",
        default=ThemeName.safe_dark,
    ),
    Setting(
        key="tui.reduced_motion",
        kind=bool,
        has_option=False,
        help="Nothing on the screens glides.",
        default=False,
    ),
    Setting(
        key="tui.keys",
        kind=Mapping[str, str],
        in_file_only=True,
        help="Keys of the screens by the names of what they do.",
        otherwise="as docs/tui.md lists them",
    ),
    Setting(
        key="bench.concurrency", kind=int, least=1, short="-c", help="Jobs at once.", default=4
    ),
    Setting(
        key="bench.epochs", kind=int, least=1, help="Times that each task is tried.", default=1
    ),
    Setting(key="bench.task_tokens", kind=int, help="Tokens of a task."),
    Setting(key="bench.task_usd", help="Dollars of a task.", kind=float),
    Setting(key="bench.task_seconds", help="Seconds of a task.", kind=float),
    Setting(
        key="bench.task_working",
        help="Seconds of a task without waiting for rate limits.",
        kind=float,
    ),
    Setting(key="bench.budget_usd", help="Dollars of a whole benchmark.", kind=float),
    Setting(key="bench.timeout", help="Seconds of a whole benchmark.", kind=float),
    Setting(
        key="bench.executor",
        help="Where jobs are worked on: local, ray, ray:address=HOST:PORT.",
        default="local",
    ),
    Setting(key="bench.cache", kind=Path, help="Folder of a cache of replies."),
    Setting(
        key="bench.display",
        kind=Display,
        help="How a benchmark is shown.",
        default=Display.auto,
    ),
    Setting(
        key="models",
        kind=Mapping[str, Profile],
        in_file_only=True,
        help="Models by names of your own, a table [models.NAME] each: model, base_url, and "
        "key_env or api_key.",
        reaches_out=True,
    ),
)

BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}
TABLES = frozenset(key.partition(".")[0] for key in BY_KEY if "." in key)
"""Names of the tables that group settings in a file."""
