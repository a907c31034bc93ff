"""A small record to show: runs of every kind, drift, releases, machines, and a host that says evil things."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from provisioner.drift import seen
from provisioner.drift.findings import Check, Finding
from provisioner.events import (
    Event,
    HostStats,
    MachineStep,
    PlayStarted,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    TaskStarted,
)
from provisioner.history.db import connect
from provisioner.schedule.systemd import Schedule
from provisioner.values import HostName
from provisioner.web.schedules import schedules_page
from tests.history.recording import record

NOW = 1_800_000_000.0
HOUR = 3600.0
WEB = (HostName("web-1"), HostName("web-2"), HostName("db-1"))
EVIL_HOST = HostName("<script>evil</script>")
EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x1b[2J\u202e"
EVIL_WORD = "<script>alert(1)</script>"
SCHEDULES = schedules_page([
    Schedule("drift-site", "every 15 min", ("drift", "site.yml", "-i", "hosts"), "provision-drift-site-1.service", True,
             False, NOW - 1000, NOW - 950, NOW + 72, ("success", "2")),
    Schedule("night", "*-*-* 03:00", ("apply", EVIL_WORD, "--yes"), "provision-night-1.service", False, False, None,
             None, None, None),
])  # fmt: skip
MOTD = TaskRef("1", "Motd", "copy", "roles/base/tasks/main.yml:12", role="base")
NGINX = TaskRef("2", "nginx site", "template", "site.yml:21")
SHOP = TaskRef("3", "Run the shop", "nextjs_app", "site.yml:30")
CHANGED = {"changed": True, "diff": {"before": "edited by hand\n", "after": "Welcome\n",
                                     "before_header": "/etc/motd", "after_header": "/etc/motd"}}  # fmt: skip


def opening(name: str, *words: str, check: bool = False) -> list[Event]:
    return [RunStarted(name, ("site.yml",), check, False, "1.0", words), PlayStarted("Web", WEB, "site.yml:1"),
            TaskStarted(MOTD)]  # fmt: skip


def apply(name: str, *, release: str = "", failed: bool = False) -> list[Event]:
    """A run over three hosts; with a release, a deploy on two of them."""
    told = opening(name, "apply", "site.yml", "-i", "inventories/production")
    told += [TaskResult(host, MOTD, "changed" if host == WEB[0] else "ok", CHANGED, 14.0) for host in WEB]
    told += [TaskStarted(NGINX), *(TaskResult(host, NGINX, "ok", {}, 9.0) for host in WEB[:2])]
    if failed:
        told.append(TaskResult(WEB[2], NGINX, "failed", {"msg": "No package matching 'nginx-extra' is available",
                                                        "rc": 100}, 412.0))  # fmt: skip
    if release:
        told.append(TaskStarted(SHOP))
        for host in WEB[:2]:
            told += [Step(host, SHOP, "build", "changed", 31_000.0),
                     Step(host, SHOP, "switch requests", "changed", 310.0),
                     TaskResult(host, SHOP, "changed", {"app": "shop", "release": release}, 40_000.0)]  # fmt: skip
    stats = {host: HostStats(ok=3, changed=int(host == WEB[0]) + int(bool(release))) for host in WEB}
    if failed:
        stats[WEB[2]] = HostStats(ok=1, failed=1)
    return [*told, RunEnded(2 if failed else 0, stats, 4000.0)]


def rollback(name: str, release: str) -> list[Event]:
    task = TaskRef("1", "goes back", "goes back", "goes back:1")
    result = {"changed": True, "app": {"name": "shop"}, "release": release}
    return [RunStarted(name, (), False, False, "1.0", ("app", "rollback", "shop")), PlayStarted("goes back", WEB[:2]),
            *(TaskResult(host, task, "changed", result, 1400.0) for host in WEB[:2]),
            RunEnded(0, {host: HostStats(ok=1, changed=1) for host in WEB[:2]}, 1900.0)]  # fmt: skip


def machines(name: str) -> list[Event]:
    steps = [MachineStep("shop", resource, action, phase, text, 2100.0) for resource, action, phase, text in (
        ("machine.web-1", "create", "done", "as i-0a1b2c3d, 203.0.113.10"),
        ("machine.web-2", "create", "done", "as i-0d4e5f6a, 203.0.113.11"),
        ("firewall.web", "update", "failed", "the provider refused port 0"))]  # fmt: skip
    return [RunStarted(name, ("machines.yml",), False, False, "1.0", ("apply", "machines.yml")), *steps,
            RunEnded(1, {}, 9000.0)]  # fmt: skip


def hostile(name: str) -> list[Event]:
    """Everything that a host, a playbook or an app may say, as bad as it gets."""
    task = TaskRef("1", EVIL, "shell", EVIL)
    result = {"msg": EVIL, "stdout": EVIL, "diff": {"before": f"{EVIL}\n", "after": "", "before_header": EVIL}}
    return [RunStarted(name, (EVIL,), False, False, "1.0", ("apply", EVIL)), PlayStarted(EVIL, (EVIL_HOST,)),
            TaskStarted(task), TaskResult(EVIL_HOST, task, "failed", result, 3.0),
            TaskResult(EVIL_HOST, replace(SHOP, id="2", name=EVIL), "changed", {"app": EVIL, "release": EVIL}),
            MachineStep(EVIL, EVIL, "create", "done", EVIL, 1.0),
            RunEnded(2, {EVIL_HOST: HostStats(ok=1, failed=1)}, 100.0)]  # fmt: skip


def finding(host: HostName, task: TaskRef, kind: str, reason: str = "") -> Finding:
    return Finding(host, "Web", task, "", kind, reason, CHANGED["diff"] if kind != "unknown" else None)


def drift(file: Path, moment: float, findings: Sequence[Finding], scope: str = "site") -> None:
    with closing(connect(file)) as db:
        seen.keep(db, scope, Check(tuple(findings), WEB, ended=True), moment, whole=True)


def fill(file: Path, *, evil: bool = True) -> None:
    """Thirty days up to `NOW`."""
    for day in range(28, 0, -2):
        release = f"{day:02d}c4f1a9" if day in (20, 14, 8, 2) else ""
        record(file, apply(f"a{day:011d}", release=release, failed=day in (16, 6)), at=NOW - day * 24 * HOUR)
    record(file, rollback("b00000000001", "08c4f1a9"), at=NOW - 30 * HOUR)
    record(file, machines("c00000000001"), at=NOW - 29 * HOUR)
    found = [finding(WEB[0], MOTD, "drifted"), finding(WEB[1], NGINX, "pending", "never applied from here"),
             finding(WEB[2], NGINX, "unknown", "the host can't be reached")]  # fmt: skip
    for hours in range(600, 0, -12):
        drift(file, NOW - hours * HOUR, found[: (hours // 60) % 4])
    drift(file, NOW - HOUR, found)
    record(file, [*opening("d00000000001", "drift", "site.yml", check=True),
                  *(TaskResult(host, MOTD, "changed", CHANGED, 11.0, checked=True) for host in WEB[:1]),
                  RunEnded(0, {host: HostStats(ok=2, changed=int(host == WEB[0])) for host in WEB}, 900.0)],
           at=NOW - HOUR)  # fmt: skip
    if evil:
        record(file, hostile("eeee00000001"), at=NOW - 2 * HOUR)
        drift(file, NOW - HOUR, [finding(EVIL_HOST, replace(MOTD, name=EVIL), "drifted", EVIL)], scope="evil")
