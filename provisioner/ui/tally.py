"""What a run amounts to, for `--detailed-exitcode`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from provisioner.events import Event, MachinesPlanned, RunEnded

IN_SYNC: Final = 0
UNCERTAIN: Final = 1
DIFFERS: Final = 2


@dataclass(slots=True)
class Tally:
    """A `Sink` that keeps whether anything would change, and whether everything could be checked."""

    changes: int = 0
    unchecked: int = 0
    ended: bool = False

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, MachinesPlanned):
            self.changes += len(event.changes)
        if isinstance(event, RunEnded):
            self.ended = True
            for stats in event.stats.values():
                self.changes += stats.changed
                self.unchecked += stats.failed + stats.unreachable + stats.unknown

    def close(self) -> None:
        """Nothing is held."""

    def exit_code(self) -> int:
        """What could not be checked wins: unknown is never reported as clean."""
        if self.unchecked or not self.ended:
            return UNCERTAIN
        return DIFFERS if self.changes else IN_SYNC
