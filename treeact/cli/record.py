"""The earlier run that a run goes on from, or plays again, as the options of `treeact run` say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.errors import ConfigError, ModelError
from treeact.trace.runs import find_run

if TYPE_CHECKING:
    from treeact.agents.records.past import Past
    from treeact.models.base import Model, Request


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """What is said about an earlier run."""

    resume: str | None = None
    at: str | None = None
    replay: str | None = None
    replay_until: int | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """An earlier run, and where to go on from."""

    directory: Path
    at: str | int | None = None
    """As `Agent.start` takes it."""
    is_all: bool = False
    """Whether it is played to its end, where nobody is asked any more."""

    @cached_property
    def past(self) -> Past:
        """What it has on record.

        Raises:
            TraceError: there is no such run, or it is damaged.
        """
        from treeact.agents.records.past import Past

        return Past.load(self.directory)


def find_record(options: RecordOptions, *, runs: Path | None) -> Record | None:
    """Return the earlier run that is named, or None.

    Raises:
        ConfigError: there is no such run, or options contradict each other.
        TraceError: it is damaged.
    """
    if options.replay_until is not None and options.replay is None:
        raise ConfigError("--replay-until says how far to play a run: name the run with --replay")
    if options.replay is None:
        if options.resume is None:
            return None
        return Record(directory=find_run(options.resume, folder=runs), at=options.at)
    if options.resume is not None or options.at is not None:
        raise ConfigError(
            "--replay plays the chosen path and --resume goes on from elsewhere: give one of them"
        )
    directory = find_run(options.replay, folder=runs)
    if options.replay_until is not None:
        return Record(directory=directory, at=options.replay_until)
    from treeact.agents.records.retracing import count_steps

    return Record(directory=directory, at=count_steps(directory), is_all=True)


def nobody() -> Model:
    """Return what answers behind the end of a recording that is only played: nothing."""
    from treeact.models import ScriptedModel
    from treeact.models.base import Prices

    def refuse(request: Request) -> ModelError:
        return ModelError(
            "the recording has no answer: --replay-until goes on from one of its steps with a model"
        )

    free = Prices(input=0.0, output=0.0)
    return ScriptedModel(refuse, name="none, a recording is played", prices=free)
