"""What earlier checks of the same playbooks found: since when, and what was told to people."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from provisioner.drift.findings import Check, Finding
from provisioner.history.db import transaction
from provisioner.values import HostName


def keep(db: sqlite3.Connection, scope: str, check: Check, now: float, *, whole: bool) -> Check:
    """The check with `first_seen` and `last_seen`. whole: all tasks were checked, so what was not found is gone."""
    with transaction(db):
        seen = dict(db.execute("SELECT key, first_seen FROM findings WHERE scope = ?", [scope]).fetchall())
        found = tuple(replace(each, first_seen=seen.get(each.key, now), last_seen=now) for each in check.findings)
        if whole:
            _forget(db, scope, check.hosts, {each.key for each in found})
        db.executemany("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?)", [
            (scope, each.key, each.host, each.first_seen, now) for each in found])  # fmt: skip
        db.execute("INSERT OR IGNORE INTO checks VALUES (?, NULL, NULL)", [scope])
        if check.exit_code != 1:
            db.execute("UPDATE checks SET succeeded = ? WHERE scope = ?", [now, scope])
    return replace(check, findings=found)


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
