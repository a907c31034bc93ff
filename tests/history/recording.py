"""Runs to record in tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provisioner.events import (
    Event,
    HostStats,
    ItemResult,
    PlayStarted,
    RunEnded,
    RunStarted,
    TaskRef,
    TaskResult,
    TaskStarted,
)
from provisioner.history.retention import Limits
from provisioner.history.writer import Recorder
from provisioner.values import HostName

H1, H2 = HostName("h1"), HostName("h2")
TASK = TaskRef("1.0", "Install", "apt", "site.yml:3", role="base")
LOOP = TaskRef("1.1", "Copy", "copy", "site.yml:9")
_FOR_EVER = Limits(days=1e6)
COPIED = {"changed": True, "diff": {"before": "a\n", "after": "b\n"}}


def run_of(name: str, *, code: int = 0, changed: int = 1,
           command: tuple[str, ...] = ("apply", "site.yml")) -> list[Event]:  # fmt: skip
    """A short run: one task on two hosts, a loop on one."""
    return [
        RunStarted(name, ("site.yml",), False, False, "1.0", command), PlayStarted("Web", (H1, H2), "site.yml:1"),
        TaskStarted(TASK), TaskResult(H1, TASK, "changed", {"changed": True, "rc": 0}, 12.5),
        TaskResult(H2, TASK, "ok", {"changed": False, "huge": "x"}, 3.0), TaskStarted(LOOP),
        ItemResult(H1, LOOP, "a", "changed", COPIED, 1.0),
        TaskResult(H1, LOOP, "changed", {"changed": True}, loop=True),
        RunEnded(code, {H1: HostStats(ok=2, changed=changed), H2: HostStats(ok=1)}, 1500.0, {H1: 1, H2: 1}),
    ]


def record(file: Path, events: Sequence[Event], *, at: float = 1_700_000_000.0,
           limits: Limits = _FOR_EVER) -> Recorder:  # fmt: skip
    """Record these events, a tenth of a second from each to the next."""
    recorder = Recorder(file, limits)
    for number, event in enumerate(events):
        recorder.handle(event, at + number / 10)
    recorder.close()
    return recorder
