"""The library's file: an SQLite database that several processes may write at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from treeact.errors import LibraryError

APPLICATION_ID = 0x54414C42
SCHEMA_VERSION = 1
BUSY_TIMEOUT = 30.0
"""Seconds that a writer waits for the others."""
SCHEMA = """
CREATE TABLE actions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    context TEXT NOT NULL,
    header TEXT NOT NULL,
    docstring TEXT NOT NULL,
    tools TEXT NOT NULL,
    status TEXT NOT NULL,
    task TEXT NOT NULL,
    created REAL NOT NULL,
    successes INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, version)
);
CREATE TABLE uses (
    action INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    used INTEGER NOT NULL REFERENCES actions (id),
    PRIMARY KEY (action, name)
) WITHOUT ROWID;
CREATE INDEX used_by ON uses (used);
CREATE TABLE examples (
    id INTEGER PRIMARY KEY,
    action INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    arguments TEXT NOT NULL,
    result TEXT NOT NULL,
    calls TEXT NOT NULL,
    UNIQUE (action, arguments)
);
CREATE TABLE vectors (
    action INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (action, model)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    name, header, docstring, body, tokenize = "porter unicode61 tokenchars '_'"
);
"""
PINS = """
CREATE TABLE IF NOT EXISTS pins (
    name TEXT PRIMARY KEY,
    action INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE
) WITHOUT ROWID
"""
"""The version that a person wants a name to mean; files of earlier TreeActs have no such table."""


class Database:
    """One connection, for all threads of a process; each use holds its lock.

    Args:
        path: the file; made, with its folder, if it is not there.
        frozen: work on a copy in memory, and leave the file as it is.

    Raises:
        LibraryError: the file cannot be used; the message names the remedy.
    """

    def __init__(self, path: Path, *, frozen: bool = False) -> None:
        self.path = path
        self.frozen = frozen
        self._lock = threading.RLock()
        with self._explained():
            self._connection = self._snapshot() if frozen else self._open()
            self._connection.row_factory = sqlite3.Row

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connect(str(self.path))
        try:
            self._check(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # what is acknowledged stays
            connection.execute("PRAGMA foreign_keys = ON")
            self._create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _snapshot(self) -> sqlite3.Connection:
        """Return a copy in memory, which no other process changes either."""
        memory = self._connect(":memory:")
        if self.path.exists():
            before = self._state()
            self._copy(memory, "mode=ro" if before[0] else "immutable=1")
            if not before[0] and self._state() != before:  # somebody began to write meanwhile
                self._copy(memory, "mode=ro")
        self._create(memory)
        return memory

    def _copy(self, memory: sqlite3.Connection, how: str) -> None:
        """Copy the file; opened as immutable, it gets no companions and needs no lock."""
        source = self._connect(f"{self.path.absolute().as_uri()}?{how}")
        try:
            self._check(source)
            source.backup(memory)
        finally:
            source.close()

    def _state(self) -> tuple[int, int, int]:
        """Return the size of the file's log, and what tells whether the file has changed."""
        log = self.path.with_name(f"{self.path.name}-wal")
        file = self.path.stat()
        return log.stat().st_size if log.exists() else 0, file.st_mtime_ns, file.st_size

    @staticmethod
    def _connect(name: str) -> sqlite3.Connection:
        return sqlite3.connect(
            name,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            uri=name.startswith("file:"),
        )

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise LibraryError when the file is no library, or a later version's."""
        application = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != APPLICATION_ID:
            raise LibraryError(f"{self.path} is a database, but no action library: name another")
        if version > SCHEMA_VERSION:
            raise LibraryError(
                f"{self.path} has schema version {version}, and this TreeAct knows "
                f"{SCHEMA_VERSION}: upgrade TreeAct, or name another file"
            )

    @staticmethod
    def _create(connection: sqlite3.Connection) -> None:
        if _pragma(connection, "user_version") == SCHEMA_VERSION:
            connection.execute(PINS)
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _pragma(connection, "user_version") != SCHEMA_VERSION:  # nobody was faster
                for statement in SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(PINS)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for reading."""
        with self._lock, self._explained():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one transaction, alone among all processes.

        Raises:
            LibraryError: the library is frozen, or the file cannot be written.
        """
        if self.frozen:
            raise LibraryError(f"{self.path} was opened frozen: open it without to change it")
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def compact(self) -> None:
        """Give the room of what was removed back to the file system."""
        with self._lock, self._explained():
            self._connection.execute("VACUUM")

    def close(self) -> None:
        """Close the connection."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into errors that name a remedy."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LibraryError(f"{self.path} cannot be used: {error}; {_remedy(error)}") from error
        except sqlite3.DatabaseError as error:
            raise LibraryError(
                f"{self.path} is damaged or no action library ({error}): move it away and bring "
                "its actions back from an export with `treeact actions import`"
            ) from error
        except OSError as error:
            raise LibraryError(f"{self.path} cannot be used: {error.strerror}") from error


def _remedy(error: sqlite3.OperationalError) -> str:
    if "locked" in str(error):
        return f"another process has held it for {BUSY_TIMEOUT:g} seconds: end that one"
    if "no such" in str(error):
        return "it lacks a part: move it away and import an export of it"
    return "check that its folder can be written and has room"


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
