"""The schedules of this machine, as systemd tells of them when a page is asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.diag import ProvisionError
from provisioner.schedule import results, systemd
from provisioner.schedule.systemd import Schedule, Scope

_STATUS: Final = {results.WELL: "ok", results.IN_SYNC: "ok", results.DIFFERS: "changed", results.RUNNING: "running",
                  results.NONE: ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """status: of the colours that results have on all pages."""

    schedule: Schedule
    result: str

    @property
    def status(self) -> str:
        return _STATUS.get(self.result, "failed")


@dataclass(frozen=True, slots=True)
class SchedulesPage:
    """problem: why systemd can't be asked about what is there."""

    rows: Sequence[Row]
    problem: str = ""


def schedules_page(found: Sequence[Schedule]) -> SchedulesPage:
    return SchedulesPage([Row(each, results.result_of(each)) for each in found])


def asked(scope: Scope, state: Path) -> SchedulesPage:
    """state: where runs say how they ended. Without a timer nothing is asked."""
    if not any(scope.units.glob("provision-*.timer")):
        return SchedulesPage(())
    try:
        scope.check()
        return schedules_page(systemd.schedules(scope, state))
    except (ProvisionError, OSError, subprocess.SubprocessError) as error:
        return SchedulesPage((), str(error))
