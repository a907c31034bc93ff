"""Where events go: one fan-out that masks secrets and stamps the time, then every sink gets all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from provisioner.events import Event
from provisioner.ui.redact import Redactor
from provisioner.ui.wholelines import LineJoiner


class Sink(Protocol):
    """A consumer of events (console, JSON lines, history …). Called from one thread, in order."""

    def handle(self, event: Event, time: float) -> None:
        """`time` is when the event happened, in seconds since the epoch. Must not keep the run waiting."""
        ...

    def close(self) -> None:
        """No more events come; also called when the run broke off."""
        ...


@dataclass(slots=True)
class Fanout:
    """Gives events to all sinks, redacted. Live output is joined to whole lines first."""

    sinks: Sequence[Sink]
    redactor: Redactor
    clock: Callable[[], float] = time.time
    _lines: LineJoiner = field(init=False)

    def __post_init__(self) -> None:
        self._lines = LineJoiner(self.redactor.cut)

    def handle(self, event: Event) -> None:
        for whole in self._lines.feed(event):
            self._tell(whole)

    def close(self) -> None:
        """Close every sink, also when one of them fails."""
        with ExitStack() as closing:
            for sink in self.sinks:
                closing.callback(sink.close)
            for rest in self._lines.flush():
                self._tell(rest)

    def _tell(self, event: Event) -> None:
        cleaned = self.redactor.clean(event)
        now = self.clock()
        for sink in self.sinks:
            sink.handle(cleaned, now)
