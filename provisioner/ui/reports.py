"""Reports of a whole run, made from its events: now at its end, or years later from the history."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from provisioner.events import Event, HostBegan, HostText

Told: TypeAlias = tuple[Event, float]
"""An event, masked, and when it happened."""

Render: TypeAlias = Callable[[Sequence[Told]], str]


@dataclass(slots=True)
class ReportFile:
    """A `Sink` that writes a report when the run is over; the file is whole or as it was before."""

    path: Path
    render: Render
    events: list[Told] = field(default_factory=list)

    def handle(self, event: Event, time: float) -> None:
        if not isinstance(event, (HostBegan, HostText)):
            self.events.append((event, time))

    def close(self) -> None:
        if self.events:
            write_whole(self.path, self.render(self.events))


def write_whole(path: Path, text: str) -> None:
    """Write a file by renaming: readers see the old one or the new one."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
