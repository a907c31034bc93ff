"""Pure: from the events of a check run to findings, each of a kind.

drifted: the last apply made it so, and it is no longer so. pending: the playbook wants what no apply has made yet.
unmanaged: the watch list found what no playbook declares, or what needs attention (`drift.watched`).
unknown: it could not be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.baseline.signed import Record
from provisioner.events import (
    Event,
    ItemResult,
    MachinesPlanned,
    PlannedChange,
    PlayStarted,
    Resource,
    RunEnded,
    Step,
    TaskRef,
    TaskResult,
)
from provisioner.history.baselines import Baseline
from provisioner.values import HostName

DRIFTED: Final = "drifted"
PENDING: Final = "pending"
UNMANAGED: Final = "unmanaged"
UNKNOWN: Final = "unknown"
KINDS: Final = (DRIFTED, PENDING, UNMANAGED, UNKNOWN)

_UNTELLABLE: Final = "it can't be told whether this was applied before"
_BROKEN: Final = frozenset({"failed", "unreachable"})
_NOT_CHECKED: Final = _BROKEN | {"unknown"}

Known = Callable[[Resource], "Baseline | None"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference on one host, or something that could not be checked.

    reason: for people, where the kind alone does not say it. applied: when the last apply made it, if one did.
    """

    host: HostName
    play: str
    task: TaskRef
    item: str
    kind: str
    reason: str = ""
    diff: Any = None
    resource: Resource | None = None
    applied: float | None = None
    part: str = ""
    """What of a task that makes many things."""
    hint: str = ""
    """When it was changed and who may have done it, as the host tells (`drift.traces`)."""
    first_seen: float = 0.0
    last_seen: float = 0.0

    @property
    def key(self) -> str:
        """The same for the same thing in another check, wherever its task stands then."""
        what = f"{self.resource.module} {self.resource.name}" if self.resource else (
            f"{self.task.module} {self.task.role} {self.task.name} {self.item}")  # fmt: skip
        return f"{self.host} {what} {self.part}".rstrip()


@dataclass(frozen=True, slots=True)
class Check:
    """A check run, summed up. ended: it got to its end."""

    findings: tuple[Finding, ...]
    hosts: tuple[HostName, ...]
    ended: bool

    @property
    def exit_code(self) -> int:
        """0 in sync, 2 it differs, 1 something could not be checked: this wins."""
        if not self.ended or not self.hosts or any(finding.kind == UNKNOWN for finding in self.findings):
            return 1
        return 2 if self.findings else 0

    def count(self, kind: str, host: HostName | None = None) -> int:
        return sum(1 for each in self.findings if each.kind == kind and host in (None, each.host))


def check_of(events: Iterable[Event], known: Known, applying: Sequence[str],
             kept: Mapping[HostName, Record] | None = None) -> Check:  # fmt: skip
    """applying: runs that were changing hosts meanwhile. What differs then is neither drift nor not.
    kept: what hosts have of applies, also of other controllers: what is newer counts."""
    happened = list(events)
    ended = next((event for event in happened if isinstance(event, RunEnded)), None)
    records = kept or {}
    found = tuple(_sorted(finding, known, applying, records.get(finding.host)) for finding in _differences(happened))
    return Check(found, tuple(sorted(ended.stats)) if ended else (), ended is not None)


def _differences(events: Iterable[Event]) -> Iterator[Finding]:
    """Of handlers only those that failed: the others follow from what is found. Of what changed for real nothing.
    A resource of a site's machines stands in the place of a host."""
    play = ""
    steps: dict[tuple[HostName, str], list[Step]] = {}
    for event in events:
        match event:
            case PlayStarted():
                play = event.name
            case MachinesPlanned():
                declared = {each.name: each for each in event.resources}
                for change in event.changes:
                    task = TaskRef(f"{event.site}.{change.resource}", change.action, "machines")
                    gone = (PENDING, "nothing declares it") if change.action == "delete" else ("", "")
                    yield Finding(HostName(change.resource), event.site, task, "", *gone, _fields(change),
                                  declared.get(change.resource))  # fmt: skip
            case Step() if event.status == "changed":
                steps.setdefault((event.host, event.task.id), []).append(event)
            case TaskResult() | ItemResult() if event.task.module != "meta" and (
                    not event.task.handler or (event.status in _BROKEN and not event.checked)):
                loop = isinstance(event, TaskResult) and event.loop and event.status != "unreachable"
                item = event.label if isinstance(event, ItemResult) else ""
                finding = Finding(event.host, play, event.task, item, "", diff=event.result.get("diff"),
                                  resource=event.resource)  # fmt: skip
                if event.ignored or loop:
                    continue
                if event.status in _NOT_CHECKED:
                    yield replace(finding, kind=UNKNOWN, reason=_reason(event.status, event.result))
                elif event.status == "changed" and event.checked:
                    yield _with_steps(finding, event.result, steps.pop((event.host, event.task.id), ()))
                if event.checked:
                    yield from _in_itself(finding, event.result)


def _with_steps(finding: Finding, result: Mapping[str, Any], steps: Sequence[Step]) -> Finding:
    """Of a task that has several: what each is for. A task may know by itself that no apply has done it yet."""
    if "pending" in result:
        return replace(finding, kind=PENDING, reason=str(result["pending"]))
    why = [f"{step.name}: {', '.join(map(str, told))}" if (told := step.result.get("why")) else step.name
           for step in steps]  # fmt: skip
    diffs = [diff for step in steps for diff in _list(step.result.get("diff"))]
    return replace(finding, reason="\n".join(why), diff=finding.diff or diffs or None)


def _in_itself(finding: Finding, result: Mapping[str, Any]) -> Iterator[Finding]:
    """What is not as the last deploy left it, whatever the playbook wants now. An apply of the same does not mend all
    of it, so it is no part of what `--fix` does."""
    for each in result.get("differs", ()):
        diff = {"before": f"{each['before']}\n", "after": f"{each['after']}\n"}
        yield replace(finding, kind=DRIFTED, part=str(each["what"]), diff=diff, resource=None)


def _fields(change: PlannedChange) -> dict[str, str]:
    """What a resource has, and what it shall have."""
    before = "".join(f"{name}: {value}\n" for name, value, _, _ in change.fields if value is not None)
    return {"before": before, "after": "".join(f"{name}: {value}\n" for name, _, value, _ in change.fields)}


def _list(diff: Any) -> list[Any]:
    return [] if not diff else list(diff) if isinstance(diff, (list, tuple)) else [diff]


def _sorted(finding: Finding, known: Known, applying: Sequence[str], kept: Record | None) -> Finding:
    if finding.kind == UNKNOWN:
        return finding
    if applying:
        return replace(finding, kind=UNKNOWN, reason=f"run {', '.join(applying)} was changing hosts meanwhile")
    if finding.kind:
        return finding
    if finding.resource is None:
        return replace(finding, kind=PENDING, reason=_UNTELLABLE)
    here, there = known(finding.resource), kept.baseline(finding.resource) if kept else None
    baseline = max((each for each in (here, there) if each), key=lambda each: each.applied, default=None)
    if baseline is None:
        why = f"never applied from here, and {kept.problem}" if kept and kept.problem else "never applied"
        return replace(finding, kind=PENDING, reason=why if kept else "never applied from here")
    kind = DRIFTED if finding.resource.wanted in baseline.wanted else PENDING
    return replace(finding, kind=kind, applied=baseline.applied)


def _reason(status: str, result: Mapping[str, Any]) -> str:
    for key in ("unknown", "msg"):
        if isinstance(result.get(key), str):
            return str(result[key])
    return status
