"""Reports of a whole run, made from its events: now at its end, or years later from the history."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from provisioner.diag import ProvisionError, UsageError
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
    """Write a file by renaming: readers see the old one or the new one. Raises `ProvisionError`."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        half.replace(path)
    except OSError as error:
        raise ProvisionError(f"{path} can't be written: {error.strerror}") from error
    finally:
        if half.is_file():
            half.unlink()


def writable(path: Path) -> Path:
    """`path` where a report may be written at the end of a run; raises `UsageError` before it."""
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise UsageError(f"{path} can't be written", hint="give a file in a directory that is there")
    return path
