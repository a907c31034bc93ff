"""Which release to go back to, decided from what all hosts told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioner.diag import UsageError, near
from provisioner.nextjs.day2.gather import Report
from provisioner.values import HostName


@dataclass(frozen=True, slots=True)
class Goal:
    """undoes: the release stays the same, and runs as it was started before: with its variables of then."""

    release: str
    undoes: bool = False


def target(reports: Mapping[HostName, Report], wanted: str | None) -> Goal:
    """The release `wanted` names by the beginning of its id; None: what ran before. Every host must have it,
    and know how to start it. Raises `UsageError`."""
    goal = _before(reports) if wanted is None else Goal(_named(reports, wanted))
    release = goal.release
    lacking = [host for host, report in reports.items() if not _can_start(report, release)]
    if lacking:
        raise UsageError(
            f"release {release} can't be started again on {', '.join(lacking)}: it is not there any more, or was "
            f"deployed by a version that did not write down how", hint=_choices(reports))  # fmt: skip
    return goal


def _before(reports: Mapping[HostName, Report]) -> Goal:
    found = {host: report["rollback_to"] for host, report in reports.items()}
    names = {release for release in found.values() if release is not None}
    if not names:
        raise UsageError("there is no release before the one that runs", hint=_choices(reports))
    undoing = {bool(report["undoes"]) for report in reports.values()}
    if len(names) > 1 or len(undoing) > 1:
        told = ", ".join(f"{host}: {release}" for host, release in found.items() if release)
        raise UsageError(f"the hosts ran different releases before ({told})", hint="say which one to go back to")
    return Goal(str(names.pop()), undoing.pop())


def _named(reports: Mapping[HostName, Report], wanted: str) -> str:
    known = sorted({str(release["id"]) for report in reports.values() for release in report["releases"]})
    fitting = [name for name in known if name.startswith(wanted)]
    if len(fitting) == 1 or wanted in fitting:
        return wanted if wanted in fitting else fitting[0]
    if fitting:
        raise UsageError(f"{wanted!r} is the beginning of several releases", hint=", ".join(fitting))
    raise UsageError(f"there is no release {wanted!r}", hint=near(wanted, known) or _choices(reports))


def _can_start(report: Report, name: str) -> bool:
    return any(release["id"] == name and release["can_start"] for release in report["releases"])


def _choices(reports: Mapping[HostName, Report]) -> str:
    names: Sequence[str] = sorted({str(release["id"]) for report in reports.values() for release in report["releases"]
                                   if release["can_start"] and not release["runs"]})  # fmt: skip
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "no other one is kept"
