"""What the last apply made of each resource, so that a check can tell drift from what is not applied yet."""

from __future__ import annotations

import os
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            half = path.with_name(f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
            with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            try:
                os.link(half, path)  # never over the key that somebody else has just made
            except FileExistsError:
                pass
            finally:
                half.unlink()
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
