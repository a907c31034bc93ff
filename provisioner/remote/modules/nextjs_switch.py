"""Puts a release to work in the slot that is free and sends the requests there, without losing one.

`provisioner.remote.nextjs.release` has the steps. A release that does not stay well is taken back: the one before it
was running all the time.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from provisioner.remote.nextjs import (
    credentials,
    lanes,
    links,
    lock,
    records,
    recovery,
    service,
    slots,
    start,
    switching,
)
from provisioner.remote.nextjs.layout import SINGLE, SLOTS, Layout, unit_file
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_switch",
    summary="Start a release of a Next.js app beside the one that runs, and send the requests there",
    check="predict",
    identity=("name",),
    args={
        **start.ARGS,
        "deployment": Arg(doc="What requests of its pages call it"),
        "units": Arg(type="dict", required=True, doc="Slot -> the texts of its units, one for each instance"),
        "drain": Arg(type="float", default=3.0, doc="Seconds until the old slot may be stopped"),
        "watch": Arg(type="float", default=5.0, doc="Seconds the new one is watched once it gets requests"),
        "keep": Arg(default="stop", choices=("stop", "run", "route"), doc="What happens to the old slot"),
        "recovery": Arg(type="content", doc="The program that ends an interrupted release at boot"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    if ctx.check:
        return _predicted(ctx, a, layout)
    with lock.held(ctx, layout):
        journal = slots.read_journal(ctx, layout)
        found = _finish(ctx, layout, journal) if slots.is_interrupted(journal) else None
        if a.recovery:
            recovery.install(ctx, layout, a.recovery)
        journal = slots.read_journal(ctx, layout)
        live = slots.live(ctx, layout, journal)
        diff = _difference(ctx, a, layout, live)
        if live is None or a.how == "restart" or not _is_right(ctx, a, layout, live):
            live = _release(ctx, a, layout, live, journal)
    pid = service.show(ctx, layout.unit_of(live.slot)).get("MainPID", "0")
    return Result(changed=True, diff=diff, release=a.release, build_id=a.build_id, slot=live.slot, pid=int(pid),
                  why=[*a.why, *([found] if found else [])])  # fmt: skip


def _predicted(ctx: Ctx, a: Arguments, layout: Layout) -> Result:
    journal = slots.read_journal(ctx, layout)
    live = slots.live(ctx, layout, journal)
    slot = slots.free(live, slots.warm(journal))
    units = [layout.unit_of(slot, number + 1) for number in range(len(a.units[slot]))]
    predictions: "List[Tuple[str, str, Mapping[str, Any]]]" = [
        *(("service", unit, {"state": "running", "enabled": True}) for unit in units),
        *(("path", unit_file(unit), {"kind": "file"}) for unit in units),
    ]
    return Result(changed=True, diff=_difference(ctx, a, layout, live), release=a.release, why=a.why,
                  predictions=predictions)  # fmt: skip


def _finish(ctx: Ctx, layout: Layout, journal: "Dict[str, Any]") -> str:
    """End what an interrupted run began."""
    new = slots.occupant(journal.get("new"))
    name = new.release if new else None
    ended = switching.resume(ctx, layout, journal)
    if ended.stuck:
        raise ctx.fail("release %s was interrupted and can't be ended: %s" % (name, ended.problem))
    live = slots.live(ctx, layout, slots.read_journal(ctx, layout))
    finished = live is not None and new is not None and live.slot == new.slot
    return "an interrupted release of %s was %s" % (name, "finished" if finished else "taken back")


def _is_right(ctx: Ctx, a: Arguments, layout: Layout, live: Occupant) -> bool:
    """After an interrupted release was finished it may be the one that is wanted; it is never so otherwise, or this
    would not have been called."""
    lane = lanes.opened(ctx, layout)
    return (
        live.slot != SINGLE
        and _is_made(ctx, a, layout, live)
        and links.followed(ctx, layout, live.slot) == a.release
        and lane is not None
        and lane.to == live.slot
        and _is_alone(ctx, a, layout, live)
    )


def _is_alone(ctx: Ctx, a: Arguments, layout: Layout, live: Occupant) -> bool:
    """Whether nothing runs beside it but the release before, where that is to go on in this very way."""
    journal = slots.read_journal(ctx, layout)
    warm = slots.warm(journal)
    kept = warm.slot if warm is not None and journal.get("kept") == a.keep else None
    return not any(slots.is_active(ctx, layout, slot) for slot in SLOTS if slot not in (live.slot, kept))


def _is_made(ctx: Ctx, a: Arguments, layout: Layout, found: Occupant) -> bool:
    """Whether the slot is made and runs as a new one would."""
    slot, units = layout.slot(found.slot), slots.units(ctx, layout, found.slot)
    return (
        found.release == a.release
        and slots.linked(ctx, slot.link) == a.release
        and [ctx.read_text(unit_file(unit)) for unit in units] == a.units[found.slot]
        and ctx.read(slot.env_file) == start.env_text(ctx, layout, a).encode()
        and credentials.are(ctx, slot.credentials, a.credentials)
        and all(_runs(ctx, unit, layout.release(a.release)) for unit in units)
    )


def _runs(ctx: Ctx, unit: str, release: str) -> bool:
    found = service.show(ctx, unit)
    return (
        found.get("ActiveState") == "active"
        and found.get("UnitFileState") == "enabled"
        and found.get("NeedDaemonReload") != "yes"
        and service.runs_in(ctx, found.get("MainPID", "")) == release
    )


def _release(ctx: Ctx, a: Arguments, layout: Layout, live: "Optional[Occupant]", journal: "Dict[str, Any]") -> Occupant:
    warm = slots.warm(journal)
    if warm is not None and live is not None and a.how != "restart" and _is_made(ctx, a, layout, warm):
        new, units = warm, {}
    else:
        new = _occupant(ctx, a, live, warm)
        units = {layout.unit_of(new.slot, number + 1): text for number, text in enumerate(a.units[new.slot])}
    records.keep(ctx, layout, records.of_start(ctx, layout, SPEC, a, live and live.release), pending=True)
    ended = switching.begin(
        ctx, layout,
        {"live": live.as_data() if live else None, "previous": journal.get("previous"),
         "kept": journal.get("kept", "stop"), "new": new.as_data(), "keep": a.keep, "health": a.health,
         "drain": a.drain, "watch": a.watch},
        switching.Order(units, start.env_text(ctx, layout, a).encode(), a.credentials),
    )  # fmt: skip
    if ended.problem is None and not ended.stuck:
        return new
    told = "release %s is not healthy: %s" % (a.release, ended.problem)
    if ended.stuck:
        raise ctx.fail(told, release=a.release)
    if live is None:
        raise ctx.fail(told + "\nthere was no release before it, so the service was stopped", release=a.release)
    raise ctx.fail("%s\nwent back to release %s" % (told, live.release), release=a.release,
                   rolled_back_to=live.release)  # fmt: skip


def _occupant(ctx: Ctx, a: Arguments, live: "Optional[Occupant]", warm: "Optional[Occupant]") -> Occupant:
    """The new release in a slot of its own, with ports that nobody of this app has."""
    slot = slots.free(live, warm)
    upstreams = slots.upstreams_of(a.units[slot])
    if len(upstreams) != len(a.units[slot]):
        raise ctx.fail("the unit for slot %s does not say where the app listens" % slot)
    for other in filter(None, (live, warm)):
        common = sorted(set(upstreams) & set(other.upstreams))
        if common:
            raise ctx.fail("release %s would need port %d, which the running one has; change `port` to another one"
                           % (a.release, slots.port_of(common[0])))  # fmt: skip
    return Occupant(slot, a.release, upstreams, a.build_id, a.base_path, a.deployment)


def _difference(ctx: Ctx, a: Arguments, layout: Layout, live: "Optional[Occupant]") -> "Optional[List[Dict[str, str]]]":
    """Between what is live and what will be: unit, env file and credentials (without secret values), release.
    Both units as they are in one slot: slot and port change with every release."""
    if not ctx.want_diff:
        return None
    target = slots.free(live, None)
    before, after = (layout.slot(live.slot) if live else None), layout.slot(target)
    same = a.units[live.slot][0] if live and live.slot in a.units else a.units[target][0]
    old_unit = unit_file(layout.unit_of(live.slot)) if live else unit_file(layout.unit_of(target))
    env = ctx.read_text(before.env_file) if before else None
    place = before or after
    return start.as_diff([
        (old_unit, unit_file(layout.unit_of(target)), (ctx.read_text(old_unit) or "") if live else "", same),
        (place.env_file, after.env_file, *start.env_difference(ctx, layout, a, env or "")),
        (place.credentials, after.credentials, *start.credential_difference(ctx, a, place.credentials)),
        (layout.current, layout.current, "%s in slot %s\n" % (live.release, live.slot) if live else "",
         "%s in slot %s\n" % (a.release, target)),
    ])  # fmt: skip
