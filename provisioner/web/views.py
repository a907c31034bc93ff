"""What each page shows, as data: made of the record, without a word of HTML but the plots."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.drift import seen
from provisioner.drift.findings import KINDS
from provisioner.history.deploys import RELEASE, ROLLBACK, Deployed, deploys
from provisioner.history.queries import Filter, Run, find, runs
from provisioner.ui.moments import utc
from provisioner.web import records
from provisioner.web.plots import Bar, Mark, bars, lanes
from provisioner.web.runview import RunPage, run_page

PAGE: Final = 50
"""Runs on one page."""

_DAYS: Final = 30
_BUCKETS: Final = 120
_DAY: Final = 86_400.0
COMMANDS: Final = ("apply", "plan", "drift", "app", "destroy")


@dataclass(frozen=True, slots=True)
class Overview:
    """counts: drifted, pending and unknown findings of the last checks."""

    runs: Sequence[Run]
    running: Sequence[Run]
    days: Sequence[records.Day]
    plot: str
    hosts: Sequence[records.HostState]
    counts: dict[str, int]
    deployed: Sequence[Deployed]
    total: int

    @property
    def bad_hosts(self) -> list[records.HostState]:
        return [host for host in self.hosts if host.status in ("failed", "unreachable")]


@dataclass(frozen=True, slots=True)
class RunsPage:
    """older: the number of the run before which the next page begins, if there is one."""

    runs: Sequence[Run]
    older: int | None
    wanted: Filter
    commands: tuple[str, ...] = COMMANDS


@dataclass(frozen=True, slots=True)
class HostRow:
    state: records.HostState
    findings: dict[str, int]


@dataclass(frozen=True, slots=True)
class HostPage:
    host: str
    states: Sequence[records.HostState]
    findings: Sequence[seen.Seen]
    deployed: Sequence[Deployed]


@dataclass(frozen=True, slots=True)
class DriftPage:
    """checks: the newest first, as many as a table takes."""

    findings: Sequence[seen.Seen]
    counts: dict[str, int]
    plot: str
    checks: Sequence[seen.Counted]
    kind: str
    host: str


@dataclass(frozen=True, slots=True)
class Release:
    """What one run did to an app, over all its hosts."""

    first: Deployed
    hosts: tuple[str, ...]
    failed: tuple[str, ...]
    release: str


@dataclass(frozen=True, slots=True)
class AppView:
    """now: hosts by the release that they came to last."""

    app: str
    now: dict[str, list[str]]
    plot: str
    releases: Sequence[Release]


def overview(db: sqlite3.Connection, now: float) -> Overview:
    days = records.days(db, now, _DAYS)
    return Overview(runs(db, Filter(), 12), records.unfinished(db), days, _days_plot(days), records.hosts(db),
                    _by_kind(seen.current(db)), deploys(db, limit=6), records.count_runs(db))  # fmt: skip


def runs_page(db: sqlite3.Connection, wanted: Filter, most: int = PAGE) -> RunsPage:
    found = runs(db, wanted, most + 1)
    older = found[most - 1].n if len(found) > most else None
    return RunsPage(found[:most], older, wanted)


def one_run(db: sqlite3.Connection, name: str, *, host: str = "", status: str = "", after: int = 0) -> RunPage:
    """Raises `UsageError` where there is no such run."""
    return run_page(db, find(db, name), host=host, status=status, after=after)


def host_rows(db: sqlite3.Connection, text: str, status: str) -> list[HostRow]:
    findings: dict[str, list[seen.Seen]] = {}
    for each in seen.current(db):
        findings.setdefault(each.host, []).append(each)
    return [HostRow(state, _by_kind(findings.get(state.host, []))) for state in records.hosts(db, text)
            if status in ("", state.status)]  # fmt: skip


def one_host(db: sqlite3.Connection, host: str) -> HostPage:
    return HostPage(host, records.runs_of(db, host, PAGE), seen.current(db, host), deploys(db, host=host, limit=20))


def drift(db: sqlite3.Connection, now: float, kind: str = "", host: str = "") -> DriftPage:
    checks = seen.over_time(db, now - _DAYS * _DAY)
    everything = seen.current(db)
    shown = [each for each in everything if kind in ("", each.kind) and host.lower() in each.host.lower()]
    return DriftPage(shown, _by_kind(everything), _drift_plot(checks, now), checks[::-1][:40], kind, host)


def apps(db: sqlite3.Connection) -> list[AppView]:
    """By name."""
    by_app: dict[str, list[Deployed]] = {}
    for each in deploys(db, limit=2_000):
        by_app.setdefault(each.app, []).append(each)
    return [_app(name, by_app[name]) for name in sorted(by_app)]


def _app(name: str, newest_first: Sequence[Deployed]) -> AppView:
    latest: dict[str, str] = {}
    for each in newest_first:
        if each.status == "changed" and each.release:
            latest.setdefault(each.host, each.release)
    now: dict[str, list[str]] = {}
    for host in sorted(latest):
        now.setdefault(latest[host], []).append(host)
    releases = _releases(newest_first)
    return AppView(name, now, _app_plot(name, releases), releases[:40])


def _releases(newest_first: Sequence[Deployed]) -> list[Release]:
    by_run: dict[str, list[Deployed]] = {}
    for each in newest_first:
        by_run.setdefault(each.run, []).append(each)
    return [Release(parts[-1], tuple(sorted(each.host for each in parts)),
                    tuple(sorted(each.host for each in parts if each.status != "changed")),
                    next((each.release for each in parts if each.release), ""))
            for parts in by_run.values()]  # fmt: skip


def _by_kind(findings: Sequence[seen.Seen]) -> dict[str, int]:
    return {kind: sum(1 for each in findings if each.kind == kind) for kind in KINDS}


def _days_plot(days: Sequence[records.Day]) -> str:
    width = 1 / max(1, len(days))
    columns = [Bar(at * width + width * 0.1, width * 0.8, (("ok", day.well), ("failed", day.failed)),
                   f"{day.day}: {day.well} well, {day.failed} failed") for at, day in enumerate(days)]  # fmt: skip
    total, failed = sum(day.total for day in days), sum(day.failed for day in days)
    return bars("Runs a day", f"{total} runs in {len(days)} days, {failed} of them failed.", columns)


def _drift_plot(checks: Sequence[seen.Counted], now: float) -> str:
    """Of each stretch of time the last check of every scope, added up: scopes are checked in turns."""
    since, stretch = now - _DAYS * _DAY, _DAYS * _DAY / _BUCKETS
    latest: dict[str, seen.Counted] = {}
    columns, coming = [], list(reversed(checks))
    for number in range(_BUCKETS):
        end = since + (number + 1) * stretch
        while coming and (coming[-1].time <= end or number == _BUCKETS - 1):
            check = coming.pop()
            latest[check.scope] = check
        parts = tuple((kind, sum(each.counts.get(kind, 0) for each in latest.values())) for kind in KINDS)
        title = ", ".join(f"{count} {kind}" for kind, count in parts)
        columns.append(Bar(number / _BUCKETS, 1 / _BUCKETS, parts, f"{utc(end)}: {title}"))
    highest = max((column.total for column in columns), default=0)
    return bars("Drift over time", f"{len(checks)} checks in {_DAYS} days, at most {highest} findings.", columns)


def _app_plot(name: str, newest_first: Sequence[Release]) -> str:
    moments = [each.first.time for each in newest_first]
    begin, end = min(moments), max(moments)
    marks = [Mark((each.first.time - begin) / (end - begin) if end > begin else 0.5, *_look(each),
                  f"{utc(each.first.time)}: {each.first.action} {each.release}{' failed' if each.failed else ''}")
             for each in newest_first]  # fmt: skip
    back = sum(1 for each in newest_first if each.first.action == ROLLBACK)
    failed = sum(1 for each in newest_first if each.failed)
    told = f"{len(marks)} releases and restarts, {back} rollbacks, {failed} failed."
    return lanes(f"Releases of {name}", told, [marks])


def _look(release: Release) -> tuple[str, str]:
    if release.failed:
        return "cross", "failed"
    if release.first.action == ROLLBACK:
        return "back", "changed"
    return "circle", "ok" if release.first.action == RELEASE else "quiet"
