"""Takes a batch of hosts through a play: who goes next, how far, and when a failure stops the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from provisioner.diag import Diagnostic, InputError, PlayError, TemplateError
from provisioner.engine.alone import Alone
from provisioner.engine.asking import ask
from provisioner.engine.batch import Batch
from provisioner.engine.commit import Committer, leave_handler, settle_host
from provisioner.engine.entry import Entry, Plan, Step
from provisioner.engine.execute import Execution, emit
from provisioner.engine.hoststate import HostState
from provisioner.engine.includes import Loaded, NeedInclude, accept
from provisioner.engine.planner import Planner
from provisioner.engine.resolve import TaskResolver
from provisioner.engine.routines import TURN, WAIT, Routine, Together
from provisioner.events import Warned
from provisioner.messages import Answered, Ask, Emit
from provisioner.template.effects import Effect, NeedEffect


@dataclass(slots=True)
class BatchRun:
    """One batch from the first task to the last handler.

    strategy: `linear` (segments with barriers between them), `lockstep` (one task at a time), `free` (no
    barriers: every host on its own).
    """

    batch: Batch
    resolver: TaskResolver
    strategy: str
    any_errors_fatal: bool = False
    max_fail_percentage: float | None = None
    committer: Committer = field(init=False)

    def __post_init__(self) -> None:
        self.committer = Committer(self.batch, self.resolver)
        self.batch.apart = self.strategy in ("free", "host_pinned")

    def run(self) -> Routine[None]:
        for message in self.batch.handlers.newly_unusable():
            yield Emit(Warned(message))
        if self.batch.apart:
            if self._stops_others:
                yield Emit(Warned(f"with the strategy `{self.strategy}` no host's failure stops another's: "
                                  "`any_errors_fatal` and `max_fail_percentage` do nothing"))
            yield Together(tuple(self._one_after_the_other([state]) for state in self.batch.states.values()))
        else:
            yield from self._one_after_the_other(list(self.batch.states.values()))

    def _one_after_the_other(self, states: Sequence[HostState]) -> Routine[None]:
        """Rounds of planning and carrying out, until no host has anything left."""
        while True:
            for state in states:
                yield from emit(settle_host(self.batch, self.committer, state))
            active = [state for state in states if state.active]
            if not active:
                return
            furthest_behind = min(state.cursor.position for state in active)
            group = [state for state in active if state.cursor.position == furthest_behind]
            plan = yield from self._plan(group, len(group) == len(active), several=len(states) > 1)
            self.committer.failing.clear()
            if (yield from self._is_wanted(plan)):
                yield from self._carry_out(plan)
            if self.batch.mistake is not None:
                raise self.batch.mistake
            if self.batch.apart:
                yield TURN
            else:
                yield from self._stop_others(plan, states)

    def _is_wanted(self, plan: Plan) -> Routine[bool]:
        """With `--step`: whether somebody wants this task done; else the hosts are past it."""
        entries = plan.steps[0].entries if plan.steps else {}
        first = next(iter(entries.values()), None)
        if not self._steps or first is None or first.meta is not None:
            return True
        name = first.name or first.task.module
        yield Ask(self.batch.world.number(), Effect("step", (name,)))
        answered = yield WAIT
        assert isinstance(answered, Answered)
        if answered.error is not None:
            raise answered.error
        self.batch.world.unasked = answered.value == "continue"
        if answered.value != "no":
            return True
        for entry in entries.values():
            leave_handler(self.batch.states[entry.host], entry.cursor)
            self.batch.states[entry.host].cursor = entry.cursor.step()
        return False

    @property
    def _steps(self) -> bool:
        world = self.batch.world
        return world.options.step and not world.unasked

    def _carry_out(self, plan: Plan) -> Routine[None]:
        everybody = plan.steps[0].entries
        first = next(iter(everybody.values()))
        once = plan.alone and first.run_once and first.meta is None
        if once and self.batch.apart:
            once = False
            yield from self._warn_of_run_once(first)
        if once:
            plan = replace(plan, steps=(Step({first.host: first}),))
        entries = plan.steps[0].entries.values()
        own_order = plan.alone and any(entry.driven or entry.patient or entry.meta is not None for entry in entries)
        work = Alone if own_order else Execution
        yield from work(self.batch, self.resolver, self.committer, plan).run()
        if once:
            self._pass_over(first, everybody.values())

    def _warn_of_run_once(self, entry: Entry) -> Routine[None]:
        place = str(entry.task.span)
        if place not in self.batch.warned_of:
            self.batch.warned_of.add(place)
            message = f"with the strategy `{self.strategy}` a task with `run_once` is done by every host"
            yield Emit(Warned(message, place))

    def _pass_over(self, first: Entry, entries: Iterable[Entry]) -> None:
        """A task ran once: the others leave it behind, or share its failure."""
        state = self.batch.states[first.host]
        failed = state.memory.failed or state.memory.unreachable or state.cursor != first.cursor.step()
        shared = failed and not first.included and not first.ignore_errors and not first.ignore_unreachable
        for entry in entries:
            if entry.host == first.host:
                continue
            if shared:
                self.committer.fail_along(entry.host, first.host)
            else:
                leave_handler(self.batch.states[entry.host], entry.cursor)
                self.batch.states[entry.host].cursor = entry.cursor.step()

    def _plan(self, group: Sequence[HostState], all_hosts: bool, *, several: bool) -> Routine[Plan]:
        careful = self.strategy == "lockstep" or self._steps or (several and self._stops_others)
        planner = Planner(self.resolver, group, all_hosts, self.batch.world.options.cuts,
                          limit=1 if careful else None, several=several)
        while True:
            try:
                return planner.run()
            except NeedEffect as need:
                yield from self._answer(planner, need)
            except NeedInclude as need:
                yield from self._load(planner, need)

    @property
    def _stops_others(self) -> bool:
        return self.any_errors_fatal or self.max_fail_percentage is not None

    def _answer(self, planner: Planner, need: NeedEffect) -> Routine[None]:
        host = planner.asking
        assert host is not None
        yield from ask(self.batch, host, planner.ahead[host].cursor, need.effect)

    def _load(self, planner: Planner, need: NeedInclude) -> Routine[None]:
        yield Ask(self.batch.world.number(), need.request)
        answered = yield WAIT
        assert isinstance(answered, Answered)
        mistake = _mistake(answered.error)
        if mistake is not None and planner.asking is not None and planner.ahead[planner.asking].cursor.in_handlers:
            raise PlayError(mistake.words, span=mistake.span)
        if answered.error is not None:
            self.batch.programs[need.request.key] = TemplateError(str(answered.error))
        else:
            assert isinstance(answered.value, Loaded)
            accept(self.batch, need.request, answered.value)

    # -- failures that concern others -------------------------------------------------------------------------

    def _has_failed(self, state: HostState) -> bool:
        return state.memory.failed or state.memory.unreachable

    def _stop_others(self, plan: Plan, states: Sequence[HostState]) -> Routine[None]:
        for state in states:
            yield from emit(settle_host(self.batch, self.committer, state))
        fallen = {state.host for state in states if self._has_failed(state)}
        entries = [entry for step in plan.steps for entry in step.entries.values()]
        fatal = self.any_errors_fatal or any(entry.any_errors_fatal for entry in entries)
        # Hosts that earlier batches of the play lost count too, as in Ansible.
        lost = len(fallen) + sum(self.batch.world.memory(host).failed for host in self.batch.play_hosts
                                 if host not in self.batch.states)
        too_many = (self.max_fail_percentage is not None and states
                    and lost / len(states) * 100 > self.max_fail_percentage)
        if (fatal and self.committer.failing) or too_many:
            cause = next(iter(sorted(self.committer.failing)), None)
            at = plan.steps[-1].entries
            for state in states:
                if state.host not in fallen | self.committer.failing:
                    where = at[state.host].cursor if state.host in at else None
                    self.committer.fail_along(state.host, cause, where)


def _mistake(error: Exception | None) -> Diagnostic | None:
    """What is wrong in an included file; one that is not there is the failure of who includes it."""
    items = error.items if isinstance(error, InputError) else ()
    return next((item for item in items if item.summary != "File not found"), None)
