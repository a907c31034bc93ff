"""Old runs are removed, so that the file never needs attention."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from provisioner.history.db import transaction

_DAY: Final = 86_400
_AT_A_TIME: Final = 50
"""Runs removed in one transaction: other writers wait meanwhile."""

_PAGES: Final = 2_000  # given back to the file system at a time, 8 MB


@dataclass(frozen=True, slots=True)
class Limits:
    """Whichever is reached first."""

    days: float = 180
    bytes: int = 512 * 1024 * 1024


def prune(db: sqlite3.Connection, limits: Limits, now: float, keep: int) -> int:
    """Remove what is over the limits, the oldest runs first, but never run `keep`. Gives how many runs."""
    removed = 0
    oldest = now - limits.days * _DAY
    while found := _remove(db, "started < ? AND n != ?", (oldest, keep)):
        removed += found
    while size(db) > limits.bytes and (found := _remove(db, "n != ?", (keep,), some=5)):
        removed += found
    if removed:
        db.execute(f"PRAGMA incremental_vacuum({_PAGES:d})").fetchall()
    return removed


def size(db: sqlite3.Connection) -> int:
    """Bytes in use: what is free inside of the file is used again."""
    pages, free, each = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in
                         ("page_count", "freelist_count", "page_size"))  # fmt: skip
    return int((pages - free) * each)


def _remove(db: sqlite3.Connection, where: str, values: tuple[float, ...], some: int = _AT_A_TIME) -> int:
    with transaction(db):
        done = db.execute(
            f"DELETE FROM runs WHERE n IN (SELECT n FROM runs WHERE {where} ORDER BY started LIMIT {some:d})", values)  # noqa: S608
    return done.rowcount
