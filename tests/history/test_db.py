from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from provisioner.history.db import MIGRATIONS, connect, transaction

ROOT = Path(__file__).parents[2]


def version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_it_is_in_wal_mode_and_up_to_date(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert version(db) == len(MIGRATIONS)


def test_an_older_file_keeps_its_runs_and_gets_the_newer_tables(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db", ["CREATE TABLE a (x);"])) as db:
        db.execute("INSERT INTO a VALUES (1)")
    with closing(connect(tmp_path / "h.db", ["CREATE TABLE a (x);", "CREATE TABLE b (y); -- c;\nDROP TABLE b;"])) as db:
        assert db.execute("SELECT x FROM a").fetchall() == [(1,)]
        assert version(db) == 2


def test_a_migration_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db", ["CREATE TABLE a (x);"])):
        pass
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "h.db", ["CREATE TABLE a (x);", "CREATE TABLE b (y);\nCREATE TABLE b (y);"])
    with closing(connect(tmp_path / "h.db", ["CREATE TABLE a (x);"])) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db", ["CREATE TABLE a (x UNIQUE);"])) as db:
        with pytest.raises(sqlite3.IntegrityError), transaction(db):
            db.executemany("INSERT INTO a VALUES (?)", [(1,), (2,), (1,)])
        assert db.execute("SELECT * FROM a").fetchall() == []


def test_many_processes_may_make_it_at_once(tmp_path: Path) -> None:
    code = "import sys, pathlib; from provisioner.history.db import connect; connect(pathlib.Path(sys.argv[1])).close()"
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "h.db")], cwd=ROOT) for _ in range(8)]
    assert [process.wait() for process in started] == [0] * 8
