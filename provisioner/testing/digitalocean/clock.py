"""Time that passes by waiting alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioner.cloud.providers.digitalocean.wire import Patience


@dataclass(slots=True)
class Clock:
    """waits: what was slept, in seconds."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def patience(self, read: float = 10.0) -> Patience:
        """As in real use, without the waiting."""
        return Patience(read=read, sleep=self.sleep, clock=lambda: self.now)
