"""The machines' part of a run: from `machines:` plays to verified hosts, before the first task.

Joined here, since neither knows the other: `cloud` makes machines, `enrol` makes hosts out of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from provisioner.cloud.apply import Fresh, Means, Outcome, apply
from provisioner.cloud.declared import by_declaration, resources, volume_ref
from provisioner.cloud.journal import Journal
from provisioner.cloud.lock import site_lock
from provisioner.cloud.model import Found, Known, Place, Ref, Wanted
from provisioner.cloud.plan import SIGNS, Change, Plan, Scope
from provisioner.cloud.provider import Provider
from provisioner.cloud.settings import Machines, read
from provisioner.cloud.site import Survey, plan_of, survey
from provisioner.cloud.touch import Confirm, Touch
from provisioner.diag import Collector, Diagnostic, InputError, ProvisionError
from provisioner.events import Event, MachinesPlanned, MachineStep, PlannedChange, Resource
from provisioner.lang.model import Playbook

_DIGESTS = frozenset({"keys", "user_data"})
"""Fields that only tell whether something has changed: of a new machine they tell nothing."""

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Site:
    """All machines that the playbooks declare for one site."""

    name: str
    declarations: tuple[Machines, ...]
    wanted: tuple[Wanted, ...]

    @property
    def hosts(self) -> tuple[NewHost, ...]:
        """The hosts that its machines will be, without what is only known when they are there."""
        return tuple(_host(each, {}, {}) for each in _machines(self.wanted))


class Enroller(Protocol):
    """Makes hosts out of machines: `provisioner.enrol`."""

    def fresh(self, wanted: Wanted, provider: Provider) -> Fresh:
        """The user data of a machine that is to be made."""

    def host(self, wanted: Wanted, found: Found, provider: Provider, notes: Sequence[Mapping[str, Any]],
             report: Callable[[str], None]) -> Mapping[str, Any]:
        """The variables by which the machine is reached; verified when this returns. notes: those of `fresh`."""

    def known(self, wanted: Wanted, found: Found) -> Mapping[str, Any] | None:
        """The same without looking; None for a machine that was never verified from here."""

    def wait(self, wanted: Wanted, found: Found, provider: Provider, report: Callable[[str], None]) -> None:
        """Return when a verified machine that was started again can be logged in to."""

    def forget(self, found: Found) -> None:
        """The machine is gone."""


@dataclass(frozen=True, slots=True)
class NewHost:
    """A machine as a host of the inventory."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """What came out. hosts: verified. absent: machines that only a real run makes. rekeyed: hosts whose keys have to be
    changed on them, with what to call when that is done. changed: whether machines differ from what is declared."""

    hosts: tuple[NewHost, ...] = ()
    absent: tuple[NewHost, ...] = ()
    rekeyed: Mapping[str, tuple[Wanted, Callable[[], None]]] = field(default_factory=dict)
    changed: bool = False
    digest: str = ""


def read_beside(playbook: str, name: str) -> str:
    """The text of a file that a playbook names: relative to it, `~` being the home directory. Raises OSError."""
    return (Path(playbook).parent / Path(os.path.expanduser(name))).read_text()


def sites_of(playbooks: Iterable[Playbook], found: Collector,
             read_file: Callable[[str, str], str] = read_beside) -> tuple[Site, ...]:
    """The sites of all playbooks, in order; mistakes go to `found`. read_file: as `read_beside`."""
    declared: dict[str, list[Machines]] = {}
    for playbook in playbooks:
        for play in playbook.machines:
            mine = declared.setdefault(play.site, [])
            for entry in play.declarations:
                machines = read(entry.values, entry.span, entry.places, partial(read_file, play.file), found)
                if machines is not None:
                    mine.append(machines)
    return tuple(Site(name, tuple(machines), resources(machines, found)) for name, machines in declared.items())


class Refused(ProvisionError):
    """The plan was not confirmed, or is not the one that was saved."""


class Impossible(InputError):
    """A plan that can't be carried out, with all reasons. The playbook itself may be right."""

    exit_code = 1


class Unfinished(InputError):
    """A plan that was carried out in part. What was made stays; the next run goes on from there."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Machinery:
    """The means of a run: where state is kept, how providers are opened, who verifies hosts."""

    state: Path
    open_provider: Callable[[Place], Provider]
    enroller: Callable[[str], Enroller]
    """By site."""
    emit: Emit
    confirm: Confirm
    resource_key: bytes = b""
    """Of the hashes in `events.Resource`, as the engine's."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def plan(self, site: Site, touch: Touch) -> Stage:
        """Show what would be done. Nothing is written, not even a lock is taken."""
        journal = Journal(self._folder(site) / "journal", to_write=False)
        seen = survey(site.name, site.wanted, journal, self.open_provider, self.clock, self.sleep)
        plan, _ = self._planned(site, seen, touch)
        _refuse_problems(plan)
        enroller = self.enroller(site.name)
        there = {each.ref: each for each in seen.found if each.status != "leaving"}
        hosts: list[NewHost] = []
        absent: list[NewHost] = []
        for wanted in _machines(() if touch.destroy else seen.wanted):
            found = there.get(wanted.ref)
            variables = enroller.known(wanted, found) if found is not None else None
            (absent if variables is None else hosts).append(_host(wanted, variables or {}, there))
        return Stage(tuple(hosts), tuple(absent), changed=bool(plan.changes), digest=plan.digest)

    def apply(self, site: Site, touch: Touch, what: str) -> Stage:
        """Make it true. Raises `Unfinished` when something could not be made; hosts are not touched then."""
        with site_lock(self._folder(site), site.name, what, self.clock()):
            journal = Journal(self._folder(site) / "journal")
            seen = survey(site.name, site.wanted, journal, self.open_provider, self.clock, self.sleep)
            plan, images = self._planned(site, seen, touch)
            _refuse_problems(plan)
            if touch.saved is not None and touch.saved.get(site.name) != plan.digest:
                raise Refused(f"The site {site.name} is not what it was when the plan was saved: nothing was changed",
                              hint="look at the changes above, and save a new plan")
            if plan.changes and touch.saved is None and not self.confirm(_question(site, plan)):
                raise Refused("Nothing was changed: the plan was not confirmed")
            enroller = self.enroller(site.name)
            means = Means(seen.providers, journal, lambda wanted: enroller.fresh(wanted, seen.providers[wanted.place]),
                          self._reporter(site), images, self.clock, self.sleep)
            outcome = apply(plan, seen.found, means)
            for change in plan.changes:
                if change.found is not None and change.action in ("delete", "replace"):
                    enroller.forget(change.found)
            _refuse_failures(outcome)
            return self._stage(site, seen, plan, outcome, journal, enroller)

    def _stage(self, site: Site, seen: Survey, plan: Plan, outcome: Outcome, journal: Journal,
               enroller: Enroller) -> Stage:
        hosts, rekeyed = [], {}
        started = {change.ref for change in plan.changes
                   if change.action == "restart" or (change.action == "update" and "running" in change.calls)}
        for wanted in _machines(seen.wanted):
            found = outcome.known.get(wanted.ref)
            if found is None:
                continue  # not a target of this run
            provider = seen.providers[wanted.place]
            attempt = journal.of(wanted.ref, found.generation)
            with self._told(site, wanted.ref, "verify") as report:
                known = enroller.known(wanted, found)
                variables = known or enroller.host(wanted, found, provider, attempt.notes if attempt else (), report)
                if known and wanted.ref in started:
                    enroller.wait(wanted, found, provider, report)
            hosts.append(_host(wanted, variables, outcome.known))
        for change in plan.changes:
            if change.on_host and change.wanted is not None:
                rekeyed[change.ref.name] = (change.wanted, _remembering(seen, outcome, change.wanted))
        return Stage(tuple(hosts), (), rekeyed, bool(plan.changes))

    def _planned(self, site: Site, seen: Survey, touch: Touch) -> tuple[Plan, Mapping[Ref, str]]:
        scope = Scope(touch.targets, touch.replace, touch.destroy, by_declaration(site.declarations))
        plan, images = plan_of(site.name, seen, scope)
        accounts = tuple(f"{place}, account {account}" for place, account in seen.accounts.items())
        self.emit(MachinesPlanned(
            site.name, tuple(_shown(change) for change in plan.changes), len(plan.kept), accounts,
            "" if plan.monthly is None else f"{plan.monthly:.2f}", plan.digest, self._resources(site, seen, plan),
            plan.remarks))
        return plan, images

    def _resources(self, site: Site, seen: Survey, plan: Plan) -> tuple[Resource, ...]:
        """Of what the plan is about, to be compared with other runs."""
        if not self.resource_key:
            return ()
        scope = {*(each.ref for each in plan.kept), *(each.ref for each in plan.changes)}
        return tuple(_resource(site.name, each, self.resource_key) for each in seen.wanted if each.ref in scope)

    def _reporter(self, site: Site) -> Callable[[Ref, str, str, str, float], None]:
        def report(ref: Ref, action: str, phase: str, words: str, seconds: float) -> None:
            self.emit(MachineStep(site.name, str(ref), action, phase, words, seconds * 1000))

        return report

    @contextmanager
    def _told(self, site: Site, ref: Ref, action: str) -> Iterator[Callable[[str], None]]:
        """A step that is only told if it says something: verifying what is known takes no time."""
        began, said = self.clock(), []
        report = self._reporter(site)

        def say(words: str) -> None:
            said.append(words)
            report(ref, action, "waiting", words, self.clock() - began)

        try:
            yield say
        except ProvisionError as error:
            report(ref, action, "failed", error.message, self.clock() - began)
            raise
        if said:
            report(ref, action, "done", "", self.clock() - began)

    def _folder(self, site: Site) -> Path:
        return self.state / "cloud" / site.name


def _machines(wanted: Iterable[Wanted]) -> list[Wanted]:
    return [each for each in wanted if each.ref.kind == "machine"]


def _host(wanted: Wanted, variables: Mapping[str, Any], known: Known) -> NewHost:
    assert wanted.host is not None
    own = dict(wanted.host.variables)
    if volumes := own.get("machine_volumes"):
        own["machine_volumes"] = [{**each, "device": _device(volume_ref(wanted.ref.name, each["name"]), known)}
                                  for each in volumes]
    return NewHost(wanted.ref.name, wanted.host.groups, {**own, **variables})


def _device(volume: Ref, known: Known) -> str:
    """The volume's path on its host; of one that is still to be made, one that is not there."""
    found = known.get(volume)
    return str(found.more.get("device") if found else f"/dev/disk/by-id/not-made-yet-{volume.name}")


def _remembering(seen: Survey, outcome: Outcome, wanted: Wanted) -> Callable[[], None]:
    def remember() -> None:
        seen.providers[wanted.place].update(outcome.known[wanted.ref], wanted, ["keys"], outcome.known)

    return remember


def _shown(change: Change) -> PlannedChange:
    fields = tuple((each.name, each.before, each.after, each.effect) for each in change.fields
                   if change.action != "create" or (each.after and each.name not in _DIGESTS))
    return PlannedChange(change.action, SIGNS[change.action], str(change.ref), change.place.provider, fields,
                         change.notes)


def _resource(site: str, wanted: Wanted, key: bytes) -> Resource:
    declared = json.dumps([str(wanted.place), wanted.fields], sort_keys=True, default=str)
    wants = hashlib.blake2b(declared.encode(), key=key, digest_size=16)
    return Resource(site, "machines", str(wanted.ref), wants.hexdigest())


def _question(site: Site, plan: Plan) -> str:
    number = len(plan.changes)
    verb = "Delete" if plan.count("delete") == number else "Make"
    what = f"{number} resource{'s' if number > 1 else ''}" if verb == "Delete" else (
        f"{'these' if number > 1 else 'this'} {number} change{'s' if number > 1 else ''} to the machines")
    return f"{verb} {what} of the site {site.name}?"


def _refuse_problems(plan: Plan) -> None:
    if plan.problems:
        raise Impossible([Diagnostic("These machines can't be made", problem.message, problem.span, problem.hint)
                          for problem in plan.problems])


def _refuse_failures(outcome: Outcome) -> None:
    if outcome.failed:
        items = [Diagnostic(f"{ref} was not made as declared", error.message, hint=error.hint)
                 for ref, error in outcome.failed]
        items += [Diagnostic(f"{change.ref} was left as it is", "it needs what failed, or comes after it")
                  for change in outcome.left]
        raise Unfinished(items)
