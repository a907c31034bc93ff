"""`meta:` tasks: they move hosts about and touch nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from provisioner.diag import PlayError, near
from provisioner.engine.batch import Batch
from provisioner.engine.commit import Committer, leave_handler
from provisioner.engine.cursor import Frame, behind_role, forgiven
from provisioner.engine.entry import Entry, Meta
from provisioner.engine.naming import meta_result, reference
from provisioner.engine.routines import WAIT, Routine
from provisioner.events import TaskStarted
from provisioner.messages import Answered, Ask, Emit
from provisioner.template.effects import Effect

if TYPE_CHECKING:
    from provisioner.engine.resolve import TaskResolver


def _noop(batch: Batch, entry: Entry) -> None:
    pass


def _flush(batch: Batch, entry: Entry) -> None:
    state = batch.states[entry.host]
    if state.notified:
        frame = Frame(batch.handlers.program, order=1, handlers=True)
        state.cursor = entry.cursor.push(frame)


def _end_host(batch: Batch, entry: Entry) -> None:
    batch.states[entry.host].ended = True
    batch.left.add(entry.host)


def _end_batch(batch: Batch, entry: Entry) -> None:
    for state in batch.states.values():
        state.ended = True


def _end_play(batch: Batch, entry: Entry) -> None:
    _end_batch(batch, entry)
    batch.ends_play = True


def _clear_facts(batch: Batch, entry: Entry) -> None:
    batch.world.memory(entry.host).forget_facts()


def _clear_host_errors(batch: Batch, entry: Entry) -> None:
    """Hosts in an `always` section go on behind it; those that failed or were lost are back in the next play."""
    for memory in batch.world.memories.values():
        memory.failed = memory.unreachable = False
    for state in batch.states.values():
        state.cursor = forgiven(state.cursor)


def _end_role(batch: Batch, entry: Entry) -> None:
    if entry.cursor.in_handlers:
        raise PlayError("Cannot execute 'end_role' from a handler", span=entry.task.span)
    if entry.task.role is None:
        raise PlayError("Cannot execute 'end_role' from outside of a role", span=entry.task.span)
    batch.states[entry.host].cursor = behind_role(entry.cursor, entry.task.role)


ACTIONS: Mapping[str, Callable[[Batch, Entry], None]] = {
    "noop": _noop,
    "flush_handlers": _flush,
    "end_host": _end_host,
    "end_batch": _end_batch,
    "end_play": _end_play,
    "end_role": _end_role,
    "clear_facts": _clear_facts,
    "clear_host_errors": _clear_host_errors,
    "reset_connection": _noop,
    "refresh_inventory": _noop,
}


def carry_out_meta(batch: Batch, committer: Committer, resolver: TaskResolver,
                   entries: Sequence[Entry]) -> Routine[None]:
    """The meta task of each host; `when` decides host by host."""
    refreshed = False
    for entry in entries:
        work = entry.items[0].work
        yield Emit(TaskStarted(reference(entry), batch.world.options.check))
        if not isinstance(work, Meta):
            judged = resolver.judge_nothing_done(entry)
            for event in committer.commit(entry, judged, 0.0)[0]:
                yield Emit(event)
            continue
        action = ACTIONS.get(work.action)
        if action is None:
            raise PlayError(f"`meta: {work.action}` is not supported", span=entry.task.span,
                            hint=near(work.action, ACTIONS) or "it takes: " + ", ".join(sorted(ACTIONS)))
        leave_handler(batch.states[entry.host], entry.cursor)
        batch.states[entry.host].cursor = entry.cursor.step()
        if work.action == "reset_connection":
            yield Ask(batch.world.number(), Effect("reset_connection", (entry.host,)))
            yield WAIT
        if work.action == "refresh_inventory" and not refreshed:
            yield from _refresh(batch)
            refreshed = True
        action(batch, entry)
        yield Emit(meta_result(entry))


def _refresh(batch: Batch) -> Routine[None]:
    """Read the inventory anew, once for all hosts. The play goes on with its hosts, later plays have the new ones."""
    yield Ask(batch.world.number(), Effect("refresh_inventory"))
    answered = yield WAIT
    assert isinstance(answered, Answered)
    if answered.error is not None:
        raise answered.error
    batch.world.inventory.refresh(answered.value)
