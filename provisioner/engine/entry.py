"""A task made ready for one host: everything rendered, nothing done yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from provisioner.actions.base import Done, HostWork
from provisioner.engine.cursor import Cursor
from provisioner.engine.program import Program
from provisioner.events import Resource
from provisioner.lang.model import Include, Task
from provisioner.messages import Become, Delegate, Job, Target
from provisioner.values import HostName, Secret


@dataclass(frozen=True, slots=True)
class Skip:
    """`when` does not hold."""

    false_condition: str


@dataclass(frozen=True, slots=True)
class Broken:
    """It could not be made ready: the task fails with this result without touching the host."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotKnowable:
    """Check mode: it depends on something that is not there yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drive:
    """A driving action of the controller."""

    action: str
    args: Mapping[str, Any]
    batch: bool
    resource: Resource | None = None
    delegates: Mapping[HostName, Delegate] = field(default_factory=dict)
    """Hosts outside of the play that the action works with."""


@dataclass(frozen=True, slots=True)
class Enclose:
    """A dynamic include: run `program` with `vars`. `order` tells apart what one include brings in."""

    program: Program
    order: int
    path: str
    vars: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Meta:
    action: str


@dataclass(frozen=True, slots=True)
class Later:
    """An item that is made ready when the one before it is done."""


Work: TypeAlias = Skip | Broken | NotKnowable | Done | HostWork | Drive | Enclose | Meta | Later


@dataclass(frozen=True, slots=True)
class Item:
    """One loop item, or the whole task when there is no loop."""

    work: Work
    variables: Mapping[str, Any] = field(default_factory=dict)
    """`item`, `ansible_loop` … of this item."""
    label: str = ""
    """What to show for it."""
    own: Entry | None = None
    """The task with the keywords of this item, where keywords name the item (`delegate_to: "{{ item }}"`)."""
    fixes: bool = False
    """Done for real in check mode too."""

    @property
    def on_host(self) -> bool:
        return isinstance(self.work, HostWork)

    @property
    def resource(self) -> Resource | None:
        return self.work.resource if isinstance(self.work, (HostWork, Drive)) else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A task for one host, at `cursor`."""

    host: HostName
    cursor: Cursor
    task: Task
    source: Task | Include
    play: int
    name: str
    items: tuple[Item, ...]
    looped: bool
    target: Target
    become: Become | None = None
    environment: Mapping[str, str | Secret] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    no_log: bool = False
    ignore_errors: bool = False
    ignore_unreachable: bool = False
    any_errors_fatal: bool = False
    run_once: bool = False
    delegate: HostName | None = None
    delegate_facts: bool = False
    timeout: float | None = None
    retries: int = 0
    delay: float = 5.0
    pause: float = 0.0
    throttle: int = 0
    """How many hosts may do it at a time; 0: any number."""
    job: Job | None = None
    """`async`: done by a job of its own on the host."""
    listed: tuple[Any, ...] = ()
    """The values of a loop whose items are `Later`."""
    poll: float = 0.0
    """Seconds between two looks at the job; 0: it is not waited for."""

    @property
    def worker(self) -> HostName:
        """The host that does the work: that of `delegate_to`, else its own."""
        return self.delegate or self.host

    def label_of(self, item: Item) -> str:
        """What may be shown for an item."""
        return "(censored due to no_log)" if self.no_log and item.label else item.label

    def checks(self, item: Item) -> bool:
        """Whether this item changes nothing."""
        return self.check and not item.fixes

    @property
    def touches_host(self) -> bool:
        return any(item.on_host for item in self.items)

    @property
    def patient(self) -> bool:
        """Its items run one at a time, with attempts and pauses between."""
        if any(item.own is not None or isinstance(item.work, Later) for item in self.items):
            return True
        if self.throttle or (self.job and self.poll):
            return True
        return self.task.until is not None or self.task.retries is not None or self.pause > 0 or (
            self.task.loop is not None and bool(self.task.loop.control.break_when))

    @property
    def driven(self) -> bool:
        return any(isinstance(item.work, Drive) for item in self.items)

    @property
    def included(self) -> tuple[Enclose, ...]:
        return tuple(item.work for item in self.items if isinstance(item.work, Enclose))

    @property
    def meta(self) -> str | None:
        work = self.items[0].work if self.items else None
        return work.action if isinstance(work, Meta) else None

    @property
    def stops_segment(self) -> bool:
        """Whether a failed result must keep the host from running the tasks sent behind."""
        return not self.ignore_errors and self.task.failed_when is None


@dataclass(frozen=True, slots=True)
class Step:
    """One position of the program, ready for every host of the group."""

    entries: Mapping[HostName, Entry]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that go out together. `alone`: a single step with an order of its own (delegation, retries …)."""

    steps: tuple[Step, ...]
    alone: bool = False
