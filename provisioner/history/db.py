"""The file in which runs are recorded: its tables, how it grows older, how many may use it at a time.

SQLite in WAL mode: readers wait for nobody, writers for each other's transactions of a few milliseconds, and a
process that is killed leaves what it had committed. The file belongs to the user alone (0600).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from provisioner.diag import ProvisionError

FILE: Final = "history.db"

PATIENCE: Final = 20.0
"""Seconds to wait for other writers. Eight of them on a busy machine have needed one."""

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE runs (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        command TEXT NOT NULL,     -- JSON: a list of words, without values of variables
        playbooks TEXT NOT NULL,   -- JSON: a list of paths
        checked INTEGER NOT NULL,  -- whether nothing was to be changed
        version TEXT NOT NULL,
        user TEXT NOT NULL,
        machine TEXT NOT NULL,
        origin TEXT NOT NULL,      -- where the user was logged in from
        folder TEXT NOT NULL,
        pid INTEGER NOT NULL,
        birth TEXT NOT NULL,       -- of the process: tells whether it still runs
        revision TEXT,             -- of the repository that the first playbook is in
        branch TEXT,
        dirty INTEGER,
        started REAL NOT NULL,
        ended REAL,
        exit_code INTEGER
    );
    CREATE INDEX runs_by_start ON runs (started);
    CREATE TABLE tasks (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        id TEXT NOT NULL,
        data TEXT NOT NULL,        -- JSON: events.TaskRef
        PRIMARY KEY (run, id)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        time REAL NOT NULL,
        type TEXT NOT NULL,
        host TEXT,
        task TEXT,
        status TEXT,
        data TEXT NOT NULL,        -- JSON: the other fields of the event
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID;
    CREATE TABLE hosts (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        host TEXT NOT NULL,
        counts TEXT NOT NULL,      -- JSON: events.HostStats
        PRIMARY KEY (run, host)
    ) WITHOUT ROWID;
    CREATE INDEX runs_of_hosts ON hosts (host, run);
    """,
    """
    CREATE TABLE baselines (       -- what the last apply made of each resource: events.Resource
        place TEXT NOT NULL,
        module TEXT NOT NULL,
        name TEXT NOT NULL,
        wanted TEXT NOT NULL,
        run INTEGER NOT NULL,      -- which may have been removed since
        applied REAL NOT NULL,
        PRIMARY KEY (place, module, name, wanted)
    ) WITHOUT ROWID;
    CREATE TABLE findings (        -- what the last check of a scope found
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        host TEXT NOT NULL,
        first_seen REAL NOT NULL,
        last_seen REAL NOT NULL,
        PRIMARY KEY (scope, key)
    ) WITHOUT ROWID;
    CREATE TABLE checks (
        scope TEXT PRIMARY KEY,
        succeeded REAL,            -- when everything could be checked for the last time
        told TEXT                  -- the set of findings that each channel was told last
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE surveys (         -- what a host had after the last apply, for watch lists: history.surveys
        place TEXT NOT NULL,
        watch TEXT NOT NULL,
        settings TEXT NOT NULL,
        items TEXT NOT NULL,       -- JSON: a list of lines by item
        taken REAL NOT NULL,
        PRIMARY KEY (place, watch)
    );
    """,
    """
    ALTER TABLE findings ADD COLUMN kind TEXT NOT NULL DEFAULT '';
    ALTER TABLE findings ADD COLUMN data TEXT NOT NULL DEFAULT '{}';  -- JSON: drift.seen
    CREATE TABLE checked (         -- how many findings each check had
        scope TEXT NOT NULL,
        time REAL NOT NULL,
        hosts INTEGER NOT NULL,
        counts TEXT NOT NULL,      -- JSON: findings by kind
        PRIMARY KEY (scope, time)
    ) WITHOUT ROWID;
    CREATE TABLE deploys (         -- releases of apps: history.deploys
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        time REAL NOT NULL,
        app TEXT NOT NULL,
        host TEXT NOT NULL,
        release TEXT NOT NULL,
        action TEXT NOT NULL,
        status TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID;
    CREATE INDEX deploys_of_apps ON deploys (app, time);
    CREATE INDEX deploys_of_hosts ON deploys (host, time);
    CREATE INDEX machine_steps ON events (run, seq) WHERE type = 'machine_step';
    """,
    """
    CREATE TABLE kept_on_hosts (   -- what hosts were told last: baseline.keeper
        host TEXT NOT NULL,
        name TEXT NOT NULL,
        wanted TEXT NOT NULL,
        PRIMARY KEY (host, name)
    ) WITHOUT ROWID;
    """,
)
"""Each makes a version of the tables from the one before. One that was released never changes."""


class HistoryError(ProvisionError):
    """The recorded runs can't be used."""


def connect(path: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """The database at `path`, made or brought up to date if need be.

    Raises `HistoryError`, `sqlite3.Error`, `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(db)
        db.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last seconds, never the file
        db.execute("PRAGMA foreign_keys = ON")
        _migrate(db, path, migrations)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. Takes the right to write at once: asking for it later can't be waited for."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _use_wal(db: sqlite3.Connection) -> None:
    """While several processes make the file at once, SQLite refuses this without having waited."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    version = _version(db)
    if version > len(migrations):
        raise HistoryError(f"{path} was made by a newer provision (its tables have version {version}, this one "
                           f"knows {len(migrations)})", hint="use the newer one, or another --state-dir")  # fmt: skip
    if version == len(migrations):
        return
    with transaction(db):
        for number in range(_version(db), len(migrations)):  # somebody else may have been faster
            for statement in _statements(migrations[number]):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(migrations):d}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
