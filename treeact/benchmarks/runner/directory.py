"""The directory of a benchmark: the one truth about it, from which everything else is derived."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from treeact.benchmarks.rows import fit_id
from treeact.benchmarks.runner.config import BenchConfig, differences
from treeact.benchmarks.suite import Suite, first_fault
from treeact.errors import ConfigError
from treeact.trace.log import EVENTS_FILE

MANIFEST_FILE = "run.json"
TASKS_FOLDER = "tasks"
LOCK_FILE = "lock"


class Job(BaseModel):
    """One sample in one epoch: what is answered and scored exactly once."""

    model_config = ConfigDict(frozen=True)

    task: str
    epoch: int
    """From 1."""

    @property
    def folder(self) -> str:
        """The name of its folder: the id, or what stands for one that is no safe name."""
        return f"{fit_id(self.task)}.{self.epoch}"


class Manifest(BaseModel):
    """What `run.json` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    config: BenchConfig
    config_hash: str
    fingerprint: str
    """Of all samples of the suite."""
    samples: dict[str, str] = {}
    """SHA-256 of what each sample of the suite is, by id."""
    scorer: str
    """Name and version, such as `gaia 1`."""
    tasks: tuple[str, ...]
    """Ids of the samples that accuracy is over, in the suite's order."""
    epochs: int
    faults: tuple[str, ...] = ()
    """Rows of the data that no sample came of."""
    versions: dict[str, str]
    created: str
    """UTC, as ISO 8601 writes it."""

    def jobs(self) -> list[Job]:
        """Return all jobs, epoch by epoch."""
        return [
            Job(task=task, epoch=epoch)
            for epoch in range(1, self.epochs + 1)
            for task in self.tasks
        ]


class BenchDirectory:
    """Paths of a benchmark's directory, and its manifest.

    Args:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def trace(self, job: Job) -> Path:
        """Return the directory of the newest attempt at a job."""
        return self.path / TASKS_FOLDER / job.folder

    def earlier(self, job: Job) -> list[Path]:
        """Return the directories of earlier attempts, oldest first."""
        found: list[Path] = []
        while (path := self._attempt(job, len(found) + 1)).exists():
            found.append(path)
        return found

    def _attempt(self, job: Job, number: int) -> Path:
        return self.path / TASKS_FOLDER / f"{job.folder}.attempt-{number}"

    def set_aside(self, job: Job) -> Path | None:
        """Move the newest attempt away, so that another can begin; return where it is now."""
        directory = self.trace(job)
        if not directory.exists():
            return None
        if not any(directory.iterdir()):  # killed before its first event
            directory.rmdir()
            return None
        aside = self._attempt(job, len(self.earlier(job)) + 1)
        directory.rename(aside)
        return aside if (aside / EVENTS_FILE).exists() else None

    def read(self) -> Manifest | None:
        """Return the manifest, or None where there is none yet.

        Raises:
            ConfigError: it cannot be read, or is damaged.
        """
        path = self.path / MANIFEST_FILE
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            raise ConfigError(
                f"{path} is damaged ({first_fault(error)}): restore it, or name another directory"
            ) from error

    def write(self, manifest: Manifest) -> None:
        """Write the manifest, whole or not at all.

        Raises:
            ConfigError: it cannot be written.
        """
        path = self.path / MANIFEST_FILE
        new = path.with_suffix(f".{os.getpid()}")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            new.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
            new.replace(path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise ConfigError(f"cannot write {path}: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process while the block runs.

        Raises:
            ConfigError: another process has it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK_FILE).open("w")
        except OSError as error:
            raise ConfigError(f"cannot write in {self.path}: {error.strerror}") from error
        with lock:
            if not _lock(lock, fcntl.LOCK_EX) and not _lock(lock, fcntl.LOCK_EX, after=0.05):
                raise ConfigError(
                    f"another process runs the benchmark in {self.path}: wait for it, or name "
                    "another directory"
                )
            yield

    @property
    def busy(self) -> bool:
        """Whether a process has it, this one or another."""
        try:
            with (self.path / LOCK_FILE).open("rb") as lock:
                return not _lock(lock, fcntl.LOCK_SH)
        except OSError:
            return False

    def put_away(self) -> None:
        """Move everything there is into a folder beside the new run, which begins from nothing.

        Raises:
            ConfigError: it cannot be moved.
        """
        stamp = time.strftime("before-%Y%m%d-%H%M%S", time.gmtime())
        try:
            (self.path / stamp).mkdir()
            for name in (MANIFEST_FILE, EVENTS_FILE, TASKS_FOLDER):
                if (self.path / name).exists():
                    (self.path / name).rename(self.path / stamp / name)
        except OSError as error:
            raise ConfigError(f"cannot move what is in {self.path}: {error.strerror}") from error


def _lock(file: IO[Any], kind: int, *, after: float = 0.0) -> bool:
    """Lock a file; return whether that could be. Who looks whether it is locked holds it briefly.

    Args:
        file: the file.
        kind: `LOCK_SH` or `LOCK_EX`.
        after: seconds to wait before.
    """
    time.sleep(after)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def prepare(
    directory: BenchDirectory, config: BenchConfig, suite: Suite, tasks: list[str], epochs: int
) -> Manifest:
    """Return the manifest of a run that begins or goes on, and write it.

    Tasks and epochs may be added to a run; what was selected once stays selected.

    Raises:
        ConfigError: the directory holds a run with another configuration or other data; the
            message names all differences.
    """
    before = directory.read()
    if before is not None:
        check_same(before, config, suite)
        tasks = [*dict.fromkeys([*before.tasks, *tasks])]
        epochs = max(epochs, before.epochs)
    order = {sample.task.id: number for number, sample in enumerate(suite.samples)}
    manifest = Manifest(
        config=config,
        config_hash=config.hash,
        fingerprint=suite.fingerprint,
        samples={sample.task.id: sample.digest for sample in suite.samples},
        scorer=suite.scored_by,
        tasks=tuple(sorted(tasks, key=lambda task: order[task])),
        epochs=epochs,
        faults=tuple(map(str, suite.faults)),
        versions=_versions(),
        created=before.created if before else _now(),
    )
    directory.write(manifest)
    return manifest


def check_same(before: Manifest, config: BenchConfig, suite: Suite) -> None:
    """Check that a run goes on as what it was; another scorer only scores again.

    Raises:
        ConfigError: it does not.
    """
    found = differences(before.config.course(), config.course())
    now = {sample.task.id: sample.digest for sample in suite.samples}
    changed = [task for task in before.tasks if now.get(task) != before.samples.get(task)]
    if changed:
        some = ", ".join(changed[:3])
        found.append(f"the data of {len(changed)} tasks has changed since, such as {some}")
    if found:
        raise ConfigError(
            "the directory holds a run with another configuration: "
            + "; ".join(found)
            + ". Name another directory, or --new to put that run away"
        )


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"treeact": version("treeact"), "python": platform.python_version()}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def open_directory(path: Path) -> tuple[BenchDirectory, Manifest]:
    """Return the directory of a benchmark, and its manifest.

    Raises:
        ConfigError: it holds none.
    """
    directory = BenchDirectory(path)
    manifest = directory.read()
    if manifest is None:
        raise ConfigError(f"{path} holds no benchmark: make one with `treeact bench run`")
    return directory, manifest


def is_benchmark(path: Path) -> bool:
    """Return whether a directory is that of a benchmark, and not of one run."""
    return (path / MANIFEST_FILE).is_file()


def manifest_summary(manifest: Manifest) -> dict[str, Any]:
    """Return what tells one run from another, for listings."""
    config = manifest.config
    return {
        "suite": config.suite,
        "agent": config.agent,
        "planner": config.planner,
        "model": config.model,
        "tasks": len(manifest.tasks),
        "epochs": manifest.epochs,
        "created": manifest.created,
    }
