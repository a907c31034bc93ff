"""Pure: how the last run of a schedule ended, in a word for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioner.schedule.systemd import Schedule
from provisioner.schedule.units import told_by_code

WELL: Final = "well"
IN_SYNC: Final = "in sync"
DIFFERS: Final = "differs"
RUNNING: Final = "running"
NONE: Final = "-"

_ENDINGS: Final[Mapping[str, str]] = {"timeout": "timed out", "success": WELL}
_DRIFT: Final[Mapping[str, str]] = {"0": IN_SYNC, "2": DIFFERS, "1": "not all checked"}


def result_of(found: Schedule) -> str:
    if found.running:
        return RUNNING
    if found.ending is None:
        return NONE
    word, code = found.ending
    if told_by_code(found.words) and code in _DRIFT:
        return _DRIFT[code]
    return _ENDINGS.get(word, f"failed ({code})")
