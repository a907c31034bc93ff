"""What the last apply made of each resource, so that a check can tell drift from what is not applied yet."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner import durable
from provisioner.events import Resource

KEY_FILE: Final = "resource.key"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Baseline:
    """wanted: the hashes of what the last apply wanted of the resource; several when several tasks are about it."""

    wanted: frozenset[str]
    applied: float
    run: int


def key_in(state_dir: Path) -> bytes:
    """The key of this controller's hashes, made if there is none; none where the directory can't be written."""
    path = state_dir / KEY_FILE
    try:
        if not path.exists():
            durable.write_new(path, secrets.token_bytes(_KEY_BYTES))  # not over what somebody else has just made
        return path.read_bytes()
    except OSError:
        return b""


def remember(db: sqlite3.Connection, resource: Resource, run: int, moment: float) -> None:
    """Run `run` has made the resource what it wants."""
    what = (resource.where, resource.module, resource.name)
    db.execute("DELETE FROM baselines WHERE place = ? AND module = ? AND name = ? AND run != ?", (*what, run))
    db.execute("INSERT OR REPLACE INTO baselines VALUES (?, ?, ?, ?, ?, ?)", (*what, resource.wanted, run, moment))


def baseline_of(db: sqlite3.Connection, resource: Resource) -> Baseline | None:
    """None: no apply of this controller was about the resource."""
    rows = db.execute("SELECT wanted, applied, run FROM baselines WHERE place = ? AND module = ? AND name = ?",
                      (resource.where, resource.module, resource.name)).fetchall()  # fmt: skip
    if not rows:
        return None
    return Baseline(frozenset(row[0] for row in rows), max(row[1] for row in rows), rows[0][2])
