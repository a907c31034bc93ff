"""The two small vocabularies between engine and driver: commands go out, inputs come back.

The engine is pure: it is fed `Input`s and gives `Command`s. The driver carries commands out by sessions and
actions and feeds what happened. All of it is frozen data, so a run can be replayed from its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NewType, TypeAlias

from provisioner.diag import ProvisionError
from provisioner.events import Event, TaskRef
from provisioner.values import HostName, Secret

CallId = NewType("CallId", int)


# -- where work happens --------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Become:
    """Privilege escalation on the host. `user` is the one to become; password is asked of `sudo` once."""

    user: str
    method: str = "sudo"
    password: Secret | None = None
    exe: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """How to reach a host: everything a connection is made from. Equal targets share one connection."""

    host: HostName
    connection: str = "ssh"
    """`ssh` or `local`."""
    address: str = ""
    port: int | None = None
    user: str | None = None
    key_files: tuple[str, ...] = ()
    password: Secret | None = None
    python: str | None = None
    """Interpreter on the host; None looks for `python3`."""
    known_hosts: tuple[str, ...] = ()
    """Files used instead of the user's own known_hosts; empty: the user's and the system's."""
    host_key_alias: str | None = None
    host_key_checking: str = "strict"
    """`strict`, or `accept-new` (asked for by flag): an unknown key is stored, a changed one refused."""
    connect_timeout: float = 15.0
    ssh_args: tuple[str, ...] = ()
    """Options from `ansible_ssh_common_args` that we understand (`-o ProxyJump=…`, `-J`, `-o Port=`)."""
    environment: Mapping[str, str] = field(default_factory=dict)


# -- what is sent to a host ----------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Content:
    """Bytes for a host, kept on the controller until the host says that it lacks them."""

    sha256: str
    size: int
    data: bytes | None = None
    path: Path | None = None
    """Where the bytes are when they are not in `data`."""
    lazy: bool = False
    """Never sent along with a task, however small: one of many of which a host may need none."""

    def reference(self) -> dict[str, Any]:
        """What stands in the module's arguments for it."""
        return {"sha256": self.sha256, "size": self.size}


@dataclass(frozen=True, slots=True)
class Job:
    """How an `async` task runs: for how many seconds at most, and where on the host its result is kept."""

    seconds: float
    folder: str


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One run of one module on one host (one loop item)."""

    id: CallId
    module: str
    args: Mapping[str, Any]
    group: int = 0
    """Calls of one task (its loop items) share a group."""
    last: bool = True
    stop: bool = True
    """A failed result ends the segment after this group."""
    check: bool = False
    diff: bool = False
    timeout: float | None = None
    """Seconds the module may take; None: no limit."""
    environment: Mapping[str, str | Secret] = field(default_factory=dict)
    folder: str = ""
    """Where it runs; empty, or one that its user may not enter: the home directory of that user."""
    predicted: Mapping[str, Mapping[str, Any]] | None = None
    """Check mode: {kind: {name: attributes}} that earlier tasks would have made."""
    background: Job | None = None
    """Start it as a job that outlives the runner; the result then says which one."""
    contents: tuple[Content, ...] = ()
    secrets: tuple[str, ...] = ()
    """Values that must not show in this call's output (arguments the Spec marks secret)."""
    verify: bool = False
    sink: BinaryIO | None = None
    """Where bytes go that the module sends up (`ctx.send`)."""
    on_text: Callable[[str, bytes], None] | None = None
    """Receives (stream, bytes) of live output, for callers that want it beside the event."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Calls that are sent to one host, for one user, in one go."""

    id: int
    calls: tuple[ModuleCall, ...]
    become: Become | None = None


# -- commands (engine -> driver) -----------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class RunSegment:
    """Run a segment on `target` on behalf of `host` (they differ for delegated tasks)."""

    host: HostName
    target: Target
    segment: Segment


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run a driving action on the controller. `hosts` has one entry a host; a batch action gets several."""

    id: int
    action: str
    hosts: tuple[ActionHost, ...]


@dataclass(frozen=True, slots=True)
class Delegate:
    """A host of the inventory outside of the play that a driving action works with, and whom to become on it."""

    target: Target
    become: Become | None = None


@dataclass(frozen=True, slots=True)
class ActionHost:
    """One host's share of a driving action."""

    host: HostName
    target: Target
    become: Become | None
    args: Mapping[str, Any]
    check: bool
    diff: bool
    environment: Mapping[str, str | Secret] = field(default_factory=dict)
    search: tuple[str, ...] = ()
    """Directories in which relative local paths are looked for, first match wins."""
    timeout: float | None = None
    predicted: Mapping[str, Mapping[str, Any]] | None = None
    no_log: bool = False
    task_name: str = ""
    task: TaskRef | None = None
    """For the events that the action emits."""
    delegates: Mapping[HostName, Delegate] = field(default_factory=dict)
    """Hosts that the action works with for this one, and that are not in the play."""


@dataclass(frozen=True, slots=True)
class Ask:
    """An effect the engine needs answered before it can go on (a lookup, a file, the clock, an include)."""

    id: int
    effect: Any  # template.effects.Effect or engine.includes.LoadInclude; opaque here
    search: tuple[str, ...] = ()
    """Directories in which relative local paths are looked for."""


@dataclass(frozen=True, slots=True)
class Emit:
    event: Event


@dataclass(frozen=True, slots=True)
class Finish:
    """The play is over."""

    failed: frozenset[HostName]
    unreachable: frozenset[HostName]


@dataclass(frozen=True, slots=True)
class Fail:
    """The run ends here with this error; what was told before it stands."""

    error: ProvisionError


Command: TypeAlias = RunSegment | RunAction | Ask | Emit | Finish | Fail


# -- inputs (driver -> engine) -------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class CallBegan:
    host: HostName
    segment: int
    call: CallId


@dataclass(frozen=True, slots=True)
class CallText:
    """Live output of a running call; bytes as they came, possibly cut inside a line."""

    host: HostName
    segment: int
    call: CallId
    stream: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A result, as the module gave it. `ms` is the host's own measure."""

    host: HostName
    segment: int
    call: CallId
    result: Mapping[str, Any]
    ms: float


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """The host is done with a segment. Calls behind a failed one with `stop` were not run."""

    host: HostName
    segment: int


@dataclass(frozen=True, slots=True)
class SegmentLost:
    """The segment could not be (fully) run: no connection, sudo refused, no Python, connection lost.

    unreachable: False for what is the host's fault while it can be reached (BecomeFailed, NoPython).
    """

    host: HostName
    segment: int
    message: str
    unreachable: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """Results of a driving action by host; a host missing here is treated as failed."""

    id: int
    results: Mapping[HostName, Mapping[str, Any]]
    lost: Mapping[HostName, str] = field(default_factory=dict)
    """Hosts whose connection broke, with the message."""
    round_trips: Mapping[HostName, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to an `Ask`; `error` is set when it has none (a missing file, a failed lookup)."""

    id: int
    value: Any = None
    error: Exception | None = None


Input: TypeAlias = CallBegan | CallText | CallEnded | SegmentEnded | SegmentLost | ActionEnded | Answered
