"""The sink that records a run. A thread of its own writes, in batches: between its begin and its end the run never
waits for the disk.

What it gets is masked already. If it can't write, the run goes on, and `problem` says why nothing was recorded.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from provisioner.diag import ProvisionError
from provisioner.events import (
    KINDS,
    Event,
    HostBegan,
    HostText,
    ItemResult,
    MachinesPlanned,
    PlayStarted,
    Resource,
    RunEnded,
    RunStarted,
    Step,
    TaskResult,
)
from provisioner.history import surveys
from provisioner.history.baselines import key_in, remember
from provisioner.history.db import connect, transaction
from provisioner.history.deploys import deployed
from provisioner.history.origin import here, revision_of
from provisioner.history.retention import Limits, prune
from provisioner.history.shorten import kept, shortened

BATCH: Final = 0.3
"""Seconds for which events are gathered before they are written; what a killed run loses at most."""

_BEGIN_MAY_TAKE: Final = 1.0
_FLUSH_MAY_TAKE: Final = 5.0
_CLOSE_MAY_TAKE: Final = 10.0  # seconds; a disk that hangs must not hang the run's end for longer

_NOT_KEPT: Final = (HostBegan, HostText)
"""Only of interest while it happens."""

_Told: TypeAlias = "tuple[Event, float] | threading.Event | None"
"""An event and its time; something to set once all before it is written; or the end."""


@dataclass(slots=True)
class Recorder:
    """A `Sink`. limits: what older runs are removed by at the end."""

    file: Path
    limits: Limits = Limits()
    problem: str = ""
    """Why the run is not (wholly) recorded."""
    _queue: queue.SimpleQueue[_Told] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None
    _run: int = 0
    _seq: int = 0
    _tasks: set[str] = field(default_factory=set)
    _remembers: bool = True
    _machines: list[Resource] = field(default_factory=list)
    """Of sites that are being made: remembered once all of them are."""
    _command: tuple[str, ...] = ()

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, _NOT_KEPT) or self.problem:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="history", daemon=True)
            self._thread.start()
        self._queue.put((event, time))
        if isinstance(event, RunStarted):
            self._written(_BEGIN_MAY_TAKE)  # whoever sees what this run does to a host also sees that it runs

    def flush(self) -> None:
        """Wait until everything that came so far is written, or `problem` says why it is not."""
        if self._thread is not None and not self.problem and not self._written(_FLUSH_MAY_TAKE):
            self.problem = f"{self.file} takes more than {_FLUSH_MAY_TAKE:g} s to write"

    def _written(self, seconds: float) -> bool:
        """Whether everything that came so far is written before this time is over."""
        written = threading.Event()
        self._queue.put(written)
        return written.wait(seconds)

    def close(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(_CLOSE_MAY_TAKE)

    # -- in the thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        waiting: threading.Event | None = None
        try:
            with closing(connect(self.file)) as db:
                for batch, waiting in self._batches():
                    if batch:
                        with transaction(db):
                            for event, moment in batch:
                                self._store(db, event, moment)
                    if waiting is not None:
                        waiting.set()
                    for event, _ in batch:
                        self._afterwards(db, event)
        except (sqlite3.Error, OSError, ProvisionError) as error:
            self.problem = str(error)
            if waiting is not None:
                waiting.set()
            for _, waiting in self._batches():  # nobody waits for what won't be written
                if waiting is not None:
                    waiting.set()

    def _batches(self) -> Iterator[tuple[Sequence[tuple[Event, float]], threading.Event | None]]:
        """What came, together where much comes, until the end; and what to set once that is written."""
        over = False
        while not over:
            batch: list[tuple[Event, float]] = []
            waiting: threading.Event | None = None
            until = float("inf")
            while waiting is None and (left := until - time.monotonic()) > 0:
                try:
                    told = self._queue.get(timeout=min(left, threading.TIMEOUT_MAX))
                except queue.Empty:
                    break
                if told is None:
                    over = True
                    break
                if isinstance(told, threading.Event):
                    waiting = told
                else:
                    batch.append(told)
                    until = min(until, time.monotonic() + BATCH)
            if batch or waiting is not None:
                yield batch, waiting

    def _store(self, db: sqlite3.Connection, event: Event, moment: float) -> None:
        if isinstance(event, RunStarted):
            self._begin(db, event, moment)
        data = _data(event)
        task = getattr(event, "task", None)
        if task is not None:
            data.pop("task")
            if task.id not in self._tasks:
                db.execute("INSERT INTO tasks VALUES (?, ?, ?)", (self._run, task.id, _json(asdict(task))))
                self._tasks.add(task.id)
        if self._remembers and isinstance(event, (TaskResult, ItemResult)) and event.resource and not event.checked:
            self._made(db, event.resource, event, moment)
        if isinstance(event, MachinesPlanned) and self._remembers:
            self._machines += event.resources
        if isinstance(event, PlayStarted) or (isinstance(event, RunEnded) and event.exit_code == 0):
            while self._machines:
                remember(db, self._machines.pop(), self._run, moment)
        self._seq += 1
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   (self._run, self._seq, moment, KINDS[type(event)], _text(data.pop("host", None)),
                    task.id if task is not None else None, data.pop("status", None), _json(data)))  # fmt: skip
        if isinstance(event, TaskResult) and (told := deployed(event, self._command)):
            db.execute("INSERT INTO deploys (run, seq, time, host, status, app, release, action) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                       (self._run, self._seq, moment, _text(event.host), event.status, *map(_text, told)))  # fmt: skip
        if isinstance(event, RunEnded):
            db.execute("UPDATE runs SET ended = ?, exit_code = ? WHERE n = ?", (moment, event.exit_code, self._run))
            db.executemany("INSERT INTO hosts VALUES (?, ?, ?)", [
                (self._run, _text(host), _json(asdict(counts))) for host, counts in event.stats.items()])  # fmt: skip

    def _made(self, db: sqlite3.Connection, resource: Resource, event: TaskResult | ItemResult,
              moment: float) -> None:  # fmt: skip
        if event.status in ("ok", "changed"):
            remember(db, resource, self._run, moment)
            if surveys.is_survey(resource):
                surveys.remember(db, resource.where, surveys.told(event.result), key_in(self.file.parent), moment)

    def _begin(self, db: sqlite3.Connection, event: RunStarted, moment: float) -> None:
        # A run that fixes makes what is remembered already; of tasks that it leaves alone it would forget it.
        self._remembers = not event.fixes and not event.check
        row = {"id": event.run, "command": _json(event.command), "playbooks": _json(event.playbooks),
               "checked": event.check, "version": event.version, "started": moment,
               **{key: _text(value) if isinstance(value, str) else value
                  for key, value in asdict(here()).items()}}  # fmt: skip
        self._command = event.command
        columns = ", ".join(row)
        done = db.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608 - our names
                          tuple(row.values()))  # fmt: skip
        self._run = done.lastrowid or 0

    def _afterwards(self, db: sqlite3.Connection, event: Event) -> None:
        """What takes time of its own, once the batch is safe."""
        if isinstance(event, RunStarted):
            folder = Path(event.playbooks[0]).parent if event.playbooks else Path.cwd()
            found = revision_of(folder)
            if found is not None:
                with transaction(db):
                    db.execute("UPDATE runs SET revision = ?, branch = ?, dirty = ? WHERE n = ?",
                               (found.revision, _text(found.branch), found.dirty, self._run))  # fmt: skip
        if isinstance(event, RunEnded):
            prune(db, self.limits, time.time(), self._run)


def _data(event: Event) -> dict[str, Any]:
    """The fields of the event, within bounds: without what goes without saying, and what baselines keep."""
    match event:
        case TaskResult():
            event = replace(event, result=kept(event.status, event.result, loop=event.loop), resource=None)
        case ItemResult():
            event = replace(event, result=kept(event.status, event.result), resource=None)
        case MachinesPlanned():
            event = replace(event, resources=())
        case Step():
            event = replace(event, result=kept(event.status, event.result))
    told = ((each.name, getattr(event, each.name), each.default) for each in fields(event))
    return {name: shortened(value) for name, value, default in told if value != default}


def _json(value: Any) -> str:
    """ASCII: a broken character of a file's name would not get into the database as text."""
    return json.dumps(value)


def _text(value: str | None) -> str | None:
    return value if value is None else value.encode("utf-8", "backslashreplace").decode("utf-8")
