"""Jobs of an app that run by the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.calendars import calendars
from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem

OPTIONS = {
    "name": Arg(required=True, doc="Names its units, `<app>-cron-<name>`"),
    "schedule": Arg(required=True, doc="Five fields as in a crontab, in UTC, or a calendar expression of systemd"),
    "path": Arg(doc="A path of the app to ask for, as a visitor would"),
    "command": Arg(doc="Or a command for a shell, in the live release's directory"),
    "timeout": Arg(type="float", default=300.0, doc="Seconds it may take"),
    "host": Arg(doc="The one host that has the job, or `all`; by default every host, warned of if there are several"),
}
EVERY_HOST = "all"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PATH = re.compile(r"/[!-~]*")


@dataclass(frozen=True, slots=True)
class Job:
    """calendars: when, as systemd writes it. Either path or command is set."""

    name: str
    calendars: tuple[str, ...]
    path: str | None = None
    command: str | None = None
    timeout: float = 300.0
    host: str | None = None

    def is_on(self, host: str) -> bool:
        return self.host in (None, EVERY_HOST, host)


def read(value: Sequence[Mapping[str, Any]]) -> tuple[Job, ...]:
    return tuple(_job(with_defaults(OPTIONS, job)) for job in value)


def _job(full: Mapping[str, Any]) -> Job:
    return Job(full["name"], calendars(full["schedule"]), full["path"], full["command"], full["timeout"], full["host"])


def problems(value: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for job in value:
        name = job["name"]
        if not _NAME.fullmatch(name):
            yield Problem("cron", f"`name: {name}` of a job can't name a unit", "use a-z, 0-9 and -")
        if name in seen:
            yield Problem("cron", f"two jobs are called `{name}`")
        seen.add(name)
        try:
            calendars(job["schedule"])
        except ValueError as error:
            yield Problem("cron", f"`schedule: {job['schedule']}` of the job {name}: {error}",
                          'as in "*/5 * * * *" or "Mon *-*-* 05:00:00 Europe/Berlin"')  # fmt: skip
        given = [job[key] for key in ("path", "command") if job.get(key)]
        if len(given) != 1:
            yield Problem("cron", f"the job {name} needs either `path` or `command`")
        if job.get("path") and not _PATH.fullmatch(job["path"]):
            yield Problem("cron", f"`path: {job['path']}` of the job {name} is no path of a URL",
                          "it begins with / and has no blanks; anything else is written as %20")  # fmt: skip
        if any(ord(character) < 32 and character not in "\t\n" for character in job.get("command") or ""):
            yield Problem("cron", f"the command of the job {name} holds control characters")
        if not 0 < job.get("timeout", 1) <= 24 * 3600:
            yield Problem("cron", f"`timeout: {job['timeout']:g}` of the job {name} is not between 0 and 86400 seconds")
