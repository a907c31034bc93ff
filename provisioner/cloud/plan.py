"""The way from what there is to what is wanted: a pure function, and the list that is shown, saved and carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from provisioner.cloud.model import KINDS, Found, Kind, Place, Ref, Wanted, digest
from provisioner.cloud.provider import Effect
from provisioner.diag import Span, near

Action: TypeAlias = Literal["create", "update", "restart", "replace", "delete"]
Effects: TypeAlias = Mapping[str, Mapping[Kind, Mapping[str, Effect]]]
"""By provider: what a changed field takes."""

SIGNS: Final[Mapping[Action, str]] = {"create": "+", "update": "~", "restart": "~", "replace": "-/+", "delete": "-"}
_STRONGEST: Final[tuple[Effect, ...]] = ("later", "host", "update", "restart", "replace")
_FOLLOWS: Final = frozenset({"machine", "machines"})
"""Fields that name machines: where one of them is replaced, they have to be set again."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. before and after are JSON-like; for a resource to create before is None."""

    name: str
    before: Any
    after: Any
    effect: Effect


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan. wanted is None for a delete, found for a create. notes: words for people."""

    action: Action
    ref: Ref
    place: Place
    fields: tuple[FieldChange, ...] = ()
    wanted: Wanted | None = None
    found: Found | None = None
    notes: tuple[str, ...] = ()

    @property
    def calls(self) -> tuple[str, ...]:
        """The fields that the provider has to change."""
        return tuple(change.name for change in self.fields if change.effect not in ("host", "later"))

    @property
    def on_host(self) -> bool:
        """Whether something has to be done on the host itself; a new one is made as it shall be."""
        return self.action in ("update", "restart") and any(change.effect == "host" for change in self.fields)

    @property
    def forces(self) -> tuple[str, ...]:
        """The fields for which a new resource is needed."""
        return tuple(change.name for change in self.fields if change.effect == "replace")


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason not to carry out a plan, with what to do. span: where the resource is declared."""

    ref: Ref
    message: str
    hint: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they are made. kept: what is as it should be."""

    site: str
    changes: tuple[Change, ...] = ()
    kept: tuple[Found, ...] = ()
    problems: tuple[Problem, ...] = ()
    monthly: Decimal | None = None
    """US dollars a month of the machines that are wanted; None where the provider does not tell."""
    remarks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same changes to the same resources: what a saved plan is recognised by."""
        return digest([[change.action, change.ref.kind, change.ref.name, str(change.place),
                        change.found.id if change.found else "",
                        [[each.name, each.before, each.after] for each in change.fields]] for change in self.changes])

    def count(self, *actions: Action) -> int:
        return sum(change.action in actions for change in self.changes)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan may touch. targets: names of resources or of whole declarations, empty: everything. replace: machines
    that may be replaced. destroy: everything goes. groups: declaration -> the refs it gave."""

    targets: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()
    destroy: bool = False
    groups: Mapping[str, tuple[Ref, ...]] = field(default_factory=dict)


def plan(site: str, wanted: Sequence[Wanted], found: Sequence[Found], effects: Effects, scope: Scope = Scope()) -> Plan:
    """found: everything of the site, in all places that were ever used; what is not wanted is deleted."""
    there = {each.ref: each for each in found if each.status != "leaving"}
    declared = {} if scope.destroy else {each.ref: each for each in wanted}
    chosen, problems = _chosen(scope, declared, there)
    changes: list[Change] = []
    kept: list[Found] = []
    for each in sorted(declared.values(), key=lambda each: KINDS.index(each.ref.kind)):
        if each.ref not in chosen:
            continue
        present = there.get(each.ref)
        change = _compare(each, present, effects)
        if change is not None:
            changes.append(change)
        elif present is not None:
            kept.append(present)
    changes = _following(changes, declared, there, effects)
    gone = [each for ref, each in there.items() if ref not in declared and ref in chosen]
    gone.sort(key=lambda each: (-KINDS.index(each.ref.kind), each.ref.name))
    changes += [Change("delete", each.ref, each.place, found=each) for each in gone]
    problems += _doubles(found)
    problems += [problem for change in changes for problem in _refusals(change, scope)]
    renewed = {change.ref for change in changes}
    return Plan(site, tuple(changes), tuple(each for each in kept if each.ref not in renewed), tuple(problems))


def _chosen(scope: Scope, declared: Mapping[Ref, Wanted],
            there: Mapping[Ref, Found]) -> tuple[frozenset[Ref], list[Problem]]:
    """The refs that may be touched: the targets with all they need."""
    everything = frozenset((*declared, *there))
    if not scope.targets:
        return everything, []
    found: set[Ref] = set()
    problems = []
    for name in sorted(scope.targets):
        mine = {ref for ref in everything if name in (ref.name, str(ref))} | set(scope.groups.get(name, ()))
        if not mine:
            known = sorted({*(ref.name for ref in everything), *scope.groups})
            problems.append(Problem(Ref("machine", name), f"--target {name} names nothing of this site",
                                    near(name, known) or f"there are: {', '.join(known)}"))
        found |= mine
    waiting = list(found)
    while waiting:
        each = declared.get(waiting.pop())
        more = set(each.needs if each else ()) - found
        found |= more
        waiting += more
    return frozenset(found), problems


def _compare(wanted: Wanted, found: Found | None, effects: Effects) -> Change | None:
    known = effects[wanted.place.provider].get(wanted.ref.kind, {})
    if found is None:
        fresh = (FieldChange(name, None, value, known[name]) for name, value in wanted.fields.items()
                 if name in known and value is not None)
        return Change("create", wanted.ref, wanted.place, tuple(fresh), wanted)
    fields = tuple(FieldChange(name, found.fields.get(name), value, known[name])
                   for name, value in wanted.fields.items()
                   if name in known and value is not None and found.fields.get(name) != value)
    if (found.place.provider, found.place.region) != (wanted.place.provider, wanted.place.region):
        fields = (FieldChange("place", str(found.place), str(wanted.place), "replace"), *fields)
    if not fields:
        return None
    strongest = max((change.effect for change in fields), key=_STRONGEST.index)
    action: Action = strongest if strongest in ("restart", "replace") else "update"
    return Change(action, wanted.ref, wanted.place, fields, wanted, found, tuple(_notes(fields)))


def _notes(fields: Iterable[FieldChange]) -> Iterator[str]:
    for change in fields:
        if change.effect == "later":
            yield f"{change.name}: only machines made from now on get it"
        elif change.effect == "host":
            yield f"{change.name}: changed on the host itself, over SSH"
        elif change.effect == "restart":
            yield f"{change.name}: the machine is stopped, changed and started"


def _following(changes: list[Change], declared: Mapping[Ref, Wanted], there: Mapping[Ref, Found],
               effects: Effects) -> list[Change]:
    """With what points at machines that are replaced: it is set again, after them."""
    replaced = {change.ref for change in changes if change.action == "replace"}
    changed = {change.ref for change in changes}
    for ref, each in declared.items():
        present = there.get(ref)
        if ref in changed or present is None or not replaced & set(each.needs):
            continue
        known = effects[each.place.provider].get(ref.kind, {})
        fields = tuple(FieldChange(name, value, value, "update") for name, value in each.fields.items()
                       if name in _FOLLOWS and name in known)
        if fields:
            names = ", ".join(need.name for need in each.needs if need in replaced)
            changes.append(Change("update", ref, each.place, fields, each, present, (f"follows the new {names}",)))
    return sorted(changes, key=lambda change: KINDS.index(change.ref.kind))


def _refusals(change: Change, scope: Scope) -> Iterator[Problem]:
    span = change.wanted.span if change.wanted else None
    if change.action in ("delete", "replace") and change.found and change.found.fields.get("protected"):
        yield Problem(change.ref, f"{change.ref} is protected and would be {change.action}d",
                      "set `protected: false` for it, apply, and then try again", span)
    if change.action == "replace" and change.ref.kind == "machine" and change.ref.name not in scope.replace:
        forced = ", ".join(change.forces)
        yield Problem(change.ref, f"{change.ref} can get another {forced} only by being replaced: all it holds is lost",
                      f"say so with `--replace {change.ref.name}`, or undo the change", span)


def _doubles(found: Sequence[Found]) -> Iterator[Problem]:
    seen: dict[Ref, Found] = {}
    for each in found:
        if each.status == "leaving":
            continue
        first = seen.setdefault(each.ref, each)
        if first is not each:
            yield Problem(each.ref, f"{each.ref} exists twice: {first.id} and {each.id}",
                          "two runs made it at once: delete one of them at the provider")
