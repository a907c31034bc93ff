"""Puts a release to work in the slot that is free and sends the requests there, without losing one.

`provisioner.remote.nextjs.release` has the steps. A release that does not stay well is taken back: the one before it
was running all the time.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from provisioner.remote.nextjs import envfile, lock, service, slots, switching
from provisioner.remote.nextjs.layout import SINGLE, Layout
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_switch",
    summary="Start a release of a Next.js app beside the one that runs, and send the requests there",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(required=True, doc="The app"),
        "release": Arg(required=True, doc="The release to run"),
        "build_id": Arg(doc="What must answer; known once there is a build"),
        "base_path": Arg(default="", doc="The app's `basePath`"),
        "units": Arg(type="dict", required=True, doc="Slot -> the text of its unit"),
        "env": Arg(type="dict", default={}, doc="Variables of the app"),
        "secrets": Arg(type="dict", default={}, secret=True, doc="Further ones that must not be shown"),
        "health": Arg(type="dict", required=True, doc="address, port, path, status, host, timeout"),
        "drain": Arg(type="float", default=3.0, doc="Seconds until the old slot may be stopped"),
        "watch": Arg(type="float", default=5.0, doc="Seconds the new one is watched once it gets requests"),
        "why": Arg(type="list", elements="str", default=[], doc="What has changed, for people"),
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    if ctx.check:
        live = slots.live(ctx, layout, slots.read_journal(ctx, layout))
        unit = layout.slot(slots.other(live))
        predictions: "List[Tuple[str, str, Mapping[str, Any]]]" = [
            ("service", unit.unit, {"state": "running", "enabled": True}),
            ("path", unit.unit_file, {"kind": "file"}),
        ]
        return Result(changed=True, diff=_difference(ctx, a, layout, live), release=a.release, why=a.why,
                      predictions=predictions)  # fmt: skip
    with lock.held(ctx, layout):
        journal = slots.read_journal(ctx, layout)
        found = _finish(ctx, layout, journal) if slots.is_interrupted(journal) else None
        live = slots.live(ctx, layout, slots.read_journal(ctx, layout))
        diff = _difference(ctx, a, layout, live)
        if live is None or not _is_right(ctx, a, layout, live):
            live = _release(ctx, a, layout, live)
    pid = service.show(ctx, layout.slot(live.slot).unit).get("MainPID", "0")
    return Result(changed=True, diff=diff, release=a.release, build_id=a.build_id, slot=live.slot, pid=int(pid),
                  why=[*a.why, *([found] if found else [])])  # fmt: skip


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
    slot = layout.slot(live.slot)
    found = service.show(ctx, slot.unit)
    return (
        live.slot != SINGLE
        and live.release == a.release
        and slots.linked(ctx, slot.link) == a.release
        and slots.linked(ctx, layout.current) == a.release
        and ctx.read_text(slot.unit_file) == a.units[live.slot]
        and ctx.read(slot.env_file) == _env(a)
        and found.get("ActiveState") == "active"
        and found.get("UnitFileState") == "enabled"
        and found.get("NeedDaemonReload") != "yes"
        and service.runs_in(ctx, found.get("MainPID", "")) == layout.release(a.release)
        and not any(slots.is_active(ctx, layout, other) for other in a.units if other != live.slot)
    )


def _release(ctx: Ctx, a: Arguments, layout: Layout, live: "Optional[Occupant]") -> Occupant:
    slot = slots.other(live)
    upstream = slots.upstream_of(a.units[slot])
    if upstream is None:
        raise ctx.fail("the unit for slot %s does not say where the app listens" % slot)
    if live is not None and live.upstream == upstream:
        raise ctx.fail("release %s would need port %d, which the running one has; change `ports` to two other ones"
                       % (a.release, slots.port_of(upstream)))  # fmt: skip
    new = Occupant(slot, a.release, upstream, a.build_id, a.base_path)
    journal = {"live": live.as_data() if live else None, "new": new.as_data(), "health": a.health, "drain": a.drain,
               "watch": a.watch}  # fmt: skip
    ended = switching.begin(ctx, layout, journal, switching.Order(a.units[slot], _env(a)))
    if ended.problem is None and not ended.stuck:
        return new
    told = "release %s is not healthy: %s" % (a.release, ended.problem)
    if ended.stuck:
        raise ctx.fail(told, release=a.release)
    if live is None:
        raise ctx.fail(told + "\nthere was no release before it, so the service was stopped", release=a.release)
    raise ctx.fail("%s\nwent back to release %s" % (told, live.release), release=a.release,
                   rolled_back_to=live.release)  # fmt: skip


def _env(a: Arguments) -> bytes:
    return envfile.render({**a.env, **a.secrets}).encode()


def _difference(ctx: Ctx, a: Arguments, layout: Layout, live: "Optional[Occupant]") -> "Optional[List[Dict[str, str]]]":
    """Between what is live and what will be: unit, env file (without secret values), release. Both units as they are
    in one slot: slot and port change with every release."""
    if not ctx.want_diff:
        return None
    target = slots.other(live)
    before, after = (layout.slot(live.slot) if live else None), layout.slot(target)
    same = a.units[live.slot] if live and live.slot in a.units else a.units[target]
    unit = ctx.read_text(before.unit_file) if before else None
    env = ctx.read_text(before.env_file) if before else None
    old_env, new_env = envfile.difference(env or "", envfile.render({**a.env, **a.secrets}), a.env)
    files = (
        (before.unit_file if before else after.unit_file, after.unit_file, unit or "", same),
        (before.env_file if before else after.env_file, after.env_file, old_env, new_env),
        (layout.current, layout.current, "%s in slot %s\n" % (live.release, live.slot) if live else "",
         "%s in slot %s\n" % (a.release, target)),
    )  # fmt: skip
    return [
        {"before_header": old, "after_header": new, "before": was, "after": becomes}
        for old, new, was, becomes in files
        if was != becomes
    ]
