"""Looks ahead: the longest run of coming tasks that can be made ready now, for all hosts of a group at once.

Nothing here has an effect. Values that planned tasks will only write once they ran are *pending*; reading one
while a task is made ready raises `PendingRead`, and the plan ends before that task. The rules that end a plan
are methods of `Cuts`, so that a test can switch each off and show that histories then differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from provisioner.actions.base import Done
from provisioner.engine import once
from provisioner.engine.cursor import Cursor, Frame, Halt, settle, unwind
from provisioner.engine.entry import Enclose, Entry, Plan, Step
from provisioner.engine.hoststate import Ahead, HostState
from provisioner.engine.judge import Judged
from provisioner.engine.reading import GATHERS
from provisioner.template.effects import NeedEffect
from provisioner.template.marks import Signal
from provisioner.values import HostName

INVENTORY_CHANGES = frozenset({"add_host", "add_group"})
"""Fields of a result that change the inventory when the task is committed."""


class PendingRead(Signal):
    """What was read will be written by a task that is planned but has not run."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Resolver(Protocol):
    """Makes tasks ready. `provisioner.engine.resolve.TaskResolver` is the real one."""

    def resolve(self, host: HostName, ahead: Ahead, *, others_pending: bool) -> Entry:
        """The task at `ahead.cursor`; raises `PendingRead` or `NeedEffect`."""
        ...

    def known(self, entry: Entry, ahead: Ahead) -> Judged | None:
        """The judged result of a task that needs nobody (skipped, `debug`, `set_fact` …), else None."""
        ...

    def writes_facts(self, entry: Entry) -> bool: ...

    def may_fail_unseen(self, entry: Entry, ahead: Ahead) -> bool:
        """Whether the controller may find the task failed although the host goes on."""
        ...


@dataclass(frozen=True, slots=True)
class Cuts:
    """The rules that end a plan. All on; tests switch single ones off to show that each is needed."""

    pending: bool = True
    """Before a task that reads what a planned one will write, and after one that changes the inventory or gives
    facts of any name."""
    alone: bool = True
    """Before and after a task with an order of its own: delegated, run once, driven, retried, meta."""
    failed_when: bool = True
    """After a task whose own condition decides whether it failed."""
    become: bool = True
    """Before a task for another user, or on another connection."""
    handlers: bool = True
    """Before handlers are flushed, and after a handler that notifies."""
    unseen: bool = True
    """After a task that only the controller can tell to have failed (`changed_when`, a broken loop item)."""
    reraise: bool = True
    """Before a failed block is left: the host must have confirmed what comes before."""
    uneven: bool = True
    """Around a task that runs on only some of the hosts."""
    lost: bool = True
    """After a task that is known to fail."""
    rescue: bool = True
    """After a task that may send its host to a rescue or always section, where it may deal with other hosts
    that would be ahead of it by then."""
    fatal: bool = True
    """Around a task whose failure ends the play for every host."""


@dataclass(slots=True)
class Planner:
    """Plans one segment. `run` may raise `NeedEffect`; answer it and call `run` again: it goes on there."""

    resolver: Resolver
    group: Sequence[HostState]
    all_hosts: bool
    """Whether the group is everybody: else other hosts wait elsewhere and each task is its own barrier."""
    cuts: Cuts = Cuts()
    limit: int | None = None
    several: bool = False
    """Whether more than one host works on the play, so that the order between hosts matters."""
    steps: list[Step] = field(default_factory=list)
    ahead: dict[HostName, Ahead] = field(default_factory=dict)
    row: dict[HostName, Entry] = field(default_factory=dict)
    asking: HostName | None = None
    """Whose task needs the effect that `run` has just raised."""

    def __post_init__(self) -> None:
        self.ahead = {state.host: state.look_ahead() for state in self.group}
        if not self.all_hosts:
            self.limit = 1

    def run(self) -> Plan:
        while self.limit is None or len(self.steps) < self.limit:
            if not self._together():
                break
            try:
                self._make_ready()
            except PendingRead:
                break
            except NeedEffect as need:
                if (need.effect.changes_world and self.steps) or (need.effect.sees_files and self._works_here()):
                    break
                raise
            entries = list(self.row.values())
            if self.steps and self._cut_before(entries):
                break
            if not self.steps and self._is_alone(entries):
                return Plan((Step(dict(self.row)),), alone=True)
            try:
                judged = {entry.host: self._known(entry) for entry in entries}
            except PendingRead:
                break
            self.steps.append(Step(dict(self.row)))
            self.row.clear()
            for entry in entries:
                self._assume(entry, judged[entry.host])
            if any(self._cut_after(entry, judged[entry.host]) for entry in entries):
                break
            if self._is_uneven(entries) or self._is_fatal(entries):
                break
        return Plan(tuple(self.steps))

    def _works_here(self) -> bool:
        """Whether a planned task may change files of the controller."""
        return any(entry.touches_host and entry.target.connection == "local"
                   for step in self.steps for entry in step.entries.values())

    # -- moving on ------------------------------------------------------------------------------------------

    def _together(self) -> bool:
        """Move every host to its next task; False when there is none for all of them at one position."""
        positions = set()
        for ahead in self.ahead.values():
            ahead.cursor, halt = next_task(ahead.cursor, ahead)
            while halt is Halt.FLUSH and (not self.cuts.handlers or self._flush_is_empty(ahead)):
                ahead.cursor, halt = next_task(ahead.cursor.step(), ahead)
            while halt is Halt.RERAISE and not self.cuts.reraise:
                ahead.cursor, halt = next_task(_pretend_left(ahead.cursor), ahead)
            if halt is not Halt.TASK or once.has_run(ahead.cursor, ahead.running):
                return False
            positions.add(ahead.cursor.position)
        return len(positions) == 1

    def _flush_is_empty(self, ahead: Ahead) -> bool:
        """Nothing was notified, and nothing planned can notify: flushing would do nothing."""
        return not ahead.notified and not any(
            entry.task.notify for step in self.steps for entry in step.entries.values())

    def _make_ready(self) -> None:
        """Resolve the task for each host that has not got it yet (an effect may have interrupted)."""
        assumed = any(ahead.assumes_anything for ahead in self.ahead.values())
        pending = bool(self.steps) and (self.several or assumed)
        for host, ahead in self.ahead.items():
            if host not in self.row:
                self.asking = host
                self.row[host] = self.resolver.resolve(host, ahead, others_pending=pending and self.cuts.pending)

    def _known(self, entry: Entry) -> Judged | None:
        self.asking = entry.host
        return self.resolver.known(entry, self.ahead[entry.host])

    def _assume(self, entry: Entry, judged: Judged | None) -> None:
        """What later tasks of the plan may take for granted once this one is planned."""
        ahead = self.ahead[entry.host]
        if judged is None or judged.status != "skipped":
            once.note(entry.cursor, ahead.running if judged is None else ahead.ran)
        if entry.included:
            ahead.cursor = into_includes(entry.cursor, entry.included)
            return
        ahead.cursor = entry.cursor.step()
        for item in entry.items:
            if isinstance(item.work, Done):
                for name, value in item.work.variables.items():
                    ahead.learn(name, value)
                ahead.included.update(item.work.included)
                ahead.facts.update(item.work.facts)
        if judged is not None and entry.task.register:
            ahead.learn(entry.task.register, judged.registered)
        elif entry.touches_host and self.cuts.pending:
            if entry.task.register:
                ahead.pending.add(entry.task.register)
            ahead.facts_pending = ahead.facts_pending or self.resolver.writes_facts(entry)

    # -- the rules -----------------------------------------------------------------------------------------

    def _cut_before(self, entries: Sequence[Entry]) -> bool:
        if self._is_alone(entries) and self.cuts.alone:
            return True
        if self.cuts.become and any(self._changes_user(entry) for entry in entries):
            return True
        return self._is_uneven(entries) or self._is_fatal(entries)

    def _is_fatal(self, entries: Sequence[Entry]) -> bool:
        return self.several and self.cuts.fatal and any(entry.any_errors_fatal for entry in entries)

    def _is_alone(self, entries: Sequence[Entry]) -> bool:
        return any(entry.delegate is not None or entry.run_once or entry.driven or entry.patient
                   or entry.meta is not None for entry in entries)

    def _changes_user(self, entry: Entry) -> bool:
        if not entry.touches_host:
            return False
        for step in reversed(self.steps):
            before = step.entries.get(entry.host)
            if before is not None and before.touches_host:
                return (before.become, before.target) != (entry.become, entry.target)
        return False

    def _is_uneven(self, entries: Sequence[Entry]) -> bool:
        if not self.several or not self.cuts.uneven:
            return False
        touching = sum(entry.touches_host for entry in entries)
        return 0 < touching < len(entries) or (touching > 0 and not self.all_hosts)

    def _cut_after(self, entry: Entry, judged: Judged | None) -> bool:
        if self.cuts.handlers and entry.cursor.in_handlers and entry.task.notify:
            return True
        if self.cuts.pending and _changes_inventory(entry):
            return True
        if judged is not None:
            return self.cuts.lost and judged.failed
        if self.cuts.pending and self.resolver.writes_facts(entry) and entry.task.module not in GATHERS:
            return True
        if entry.included and entry.task.register:
            return True
        if self.cuts.unseen and not entry.ignore_errors and self.resolver.may_fail_unseen(
                entry, self.ahead[entry.host]):
            return True
        decides = entry.task.failed_when is not None and any(
            condition.constant is not False for condition in entry.task.failed_when)
        if decides and self.cuts.failed_when and not entry.ignore_errors:
            return True
        return bool(self.several and self.cuts.rescue and entry.stops_segment and entry.touches_host
                    and unwind(entry.cursor) is not None)


def _changes_inventory(entry: Entry) -> bool:
    """Whether hosts or groups come with the task, and variables with those."""
    return any(isinstance(item.work, Done) and INVENTORY_CHANGES & item.work.result.keys() for item in entry.items)


def next_task(cursor: Cursor, host: HostState | Ahead) -> tuple[Cursor, Halt]:
    """Settle, passing over handlers nobody notified and roles that ran already."""
    cursor, halt = settle(cursor)
    while halt is Halt.TASK and (
            cursor.top.pc not in host.notified if cursor.top.handlers else once.has_run(cursor, host.ran)):
        cursor, halt = settle(cursor.step())
    return cursor, halt


def into_includes(cursor: Cursor, includes: Sequence[Enclose]) -> Cursor:
    """Into the included files, one after the other; the cursor stays on the include below them."""
    first, *rest = (Frame(work.program, order=work.order, vars=work.vars) for work in includes)
    return cursor.push(first, *rest)


def _pretend_left(cursor: Cursor) -> Cursor:
    """Only for tests that switch the rule off: leave a failed block as if it had not failed."""
    top = cursor.top
    return Cursor((*cursor.frames[:-1], replace(top, pc=top.pc + 1, blocks=top.blocks[:-1])))
