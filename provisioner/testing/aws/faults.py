"""What is to go wrong with the next calls, and which calls were made."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Mode = Literal["refuse", "lose", "delay"]
"""refuse: answered with an error, not carried out; lose: carried out, the connection is cut instead of an answer;
delay: carried out after some seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """action: as IAM calls it without the service (`RunInstances`), `*` for any. after: how many such calls go well
    first. times: how many then do not."""

    action: str
    mode: Mode = "refuse"
    code: str = "InternalError"
    status: int = 500
    message: str = "injected"
    times: int = 1
    after: int = 0
    seconds: float = 0.0


class Faults:
    """Shared by the test and the server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[tuple[Fault, list[int]]] = []
        self._calls: list[str] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._planned += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """No fault is left, and no call was made."""
        with self._lock:
            self._planned.clear()
            self._calls.clear()

    @property
    def calls(self) -> tuple[str, ...]:
        """`ec2:RunInstances` and so on, in the order in which they came."""
        with self._lock:
            return tuple(self._calls)

    def count(self, call: str) -> int:
        return self.calls.count(call)

    def take(self, service: str, action: str) -> Fault | None:
        """The fault that this call meets; counts it."""
        with self._lock:
            self._calls.append(f"{service}:{action}")
            for fault, seen in self._planned:
                if fault.action not in ("*", action):
                    continue
                seen[0] += 1
                if fault.after < seen[0] <= fault.after + fault.times:
                    return fault
            return None
