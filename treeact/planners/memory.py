"""Plans that worked, kept between runs: what ToolChain* scores paths against."""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock

from treeact.errors import ConfigError, PlanMemoryError
from treeact.planners.plan_scores import MAX_CALLS, PlanScores

APPLICATION = 0x54726163
VERSION = 1
WAIT = 30.0
"""Seconds to wait for another process that is writing."""

SCHEMA = f"""
CREATE TABLE plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows with each change, so that changes are seen
    calls TEXT NOT NULL UNIQUE,            -- a JSON list of names
    demonstration INTEGER NOT NULL
);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
ADD_DEMONSTRATION = """
INSERT INTO plans (calls, demonstration) VALUES (?, 1)
ON CONFLICT (calls) DO UPDATE SET demonstration = 1
"""
ADD_SUCCESS = """
REPLACE INTO plans (calls, demonstration)
SELECT new.calls, COALESCE(old.demonstration, 0)
FROM (SELECT ? AS calls) new LEFT JOIN plans old ON old.calls = new.calls
"""
EVICT = """
DELETE FROM plans WHERE id IN (SELECT id FROM plans ORDER BY demonstration, id LIMIT ?)
"""
REVISION = "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM plans"


class PlanMemory:
    """A bounded set of plans, each the calls that led to success, in a SQLite file or in memory.

    Seeded with demonstrations, it grows with each success (ToolChain*, Zhuang et al. 2024, section
    3). A plan is held once. When it is full, the success that has not come up for the longest time
    goes; a demonstration goes, oldest first, only where there is nothing else.

    Several processes may use one file. Every change is one transaction: a process that is killed
    leaves the file as before or after it.

    Args:
        path: the file, made when missing; None keeps the plans in memory alone.
        demonstrations: plans to begin with; those that the file holds already stay as they are.
        max_plans: how many plans are held.

    Raises:
        ConfigError: `max_plans` is not positive, or a demonstration is empty or has more than 64
            calls.
        PlanMemoryError: the file cannot be used; the message names the remedy.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        demonstrations: Iterable[Iterable[str]] = (),
        max_plans: int = 10_000,
    ) -> None:
        if max_plans < 1:
            raise ConfigError(f"max_plans is {max_plans}: a memory holds at least one plan")
        self.path = None if path is None else Path(path)
        self.max_plans = max_plans
        self._lock = RLock()
        self._scores: tuple[tuple[int, int], PlanScores] | None = None
        self._in_memory: sqlite3.Connection | None = None
        if path is None:
            self._in_memory = _connect(":memory:")
            weakref.finalize(self, self._in_memory.close)
        with self._transaction() as db:
            _prepare(db)
            db.executemany(ADD_DEMONSTRATION, [(_checked(plan),) for plan in demonstrations])
            self._evict(db)

    def __len__(self) -> int:
        with self._transaction(write=False) as db:
            return _revision(db)[0]

    def add(self, calls: Iterable[str]) -> bool:
        """Remember the calls of a success, as the newest.

        Returns:
            Whether it is remembered: a plan without calls, or with more than 64, is not.

        Raises:
            PlanMemoryError: the file cannot be used.
        """
        plan = list(calls)
        if not 0 < len(plan) <= MAX_CALLS:
            return False
        with self._transaction() as db:
            db.execute(ADD_SUCCESS, (json.dumps(plan),))
            self._evict(db)
        return True

    def plans(self) -> tuple[tuple[str, ...], ...]:
        """Return what is held, oldest first.

        Raises:
            PlanMemoryError: the file cannot be used.
        """
        return self.scores().plans

    def scores(self) -> PlanScores:
        """Return the scores over what is held now; they do not follow later changes.

        Raises:
            PlanMemoryError: the file cannot be used.
        """
        with self._lock, self._transaction(write=False) as db:
            revision = _revision(db)
            if self._scores is None or self._scores[0] != revision:
                rows = db.execute("SELECT calls FROM plans ORDER BY id").fetchall()
                self._scores = revision, PlanScores([self._read(text) for (text,) in rows])
            return self._scores[1]

    def _evict(self, db: sqlite3.Connection) -> None:
        excess = _revision(db)[0] - self.max_plans
        if excess > 0:
            db.execute(EVICT, (excess,))

    def _read(self, text: object) -> list[str]:
        try:
            plan = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            plan = None
        if not isinstance(plan, list) or not all(isinstance(call, str) for call in plan):
            raise self._damaged("a plan in it is no list of names")
        if not 0 < len(plan) <= MAX_CALLS:
            raise self._damaged(f"a plan in it has {len(plan)} calls")
        return plan

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._opened() as db:
                db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield db
                except BaseException:
                    if db.in_transaction:  # a full disk has ended it already
                        db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._explained(error) from error

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each use: none crosses to another thread or process."""
        if self._in_memory is not None:
            yield self._in_memory
            return
        with closing(_connect(str(self.path))) as db:
            yield db

    def _explained(self, error: sqlite3.Error) -> PlanMemoryError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            return PlanMemoryError(
                f"the plan memory {self.path} was held by another process for {WAIT:g} seconds: "
                "end that process, or try again"
            )
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR")):
            return PlanMemoryError(
                f"the plan memory {self.path} cannot be written ({error}): check that its folder "
                "exists, its permissions, and the space on the disk"
            )
        return self._damaged(str(error))

    def _damaged(self, what: str) -> PlanMemoryError:
        return PlanMemoryError(
            f"the plan memory {self.path} is damaged or is another program's file ({what}): move "
            "it away and a new one is made from the demonstrations, or put back a copy"
        )


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)


def _prepare(db: sqlite3.Connection) -> None:
    """Make the table in an empty file; leave other programs' files alone."""
    [tables] = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if not tables:
        for statement in SCHEMA.split(";\n"):
            db.execute(statement)
    [application] = db.execute("PRAGMA application_id").fetchone()
    [version] = db.execute("PRAGMA user_version").fetchone()
    if (application, version) != (APPLICATION, VERSION):
        raise sqlite3.DatabaseError(f"its kind is {application}, version {version}")


def _revision(db: sqlite3.Connection) -> tuple[int, int]:
    count, newest = db.execute(REVISION).fetchone()
    return count, newest


def _checked(calls: Iterable[str]) -> str:
    plan = list(calls)
    if not 0 < len(plan) <= MAX_CALLS:
        raise ConfigError(f"a demonstration has {len(plan)} calls: give from 1 to {MAX_CALLS}")
    return json.dumps(plan)
