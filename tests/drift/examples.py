"""Events and findings for tests of drift."""

from __future__ import annotations

from typing import Any

from provisioner.drift.findings import DRIFTED, Check, Finding
from provisioner.events import Event, HostStats, PlayStarted, Resource, RunEnded, TaskRef, TaskResult, TaskStarted
from provisioner.values import HostName

H1, H2 = HostName("h1"), HostName("h2")
TASK = TaskRef("1.0", "Motd", "copy", "site.yml:3", role="base")
MOTD = Resource("192.0.2.1:", "copy", '{"dest": "/etc/motd"}', "aa")
DIFF = {"before": "x\n", "after": "y\n"}


def checked(*results: Event) -> list[Event]:
    """A check run with these results."""
    return [PlayStarted("Web", (H1, H2)), TaskStarted(TASK, check=True), *results,
            RunEnded(0, {H1: HostStats(ok=1), H2: HostStats(ok=1)}, 1.0)]  # fmt: skip


def result(status: str, *, resource: Resource | None = MOTD, task: TaskRef = TASK, checked: bool = True,
           **more: Any) -> TaskResult:  # fmt: skip
    return TaskResult(H1, task, status, {"msg": "because", "diff": DIFF}, resource=resource, checked=checked, **more)


def finding(kind: str = DRIFTED, *, host: HostName = H1, name: str = "Motd", **more: Any) -> Finding:
    return Finding(host, "Web", TaskRef("1", name, "copy", "site.yml:3"), "", kind, diff=DIFF, **more)


def check(*findings: Finding) -> Check:
    return Check(findings, (H1, H2), ended=True)
