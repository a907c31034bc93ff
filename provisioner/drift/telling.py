"""Pure: a check as text for people, as JSON, as metrics, as a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from provisioner.drift.findings import DRIFTED, KINDS, PENDING, UNKNOWN, UNMANAGED, Check, Finding
from provisioner.ui.colours import Paint
from provisioner.ui.diffs import diffs_of, render
from provisioner.ui.escape import visible, visible_lines
from provisioner.ui.moments import utc

SCHEMA: Final = 1
_COLOURS: Final[Mapping[str, str]] = {DRIFTED: "failed", PENDING: "changed", UNMANAGED: "changed", UNKNOWN: "unknown"}
_MOST: Final = 20
"""Findings named in a message; the rest is counted."""


def lines(check: Check, ignored: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """Details with diffs, then one line for each host, then one for all."""
    yield from details(check.findings, paint)
    if check.findings:
        yield ""
    for host in check.hosts:
        counts = [f"{check.count(kind, host)} {kind}" for kind in KINDS if check.count(kind, host)]
        yield f"{visible(host)}: {', '.join(counts) or paint('in sync', 'ok')}"
    if ignored:
        yield f"{len(ignored)} ignored by drift.yml"
    yield summary(check)


def details(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """Each with its place and its diff."""
    for finding in sorted(findings, key=lambda each: (each.host, KINDS.index(each.kind))):
        yield f"{paint(finding.kind, _COLOURS[finding.kind])}: {_title(finding)}"
        place = visible(finding.task.path)
        yield paint(f"  play {visible(finding.play)}, {place}{_since(finding)}", "dim")
        if finding.reason:
            yield from (f"  {line}" for line in visible_lines(finding.reason))
        if finding.hint:
            yield from (paint(f"  {line}", "dim") for line in visible_lines(finding.hint))
        for diff in diffs_of({"diff": finding.diff}):
            yield from (f"  {line}" for line in render(diff, paint).split("\n") if line)


def fixed_lines(fixed: Sequence[Finding], paint: Paint) -> Iterator[str]:
    return (f"{paint('fixed', 'ok')}: {_title(finding)}" for finding in fixed)


def summary(check: Check) -> str:
    """In one line."""
    if not check.ended:
        return "the check did not get to its end"
    if not check.hosts:
        return "no host was checked"
    counts = [f"{check.count(kind)} {kind}" for kind in KINDS if check.count(kind)]
    hosts = f"{len(check.hosts)} host{'s' if len(check.hosts) != 1 else ''}"
    return f"{hosts} checked: {', '.join(counts) or 'in sync'}"


def as_json(check: Check, ignored: Sequence[Finding], playbooks: Sequence[str], run: str,
            fixed: Sequence[Finding] = ()) -> dict[str, Any]:  # fmt: skip
    return {
        "v": SCHEMA, "run": run, "playbooks": list(playbooks), "hosts": list(check.hosts), "ended": check.ended,
        "exit_code": check.exit_code, "counts": {kind: check.count(kind) for kind in KINDS},
        "findings": [_as_json(each) for each in check.findings], "ignored": [_as_json(each) for each in ignored],
        "fixed": [_as_json(each) for each in fixed],
    }  # fmt: skip


def metrics(check: Check, site: str, succeeded: float | None) -> str:
    """In Prometheus's text format, for the textfile collector of its node exporter."""
    out = ["# HELP provision_drift_items Differences from the playbook, by kind.", "# TYPE provision_drift_items gauge"]
    for host in sorted({*check.hosts, *(each.host for each in check.findings)}):
        for kind in KINDS:
            labels = f'site="{_label(site)}",host="{_label(host)}",kind="{kind}"'
            out.append(f"provision_drift_items{{{labels}}} {check.count(kind, host)}")
    if succeeded is not None:
        name = "provision_drift_last_success_timestamp_seconds"
        out += [f"# HELP {name} When everything could be checked for the last time.", f"# TYPE {name} gauge",
                f'{name}{{site="{_label(site)}"}} {succeeded:.3f}']  # fmt: skip
    return "\n".join([*out, ""])


def subject(check: Check, site: str) -> str:
    """In one line, with the playbook's name."""
    return f"{visible(site)}: {summary(check)}"


def message(check: Check, site: str) -> str:
    """For a chat and for mail: what differs, without diffs."""
    told = [subject(check, site)]
    told += [f"• {each.kind}: {_title(each)}" for each in check.findings[:_MOST]]
    if len(check.findings) > _MOST:
        told.append(f"… and {len(check.findings) - _MOST} more")
    return "\n".join(told)


def _title(finding: Finding) -> str:
    return visible(f"{finding.host}  {finding.task.title}" + (f" (item={finding.item})" if finding.item else "")
                   + (f" ({finding.part})" if finding.part else ""))


def _since(finding: Finding) -> str:
    text = f", seen since {utc(finding.first_seen)}" if finding.first_seen < finding.last_seen else ""
    return f"{text}, applied {utc(finding.applied)}" if finding.applied is not None else text


def _as_json(finding: Finding) -> dict[str, Any]:
    data = asdict(finding)
    data["resource"] = finding.resource and {"module": finding.resource.module, "name": finding.resource.name}
    return data


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
