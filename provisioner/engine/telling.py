"""Puts events in the order of the tasks, although hosts run ahead of each other inside a segment.

Each step of a plan is told as a whole: its headline when the first host reaches it, then its results as they
come. What a fast host reports of later steps waits until every host is through with the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioner.events import Event, TaskRef, TaskStarted
from provisioner.values import HostName


@dataclass(slots=True)
class Telling:
    """Of one plan. `tell` and `passed` give the events that may be told now."""

    headlines: list[TaskRef]
    """One per step."""
    waiting: list[set[HostName]]
    """For each step the hosts that have still to pass it."""
    check: bool = False
    front: int = 0
    held: dict[int, list[Event]] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)

    def begin(self, step: int) -> list[Event]:
        """A host works on `step` now."""
        return self._headline(step) if step == self.front else []

    def tell(self, step: int, events: Iterable[Event]) -> list[Event]:
        if step != self.front:
            self.held.setdefault(step, []).extend(events)
            return []
        told = list(events)
        return self._headline(step) + told if told else []

    def passed(self, host: HostName, step: int) -> list[Event]:
        """`host` is through with `step`."""
        self.waiting[step].discard(host)
        return self._advance()

    def dropped(self, host: HostName) -> list[Event]:
        """`host` takes no further part in the plan."""
        for hosts in self.waiting:
            hosts.discard(host)
        return self._advance()

    def _advance(self) -> list[Event]:
        told: list[Event] = []
        while self.front < len(self.waiting) and not self.waiting[self.front]:
            self.front += 1
            held = self.held.pop(self.front, [])
            if held:
                told += self._headline(self.front) + held
        return told

    def _headline(self, step: int) -> list[Event]:
        if step in self.started or step >= len(self.headlines):
            return []
        self.started.add(step)
        return [TaskStarted(self.headlines[step], self.check)]
