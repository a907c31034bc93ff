"""Two runs side by side: what went another way in the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from provisioner.events import Event, ItemResult, Step, TaskRef, TaskResult
from provisioner.values import HostName

ABSENT: Final = "not there"

Work: TypeAlias = tuple[HostName, str, str, str, str]
"""Host, role, task's name, module, and the item or step. Not the line it stands in: that moves."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The statuses of one piece of work in both runs; `ABSENT` where it did not come to it."""

    work: Work
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Done:
    status: str
    ms: float


def differences(before: Iterable[Event], after: Iterable[Event]) -> Iterator[Difference]:
    """In the order of the second run, then what only the first had. A task skipped is not a task absent."""
    old, new = _works(before), _works(after)
    for work, done in new.items():
        was = old[work].status if work in old else ABSENT
        if was != done.status:
            yield Difference(work, was, done.status)
    for work, done in old.items():
        if work not in new:
            yield Difference(work, done.status, ABSENT)


def slower(before: Iterable[Event], after: Iterable[Event], *,
           least_ms: float = 1000.0) -> list[tuple[Work, float, float]]:
    """Work that took `least_ms` and half as much again longer: (work, ms before, ms after), the worst first."""
    old, new = _works(before), _works(after)
    found = [(work, old[work].ms, done.ms) for work, done in new.items() if work in old
             and done.ms - old[work].ms >= least_ms and done.ms >= 1.5 * old[work].ms]  # fmt: skip
    return sorted(found, key=lambda entry: entry[1] - entry[2])


def _works(events: Iterable[Event]) -> dict[Work, _Done]:
    """The same work done again (a loop over equal items) has a number behind its item."""
    found: dict[Work, _Done] = {}
    for event in events:
        match event:
            case TaskResult():
                part, status = "", _status(event.status, ignored=event.ignored, rescued=event.rescued)
            case ItemResult():
                part, status = event.label, _status(event.status, ignored=event.ignored)
            case Step():
                part, status = event.name, event.status
            case _:
                continue
        work = _work(event.host, event.task, part)
        again = 1
        while work in found:
            again += 1
            work = _work(event.host, event.task, f"{part} ({again})".strip())
        found[work] = _Done(status, event.ms)
    return found


def _work(host: HostName, task: TaskRef, part: str) -> Work:
    return host, task.role, task.name, task.module, part


def _status(status: str, *, ignored: bool = False, rescued: bool = False) -> str:
    return "ignored" if ignored else "rescued" if rescued else status
