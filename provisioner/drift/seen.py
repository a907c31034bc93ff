"""What earlier checks of the same playbooks found: since when, and what was told to people."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.drift.findings import KINDS, Check, Finding
from provisioner.history.db import transaction
from provisioner.history.shorten import shortened
from provisioner.values import HostName

_KEPT_FOR: Final = 180 * 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding of the last check of its scope, as far as people are shown it. diff: as in a result."""

    scope: str
    host: str
    kind: str
    first_seen: float
    last_seen: float
    title: str = ""
    play: str = ""
    path: str = ""
    reason: str = ""
    diff: Any = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many findings a check had, by kind; one of an older version knows fewer kinds."""

    scope: str
    time: float
    hosts: int
    counts: Mapping[str, int]


def keep(db: sqlite3.Connection, scope: str, check: Check, now: float, *, whole: bool) -> Check:
    """The check with `first_seen` and `last_seen`. whole: all tasks were checked, so what was not found is gone."""
    with transaction(db):
        seen = dict(db.execute("SELECT key, first_seen FROM findings WHERE scope = ?", [scope]).fetchall())
        found = tuple(replace(each, first_seen=seen.get(each.key, now), last_seen=now) for each in check.findings)
        if whole:
            _forget(db, scope, check.hosts, {each.key for each in found})
        db.executemany("INSERT OR REPLACE INTO findings (scope, key, host, first_seen, last_seen, kind, data) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?)", [
            (scope, each.key, each.host, each.first_seen, now, each.kind, _shown(each)) for each in found])  # fmt: skip
        _count(db, scope, check, now)
        db.execute("INSERT OR IGNORE INTO checks VALUES (?, NULL, NULL)", [scope])
        if check.exit_code != 1:
            db.execute("UPDATE checks SET succeeded = ? WHERE scope = ?", [now, scope])
    return replace(check, findings=found)


def current(db: sqlite3.Connection, host: str | None = None) -> list[Seen]:
    """What the last check of every scope found, the newest first."""
    where, values = ("1", []) if host is None else ("host = ?", [host])
    rows = db.execute(f"SELECT scope, host, kind, first_seen, last_seen, data FROM findings WHERE {where} "  # noqa: S608
                      "ORDER BY first_seen DESC, host, key", values)  # fmt: skip
    return [Seen(*row[:5], **json.loads(row[5])) for row in rows]


def over_time(db: sqlite3.Connection, since: float) -> list[Counted]:
    """Of every check since then, the oldest first."""
    rows = db.execute("SELECT scope, time, hosts, counts FROM checked WHERE time >= ? ORDER BY time",
                      [since])  # fmt: skip
    return [Counted(scope, time, hosts, json.loads(counts)) for scope, time, hosts, counts in rows]


def last_success(db: sqlite3.Connection, scope: str) -> float | None:
    """When everything could be checked for the last time."""
    row = db.execute("SELECT succeeded FROM checks WHERE scope = ?", [scope]).fetchone()
    return row[0] if row else None


def is_news(db: sqlite3.Connection, scope: str, channel: str, findings: Iterable[Finding]) -> bool:
    """Whether this set of findings is another one than the one the channel was told last. Nothing found at first is
    no news."""
    return _told(db, scope).get(channel, _digest([])) != _digest(findings)


def was_told(db: sqlite3.Connection, scope: str, channel: str, findings: Iterable[Finding]) -> None:
    with transaction(db):
        told = {**_told(db, scope), channel: _digest(findings)}
        db.execute("UPDATE checks SET told = ? WHERE scope = ?", [json.dumps(told), scope])


def _shown(finding: Finding) -> str:
    title = finding.task.title + (f" (item={finding.item})" if finding.item else "")
    return json.dumps({"title": title, "play": finding.play, "path": finding.task.path, "reason": finding.reason,
                       "diff": shortened(finding.diff), "hint": finding.hint})  # fmt: skip


def _count(db: sqlite3.Connection, scope: str, check: Check, now: float) -> None:
    if check.ended:
        counts = {kind: check.count(kind) for kind in KINDS}
        db.execute("INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?)",
                   [scope, now, len(check.hosts), json.dumps(counts)])  # fmt: skip
    db.execute("DELETE FROM checked WHERE time < ?", [now - _KEPT_FOR])


def _told(db: sqlite3.Connection, scope: str) -> dict[str, str]:
    """Channel -> digest of what it was told last."""
    row = db.execute("SELECT told FROM checks WHERE scope = ?", [scope]).fetchone()
    if not row or row[0] is None:
        return {}
    if not row[0].startswith("{"):  # from before there were other channels
        return {"webhook": row[0]}
    told: dict[str, str] = json.loads(row[0])
    return told


def _forget(db: sqlite3.Connection, scope: str, hosts: Sequence[HostName], found: Collection[str]) -> None:
    rows = db.execute("SELECT key, host FROM findings WHERE scope = ?", [scope]).fetchall()
    gone = [(scope, key) for key, host in rows if host in hosts and key not in found]
    db.executemany("DELETE FROM findings WHERE scope = ? AND key = ?", gone)


def _digest(findings: Iterable[Finding]) -> str:
    words = sorted(f"{each.kind} {each.key}" for each in findings)
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
