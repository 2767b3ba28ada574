"""The action library: what agents have learned to do, kept between runs."""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.agents.library import closure, rows, transfer
from treeact.agents.library.database import Database
from treeact.agents.library.harvest import Harvest, Use
from treeact.agents.library.records import SHOWN, STATUSES, Definition, Status, StoredAction
from treeact.agents.library.rows import Saved
from treeact.agents.library.search import Searcher
from treeact.errors import LibraryError

if TYPE_CHECKING:
    from treeact.agents.library.verification import OpenSandbox, Verdict

BEST = """
SELECT id FROM actions WHERE name = ? AND status IN (SELECT value FROM json_each(?))
ORDER BY id IN (SELECT action FROM pins) DESC, status = 'verified' DESC,
    status = 'exercised' DESC, version DESC LIMIT 1
"""


def library_path(path: Path | None = None) -> Path:
    """Return the file of a library.

    It is `path`, else `$TREEACT_LIBRARY`, else `treeact/actions.sqlite` in `$XDG_DATA_HOME`, by
    default `~/.local/share`.
    """
    if path is not None:
        return path
    if named := os.environ.get("TREEACT_LIBRARY"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "treeact" / "actions.sqlite"


class ActionLibrary:
    """Functions that agents wrote, with all that they need to be used again.

    It is one SQLite file that several processes may use at once: what a call of `keep` or `save`
    returned from is in the file, whatever happens to the process afterwards. A library never runs
    what it holds; loading and verifying happen in sandboxes.

    The idea is DynaSaur's (Nguyen et al. 2024, arXiv 2411.01747, section 3): generated actions are
    accumulated over tasks and retrieved by need. Versions, merging, examples and verification are
    this library's own.

    Args:
        path: the file; made if it is not there.
        frozen: read a copy of it as it is now, and write nothing, as for a test split.
        embeddings: LiteLLM's name of an embedding model to search by meaning, such as
            `openai/text-embedding-3-small`; None searches by words (BM25).
        base_url: where that model is, if not at its provider's own address.

    Raises:
        LibraryError: the file is damaged, of a later version, or cannot be opened.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        frozen: bool = False,
        embeddings: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self.path = Path(path).expanduser()
        self.frozen = frozen
        self._db = Database(self.path, frozen=frozen)
        self._searcher = Searcher(self._db, embeddings, base_url)

    def __enter__(self) -> ActionLibrary:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # Reading --------------------------------------------------------------------------------

    def actions(
        self, *, statuses: Iterable[Status] = STATUSES, all_versions: bool = False
    ) -> list[StoredAction]:
        """Return the actions, by name and version; of each name the newest, or all versions."""
        newest = "version = (SELECT max(version) FROM actions AS a WHERE a.name = actions.name)"
        with self._db.reading() as db:
            found = db.execute(
                "SELECT id FROM actions WHERE status IN (SELECT value FROM json_each(?)) "
                f"AND ({newest} OR ?) ORDER BY name, version",
                [json.dumps(list(statuses)), all_versions],
            )
            return rows.fetch(db, [row["id"] for row in found])

    def get(self, name: str, version: int | None = None) -> StoredAction:
        """Return an action; without a version, the one that is offered, or else the newest.

        Raises:
            LibraryError: there is none; the text names those that come close.
        """
        with self._db.reading() as db:
            if version is None:
                found = _best(db, name, SHOWN) or _best(db, name, STATUSES)
            else:
                row = db.execute(
                    "SELECT id FROM actions WHERE name = ? AND version = ?", [name, version]
                ).fetchone()
                found = row and row["id"]
            if found is None:
                raise LibraryError(self._unknown(db, name, version))
            return rows.fetch_one(db, found)

    @staticmethod
    def _unknown(db: sqlite3.Connection, name: str, version: int | None) -> str:
        names = [row["name"] for row in db.execute("SELECT DISTINCT name FROM actions")]
        if version is not None and name in names:
            return f"{name} has no version {version}: `treeact actions list --all` shows versions"
        close = difflib.get_close_matches(name[:100], names, n=3)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else "`treeact actions list` lists all"
        )
        return f"there is no action {name[:100]!r}: {hint}"

    def by_id(self, ids: Sequence[int]) -> list[StoredAction]:
        """Return actions by their ids; those that are not there are left out."""
        with self._db.reading() as db:
            return rows.fetch(db, ids)

    def offered(self, names: Iterable[str]) -> list[StoredAction]:
        """Return the actions that code means by these names: verified or exercised ones."""
        with self._db.reading() as db:
            found = [_best(db, name, SHOWN) for name in sorted(set(names))]
            return rows.fetch(db, [id for id in found if id is not None])

    def closure(self, actions: Iterable[StoredAction]) -> list[StoredAction]:
        """Return actions and all that they use, each after what it uses.

        Raises:
            ActionCycle: some use each other in a circle.
        """
        with self._db.reading() as db:
            return rows.fetch(db, closure.load_order(db, [action.id for action in actions]))

    async def search(
        self, query: str, k: int = 5, *, candidates: bool = False
    ) -> list[StoredAction]:
        """Return at most `k` actions that fit a query, best first, always in the same order.

        The score of an action is its relevance (BM25 over name, signature, docstring and body, or
        the cosine of embeddings) times its rate of success, (successes + 1) / (successes +
        failures + 2). Of each name the best version is found: the pinned one, else verified before
        exercised, then the newest. Disabled actions are never found.

        Args:
            query: words, or a need in a sentence.
            k: how many at most.
            candidates: find actions that were never exercised, too.

        Raises:
            LibraryError: the embedding model cannot be asked.
        """
        statuses: tuple[Status, ...] = (*SHOWN, "candidate") if candidates else SHOWN
        names = await self._searcher.names(query, max(k, 0), statuses)
        with self._db.reading() as db:
            found = [_best(db, name, statuses) for name in names]
            return rows.fetch(db, [id for id in found if id is not None])

    # Writing --------------------------------------------------------------------------------

    def save(self, definitions: Iterable[Definition], *, task: str = "") -> list[Saved]:
        """Store definitions in one transaction, each after those that it uses.

        One whose digest the library has already is merged with it; another body under a known name
        is a new version.

        Raises:
            LibraryError: the library is frozen or cannot be written, or an action that one uses is
                not in it; then none is stored.
        """
        with self._db.writing() as db:
            return [rows.insert(db, definition, task=task) for definition in definitions]

    def keep(self, harvest: Harvest, *, task: str = "") -> list[Saved]:
        """Store what a step is worth: its definitions, and what it saw of actions.

        Returns:
            The definitions of the step as they are stored now.

        Raises:
            LibraryError: as `save`.
        """
        with self._db.writing() as db:
            saved = [rows.insert(db, item, task=task) for item in harvest.definitions]
            for use in harvest.uses:
                _book(db, use)
            now = rows.fetch(db, [item.action.id for item in saved])
            return [Saved(action=a, new=s.new) for a, s in zip(now, saved, strict=True)]

    def disable(self, name: str, version: int | None = None, *, undo: bool = False) -> None:
        """Take an action out of use, or back into it; without a version, all of its versions.

        Raises:
            LibraryError: there is no such action, or the library cannot be written.
        """
        self.get(name, version)
        back = "CASE WHEN successes THEN 'exercised' ELSE 'candidate' END"
        with self._db.writing() as db:
            db.execute(
                f"UPDATE actions SET status = {back if undo else repr('disabled')} "
                "WHERE name = ? AND (? IS NULL OR version = ?) AND (status = 'disabled') = ?",
                [name, version, version, undo],
            )

    def pin(self, name: str, version: int | None = None, *, undo: bool = False) -> StoredAction:
        """Have a name mean one version, whatever better or newer ones there are; return it.

        A pinned version is offered as soon as it was exercised, unless it is disabled, and is
        never garbage. Without a version it is the one that is offered now.

        Raises:
            LibraryError: there is no such action, or the library cannot be written.
        """
        action = self.get(name, version)
        with self._db.writing() as db:
            db.execute("DELETE FROM pins WHERE name = ?", [name])
            if not undo:
                db.execute("INSERT INTO pins VALUES (?, ?)", [name, action.id])
            return rows.fetch_one(db, action.id)

    async def verify(
        self,
        name: str,
        open_sandbox: OpenSandbox,
        *,
        version: int | None = None,
        files: Sequence[Path] = (),
    ) -> Verdict:
        """Try an action's examples again in a fresh sandbox, and note what came of it.

        It is *verified* when an example gives the same result, tools answering as they are on
        record and random numbers coming from a fixed seed. A verified action that fails is
        *exercised* again. Disabled actions can be tried, and stay disabled.

        Args:
            name: of the action.
            open_sandbox: returns a started sandbox, which is closed at the end.
            version: which one; None for the one that is offered.
            files: files on the host to put into the working folder.

        Raises:
            LibraryError: there is no such action, or the library cannot be written.
            SandboxError: the sandbox cannot be opened, or died.
        """
        from treeact.agents.library.verification import verify_alone

        action = self.get(name, version)
        verdict = await verify_alone(action, self.closure([action]), open_sandbox, files=files)
        self.note_verdict(verdict)
        return verdict

    def note_verdict(self, verdict: Verdict) -> None:
        """Count a verification, and move the action to the status it has earned.

        Raises:
            LibraryError: the library is frozen or cannot be written.
        """
        if verdict.untried:
            return
        id = verdict.action.id
        with self._db.writing() as db:
            rows.count(db, id, successes=int(verdict.ok), failures=int(not verdict.ok))
            if verdict.ok:
                rows.move(db, id, "verified", only_from=("candidate", "exercised"))
            else:
                rows.move(db, id, "exercised", only_from=("verified",))

    def collect_garbage(self, *, dry_run: bool = False) -> list[StoredAction]:
        """Remove what is of no more use, and return it.

        That is what is disabled, what was never exercised, and what a newer verified version
        replaces; but nothing that an action which stays uses.

        Raises:
            LibraryError: the library is frozen or cannot be written.
        """
        with self._db.writing() as db:
            doomed = transfer.garbage(db)
            removed = rows.fetch(db, doomed)
            if not dry_run:
                rows.remove(db, doomed)
        if removed and not dry_run:
            self._db.compact()
        return removed

    # Moving ---------------------------------------------------------------------------------

    def export(self, actions: Iterable[StoredAction] | None = None) -> str:
        """Return actions, by default all, with what they use, as lines of JSON for `import_text`.

        Raises:
            ActionCycle: some use each other in a circle.
        """
        every = self.actions(all_versions=True) if actions is None else actions
        return transfer.to_text(self.closure(every))

    def import_text(self, text: str) -> list[Saved]:
        """Store the actions of an export; what is known already is merged.

        What they claim to be is not believed: verified actions come in as exercised ones, to be
        verified here, and their counts start anew.

        Raises:
            LibraryError: the text is damaged or no export; then nothing is stored.
            ActionCycle: some use each other in a circle.
        """
        imported = transfer.from_text(text)
        with self._db.writing() as db:
            return [transfer.insert(db, item) for item in imported]


def _best(db: sqlite3.Connection, name: str, statuses: Sequence[Status]) -> int | None:
    row = db.execute(BEST, [name, json.dumps(statuses)]).fetchone()
    return None if row is None else row["id"]


def _book(db: sqlite3.Connection, use: Use) -> None:
    """Note what a step saw of one action, if the library has it."""
    id = rows.id_of(db, use.action) if isinstance(use.action, str) else use.action
    if id is not None and rows.fetch(db, [id]):
        rows.count(db, id, successes=int(use.returned), failures=int(use.raised))
        rows.add_examples(db, id, use.examples)
