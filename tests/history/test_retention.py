from __future__ import annotations

from contextlib import closing
from pathlib import Path

from provisioner.events import TaskResult
from provisioner.history.db import connect
from provisioner.history.queries import runs
from provisioner.history.retention import Limits, prune, size
from tests.history.recording import H1, TASK, record, run_of

DAY = 86_400.0


def test_runs_that_are_too_old_go_with_all_their_rows(tmp_path: Path) -> None:
    for day in range(5):
        record(tmp_path / "h.db", run_of(f"day{day}"), at=day * DAY)
    with closing(connect(tmp_path / "h.db")) as db:
        assert prune(db, Limits(days=2.5), 5 * DAY, keep=0) == 3
        assert [run.id for run in runs(db)] == ["day4", "day3"]
        for table in ("events", "tasks", "hosts"):
            assert db.execute(f"SELECT DISTINCT run FROM {table} ORDER BY run").fetchall() == [(4,), (5,)]


def test_the_oldest_go_first_when_there_is_too_much_and_room_is_given_back(tmp_path: Path) -> None:
    large = TaskResult(H1, TASK, "changed", {"changed": True, "lines": ["x" * 10_000] * 20})
    for number in range(12):
        first, *rest = run_of(f"run{number:02}")
        record(tmp_path / "h.db", [first, *[large] * 5, *rest[:-1]], at=number * DAY)
    with closing(connect(tmp_path / "h.db")) as db:
        before = (tmp_path / "h.db").stat().st_size, size(db)
        prune(db, Limits(days=1e6, bytes=6_000_000), 0.0, keep=0)
        left = [run.id for run in runs(db)]
        assert left == [f"run{number:02}" for number in range(11, 11 - len(left), -1)]
        assert 0 < len(left) < 12
        assert size(db) <= 6_000_000 < before[1]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (tmp_path / "h.db").stat().st_size < before[0]


def test_the_run_that_ends_is_kept_whatever_the_limits(tmp_path: Path) -> None:
    record(tmp_path / "h.db", run_of("old"), at=0.0)
    record(tmp_path / "h.db", run_of("only"), at=1.0, limits=Limits(days=0, bytes=0))
    with closing(connect(tmp_path / "h.db")) as db:
        assert [run.id for run in runs(db)] == ["only"]
