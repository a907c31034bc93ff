"""Pure: which findings `provision drift --fix` puts right, and which of them it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from provisioner.drift.findings import DRIFTED, UNKNOWN, Check, Finding
from provisioner.events import Event, ItemResult, Resource, TaskResult
from provisioner.values import HostName


def chosen(findings: Iterable[Finding], hosts: Sequence[str], tasks: Sequence[str]) -> list[Finding]:
    """What has drifted, of these hosts and tasks: shell patterns, none for all. A task may be given with its role
    before it, as it is shown."""
    return [each for each in findings
            if each.kind == DRIFTED and each.resource is not None and each.task.module != "machines"
            and _fits([each.host], hosts) and _fits([each.task.name, each.task.title], tasks)]  # fmt: skip


def targets(findings: Iterable[Finding]) -> frozenset[tuple[HostName, Resource]]:
    """What a run has to do for real. It is what was shown: what is wanted is part of it."""
    return frozenset((each.host, each.resource) for each in findings if each.resource is not None)


def fixed(findings: Iterable[Finding], events: Iterable[Event]) -> list[Finding]:
    """Those of the findings that the run with these events has put right."""
    done = {(event.host, event.resource) for event in events
            if isinstance(event, (TaskResult, ItemResult)) and not event.checked
            and event.status in ("ok", "changed")}  # fmt: skip
    return [each for each in findings if (each.host, each.resource) in done]


def with_failures(check: Check, repair: Check) -> Check:
    """What a check found afterwards, and what failed in the run that put things right, its handlers too."""
    there = {each.key for each in check.findings}
    failed = [each for each in repair.findings if each.kind == UNKNOWN and each.key not in there]
    return replace(check, findings=(*check.findings, *failed), ended=check.ended and repair.ended)


def _fits(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
