"""One run, task by task: sections that a page shows, and shows anew while the run goes on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from provisioner.events import (
    Event,
    ItemResult,
    MachinesPlanned,
    MachineStep,
    NoHosts,
    PlayStarted,
    Step,
    TaskRef,
    TaskResult,
    Warned,
)
from provisioner.history.queries import Run
from provisioner.ui.colours import plain
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.junit import reason
from provisioner.web import records

MOST: Final = 300
"""Lines of results on one page. A filter by host or status leads to the others."""

_FOUND_OUT: Final = frozenset({"failed", "unreachable", "unknown", "skipped"})
_NOT_SHOWN: Final = frozenset({"diff", "changed", "unknown", "steps", "resource", "failed", "skipped"})


@dataclass(frozen=True, slots=True)
class Line:
    """One result. blocks: texts of several lines, diffs before the rest. opened: worth being seen at once."""

    what: str
    status: str
    why: str
    seconds: float
    diffs: tuple[str, ...]
    rest: str
    opened: bool


@dataclass(frozen=True, slots=True)
class TaskSection:
    """A task with how many hosts came out of it in which way. key: stays the same while the run goes on."""

    key: str
    task: TaskRef
    seconds: float
    counts: tuple[tuple[str, int], ...]
    lines: tuple[Line, ...]

    @property
    def status(self) -> str:
        """The worst of its hosts."""
        found = {status for status, _ in self.counts}
        return next((each for each in _ORDER if each in found), "running")


@dataclass(frozen=True, slots=True)
class Note:
    """Between tasks: a play, a warning, a machine. kind: play | warning | machine."""

    key: str
    kind: str
    text: str


Section: TypeAlias = TaskSection | Note
_ORDER: Final = ("failed", "unreachable", "unknown", "changed", "ok", "skipped")


@dataclass(frozen=True, slots=True)
class RunPage:
    """last: the number of the newest event in it. cut: there are more lines than a page takes."""

    run: Run
    sections: Sequence[Section]
    last: int
    cut: bool
    host: str
    status: str


def run_page(db: sqlite3.Connection, run: Run, *, host: str = "", status: str = "", after: int = 0) -> RunPage:
    """after: only sections with something newer than this event."""
    last = records.last_event(db, run)
    if after and last <= after:
        return RunPage(run, [], last, cut=False, host=host, status=status)
    rows = records.tasks(db, run, after)
    found = records.notable(db, run, [row.id for row in rows], host=host, status=status, limit=MOST + 1)
    lines: dict[str, list[Line]] = {}
    for _, event, _ in found[:MOST]:
        line = _line(event)
        if line is not None:
            lines.setdefault(_task(event).id, []).append(line)
    tasks = {id: TaskRef(**json.loads(data)) for id, data in
             db.execute("SELECT id, data FROM tasks WHERE run = ?", [run.n])}  # fmt: skip
    sections: list[tuple[int, Section]] = [
        (row.first, _section(row, tasks[row.id], lines.get(row.id, []))) for row in rows
        if tasks[row.id].module != "meta" and (not (host or status) or row.id in lines)]  # fmt: skip
    sections += [(seq, Note(f"n{seq}", *_note(event))) for seq, event, _ in records.between_tasks(db, run, after)
                 if not (isinstance(event, MachineStep) and event.phase == "waiting")]
    sections.sort(key=lambda each: each[0])
    return RunPage(run, [section for _, section in sections], last, len(found) > MOST, host, status)


def _section(row: records.TaskRows, task: TaskRef, lines: Sequence[Line]) -> TaskSection:
    counts = tuple((status, row.results[status]) for status in _ORDER if status in row.results)
    return TaskSection(f"t{row.first}", task, row.ended - row.began, counts, tuple(lines))


def _task(event: Event) -> TaskRef:
    assert isinstance(event, (TaskResult, ItemResult, Step))
    return event.task


def _line(event: Event) -> Line | None:
    match event:
        case TaskResult():
            if event.loop and event.status not in ("skipped", "unreachable"):
                return None  # its items are told
            return _of_result(event.host, event.status, event.ms, event.result,
                              went_on=event.ignored or event.rescued)  # fmt: skip
        case ItemResult():
            return _of_result(f"{event.host} (item={event.label})", event.status, event.ms, event.result,
                              went_on=event.ignored)  # fmt: skip
        case Step():
            return _of_result(f"{event.host} {event.name}", event.status, event.ms, event.result)
    return None


def _of_result(what: str, status: str, ms: float, result: Mapping[str, Any], *, went_on: bool = False) -> Line:
    why = reason(result) if status in _FOUND_OUT else ""
    why = f"{why} (the play went on)" if went_on else why
    diffs = tuple(text for diff in diffs_of(result) if (text := render(diff, plain)))
    rest = {key: value for key, value in result.items() if key not in _NOT_SHOWN}
    shown = json.dumps(rest, indent=2, sort_keys=True, ensure_ascii=False) if rest and status not in (
        "ok", "skipped") else ""  # fmt: skip
    return Line(what, status, why, ms / 1000, diffs, shown, status in ("failed", "unreachable") or bool(diffs))


def _note(event: Event) -> tuple[str, str]:
    match event:
        case PlayStarted():
            return "play", event.name
        case NoHosts():
            return "warning", f"no hosts matched in play {event.play} {event.reason}".rstrip()
        case Warned():
            return "warning", f"{event.path} {event.message}".strip()
        case MachinesPlanned():
            return "machine", f"machines of {event.site}: {len(event.changes)} to change, {event.unchanged} as they are"
        case MachineStep():
            return "machine", f"{event.resource}: {event.action} {event.phase} {event.text}".rstrip()
    raise AssertionError(event)
