"""Releases of apps apart from other results: which app runs what since when, and what was taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.events import TaskResult

RELEASE: Final = "release"
ROLLBACK: Final = "rollback"
_ACTIONS: Final[Mapping[str, str]] = {"rollback": ROLLBACK, "restart": "restart", "env": "variables"}
"""What the commands of `provision app` do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """An app on one host after a release or a way back. release: empty where it failed before there was one.
    status: changed | failed | unreachable. run: its id."""

    time: float
    run: str
    app: str
    host: str
    release: str
    action: str
    status: str


def deployed(event: TaskResult, command: Sequence[str]) -> tuple[str, str, str] | None:
    """App, release and action of a result that put another release, or the same anew, in front of clients."""
    if event.checked or event.hidden or event.status not in ("changed", "failed"):
        return None
    action = _ACTIONS.get(command[1], "") if len(command) > 1 and command[0] == "app" else RELEASE
    told = event.result.get("app")
    name = told.get("name") if isinstance(told, Mapping) else told
    if not action or not isinstance(name, str) or not (event.task.module == "nextjs_app" or action != RELEASE):
        return None
    return name, str(event.result.get("release") or ""), action


def deploys(db: sqlite3.Connection, *, app: str | None = None, host: str | None = None,
            limit: int = 500) -> list[Deployed]:
    """The newest first."""
    tests, values = ["1"], list[str | int]()
    for column, value in (("app", app), ("host", host)):
        if value is not None:
            tests.append(f"deploys.{column} = ?")
            values.append(value)
    rows = db.execute(f"""SELECT deploys.time, runs.id, app, host, release, action, status FROM deploys
                          JOIN runs ON runs.n = deploys.run WHERE {' AND '.join(tests)}
                          ORDER BY deploys.time DESC LIMIT ?""", [*values, limit])  # noqa: S608 - our own conditions
    return [Deployed(*row) for row in rows]
