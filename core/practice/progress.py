"""Progress of a learner, kept on this machine: a log to which entries are only added.

Everything else is computed from the log: which card is due, which exercise is passed, how far a mock interview is. So two
open tabs cannot overwrite each other, a crash loses at most the event that was being written, and importing a file twice
changes nothing. The log is a SQLite database in WAL mode; each event is one transaction, on disk when `add` returns.

A learner is a name and no more: there is no password. On a server that many share, who knows a name can read its progress.
"""

from __future__ import annotations

import json
import sqlite3
import time
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.folders import data_folder
from core.practice.events import CHECKS, FORMAT, KINDS, VERSION, Event, dumped, read_export

LONGEST_NAME = 40
PATIENCE_SECONDS = 15.0
"""Seconds that a writer waits for another one."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT NOT NULL,
    learner TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    at REAL NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (learner, id)
);
CREATE INDEX IF NOT EXISTS events_of_item ON events (learner, kind, item, at);
"""


def clean_name(name: str) -> str:
    """The name as it is stored: normalised, single spaces, no invisible characters.

    Raises:
        LabError: `bad_name` if nothing is left, or more than `LONGEST_NAME` characters.
    """
    visible = "".join(
        " " if c.isspace() else c for c in unicodedata.normalize("NFKC", name) if c.isspace() or _shown(c)
    )
    name = " ".join(visible.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise LabError("bad_name", longest=LONGEST_NAME)
    return name


def _shown(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ"


class Progress:
    """The log of all learners of this machine. Cheap to make; every call opens the database for itself, in any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()
        self.file = self.folder / "progress.sqlite3"

    @contextmanager
    def _open(self, writing: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction: all of it counts, or nothing where something fails in it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=PATIENCE_SECONDS, isolation_level=None)) as database:
                if database.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                    self._create(database)
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA secure_delete = ON")  # what a learner deletes is overwritten
                database.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise LabError("progress_unwritable", folder=str(self.folder), reason=str(error)) from error

    def _create(self, database: sqlite3.Connection) -> None:
        """Make the table; another process may be doing the same."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                database.execute("PRAGMA journal_mode = WAL")  # does not wait for others, unlike all that follows
                break
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    # Writing

    def add(self, learner: str, kind: str, item: str, data: Mapping[str, Any], at: float | None = None) -> Event:
        """Write one event down; it is on disk when this returns.

        Args:
            at: when it happened (seconds since 1970), now if not given.

        Raises:
            LabError: `bad_name`, `progress_large` for data beyond `LONGEST_DATA`, `progress_unwritable`.
            KeyError, TypeError, ValueError: there is no such kind, or its data lack something; see `CHECKS`.
        """
        CHECKS[kind](data)
        text, name = dumped(data), clean_name(learner)
        event = Event(uuid.uuid4().hex, kind, item, time.time() if at is None else at, dict(data))
        with self._open(writing=True) as database:
            database.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (event.id, name, kind, item, event.at, text)
            )
            self._prune(database, name, kind, item)
        return event

    def _prune(self, database: sqlite3.Connection, name: str, kind: str, item: str) -> None:
        """Forget an item's oldest events beyond what its kind keeps."""
        if KINDS[kind] is not None:
            database.execute(
                "DELETE FROM events WHERE learner = ?1 AND id IN (SELECT id FROM events "
                "WHERE learner = ?1 AND kind = ?2 AND item = ?3 ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?4)",
                (name, kind, item, KINDS[kind]),
            )

    def delete(self, learner: str) -> int:
        """Forget a learner altogether.

        Returns:
            How many events there were.
        """
        with self._open(writing=True) as database:
            return database.execute("DELETE FROM events WHERE learner = ?", (clean_name(learner),)).rowcount

    # Reading

    def events(self, learner: str, kind: str, item: str | None = None) -> list[Event]:
        """A learner's events of one kind (about one item, if given), the oldest first."""
        if not self.file.exists():  # a look leaves no file behind, and needs no writable folder
            return []
        condition, values = "learner = ? AND kind = ?", [clean_name(learner), kind]
        if item is not None:
            condition, values = condition + " AND item = ?", [*values, item]
        with self._open() as database:
            rows = database.execute(
                f"SELECT id, kind, item, at, data FROM events WHERE {condition} ORDER BY at, rowid", values
            ).fetchall()
        return [Event(*row[:-1], json.loads(row[-1])) for row in rows]

    def latest(self, learner: str, kind: str) -> dict[str, Event]:
        """The last event of one kind about each item."""
        return {event.item: event for event in self.events(learner, kind)}

    def learners(self) -> list[str]:
        """All names that have progress here, the one seen last first."""
        if not self.file.exists():
            return []
        with self._open() as database:
            rows = database.execute("SELECT learner FROM events GROUP BY learner ORDER BY max(at) DESC").fetchall()
        return [name for (name,) in rows]

    # Code exercises

    def save_draft(self, learner: str, exercise: str, code: str) -> None:
        """Keep what a learner has typed so far; the last twenty versions stay, so a second tab overwrites nothing."""
        last = self.draft(learner, exercise)
        if code != last:
            self.add(learner, "draft", exercise, {"code": code})

    def draft(self, learner: str, exercise: str) -> str | None:
        """The learner's latest version of the code, or None."""
        versions = self.events(learner, "draft", exercise)
        return versions[-1].data["code"] if versions else None

    def save_pass(self, learner: str, exercise: str, code: str) -> None:
        """Note that the exercise was passed, with the code that passed."""
        self.add(learner, "pass", exercise, {"code": code})

    def passed(self, learner: str) -> dict[str, float]:
        """Time at which each passed exercise was last passed, in seconds since 1970."""
        return {exercise: event.at for exercise, event in self.latest(learner, "pass").items()}

    # One file

    def export(self, learner: str) -> str:
        """All that is known of a learner, as JSON that `bring` reads."""
        with self._open() as database:
            rows = database.execute(
                "SELECT id, kind, item, at, data FROM events WHERE learner = ? ORDER BY at, rowid",
                (clean_name(learner),),
            ).fetchall()
        events = [dict(zip(("id", "kind", "item", "at"), row, strict=False), data=json.loads(row[-1])) for row in rows]
        return json.dumps({"format": FORMAT, "version": VERSION, "events": events}, ensure_ascii=False, indent=1)

    def bring(self, learner: str, file: bytes) -> int:
        """Add what an exported file holds to a learner's progress; what is already there is left alone.

        Returns:
            How many events were new.

        Raises:
            LabError: `progress_large`, or `progress_file` with the reason; then nothing was imported.
        """
        found, name = read_export(file), clean_name(learner)
        with self._open(writing=True) as database:
            before = database.total_changes
            database.executemany(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)",
                [(event.id, name, event.kind, event.item, event.at, dumped(event.data)) for event in found],
            )
            added = database.total_changes - before
            for kind, item in {(event.kind, event.item) for event in found if KINDS[event.kind] is not None}:
                self._prune(database, name, kind, item)
        return added
