"""Carrying out a plan: exactly its list, each create written down before it is begun.

Killed anywhere, the next run sees at the provider what was done, and goes on with the attempt that was begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from provisioner.cloud.errors import CloudError, Gone, Unavailable
from provisioner.cloud.journal import Attempt, Journal
from provisioner.cloud.model import Found, Place, Ref, Wanted
from provisioner.cloud.plan import Action, Change, Plan
from provisioner.cloud.provider import Order, Provider

READY_WITHIN: Final = 600.0  # seconds until a machine runs and has an address; EC2 and DigitalOcean take 10 to 90
_LOOK_EVERY: Final = 2.0

Phase: TypeAlias = Literal["begun", "waiting", "done", "failed"]
Report: TypeAlias = Callable[[Ref, Action | Literal["wait"], Phase, str, float], None]
"""What is done to which resource, phase, words about it, seconds since it began. wait: for a machine that an earlier
run has made."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a new machine is given. note: goes into the journal."""

    user_data: str
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Means:
    """What carrying out needs. fresh: makes the user data of a machine that is to be created. clock: seconds since the
    epoch; sleep: seconds."""

    providers: Mapping[Place, Provider]
    journal: Journal
    fresh: Callable[[Wanted], Fresh]
    report: Report
    images: Mapping[Ref, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Outcome:
    """known: what exists now. failed: what could not be made, with the reason; what came after it and does not need it
    was made. left: changes that were not tried, since they need what failed."""

    known: Mapping[Ref, Found]
    failed: Sequence[tuple[Ref, CloudError]] = ()
    left: Sequence[Change] = ()


def apply(plan: Plan, found: Sequence[Found], means: Means) -> Outcome:
    """Make the changes of `plan`, which was made from `found`. Creates go on after one has failed (three of five
    machines are better than none, and the next run makes the rest); nothing is deleted after a failure."""
    newest: dict[Ref, int] = {}
    for each in found:
        newest[each.ref] = max(each.generation, newest.get(each.ref, 0))
    return _Run(plan, {each.ref: each for each in found if each.status != "leaving"}, newest, means).run()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A machine that does not run yet. began: when we began to make it or to wait for it."""

    ref: Ref
    action: Action | Literal["wait"]
    began: float


@dataclass(slots=True)
class _Run:
    plan: Plan
    known: dict[Ref, Found]
    newest: Mapping[Ref, int]
    means: Means
    failed: list[tuple[Ref, CloudError]] = field(default_factory=list)
    left: list[Change] = field(default_factory=list)
    waiting: list[_Waiting] = field(default_factory=list)

    def run(self) -> Outcome:
        began = self.means.clock()
        self.waiting += [_Waiting(each.ref, "wait", began) for each in self.plan.kept if each.status == "pending"]
        for change in self.plan.changes:
            if change.ref.kind not in ("key", "network", "firewall", "machine"):
                self._settle()  # addresses, volumes and names are given to machines that run
            if self._is_blocked(change):
                self.left.append(change)
            else:
                self._step(change)
        self._settle()
        return Outcome(self.known, tuple(self.failed), tuple(self.left))

    def _step(self, change: Change) -> None:
        began = self.means.clock()
        self.means.report(change.ref, change.action, "begun", "", 0.0)
        try:
            words = self._make(change)
        except CloudError as error:
            self._fail(_Waiting(change.ref, change.action, began), error)
            return
        new = change.ref.kind == "machine" and change.action in ("create", "replace")
        if new:
            self.waiting.append(_Waiting(change.ref, change.action, began))
        self.means.report(change.ref, change.action, "waiting" if new else "done", words, self.means.clock() - began)

    def _make(self, change: Change) -> str:
        """Words about the result."""
        provider = self.means.providers[change.place]
        if change.action == "delete":
            assert change.found is not None
            self._delete(change.found)
            return change.found.id
        assert change.wanted is not None
        if change.action == "create":
            return self._create(change.wanted, provider)
        assert change.found is not None
        if change.action == "replace":
            self._delete(change.found)
            return self._create(change.wanted, provider)
        if change.calls:
            self.known[change.ref] = provider.update(change.found, change.wanted, change.calls, self.known)
        return change.found.id

    def _delete(self, found: Found) -> None:
        self.means.providers[found.place].delete(found)
        self.means.journal.gone(found.id)
        self.known.pop(found.ref, None)

    def _create(self, wanted: Wanted, provider: Provider) -> str:
        machine = wanted.ref.kind == "machine"
        fresh = self.means.fresh(wanted) if machine else Fresh("")
        self.means.journal.remember(wanted.place)
        attempt = self._attempt(wanted.ref, fresh)
        order = Order(wanted, self.plan.site, attempt.generation, attempt.token, self.known,
                      self.means.images.get(wanted.ref, ""), fresh.user_data)
        made = provider.create(order)
        self.means.journal.done(attempt, made.id, self.means.clock())
        self.known[wanted.ref] = made
        return made.id

    def _attempt(self, ref: Ref, fresh: Fresh) -> Attempt:
        return self.means.journal.attempt(self.plan.site, ref, self.newest.get(ref, 0), self.means.clock(), fresh.note)

    def _is_blocked(self, change: Change) -> bool:
        """After a failure nothing is deleted, and nothing is made that needs what is missing."""
        missing = {ref for ref, _ in self.failed} | {left.ref for left in self.left}
        if change.action == "delete":
            return bool(missing)
        return bool(missing.intersection(change.wanted.needs if change.wanted else ()))

    def _settle(self) -> None:
        """Wait until all machines that were made run and have addresses."""
        said: dict[Ref, str] = {}
        while self.waiting:
            for entry in tuple(self.waiting):
                seconds = self.means.clock() - entry.began
                try:
                    words = self._state_of(entry.ref, seconds)
                except CloudError as error:
                    self._fail(entry, error)
                    self.waiting.remove(entry)
                    continue
                if words is None:
                    self.means.report(entry.ref, entry.action, "done", self.known[entry.ref].address, seconds)
                    self.waiting.remove(entry)
                elif said.get(entry.ref) != words:
                    said[entry.ref] = words
                    self.means.report(entry.ref, entry.action, "waiting", words, seconds)
            if self.waiting:
                self.means.sleep(_LOOK_EVERY)

    def _state_of(self, ref: Ref, seconds: float) -> str | None:
        """None when the machine is ready, else what it waits for."""
        found = self.means.providers[self.known[ref].place].look(self.known[ref])
        self.known[ref] = found
        if found.status == "running" and found.address:
            return None
        if found.status in ("leaving", "stopped"):
            raise Gone(f"{ref} ({found.id}) is {found.status} instead of running",
                       hint="the provider's console tells why; apply again to go on")
        if seconds > READY_WITHIN:
            raise Unavailable(f"{ref} ({found.id}) is {found.status} after {READY_WITHIN:.0f} s",
                              hint="look at the provider's status page; apply again to go on waiting")
        return found.status if found.status != "running" else "waiting for an address"

    def _fail(self, entry: _Waiting, error: CloudError) -> None:
        self.failed.append((entry.ref, error))
        self.means.report(entry.ref, entry.action, "failed", error.message, self.means.clock() - entry.began)
