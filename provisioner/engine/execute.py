"""Carries out a plan whose steps go out together: one segment a host, results committed in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provisioner.diag import ProtocolError
from provisioner.engine.asking import asking
from provisioner.engine.batch import Batch
from provisioner.engine.calls import foresee, module_call
from provisioner.engine.commit import Committer
from provisioner.engine.entry import Entry, Item, Plan
from provisioner.engine.hoststate import Ahead
from provisioner.engine.judge import Judged
from provisioner.engine.naming import reference
from provisioner.engine.resolve import TaskResolver, raw_result
from provisioner.engine.routines import WAIT, Routine
from provisioner.engine.scopes import absolute_directory
from provisioner.engine.telling import Telling
from provisioner.events import Event, HostBegan, HostText, live_text
from provisioner.messages import (
    CallBegan,
    CallEnded,
    CallId,
    CallText,
    Emit,
    Input,
    ModuleCall,
    RunSegment,
    Segment,
    SegmentEnded,
    SegmentLost,
)
from provisioner.values import HostName

T = TypeVar("T")


@dataclass(slots=True)
class _Track:
    """One host's way through the plan."""

    host: HostName
    entries: list[Entry]
    step: int = 0
    judged: list[Judged] = field(default_factory=list)
    ms: float = 0.0
    calls: dict[CallId, tuple[int, Item]] = field(default_factory=dict)
    stopped: bool = False
    """Left its straight way (failed, rescued, lost): the rest of the plan is not for it."""
    waiting: bool = False
    """A segment is out."""

    @property
    def entry(self) -> Entry:
        return self.entries[self.step]

    @property
    def done(self) -> bool:
        return self.stopped or self.step >= len(self.entries)


@dataclass(slots=True)
class Execution:
    """Of one plan."""

    batch: Batch
    resolver: TaskResolver
    committer: Committer
    plan: Plan
    tracks: dict[HostName, _Track] = field(default_factory=dict)
    by_segment: dict[int, _Track] = field(default_factory=dict)
    inputs: deque[Input] = field(default_factory=deque)
    """What came while something was asked."""
    telling: Telling = field(init=False)

    def __post_init__(self) -> None:
        hosts = list(self.plan.steps[0].entries)
        self.tracks = {host: _Track(host, [step.entries[host] for step in self.plan.steps]) for host in hosts}
        firsts = [next(iter(step.entries.values())) for step in self.plan.steps]
        self.telling = Telling([reference(entry) for entry in firsts], [set(hosts) for _ in firsts],
                               self.batch.world.options.check)

    def run(self) -> Routine[None]:
        for track in self.tracks.values():
            segment = self._segment(track)
            if segment is not None:
                yield segment
            yield from self._advance(track)
        while any(track.waiting for track in self.tracks.values()):
            given = self.inputs.popleft() if self.inputs else (yield WAIT)
            assert given is not None
            yield from self._take(given)

    # -- sending --------------------------------------------------------------------------------------------

    def _segment(self, track: _Track) -> RunSegment | None:
        world = self.batch.world
        calls: list[ModuleCall] = []
        first: Entry | None = None
        directory = absolute_directory(self.batch)
        for number, entry in enumerate(track.entries):
            remote = [item for item in entry.items if item.on_host]
            for item in remote:
                call = CallId(world.number())
                track.calls[call] = (number, item)
                memory = world.memory(entry.worker)
                calls.append(module_call(entry, item, call, memory, directory=directory, group=number,
                                         last=item is remote[-1]))
            if remote and first is None:
                first = entry
        if first is None:
            return None
        segment = Segment(world.number(), tuple(calls), first.become)
        self.by_segment[segment.id] = track
        track.waiting = True
        world.memory(track.host).round_trips += 1
        return RunSegment(track.host, first.target, segment)

    # -- receiving ------------------------------------------------------------------------------------------

    def _take(self, given: Input) -> Routine[None]:
        match given:
            case CallBegan():
                yield from emit(self._began(self.by_segment[given.segment], given))
            case CallText():
                yield from emit(self._text(self.by_segment[given.segment], given))
            case CallEnded():
                yield from self._ended(self.by_segment[given.segment], given)
            case SegmentEnded():
                yield from emit(self._closed(self.by_segment[given.segment]))
            case SegmentLost():
                yield from emit(self._lost(self.by_segment[given.segment], given))
            case _:
                raise TypeError(given)

    def _began(self, track: _Track, given: CallBegan) -> list[Event]:
        step, item = track.calls[given.call]
        if track.stopped:
            return []
        entry = track.entries[step]
        began = HostBegan(track.host, reference(entry), entry.label_of(item) or None)
        return [*self.telling.begin(step), began]

    def _text(self, track: _Track, given: CallText) -> list[Event]:
        step, _ = track.calls[given.call]
        entry = track.entries[step]
        if entry.no_log:
            return []
        return [HostText(track.host, reference(entry), given.stream, live_text(given.data))]

    def _ended(self, track: _Track, given: CallEnded) -> Routine[None]:
        if track.stopped:
            return
        step, item = track.calls[given.call]
        if step != track.step:
            raise ProtocolError(f"{track.host} gave the result of a task that was not its turn")
        foresee(self.batch.world, track.entry, given.result)
        # Items that need nobody stand between those that ran: they take their turn first.
        yield from self._local_items(track)
        yield from self._item_done(track, item, given.result, given.ms)
        yield from self._advance(track)

    def _item_done(self, track: _Track, item: Item, result: Mapping[str, Any], ms: float) -> Routine[None]:
        entry = track.entry
        self.batch.forget_answers(entry.host, entry.cursor.position)  # what was so before the task ran
        judged = yield from self._asking(
            track, lambda: self.resolver.judge_item(entry, item, result, Ahead(entry.cursor)))
        track.judged.append(judged)
        track.ms += ms
        yield from emit(self.telling.tell(track.step, self.committer.item_events(entry, item, judged, ms)))

    def _local_items(self, track: _Track) -> Routine[None]:
        """Judge the items at hand that need no host, up to the next one that does."""
        entry = track.entry
        while len(track.judged) < len(entry.items) and not entry.items[len(track.judged)].on_host:
            item = entry.items[len(track.judged)]
            raw = raw_result(item.work)
            assert raw is not None
            yield from self._item_done(track, item, raw, 0.0)

    def _advance(self, track: _Track) -> Routine[None]:
        """Commit every task of this host that is complete."""
        while not track.done:
            yield from self._local_items(track)
            if len(track.judged) < len(track.entry.items):
                break
            events, straight = yield from self._asking(
                track, lambda: self.committer.commit(track.entry, track.judged, track.ms))
            yield from emit(self.telling.tell(track.step, events))
            yield from emit(self._next(track, straight=straight))

    def _asking(self, track: _Track, compute: Callable[[], T]) -> Routine[T]:
        return asking(self.batch, track.host, track.entry.cursor, compute, self.inputs)

    def _next(self, track: _Track, *, straight: bool) -> list[Event]:
        step = track.step
        track.step += 1
        track.judged, track.ms = [], 0.0
        if straight:
            return self.telling.passed(track.host, step)
        track.stopped = True
        return self.telling.dropped(track.host)

    def _closed(self, track: _Track) -> list[Event]:
        track.waiting = False
        if not track.done:
            return self._lost_with(track, "the host ended the work without a result for every task", "",
                                   unreachable=True)
        return []

    def _lost(self, track: _Track, given: SegmentLost) -> list[Event]:
        track.waiting = False
        return self._lost_with(track, given.message, given.hint, unreachable=given.unreachable)

    def _lost_with(self, track: _Track, message: str, hint: str, *, unreachable: bool) -> list[Event]:
        """The segment is gone: the task at hand (the next that needed the host) is the one it hit."""
        if track.done:
            return []
        entry = track.entry
        if unreachable:
            events, _ = self.committer.unreachable(entry, message, hint)
        else:
            events, _ = self.committer.refused(entry, message, hint, entry.items[len(track.judged)])
        # Even when the error is ignored, what was planned behind has to be planned anew.
        return self.telling.tell(track.step, events) + self._next(track, straight=False)


def emit(events: Iterable[Event]) -> Routine[None]:
    for event in events:
        yield Emit(event)
