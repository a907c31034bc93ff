"""What the pages show, asked of the record: by indices only, so that ten thousand runs cost no more than ten."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from provisioner.events import Event, HostStats
from provisioner.history.queries import Filter, Run, runs, some_events
from provisioner.values import HostName


@dataclass(frozen=True, slots=True)
class Day:
    """Runs that began on a day (UTC), by how they ended."""

    day: str
    well: int
    failed: int

    @property
    def total(self) -> int:
        return self.well + self.failed


@dataclass(frozen=True, slots=True)
class HostState:
    """A host after the last run that it had a part in."""

    host: str
    run: str
    started: float
    command: tuple[str, ...]
    checked: bool
    counts: HostStats

    @property
    def status(self) -> str:
        if self.counts.failed or self.counts.unreachable:
            return "unreachable" if self.counts.unreachable else "failed"
        return "changed" if self.counts.changed else "ok"


@dataclass(frozen=True, slots=True)
class Machine:
    """What was done last about a resource of a site. phase: done | failed | begun | waiting."""

    site: str
    resource: str
    action: str
    phase: str
    text: str
    time: float
    run: str


@dataclass(frozen=True, slots=True)
class TaskRows:
    """A task of a run, summed up. results: hosts by status. first, last: numbers of its events."""

    id: str
    first: int
    last: int
    began: float
    ended: float
    results: dict[str, int]


def days(db: sqlite3.Connection, now: float, count: int) -> list[Day]:
    """The last days, the oldest first, today included."""
    today = datetime.fromtimestamp(now, UTC).date()
    wanted = [(today - timedelta(days=back)).isoformat() for back in reversed(range(count))]
    since = datetime.fromisoformat(wanted[0]).replace(tzinfo=UTC).timestamp()
    rows = db.execute("""SELECT date(started, 'unixepoch'), sum(exit_code IS 0), sum(exit_code IS NOT 0) FROM runs
                         WHERE started >= ? GROUP BY 1""", [since]).fetchall()  # fmt: skip
    found = {day: Day(day, well, failed) for day, well, failed in rows}
    return [found.get(day, Day(day, 0, 0)) for day in wanted]


def count_runs(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM runs").fetchone()[0])


def unfinished(db: sqlite3.Connection) -> list[Run]:
    """Runs that go on now, the newest first."""
    return [run for run in runs(db, Filter(), 50) if run.ended is None and run.alive]


def hosts(db: sqlite3.Connection, text: str = "") -> list[HostState]:
    """All hosts, by name. text: part of the name."""
    rows = db.execute("""
        WITH RECURSIVE names (host) AS (  -- from one name to the next: the index has a row for every run of a host
            SELECT min(host) FROM hosts
            UNION ALL SELECT (SELECT min(host) FROM hosts WHERE host > names.host) FROM names WHERE host IS NOT NULL
        ), latest AS (
            SELECT host, (SELECT max(run) FROM hosts WHERE hosts.host = names.host) AS run FROM names
            WHERE host IS NOT NULL AND instr(lower(host), lower(?)) > 0
        )
        SELECT hosts.host, runs.id, runs.started, runs.command, runs.checked, hosts.counts FROM latest
        JOIN hosts ON hosts.host = latest.host AND hosts.run = latest.run JOIN runs ON runs.n = latest.run
        ORDER BY hosts.host""", [text]).fetchall()
    return [_state(row) for row in rows]


def runs_of(db: sqlite3.Connection, host: str, limit: int) -> list[HostState]:
    """How a host came out of its last runs, the newest first."""
    rows = db.execute("""
        SELECT hosts.host, runs.id, runs.started, runs.command, runs.checked, hosts.counts FROM hosts
        JOIN runs ON runs.n = hosts.run WHERE hosts.host = ? ORDER BY hosts.run DESC LIMIT ?""", [host, limit])
    return [_state(row) for row in rows.fetchall()]


def machines(db: sqlite3.Connection) -> list[Machine]:
    """Resources of all sites with the last that was done about each, by site and name."""
    rows = db.execute("""SELECT events.time, runs.id, events.data FROM events JOIN runs ON runs.n = events.run
                         WHERE events.type = 'machine_step' ORDER BY events.run, events.seq""").fetchall()  # fmt: skip
    found: dict[tuple[str, str], Machine] = {}
    for time, run, text in rows:
        data = json.loads(text)
        if data["action"] not in ("wait", "verify"):
            found[data["site"], data["resource"]] = Machine(
                data["site"], data["resource"], data["action"], data["phase"], data["text"], time, run)  # fmt: skip
    return [found[key] for key in sorted(found)]


def tasks(db: sqlite3.Connection, run: Run, after: int = 0) -> list[TaskRows]:
    """The tasks of a run in the order they began; those only that something happened in after event `after`."""
    rows = db.execute("""
        SELECT task, min(seq), max(seq), min(time), max(time), iif(type = 'result', status, NULL) AS result, count(*)
        FROM events WHERE run = ? AND task IS NOT NULL GROUP BY task, result""", [run.n]).fetchall()
    found: dict[str, TaskRows] = {}
    for task, first, last, began, ended, status, count in rows:
        known = found.get(task, TaskRows(task, first, last, began, ended, {}))
        results = {**known.results, status: count} if status else known.results
        found[task] = TaskRows(task, min(known.first, first), max(known.last, last), min(known.began, began),
                               max(known.ended, ended), results)  # fmt: skip
    return sorted((each for each in found.values() if each.last > after), key=lambda each: each.first)


def notable(db: sqlite3.Connection, run: Run, wanted: Sequence[str], *, host: str, status: str,
            limit: int) -> list[tuple[int, Event, float]]:  # fmt: skip
    """Results of these tasks that are worth a line: all that changed or could not be done, every step of a deploy; of
    one host, or of one status, all."""
    condition, values = f"task IN ({', '.join('?' * len(wanted))}) AND type IN ('result', 'item', 'step')", [*wanted]
    if host:
        condition, values = f"{condition} AND host = ?", [*values, host]
    if status:
        condition, values = f"{condition} AND status = ?", [*values, status]
    if not host and not status:
        condition += " AND (type = 'step' OR status NOT IN ('ok', 'skipped'))"
    return list(some_events(db, run, condition, values, limit))


def between_tasks(db: sqlite3.Connection, run: Run, after: int = 0) -> list[tuple[int, Event, float]]:
    """Plays, warnings and machines of a run."""
    kinds = "type IN ('play_start', 'no_hosts', 'warning', 'machines_plan', 'machine_step')"
    return list(some_events(db, run, f"{kinds} AND seq > ?", [after]))


def last_event(db: sqlite3.Connection, run: Run) -> int:
    return int(db.execute("SELECT ifnull(max(seq), 0) FROM events WHERE run = ?", [run.n]).fetchone()[0])


def _state(row: Sequence[object]) -> HostState:
    host, run, started, command, checked, counts = row
    return HostState(HostName(str(host)), str(run), float(str(started)), tuple(json.loads(str(command))),
                     bool(checked), HostStats(**json.loads(str(counts))))  # fmt: skip
