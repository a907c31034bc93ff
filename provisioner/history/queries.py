"""Recorded runs, read."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.diag import UsageError
from provisioner.events import KINDS, Event, HostStats, from_json
from provisioner.history.db import HistoryError, connect
from provisioner.history.origin import birth_of
from provisioner.values import HostName

DIED: Final = "died"
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run. hosts: their counts, empty until the run ended."""

    n: int
    id: str
    command: tuple[str, ...]
    playbooks: tuple[str, ...]
    checked: bool
    version: str
    user: str
    machine: str
    origin: str
    folder: str
    revision: str | None
    branch: str | None
    dirty: bool | None
    started: float
    ended: float | None
    exit_code: int | None
    alive: bool
    hosts: dict[HostName, HostStats]

    @property
    def outcome(self) -> str:
        """failed | changed | ok, or `running`, or `died`: it neither ended nor does it go on."""
        if self.exit_code is None:
            return RUNNING if self.alive else DIED
        if self.exit_code:
            return "failed"
        return "changed" if self.total("changed") else "ok"

    def total(self, count: str) -> int:
        """Of all hosts."""
        return sum(int(getattr(stats, count)) for stats in self.hosts.values())


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs. host: had a part in it; playbook: part of its path; command: the first word, as in `apply`; text: is
    in its id, command, user, machine or branch; before: were recorded before the one with this number."""

    host: str | None = None
    playbook: str | None = None
    command: str | None = None
    since: float | None = None
    failed: bool = False
    text: str | None = None
    before: int | None = None


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The recorded runs, for reading. Raises `UsageError` where there are none."""
    if not path.is_file():
        raise UsageError(f"no run was recorded in {path}", hint="every `provision apply` and `plan` is, unless it is "
                         "switched off")  # fmt: skip
    try:
        with closing(connect(path)) as db:
            yield db
    except (sqlite3.Error, OSError) as error:
        raise HistoryError(f"{path} can't be read: {error}") from error


def runs(db: sqlite3.Connection, wanted: Filter = Filter(), limit: int | None = None) -> list[Run]:
    """The newest first."""
    tests, values = ["1"], list[Any]()
    if wanted.host is not None:
        tests.append("n IN (SELECT run FROM hosts WHERE host = ?)")
        values.append(wanted.host)
    if wanted.playbook is not None:
        tests.append("instr(playbooks, ?) > 0")
        values.append(wanted.playbook)
    if wanted.command is not None:
        tests.append("json_extract(command, '$[0]') = ?")
        values.append(wanted.command)
    if wanted.since is not None:
        tests.append("started >= ?")
        values.append(wanted.since)
    if wanted.text is not None:
        tests.append("instr(lower(id || ' ' || command || ' ' || user || '@' || machine || ' ' || ifnull(branch, '')), "
                     "lower(?)) > 0")  # fmt: skip
        values.append(wanted.text)
    if wanted.before is not None:
        tests.append("n < ?")
        values.append(wanted.before)
    if wanted.failed:
        tests.append("(exit_code IS NULL OR exit_code != 0)")
    found = _select(db, f"{' AND '.join(tests)} ORDER BY n DESC LIMIT ?", [*values, -1 if limit is None else limit])
    return [run for run in found if not wanted.failed or run.outcome in ("failed", DIED)]


def find(db: sqlite3.Connection, name: str) -> Run:
    """The run with this id, or the beginning of it; `last`, or `last~2` for the one two before it."""
    word, _, back = name.partition("~")
    if word == "last" and (back.isdigit() or not back):
        found = _select(db, "1 ORDER BY n DESC LIMIT 1 OFFSET ?", [int(back or 0)])
        if not found:
            raise UsageError(f"there is no run `{name}`", hint="`provision history` lists them")
        return found[0]
    found = _select(db, "substr(id, 1, ?) = ? ORDER BY n DESC LIMIT 2", [len(name), name])
    if not found:
        raise UsageError(f"there is no run `{name}`", hint="`provision history` lists them")
    if len(found) > 1:
        raise UsageError(f"several runs begin with `{name}`", hint="give more of the id")
    return found[0]


def events(db: sqlite3.Connection, run: Run) -> Iterator[tuple[Event, float]]:
    """What happened in a run and when, in order, as sinks have been told it."""
    return ((event, moment) for _, event, moment in some_events(db, run))


def some_events(db: sqlite3.Connection, run: Run, condition: str = "1", values: Sequence[Any] = (),
                limit: int = -1) -> Iterator[tuple[int, Event, float]]:
    """Those events of a run for which the SQL condition holds, with their numbers in it."""
    tasks = {id: json.loads(data) for id, data in db.execute("SELECT id, data FROM tasks WHERE run = ?", [run.n])}
    rows = db.execute(
        f"SELECT seq, time, type, host, task, status, data FROM events WHERE run = ? AND {condition} "  # noqa: S608 - ours
        "ORDER BY seq LIMIT ?", [run.n, *values, limit])  # fmt: skip
    for seq, time, kind, host, task, status, text in rows:
        if kind not in KINDS.values():
            continue  # of a newer version
        data = {**json.loads(text), "type": kind}
        data |= {name: value for name, value in (("host", host), ("status", status)) if value is not None}
        if task is not None:
            data["task"] = tasks[task]
        yield seq, from_json(data), time


def _select(db: sqlite3.Connection, condition: str, values: list[Any]) -> list[Run]:
    cursor = db.execute(f"SELECT * FROM runs WHERE {condition}", values)  # noqa: S608 - conditions are our own
    names = [column[0] for column in cursor.description]
    return [_run(db, dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _run(db: sqlite3.Connection, row: dict[str, Any]) -> Run:
    hosts = {HostName(host): HostStats(**json.loads(counts)) for host, counts in
             db.execute("SELECT host, counts FROM hosts WHERE run = ? ORDER BY host", [row["n"]])}  # fmt: skip
    birth, pid = row.pop("birth"), row.pop("pid")
    return Run(**{**row, "command": tuple(json.loads(row["command"])), "playbooks": tuple(json.loads(row["playbooks"])),
                  "checked": bool(row["checked"]), "dirty": None if row["dirty"] is None else bool(row["dirty"])},
               alive=row["ended"] is None and _lives(pid, birth), hosts=hosts)  # fmt: skip


def _lives(pid: int, birth: str) -> bool:
    if birth:
        return birth_of(pid) == birth
    try:  # no /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
