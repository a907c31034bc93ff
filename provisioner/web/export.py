"""The pages as files: for a web server that knows nothing of the record, or to be kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from provisioner.diag import UsageError
from provisioner.history.queries import Filter
from provisioner.ui.reports import write_whole
from provisioner.web import records, views
from provisioner.web.links import Exported, file_of
from provisioner.web.pages import ASSETS, Site, asset, page
from provisioner.web.schedules import SchedulesPage

_MARK: Final = ".provision-web"
"""In a directory that an export made: only such a one, or an empty one, is written into."""


def export(db: sqlite3.Connection, directory: Path, now: float, most: int, schedules: SchedulesPage) -> int:
    """Write all pages with the last `most` runs; gives how many pages. Raises `UsageError`, `OSError`."""
    _claim(directory)
    listed = views.runs_page(db, Filter(), most)
    hosts = [state.host for state in records.hosts(db)]
    runs, known = frozenset(run.id for run in listed.runs), frozenset(hosts)
    pages: list[tuple[str, str, str, Any]] = [
        ("overview", "", "overview", views.overview(db, now)), ("runs", "", "runs", listed),
        ("hosts", "", "hosts", {"rows": views.host_rows(db, "", ""), "text": "", "status": ""}),
        ("drift", "", "drift", views.drift(db, now)), ("apps", "", "apps", views.apps(db)),
        ("machines", "", "machines", records.machines(db)), ("schedules", "", "schedules", schedules),
    ]  # fmt: skip
    for place, name, template, view in pages:
        _write(directory, place, name, page(template, _site(name, runs, known, now), view))
    for run in listed.runs:
        _write(directory, "runs", run.id, page("run", _site(run.id, runs, known, now), views.one_run(db, run.id)))
    for host in hosts:
        _write(directory, "hosts", host, page("host", _site(host, runs, known, now), views.one_host(db, host)))
    for name in ASSETS:
        write_whole(directory / "static" / name, asset(name).decode())
    return len(pages) + len(listed.runs) + len(hosts)


def _site(name: str, runs: frozenset[str], hosts: frozenset[str], now: float) -> Site:
    root = "../" if name else ""
    return Site(Exported(root, runs, hosts), f"{root}static/", live=False, now=now)


def _write(directory: Path, place: str, name: str, text: str) -> None:
    write_whole(directory / file_of(place, name), text)


def _claim(directory: Path) -> None:
    if directory.is_dir() and any(directory.iterdir()) and not (directory / _MARK).exists():
        raise UsageError(f"--export {directory}: the directory has other files in it", hint="give one that is empty, "
                         "new, or was written by an earlier export")  # fmt: skip
    for part in ("runs", "hosts", "static"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    (directory / _MARK).touch()
