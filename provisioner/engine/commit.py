"""A task is over on a host: its variables, counts, notifications and events, and where the host goes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from provisioner.actions.base import Done, HostWork
from provisioner.diag import PlayError, TemplateError, near
from provisioner.engine import once
from provisioner.engine.batch import Batch
from provisioner.engine.cursor import Cursor, Frame, Halt, reraise, start, unwind, will_be_rescued
from provisioner.engine.entry import Enclose, Entry, Item
from provisioner.engine.hoststate import HostState
from provisioner.engine.judge import Judged, aggregate, broken, shown
from provisioner.engine.naming import handlers_flushed, meta_result, reference
from provisioner.engine.planner import into_includes, next_task
from provisioner.engine.program import Flush
from provisioner.engine.reading import GATHERS
from provisioner.events import Event, Included, ItemResult, TaskResult, Warned
from provisioner.values import HostName
from provisioner.vars.facts import is_steering


class Notifier(Protocol):
    """Renders what a finished task notifies (`TaskResolver` does)."""

    def notifications(self, entry: Entry, items: Sequence[Item]) -> list[str]: ...


class UnknownHandler(PlayError):
    """A task notifies what no handler is called or listens to: the run cannot be trusted to go on."""


@dataclass(slots=True)
class Committer:
    batch: Batch
    notifier: Notifier
    failing: set[HostName] = field(default_factory=set)
    """Hosts with a task that failed since the strategy last cleared this."""

    # -- one loop item --------------------------------------------------------------------------------------

    def item_events(self, entry: Entry, item: Item, judged: Judged, ms: float) -> list[Event]:
        """What is told when one item of a loop is done; nothing of a loop whose items could not be had."""
        if not entry.looped or not item.variables:
            return []
        result = shown(self._with_invocation(item, judged.result), no_log=entry.no_log)
        return [ItemResult(entry.host, reference(entry), "(censored due to no_log)" if entry.no_log else item.label,
                           judged.status, _with_reason(result, judged), ms,
                           ignored=judged.failed and entry.ignore_errors, hidden=entry.no_log, delegate=entry.delegate,
                           resource=item.resource, checked=entry.checks(item))]

    # -- the whole task -------------------------------------------------------------------------------------

    def commit(self, entry: Entry, items: Sequence[Judged], ms: float) -> tuple[list[Event], bool]:
        """Apply the results. Gives the events, and whether the host goes straight on to the next task."""
        state = self.batch.states[entry.host]
        judged = aggregate(items) if entry.looped else items[0]
        if entry.task.module == "meta" and judged.status == "skipped":
            self._go_on(state, entry)
            return [meta_result(entry, skipped=True)], True
        handlers: dict[int, bool] = {}
        if not judged.failed:
            try:
                handlers = self._handlers_of(entry, items)
            except TemplateError as error:
                judged = Judged("failed", {**judged.result, **broken(error)})
        self.batch.forget_answers(entry.host, entry.cursor.position)
        warnings = self._remember(entry, items, judged)
        if entry.included and not judged.failed:
            once.note(entry.cursor, state.ran)
            return [*warnings, *self._enter_includes(state, entry)], True
        event = self._result(entry, judged, ms)
        if judged.status != "skipped":
            once.note(entry.cursor, state.ran)
        if judged.failed and not entry.ignore_errors:
            rescued = self._fail(state, entry, judged)
            self._count(entry, judged, rescued=rescued)
            return [*warnings, replace(event, rescued=rescued)], False
        self._count(entry, judged, rescued=False)
        leave_handler(state, entry.cursor)  # first: it may notify itself, for the next time
        for number, certain in handlers.items():
            state.notified[number] = state.notified.get(number, False) or certain
        state.cursor = entry.cursor.step()
        return [*warnings, event], True

    def unreachable(self, entry: Entry, message: str, hint: str) -> tuple[list[Event], bool]:
        """The host was lost during (or before) this task."""
        state = self.batch.states[entry.host]
        result: dict[str, Any] = {"changed": False, "unreachable": True, "msg": message}
        if hint:
            result["hint"] = hint
        if entry.task.register:
            self._set(entry, {entry.task.register: result})
        state.memory.count("unreachable")
        event = TaskResult(entry.host, reference(entry), "unreachable", result, ignored=entry.ignore_unreachable,
                           delegate=entry.delegate)
        if entry.ignore_unreachable:
            state.memory.count("ok")
            state.memory.count("ignored")
            self._go_on(state, entry)
            return [event], True
        state.memory.unreachable = True
        self.failing.add(entry.host)
        state.ended = True
        return [event], False

    def refused(self, entry: Entry, message: str, hint: str, item: Item) -> tuple[list[Event], bool]:
        """The host can be reached, but not for this task (sudo refused, no Python). item: the one at hand."""
        predicted = self.batch.world.memory(entry.worker).predicted.get("user", {})
        if entry.check and entry.become is not None and entry.become.user in predicted:
            judged = Judged("unknown", {"changed": False}, f"the user {entry.become.user} would only then exist")
        else:
            judged = Judged("failed", {"changed": False, "failed": True, "msg": message,
                                       **({"hint": hint} if hint else {})})
        told = self.item_events(entry, item, judged, 0.0)
        events, straight = self.commit(entry, [judged] * len(entry.items), 0.0)
        return [*told, *events], straight

    def fail_along(self, host: HostName, cause: HostName | None = None, where: Cursor | None = None) -> None:
        """Another host's failure ends the play for this one too (`any_errors_fatal`); `cause` is that host.

        where: the task that failed there, if this host was at it as well: the same sections follow then.
        """
        state = self.batch.states[host]
        if not state.active:
            return
        self._move_to_failure(state, where or state.cursor)
        told = self.batch.world.memory(cause).variables if cause is not None else {}
        for name in ("ansible_failed_result", "ansible_failed_task"):
            if name in told:
                state.memory.variables[name] = told[name]

    # -- parts ----------------------------------------------------------------------------------------------

    def _remember(self, entry: Entry, items: Sequence[Judged], judged: Judged) -> list[Event]:
        """Store what the task gives. Tells facts that are refused because they would steer the run."""
        refused: set[str] = set()
        for item, one in zip(entry.items, items, strict=True):
            if isinstance(item.work, Done) and not one.failed:
                for host in self._fact_receivers(entry):
                    self.batch.world.memory(host).variables.update(item.work.variables)
                    self.batch.world.memory(host).included.update(item.work.included)
                    self.batch.world.memory(host).learn_facts(item.work.facts)
                self._change_inventory(entry, one.result)
            facts = one.result.get("ansible_facts")
            if isinstance(facts, Mapping) and not isinstance(item.work, Done):
                refused.update(str(name) for name in facts if is_steering(name))
                if entry.task.module in GATHERS:  # of what a host says by itself no other names become variables
                    facts = {f"ansible_{str(name).removeprefix('ansible_')}": facts[name] for name in facts}
                for host in self._fact_receivers(entry):
                    self.batch.world.memory(host).learn_facts(facts)
        if entry.task.register:
            self._set(entry, {entry.task.register: judged.registered})
        return [Warned(f"the fact `{name}` of this host is ignored: facts may not set variables that steer the run",
                       host=entry.host) for name in sorted(refused)]

    def _set(self, entry: Entry, variables: Mapping[str, Any]) -> None:
        for host in self._receivers(entry):
            self.batch.world.memory(host).variables.update(variables)

    def _receivers(self, entry: Entry) -> list[HostName]:
        """Who gets variables that a task sets: a task that runs once sets them for everybody."""
        if not entry.run_once or self.batch.apart:
            return [entry.host]
        return [state.host for state in self.batch.states.values() if not state.ended or state.host == entry.host]

    def _fact_receivers(self, entry: Entry) -> list[HostName]:
        if entry.delegate is not None and entry.delegate_facts:
            return [entry.delegate]
        return self._receivers(entry)

    def _change_inventory(self, entry: Entry, result: Mapping[str, Any]) -> None:
        added = result.get("add_host")
        if isinstance(added, Mapping):
            self.batch.world.inventory.add_host(HostName(str(added["host_name"])), list(added.get("groups", ())),
                                                dict(added.get("host_vars", {})))
        group = result.get("add_group")
        if isinstance(group, str):
            self.batch.world.inventory.add_to_group(group, entry.host, list(result.get("parent_groups", ())))

    def _enter_includes(self, state: HostState, entry: Entry) -> list[Event]:
        events: list[Event] = []
        for item in entry.items:
            if isinstance(item.work, Enclose):
                label = entry.label_of(item) if entry.looped else None
                events.append(Included(item.work.path, (entry.host,), reference(entry), label))
                state.memory.count("ok")
        leave_handler(state, entry.cursor)
        state.cursor = into_includes(entry.cursor, entry.included)
        return [*events, *map(Warned, self.batch.handlers.newly_unusable())]

    def _result(self, entry: Entry, judged: Judged, ms: float) -> TaskResult:
        told = judged.result if entry.looped else self._with_invocation(entry.items[0], judged.result)
        result = _with_reason(dict(shown(told, no_log=entry.no_log)), judged)
        return TaskResult(entry.host, reference(entry), judged.status, result, ms,
                          ignored=judged.failed and entry.ignore_errors, loop=entry.looped, hidden=entry.no_log,
                          delegate=entry.delegate, resource=None if entry.looped else entry.items[0].resource,
                          checked=entry.check if entry.looped else entry.checks(entry.items[0]))

    def _with_invocation(self, item: Item, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """With -vvv: the arguments that a module on the host was given."""
        if self.batch.world.options.verbosity < 3 or not isinstance(item.work, HostWork) or "invocation" in result:
            return result
        given = {name: value for name, value in item.work.args.items() if not name.startswith("_")}
        return {**result, "invocation": {"module_args": given}}

    def _count(self, entry: Entry, judged: Judged, *, rescued: bool) -> None:
        memory = self.batch.world.memory(entry.host)
        if entry.task.module == "meta":
            return
        if judged.failed and not entry.ignore_errors:
            memory.count("rescued" if rescued else "failed")
        elif judged.failed:
            memory.count("ok")
            memory.count("ignored")
            if judged.result.get("changed"):
                memory.count("changed")
        elif judged.status == "changed":
            memory.count("ok")
            if not self.batch.world.options.fixes or not all(entry.checks(item) for item in entry.items):
                memory.count("changed")
        else:
            memory.count(judged.status)

    def _handlers_of(self, entry: Entry, items: Sequence[Judged]) -> dict[int, bool]:
        """The handlers that these results notify; False where check mode cannot tell whether they would."""
        if not entry.task.notify:
            return {}
        counted = [(item, one) for item, one in zip(entry.items, items, strict=True)
                   if not self.batch.world.options.fixes or not entry.checks(item)]
        changed = [item for item, one in counted if one.result.get("changed")]
        unknown = [item for item, one in counted if one.status == "unknown"]
        found: dict[int, bool] = {}
        for certain, some in ((False, unknown), (True, changed)):
            for name in self.notifier.notifications(entry, some):
                numbers = self.batch.handlers.find(name)
                if not numbers:
                    self._miss(entry, name)
                found.update(dict.fromkeys(numbers, certain))
        return found

    def _miss(self, entry: Entry, name: str) -> None:
        """Nobody is meant by what the task notifies."""
        if not self.batch.world.options.missing_handlers_allowed:
            message = (f"The requested handler '{name}' was not found in either the main handlers list nor in the "
                       "listening handlers list")
            known = self.batch.handlers.known()
            self.batch.mistake = UnknownHandler(message, span=entry.task.span, hint=near(name, known))

    def _go_on(self, state: HostState, entry: Entry) -> None:
        """Behind the task; a handler that ran is no longer notified."""
        leave_handler(state, entry.cursor)
        state.cursor = entry.cursor.step()

    def _fail(self, state: HostState, entry: Entry, judged: Judged) -> bool:
        """Unwind; True when a rescue section takes over."""
        self.failing.add(entry.host)
        rescued = self._move_to_failure(state, entry.cursor)
        if state.active and state.cursor.top.blocks:
            name = entry.name or entry.task.module
            state.memory.variables["ansible_failed_result"] = judged.result
            state.memory.variables["ansible_failed_task"] = {"name": name, "action": entry.task.module}
        return rescued

    def _move_to_failure(self, state: HostState, cursor: Cursor) -> bool:
        leave_handler(state, cursor)
        caught = unwind(cursor)
        if caught is not None:
            once.break_off(cursor, caught, state.ran)
            state.cursor = caught
            return will_be_rescued(cursor)
        self.give_up(state)
        return False

    def give_up(self, state: HostState) -> None:
        """The failure was not caught: the host leaves the play, through its handlers where they are forced."""
        state.memory.failed = True
        if self.batch.force_handlers and state.notified and not state.failing and not state.cursor.in_handlers:
            state.failing = True
            program = state.cursor.frames[0].program
            last = max(number for number, op in enumerate(program.ops) if isinstance(op, Flush))
            cursor = start(program)
            for _ in range(last):
                cursor = cursor.step()
            state.cursor = cursor
        else:
            state.ended = True


def leave_handler(state: HostState, cursor: Cursor) -> None:
    """Whatever becomes of a handler once it was reached: the host is no longer notified of it."""
    if cursor.top.handlers:
        state.notified.pop(cursor.top.pc, None)


def _with_reason(result: Mapping[str, Any], judged: Judged) -> Mapping[str, Any]:
    return {**result, "unknown": judged.reason} if judged.status == "unknown" else result


def settle_host(batch: Batch, committer: Committer, state: HostState) -> Iterator[Event]:
    """Move a host over everything that needs no task: blocks, failed blocks, flushes, the end of the play."""
    while state.active:
        state.cursor, halt = next_task(state.cursor, state)
        match halt:
            case Halt.TASK:
                return
            case Halt.END:
                state.ended = True
            case Halt.RERAISE:
                caught = reraise(state.cursor)
                if caught is None:
                    committer.give_up(state)
                else:
                    once.break_off(state.cursor, caught, state.ran)
                    state.cursor = caught
            case Halt.FLUSH if state.notified:
                yield handlers_flushed(state.host)
                state.cursor = state.cursor.push(Frame(batch.handlers.program, order=1, handlers=True))
                state.cursor, halt = next_task(state.cursor, state)
            case Halt.FLUSH:
                state.cursor = state.cursor.step()
