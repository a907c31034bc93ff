"""Carries out a task whose items have an order of their own: driven, retried, paused, `meta`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from provisioner.actions.base import HostWork
from provisioner.diag import TemplateError
from provisioner.engine.asking import asking
from provisioner.engine.batch import Batch
from provisioner.engine.calls import foresee, module_call
from provisioner.engine.commit import Committer
from provisioner.engine.entry import Drive, Entry, Item, Later, Plan
from provisioner.engine.execute import emit
from provisioner.engine.hoststate import Ahead
from provisioner.engine.judge import Judged, broken, holds_until
from provisioner.engine.meta import carry_out_meta
from provisioner.engine.naming import reference
from provisioner.engine.resolve import TaskResolver, raw_result
from provisioner.engine.routines import WAIT, Enter, Gate, Leave, Routine, Together
from provisioner.engine.scopes import absolute_directory, search_path
from provisioner.events import Event, HostBegan, HostText, Retry, TaskStarted, live_text
from provisioner.messages import (
    ActionEnded,
    ActionHost,
    Answered,
    Ask,
    CallBegan,
    CallEnded,
    CallId,
    CallText,
    Emit,
    Job,
    ModuleCall,
    RunAction,
    RunSegment,
    Segment,
    SegmentEnded,
    SegmentLost,
)
from provisioner.template.effects import Effect
from provisioner.values import HostName

T = TypeVar("T")


class Lost(Exception):
    """The host (or the delegate) was lost, or cannot do it."""

    def __init__(self, message: str, hint: str, *, unreachable: bool) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.unreachable = unreachable


@dataclass(slots=True)
class Alone:
    """Of one step."""

    batch: Batch
    resolver: TaskResolver
    committer: Committer
    plan: Plan
    entries: dict[HostName, Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = dict(self.plan.steps[0].entries)

    def run(self) -> Routine[None]:
        entries = list(self.entries.values())
        first = entries[0]
        if any(entry.meta is not None for entry in entries):
            yield from carry_out_meta(self.batch, self.committer, self.resolver, entries)
            return
        yield Emit(TaskStarted(reference(first), self.batch.world.options.check))
        if any(isinstance(item.work, Drive) and item.work.batch for entry in entries for item in entry.items):
            yield from self._drive_together(entries)
        else:
            yield Together(tuple(self._in_turn(entry) for entry in entries))

    # -- one host after its own clock -----------------------------------------------------------------------

    def _in_turn(self, entry: Entry) -> Routine[None]:
        """With `throttle` only so many hosts at a time, also where each goes its own way (`free`)."""
        if not entry.throttle:
            yield from self._one_host(entry)
            return
        gate = self.batch.gates.setdefault(entry.cursor.position, Gate(entry.throttle))
        yield Enter(gate)
        yield from self._one_host(entry)
        yield Leave(gate)

    def _one_host(self, entry: Entry) -> Routine[None]:
        done: list[tuple[Item, Judged]] = []
        started = 0.0
        try:
            for number, item in enumerate(entry.items):
                if number and entry.pause:
                    yield from sleep(self.batch, entry.pause)
                if isinstance(item.work, Later):
                    item = yield from self._made_ready(entry, number, done)
                one, ms = yield from self._item(entry, item)
                item, one = yield from self._asking(entry, partial(self.resolver.with_label, entry, item, one))
                started += ms
                done.append((item, one))
                yield from emit(self.committer.item_events(entry, item, one, ms))
                if (yield from self._breaks(entry, item, one)):
                    break
        except Lost as lost:
            yield from emit(self._commit_lost(entry, lost, item))
            return
        entry = replace(entry, items=tuple(item for item, _ in done))
        events, _ = yield from self._asking(
            entry, lambda: self.committer.commit(entry, [judged for _, judged in done], started))
        yield from emit(events)

    def _made_ready(self, entry: Entry, number: int, before: Sequence[tuple[Item, Judged]]) -> Routine[Item]:
        self.batch.forget_answers(entry.host, entry.cursor.position)
        return (yield from self._asking(entry, lambda: self.resolver.item_at(entry, number, before)))

    def _asking(self, entry: Entry, compute: Callable[[], T]) -> Routine[T]:
        return asking(self.batch, entry.host, entry.cursor, compute)

    def _commit_lost(self, entry: Entry, lost: Lost, item: Item) -> list[Event]:
        if lost.unreachable:
            return self.committer.unreachable(entry, lost.message, lost.hint)[0]
        return self.committer.refused(entry, lost.message, lost.hint, item)[0]

    def _breaks(self, entry: Entry, item: Item, judged: Judged) -> Routine[bool]:
        loop = entry.task.loop
        if loop is None or not loop.control.break_when:
            return False
        conditions = loop.control.break_when
        try:
            return (yield from self._asking(entry, lambda: self.resolver.all_hold(conditions, entry, item, judged)))
        except TemplateError:
            return True  # a condition that cannot be evaluated must not keep the loop going

    def _item(self, entry: Entry, item: Item) -> Routine[tuple[Judged, float]]:
        """One item, with its attempts."""
        attempt, total, own = 0, 0.0, item.own or entry
        waits_for_more = entry.task.until is not None or entry.task.retries is not None
        while True:
            attempt += 1
            raw, ms = yield from self._attempt(entry, item)
            total += ms
            if waits_for_more:
                raw = {**raw, "attempts": attempt}
            judged = yield from self._judge(entry, item, raw)
            try:
                if not waits_for_more or (yield from self._satisfied(entry, item, judged)):
                    return judged, total
            except TemplateError as error:  # `until` itself is wrong: no attempt will make it right
                return Judged("failed", {**judged.result, **broken(error)}), total
            if attempt > own.retries:
                status = "failed" if entry.task.failed_when is None else judged.status  # it has the last word
                return Judged(status, {**judged.result, "attempts": own.retries, "failed": True}), total
            left = own.retries - attempt + 1
            yield Emit(Retry(entry.host, reference(entry), left, {} if entry.no_log else judged.result))
            yield from sleep(self.batch, own.delay)

    def _judge(self, entry: Entry, item: Item, raw: Mapping[str, Any]) -> Routine[Judged]:
        self.batch.forget_answers(entry.host, entry.cursor.position)  # what was so before the attempt
        return (yield from self._asking(
            entry, lambda: self.resolver.judge_item(entry, item, raw, Ahead(entry.cursor))))

    def _satisfied(self, entry: Entry, item: Item, judged: Judged) -> Routine[bool]:
        return (yield from self._asking(
            entry, lambda: holds_until(judged, entry.task, self.resolver.evaluator(entry, item))))

    def _attempt(self, entry: Entry, item: Item) -> Routine[tuple[Mapping[str, Any], float]]:
        match item.work:
            case HostWork():
                return (yield from self._on_host(item.own or entry, item))
            case Drive():
                return (yield from self._drive(item.own or entry, item, item.work.action))
            case _:
                raw = raw_result(item.work)
                assert raw is not None
                return raw, 0.0

    def _on_host(self, entry: Entry, item: Item) -> Routine[tuple[Mapping[str, Any], float]]:
        world = self.batch.world
        memory = world.memory(entry.worker)
        call = module_call(entry, item, CallId(world.number()), memory, stop=False,
                           directory=absolute_directory(self.batch))
        result, ms = yield from self._call(entry, item, call)
        if entry.job is None or not entry.poll or "ansible_job_id" not in result:
            return result, ms
        return (yield from self._wait_for_job(entry, item, entry.job, result)), ms

    def _wait_for_job(self, entry: Entry, item: Item, job: Job,
                      started: Mapping[str, Any]) -> Routine[Mapping[str, Any]]:
        """Look at a job every `poll` seconds until it has ended; gives what the module itself gave."""
        about = {"jid": started["ansible_job_id"], "_async_dir": job.folder}
        left = job.seconds
        while left > 0:
            yield from sleep(self.batch, entry.poll)
            left -= entry.poll
            result = yield from self._about_job(entry, item, about)
            if result.get("finished") or result.get("failed"):
                yield from self._about_job(entry, item, {**about, "mode": "cleanup"})
                return result
        return {"changed": False, "failed": True, **about_job(started),
                "msg": f"async task did not complete within the requested time - {job.seconds:g}s"}

    def _about_job(self, entry: Entry, item: Item, args: Mapping[str, Any]) -> Routine[Mapping[str, Any]]:
        call = ModuleCall(CallId(self.batch.world.number()), "async_status", args, stop=False,
                          environment=entry.environment)
        result, _ = yield from self._call(entry, item, call)
        return result

    def _call(self, entry: Entry, item: Item, call: ModuleCall) -> Routine[tuple[Mapping[str, Any], float]]:
        """One run of a module on the host."""
        world = self.batch.world
        world.memory(entry.host).round_trips += 1
        yield RunSegment(entry.host, entry.target, Segment(world.number(), (call,), entry.become))
        result: Mapping[str, Any] | None = None
        ms = 0.0
        while True:
            match (yield WAIT):
                case CallBegan():
                    yield Emit(HostBegan(entry.host, reference(entry), entry.label_of(item) or None))
                case CallText() as text if not entry.no_log:
                    yield Emit(HostText(entry.host, reference(entry), text.stream,
                                        live_text(text.data)))
                case CallEnded() as ended:
                    result, ms = ended.result, ended.ms
                    foresee(world, entry, result)
                case SegmentLost() as lost:
                    raise Lost(lost.message, lost.hint, unreachable=lost.unreachable)
                case SegmentEnded():
                    break
        if result is None:
            raise Lost("the host ended the work without a result", "", unreachable=True)
        return result, ms

    # -- driving actions --------------------------------------------------------------------------------------

    def _action_host(self, entry: Entry, item: Item) -> ActionHost:
        assert isinstance(item.work, Drive)
        memory, checks = self.batch.world.memory(entry.worker), entry.checks(item)
        return ActionHost(
            entry.host, entry.target, entry.become, item.work.args, checks, entry.diff, entry.environment,
            tuple(search_path(entry.task, self.batch)), entry.timeout,
            memory.predicted if checks else None, entry.no_log, entry.name, reference(entry), item.work.delegates)

    def _drive(self, entry: Entry, item: Item, action: str) -> Routine[tuple[Mapping[str, Any], float]]:
        yield Emit(HostBegan(entry.host, reference(entry)))
        ended = yield from self._action(action, [self._action_host(entry, item)])
        return self._of_host(entry, ended), 0.0

    def _action(self, action: str, hosts: Sequence[ActionHost]) -> Routine[ActionEnded]:
        yield RunAction(self.batch.world.number(), action, tuple(hosts))
        ended = yield WAIT
        assert isinstance(ended, ActionEnded)
        return ended

    def _of_host(self, entry: Entry, ended: ActionEnded) -> Mapping[str, Any]:
        self.batch.world.memory(entry.host).round_trips += ended.round_trips.get(entry.host, 0)
        if entry.host in ended.lost:
            raise Lost(ended.lost[entry.host], "", unreachable=True)
        result = ended.results.get(entry.host)
        if result is None:
            return {"changed": False, "failed": True, "msg": "the action gave no result for this host"}
        foresee(self.batch.world, entry, result)
        return result

    def _drive_together(self, entries: Sequence[Entry]) -> Routine[None]:
        """An action that takes all hosts at once; loop items one after the other."""
        judged: dict[HostName, list[Judged]] = {entry.host: [] for entry in entries}
        lost: dict[HostName, Lost] = {}
        for number in range(max(len(entry.items) for entry in entries)):
            taking = [entry for entry in entries if number < len(entry.items) and entry.host not in lost]
            driven = [(entry, item) for entry in taking if isinstance((item := entry.items[number]).work, Drive)]
            hosts = [self._action_host(entry, item) for entry, item in driven]
            ended = ActionEnded(0, {})
            if hosts:
                for host in hosts:
                    yield Emit(HostBegan(host.host, reference(self.entries[host.host])))
                action = next(item.work.action for _, item in driven if isinstance(item.work, Drive))
                ended = yield from self._action(action, hosts)
            for entry in taking:
                try:
                    one = yield from self._judge_driven(entry, entry.items[number], ended)
                except Lost as error:
                    lost[entry.host] = error
                    continue
                judged[entry.host].append(one)
                yield from emit(self.committer.item_events(entry, entry.items[number], one, 0.0))
        for entry in entries:
            if entry.host in lost:
                yield from emit(self._commit_lost(entry, lost[entry.host], entry.items[len(judged[entry.host])]))
            else:
                results = judged[entry.host]
                events, _ = yield from self._asking(entry, partial(self.committer.commit, entry, results, 0.0))
                yield from emit(events)

    def _judge_driven(self, entry: Entry, item: Item, ended: ActionEnded) -> Routine[Judged]:
        raw = raw_result(item.work)
        if raw is None:
            raw = self._of_host(entry, ended)
        return (yield from self._judge(entry, item, raw))


def about_job(result: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a result that say which job it is."""
    return {name: result[name] for name in ("ansible_job_id", "results_file") if name in result}


def sleep(batch: Batch, seconds: float) -> Routine[None]:
    """Wait by asking the driver, who has the clock."""
    yield Ask(batch.world.number(), Effect("sleep", (seconds,)))
    answered = yield WAIT
    assert isinstance(answered, Answered)
