"""What is done with systemd for schedules: files written, timers started, runs asked for.

A schedule NAME is `provision-NAME.timer`, and the service that it names, `provision-NAME-ID.service`, whose ID is
another one each time the schedule is written. So the one rename of the timer's file is where the new schedule begins to
hold: whoever is killed before it leaves the old one whole, and who is killed after it the new one.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from provisioner import durable
from provisioner.diag import ProvisionError, UsageError, near
from provisioner.schedule.units import Job, described, environment, service, timer

_ID: Final = "[0-9a-f]{8}"
_PATIENCE: Final = 60.0
"""Seconds for one answer of systemd."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Timers of the whole machine, or the user's own. units: where unit files are. kept: for files of variables."""

    whole: bool
    units: Path
    kept: Path

    @classmethod
    def system(cls) -> Scope:
        return cls(True, Path("/etc/systemd/system"), Path("/etc/provisioner/schedules"))

    @classmethod
    def own(cls) -> Scope:
        given = os.environ.get("XDG_CONFIG_HOME", "")
        config = Path(given) if given.startswith("/") else Path.home() / ".config"
        return cls(False, config / "systemd" / "user", config / "provisioner" / "schedules")

    def ask(self, *words: str, patience: float | None = _PATIENCE) -> str:
        """What `systemctl` answers. Raises `ProvisionError` with its words."""
        argv = ["systemctl", *([] if self.whole else ["--user"]), "--no-ask-password", *words]
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=patience, check=False,
                              env={**os.environ, "LC_ALL": "C", "TZ": "UTC"})  # fmt: skip
        if done.returncode:
            raise ProvisionError(f"systemd refuses `{' '.join(argv)}`: {done.stderr.strip()}")
        return done.stdout

    def check(self) -> None:
        """Raises `UsageError` where no systemd can be asked, before anything is written."""
        if shutil.which("systemctl") is None:
            raise UsageError("this machine has no systemd", hint="run `provision drift` by the scheduler it has")
        try:
            self.ask("show", "--property=Version")
        except ProvisionError as error:
            mend = "" if self.whole else "log in as this user, by ssh or `machinectl shell`, not by su or sudo"
            raise UsageError(f"systemd can't be asked: {error}", hint=mend) from None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One that is there. started, ended, next: seconds since 1970. ending: systemd's word for how the last run ended,
    and its exit code. enabled: whether its timer is waiting."""

    name: str
    schedule: str
    words: tuple[str, ...]
    unit: str
    enabled: bool
    running: bool
    started: float | None
    ended: float | None
    next: float | None
    ending: tuple[str, str] | None


def next_time(calendar: str) -> str:
    """When this is due next, in systemd's words; nothing if it never is. Raises ValueError if it is no expression."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return "unknown"
    done = subprocess.run([analyze, "calendar", calendar], capture_output=True, text=True, timeout=_PATIENCE,
                          check=False)  # fmt: skip
    if done.returncode:
        raise ValueError(f"systemd does not understand `{calendar}`")
    found = re.search(r"Next elapse: (.*)", done.stdout)
    return "" if found is None or found[1].strip() == "never" else found[1].strip()


def add(scope: Scope, job: Job, variables: Mapping[str, str]) -> list[str]:
    """Write the schedule and start its timer; gives what has changed of one that was there, as lines of a diff."""
    scope.units.mkdir(parents=True, exist_ok=True)
    scope.kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = secrets.token_hex(4)
    kept = scope.kept / f"{job.name}-{new}.env"
    job = replace(job, environment=(str(kept), *job.environment))
    unit = f"provision-{job.name}-{new}.service"
    texts = service(job), timer(job, unit)
    before = _texts(scope, job.name)
    _write(kept, environment(variables), 0o600)
    _write(scope.units / unit, texts[0], 0o644)
    _write(_timer(scope, job.name), texts[1], 0o644)
    scope.ask("daemon-reload")
    scope.ask("enable", _timer(scope, job.name).name)
    scope.ask("restart", _timer(scope, job.name).name)
    _clean(scope, job.name, new)
    scope.ask("daemon-reload")
    return list(_changes(before, (*texts, environment(variables)), job.name)) if before else []


def remove(scope: Scope, name: str, state: Path) -> None:
    """A run that is going on goes on to its end."""
    _known(scope, name)
    scope.ask("disable", "--now", _timer(scope, name).name)
    _timer(scope, name).unlink(missing_ok=True)
    _clean(scope, name, "")
    result_file(state, name).unlink(missing_ok=True)
    scope.ask("daemon-reload")


def run(scope: Scope, name: str, state: Path) -> Schedule:
    """Run it now and wait for the end; gives how it went. One that runs already is waited for."""
    unit = _known(scope, name)
    try:
        scope.ask("start", unit, patience=None)
    except ProvisionError:
        found = schedule_of(scope, name, state)
        if found.ending is None or found.ending[0] == "success":
            raise
        return found
    return schedule_of(scope, name, state)


def schedules(scope: Scope, state: Path) -> list[Schedule]:
    files = sorted(scope.units.glob("provision-*.timer"))
    return [schedule_of(scope, file.stem.removeprefix("provision-"), state) for file in files
            if described(file.read_text(errors="replace"))]  # fmt: skip


def schedule_of(scope: Scope, name: str, state: Path) -> Schedule:
    unit = _known(scope, name)
    text = _timer(scope, name).read_text()
    schedule, words = described(text) or ("", ())
    timing = _properties(scope, _timer(scope, name).name, "ActiveState", "NextElapseUSecRealtime", "LastTriggerUSec")
    work = _properties(scope, unit, "ActiveState")
    ended, ending = _ending(result_file(state, name))
    return Schedule(name, schedule, words, unit, timing.get("ActiveState") == "active",
                    work.get("ActiveState") in ("activating", "deactivating"), _moment(timing.get("LastTriggerUSec")),
                    ended, _moment(timing.get("NextElapseUSecRealtime")), ending)  # fmt: skip


def result_file(state: Path, name: str) -> Path:
    """How the last run ended: systemd's word, the exit code, when."""
    return state / "schedules" / name


def _known(scope: Scope, name: str) -> str:
    """The service of a schedule; raises `UsageError` if there is no such schedule."""
    file = _timer(scope, name)
    found = re.search(r"^Unit=(.*)$", file.read_text(errors="replace"), re.MULTILINE) if file.is_file() else None
    if found is None:
        names = [each.stem.removeprefix("provision-") for each in scope.units.glob("provision-*.timer")]
        hint = near(name, names) or "`provision schedule list` shows them"
        raise UsageError(f"there is no schedule {name!r}", hint=hint)
    return found[1]


def _timer(scope: Scope, name: str) -> Path:
    return scope.units / f"provision-{name}.timer"


def _texts(scope: Scope, name: str) -> tuple[str, str, str] | None:
    """Service, timer and variables as they are on disk."""
    if not _timer(scope, name).is_file():
        return None
    unit = _known(scope, name)
    kept = scope.kept / f"{unit.removeprefix('provision-').removesuffix('.service')}.env"
    files = scope.units / unit, _timer(scope, name), kept
    service, timer, variables = (file.read_text(errors="replace") if file.is_file() else "" for file in files)
    return service, timer, variables


def _changes(before: tuple[str, str, str], after: tuple[str, str, str], name: str) -> Iterator[str]:
    """Of variables only the names."""
    for old, new in zip(before[:2], after[:2], strict=True):
        left, right = (re.sub(rf"\b{re.escape(name)}-{_ID}\b", name, text).splitlines() for text in (old, new))
        lines = difflib.unified_diff(left, right, lineterm="", n=0)
        yield from (line for line in lines if line[:2] not in ("--", "++", "@@"))
    values = [dict(line.split("=", 1) for line in text.splitlines()) for text in (before[2], after[2])]
    for each in sorted({*values[0], *values[1]}):
        if values[0].get(each) != values[1].get(each):
            sign = "+" if each not in values[0] else "-" if each not in values[1] else "~"
            yield f"{sign}variable {each}"


def _write(path: Path, text: str, mode: int) -> None:
    try:
        durable.write(path, text.encode(), mode)
    except OSError as error:
        raise ProvisionError(f"{path} can't be written: {error.strerror}") from error


def _clean(scope: Scope, name: str, current: str) -> None:
    """Remove what earlier writings of this schedule left, all but the current one."""
    unit, kept = (re.compile(form.format(name=re.escape(name), id=_ID)) for form in (
        r"provision-{name}-({id})\.service", r"{name}-({id})\.env"))  # fmt: skip
    for directory, form in ((scope.units, unit), (scope.kept, kept)):
        for file in directory.glob(f"*{name}-*"):
            found = form.fullmatch(file.name)
            if found and found[1] != current:
                file.unlink(missing_ok=True)
                if directory == scope.units:
                    with suppress(ProvisionError):  # systemd may not know it any more
                        scope.ask("reset-failed", file.name)


def _properties(scope: Scope, unit: str, *names: str) -> dict[str, str]:
    told = scope.ask("show", f"--property={','.join(names)}", unit)
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def _moment(text: str | None) -> float | None:
    """Of a time as systemd 247 to 257 show it when asked in UTC."""
    try:
        return datetime.strptime(text or "", "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()
    except ValueError:  # none
        return None


def _ending(file: Path) -> tuple[float | None, tuple[str, str] | None]:
    try:
        word, code, moment = file.read_text().split()
        return float(moment), (word, code)
    except (OSError, ValueError):
        return None, None
