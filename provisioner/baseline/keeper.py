"""The sink that keeps on hosts what an apply has made, or reads there what was applied, when all else is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.baseline import signed
from provisioner.diag import ProvisionError
from provisioner.events import Event, ItemResult, Resource, RunStarted, TaskResult
from provisioner.history import surveys
from provisioner.history.db import connect, transaction
from provisioner.parting import Reached
from provisioner.values import HostName

MODULE: Final = "host_baseline"

_Told = dict[HostName, dict[str, str]]
"""What was wanted of each resource when a host was told last."""


@dataclass(slots=True)
class _Made:
    """What one run wants of a resource."""

    resource: Resource
    wanted: set[str] = field(default_factory=set)
    changed: bool = False
    moment: float = 0.0


@dataclass(slots=True)
class Keeper:
    """A `Parting`. file: the history. warn: hears of hosts that could not be told.
    read: hears what hosts have whose resources differ, in a check; None: nothing is read."""

    key: bytes
    file: Path
    warn: Callable[[str, HostName], None]
    read: Callable[[HostName, signed.Record], None] | None = None
    _run: str = ""
    _writes: bool = False
    _made: dict[HostName, dict[tuple[str, str, str], _Made]] = field(default_factory=dict)
    _differs: set[HostName] = field(default_factory=set)

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, RunStarted):
            self._run, self._writes = event.run, not event.check and not event.fixes
        if not isinstance(event, TaskResult | ItemResult) or event.resource is None:
            return
        if event.checked:
            if event.status == "changed":
                self._differs.add(event.host)
        elif self._writes and event.status in ("ok", "changed") and not surveys.is_survey(event.resource):
            resource = event.resource
            made = self._made.setdefault(event.host, {}).setdefault(
                (resource.where, resource.module, resource.name), _Made(resource))  # fmt: skip
            made.wanted.add(resource.wanted)
            made.changed |= event.status == "changed"
            made.moment = time

    def close(self) -> None:
        """Nothing is open."""

    def part(self, reached: Reached) -> None:
        """Before the sessions are closed. A host that can't be told is warned of: the run itself went well."""
        places = reached.places()
        if self._writes:
            self._tell(reached, places)
        elif self.read is not None:
            read = self.read
            answers = self._on_all({host: {} for host in self._differs if host in places}, reached, check=True)
            for host, answer in answers.items():
                record = signed.read(self.key, host, places[host], answer)
                read(host, record)
            self._forget([host for host in answers if not answers[host].get("lines")])

    def _tell(self, reached: Reached, places: Mapping[HostName, str]) -> None:
        try:
            with closing(connect(self.file)) as db:
                told = _told(db)
                news = {host: lines for host, made in self._made.items() if host in places
                        and (lines := self._news(host, places[host], made, told.get(host, {})))}  # fmt: skip
                done = self._on_all({host: {"lines": lines} for host, lines in news.items()}, reached, check=False)
                with transaction(db):
                    for host in done:
                        db.executemany("INSERT OR REPLACE INTO kept_on_hosts VALUES (?, ?, ?)", [
                            (host, name, " ".join(line[0])) for name, line in news[host].items()])  # fmt: skip
        except (sqlite3.Error, OSError, ProvisionError):
            return  # the history itself can't be written, which is told already

    def _news(self, host: HostName, own: str, made: Mapping[Any, _Made], told: Mapping[str, str]) -> dict[str, Any]:
        """All lines of this run, if the host needs to be told one of them."""
        lines, due = {}, False
        for each in made.values():
            name = signed.id_of(self.key, each.resource, own)
            lines[name] = signed.line(self.key, host, name, frozenset(each.wanted), each.moment, self._run)
            due |= each.changed or told.get(name) != " ".join(sorted(each.wanted))
        return lines if due else {}

    def _on_all(self, args: Mapping[HostName, Mapping[str, Any]], reached: Reached, *,
                check: bool) -> dict[HostName, Mapping[str, Any]]:  # fmt: skip
        """The answers of those who gave a good one."""
        name = signed.name_of_file(self.key)
        answers = reached.call_all(MODULE, {host: {"name": name, **more} for host, more in args.items()}, check=check)
        what = "can't be read on" if check else "was not kept on"
        for host, answer in answers.items():
            if answer.get("failed"):
                self.warn(f"what was applied {what} {host}: {answer.get('msg', '')}", host)
        return {host: answer for host, answer in answers.items() if not answer.get("failed")}

    def _forget(self, hosts: list[HostName]) -> None:
        """They have nothing: the next apply tells them all."""
        if hosts:
            with closing(connect(self.file)) as db, transaction(db):
                db.executemany("DELETE FROM kept_on_hosts WHERE host = ?", [(host,) for host in hosts])


def _told(db: sqlite3.Connection) -> _Told:
    told: _Told = {}
    for host, name, wanted in db.execute("SELECT host, name, wanted FROM kept_on_hosts"):
        told.setdefault(HostName(host), {})[name] = wanted
    return told
