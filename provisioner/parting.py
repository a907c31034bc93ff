"""What is told to hosts, or asked of them, when a run has done all else and its sessions are still open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from provisioner.events import Event
from provisioner.values import HostName


class Reached(Protocol):
    """Hosts that a run has had sessions with."""

    def places(self) -> Mapping[HostName, str]:
        """Their addresses, of those that are there still and are not this machine."""
        ...

    def call_all(self, module: str, args: Mapping[HostName, Mapping[str, Any]], *,
                 check: bool) -> Mapping[HostName, Mapping[str, Any]]:  # fmt: skip
        """Each one's result, side by side; that of a host which can't be asked is a failed one."""
        ...


class Parting(Protocol):
    """A sink that has something to do then. It raises nothing: the run itself is over."""

    def handle(self, event: Event, time: float) -> None: ...
    def close(self) -> None: ...
    def part(self, reached: Reached) -> None: ...
