"""Everything that happens in a run, as frozen data. Sinks (console, JSON lines, history …) get all of it.

Events hold no `Secret`: values are already plain JSON data, and `ui/redact.py` masks known secrets before
any sink sees them. Texts from hosts are untrusted; each sink escapes for its own medium.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from provisioner.values import HostName

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class TaskRef:
    """Which task an event is about. `id` is unique in the run; `path` is file:line of the task."""

    id: str
    name: str
    module: str
    path: str = ""
    role: str = ""
    handler: bool = False

    @property
    def title(self) -> str:
        """With its role, as it is shown."""
        return f"{self.role} : {self.name}" if self.role else self.name


@dataclass(frozen=True, slots=True)
class Resource:
    """What a task is about and what it wants of it, to be compared with other runs.

    where: the address of the host. name: the arguments that identify it, as JSON. wanted: a keyed hash of all
    that decides how it shall be, content included; with another key it is another one.
    """

    where: str
    module: str
    name: str
    wanted: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    playbooks: tuple[str, ...]
    check: bool
    diff: bool
    version: str
    command: tuple[str, ...] = ()
    """What was called, without the values of variables: `apply site.yml -e release=********`."""
    fixes: bool = False
    """Only what has drifted is done for real, everything else is checked."""
    plays: tuple[int, ...] = ()
    """How many plays each of the playbooks has."""


@dataclass(frozen=True, slots=True)
class PlayStarted:
    name: str
    hosts: tuple[HostName, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class NoHosts:
    """The play matched no host; `reason` says why when it is not simply empty."""

    play: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The first host reaches the task: where the headline is printed."""

    task: TaskRef
    check: bool = False


@dataclass(frozen=True, slots=True)
class HostBegan:
    """A host works on a task now. For the live area; never printed."""

    host: HostName
    task: TaskRef
    item: str | None = None


@dataclass(frozen=True, slots=True)
class HostText:
    """Live output of a command on a host. stream: stdout | stderr | progress."""

    host: HostName
    task: TaskRef
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One visible step of a composed task (a deploy). status: ok | changed | skipped | failed | unknown."""

    host: HostName
    task: TaskRef
    name: str
    status: str
    ms: float
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One loop item is done. status as in `TaskResult`; `label` is what to show for the item."""

    host: HostName
    task: TaskRef
    label: str
    status: str
    result: Mapping[str, Any]
    ms: float = 0.0
    ignored: bool = False
    hidden: bool = False
    delegate: str | None = None
    resource: Resource | None = None
    checked: bool = False
    """In check mode, in which tasks may say that they run all the same."""


@dataclass(frozen=True, slots=True)
class Retry:
    """An `until` that does not hold yet."""

    host: HostName
    task: TaskRef
    left: int
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A task is done on a host. status: ok | changed | skipped | failed | unreachable | unknown.

    ignored: failed or unreachable, but `ignore_errors` / `ignore_unreachable` holds. rescued: a rescue section
    takes over. loop: the items were told by `ItemResult` already. hidden: `no_log`, show nothing of the result.
    delegate: the host that did the work, when another one.
    """

    host: HostName
    task: TaskRef
    status: str
    result: Mapping[str, Any]
    ms: float = 0.0
    ignored: bool = False
    rescued: bool = False
    loop: bool = False
    hidden: bool = False
    delegate: str | None = None
    resource: Resource | None = None
    checked: bool = False
    """In check mode, in which tasks may say that they run all the same."""


@dataclass(frozen=True, slots=True)
class Included:
    """`included: FILE for HOSTS`"""

    file: str
    hosts: tuple[HostName, ...]
    task: TaskRef
    item: str | None = None


@dataclass(frozen=True, slots=True)
class MetaResult:
    """A `meta` task is over on a host; it counts as nothing. text: what it did. skipped: `when` did not hold."""

    host: HostName
    task: TaskRef
    text: str
    skipped: bool = False
    implicit: bool = False
    """No task of the playbook: the end of a section, where handlers are flushed."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A resource that a plan changes. sign: `+ ~ -/+ -`. fields: (name, before, after, what it takes), JSON-like;
    before is None for what is new. notes: words for people."""

    action: str
    sign: str
    resource: str
    provider: str
    fields: tuple[tuple[str, Any, Any, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachinesPlanned:
    """What a site's machines lack, and what will be done about it. monthly: US dollars, "" when unknown. digest: the
    same for the same changes."""

    site: str
    changes: tuple[PlannedChange, ...]
    unchanged: int
    accounts: tuple[str, ...] = ()
    monthly: str = ""
    digest: str = ""
    resources: tuple[Resource, ...] = ()
    """All that are declared and looked at, whether they change or not; none where runs are not recorded."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineStep:
    """A resource of a site while a plan is carried out. phase: begun | waiting | done | failed. action: that of the
    plan, `wait` or `verify`."""

    site: str
    resource: str
    action: str
    phase: str
    text: str
    ms: float


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning to the user; `path` is file:line:column when there is one."""

    message: str
    path: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class HostStats:
    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class RunEnded:
    exit_code: int
    """1: an error ended it, which is told after this."""
    stats: Mapping[HostName, HostStats]
    duration_ms: float
    round_trips: Mapping[HostName, int] = field(default_factory=dict)
    """Segments that the plays sent to each host."""


Event: TypeAlias = (
    RunStarted | PlayStarted | NoHosts | TaskStarted | HostBegan | HostText | Step | ItemResult | Retry
    | TaskResult | Included | MetaResult | MachinesPlanned | MachineStep | Warned | RunEnded
)

KINDS: Mapping[type[Any], str] = {
    RunStarted: "run_start", PlayStarted: "play_start", NoHosts: "no_hosts", TaskStarted: "task_start",
    HostBegan: "host_begin", HostText: "log", Step: "step", ItemResult: "item", Retry: "retry",
    TaskResult: "result", Included: "included", MetaResult: "meta",
    MachinesPlanned: "machines_plan", MachineStep: "machine_step", Warned: "warning", RunEnded: "run_end",
}


def live_text(data: bytes) -> str:
    """Output of a command as it arrives. A character that the network cut in two survives in halves until
    `mended` puts the text of a whole line right."""
    return data.decode("utf-8", "surrogateescape")


def mended(text: str) -> str:
    """Text put together from `live_text`s: whole characters again, what is not UTF-8 replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON data with its `type`."""
    return {"v": SCHEMA, "type": KINDS[type(event)], **dataclasses.asdict(event)}


def from_json(data: Mapping[str, Any]) -> Event:
    """The event that `to_json` made the data from. Fields of a newer version are left out."""
    kind = _TYPES[data["type"]]
    fields = {field.name: data[field.name] for field in dataclasses.fields(kind) if field.name in data}
    for name, restore in _RESTORED.items():
        if name in fields:
            fields[name] = restore(fields[name])
    event: Event = kind(**fields)
    return event


def _planned_change(data: Mapping[str, Any]) -> PlannedChange:
    return PlannedChange(**{**data, "fields": tuple(map(tuple, data["fields"])), "notes": tuple(data["notes"])})


_TYPES: Mapping[str, type[Any]] = {name: kind for kind, name in KINDS.items()}

_RESTORED: Mapping[str, Callable[[Any], Any]] = {
    "task": lambda data: TaskRef(**data),
    "resource": lambda data: Resource(**data) if isinstance(data, Mapping) else data,  # a machine's is its name
    "hosts": tuple, "playbooks": tuple, "command": tuple,
    "changes": lambda data: tuple(map(_planned_change, data)), "accounts": tuple, "plays": tuple, "remarks": tuple,
    "resources": lambda data: tuple(Resource(**each) for each in data),
    "stats": lambda data: {host: HostStats(**counts) for host, counts in data.items()},
}
"""What is not as JSON has it, by the names of fields, which mean the same in every event."""
